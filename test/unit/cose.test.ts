import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { decode, Tagged } from "../../modules/cbor/decode.js";
import { encStructure } from "../../modules/cose/encrypt.js";
import { ALG, IV, TAG_ENCRYPT0 } from "../../modules/cose/headers.js";
import { emitKey, parseKey } from "../../modules/cose/key.js";
import { equal, test } from "../harness.js";
import { providers } from "../support/providers.js";

const h = fromHex;
const NONE = new Uint8Array(0);
const MALFORMED = { ok: false, drop: "malformed" };

// cose-wg/Examples aes-ccm-examples: 01 (with recipients) and ENC-01, their AAD_hex.
test("Enc_structure of the COSE examples", () => {
  const input = { protectedHeader: h("a1010a"), externalAad: NONE };
  equal(toHex(encStructure({ ...input, context: "Encrypt0" })), "8368456e63727970743043a1010a40");
  equal(toHex(encStructure({ ...input, context: "Encrypt" })), "8367456e637279707443a1010a40");
});

// RFC 8613 Appendix C.4: external_aad and AAD.
test("Enc_structure of RFC 8613 C.4", () => {
  const aad = encStructure({
    context: "Encrypt0",
    protectedHeader: NONE,
    externalAad: h("8501810a40411440"),
  });
  equal(toHex(aad), "8368456e63727970743040488501810a40411440");
});

test("a long external_aad gets a longer head", () => {
  const externalAad = new Uint8Array(300).fill(7);
  const aad = encStructure({ context: "Encrypt0", protectedHeader: NONE, externalAad });
  equal(decode(aad), { ok: true, value: ["Encrypt0", NONE, externalAad] });
});

// cose-wg/Examples aes-ccm-enc-01.json: the whole COSE_Encrypt0, tagged.
test("the COSE_Encrypt0 example opens", () => {
  const object = h(
    "d08343a1010aa1054d89f52f65a1c580933b5261a72f581c" +
      "6899da0a132bd2d2b9b10915743ee1f7b92a4680e7c51bdbc1b320ea",
  );
  const decoded = decode(object);
  const tagged = decoded.ok ? decoded.value : undefined;
  if (!(tagged instanceof Tagged) || !Array.isArray(tagged.value)) throw new Error("not tagged");
  equal(tagged.tag, TAG_ENCRYPT0);
  const [protectedHeader, unprotected, sealed] = tagged.value as [
    Uint8Array,
    Map<number, Uint8Array>,
    Uint8Array,
  ];
  const header = decode(protectedHeader);
  const algorithm = header.ok && (header.value as Map<number, number>).get(ALG);
  const aad = encStructure({ context: "Encrypt0", protectedHeader, externalAad: NONE });
  for (const { crypto } of providers()) {
    const key = crypto.aeadKey(algorithm as number, h("849b57219dae48de646d07dbb533566e"));
    const nonce = unprotected.get(IV) as Uint8Array;
    equal(key.open({ nonce, aad, sealed }), utf8("This is the content."));
  }
});

test("a symmetric COSE_Key, both ways", () => {
  // RFC 9052 §7 and RFC 9053 §6.2: {1: 4, 2: h'07', 3: 10, -1: h'…'}
  const full = { k: h("000102030405060708090a0b0c0d0e0f"), kid: h("07"), alg: 10 };
  const hex = "a4010402410703" + "0a2050000102030405060708090a0b0c0d0e0f";
  equal(toHex(emitKey(full)), hex);
  equal(parseKey(h(hex)), { ok: true, value: full });
  const bare = { k: h("ff"), kid: undefined, alg: undefined };
  equal(toHex(emitKey(bare)), "a201042041ff");
  equal(parseKey(h("a201042041ff")), { ok: true, value: bare });
});

test("a COSE_Key of another type is refused", () => {
  equal(parseKey(h("a201022041ff")), MALFORMED);
  equal(parseKey(h("a12041ff")), MALFORMED);
});

test("a COSE_Key with a parameter too many is refused", () => {
  equal(parseKey(h("a3010404812041ff")), MALFORMED);
  equal(parseKey(h("a30104040a2041ff")), MALFORMED);
});

test("a COSE_Key without key bytes, or with values of the wrong kind, is refused", () => {
  for (const hex of ["a10104", "a201042040", "a2010420f6", "a30104024" + "10720f6"]) {
    equal(parseKey(h(hex)), MALFORMED, hex);
  }
  for (const hex of ["80", "", "a3010402072041ff", "a3010403f93e002041ff", "a301040361612041ff"]) {
    equal(parseKey(h(hex)), MALFORMED, hex);
  }
});
