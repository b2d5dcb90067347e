import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { countersignData, eddsaHeader } from "../../modules/cose/countersign.js";
import { emitCountersigned, findCountersigned } from "../../modules/cose/countersigned.js";
import { equal, test, throws } from "../harness.js";

const h = fromHex;
const NONE = new Uint8Array(0);

// cose-wg/Examples countersign1, ToBeSign_hex: the signed bytes of every shape of body.
test("Sig_structure of the COSE countersignature examples", () => {
  const content = utf8("This is the content.");
  const short = {
    context: "CounterSignature0",
    signProtected: NONE,
    externalAad: NONE,
    payload: content,
  } as const;
  // Encrypt-01: over a COSE_Encrypt0.
  const encrypted = "60973a94bb2898009ee52ecfd9ab1dd25867374b162e2c03568b41f57c3cc16f9166250a";
  equal(
    toHex(countersignData({ ...short, bodyProtected: h("a10101"), payload: h(encrypted) })),
    `8571436f756e7465725369676e61747572653043a1010140405824${encrypted}`,
  );
  // signed1-01: over a COSE_Sign1.
  equal(
    toHex(countersignData({ ...short, bodyProtected: h("a201270300") })),
    "8571436f756e7465725369676e61747572653045a20127030040" +
      "4054546869732069732074686520636f6e74656e742e",
  );
  // Enveloped-02: over a recipient, with nothing in it.
  equal(
    toHex(countersignData({ ...short, bodyProtected: NONE, payload: NONE })),
    "8571436f756e7465725369676e61747572653040404040",
  );
  // mac0-01: the full form, as its intermediates have it.
  equal(
    toHex(
      countersignData({
        context: "CounterSignature",
        bodyProtected: h("a10105"),
        signProtected: eddsaHeader(),
        externalAad: NONE,
        payload: content,
      }),
    ),
    "8570436f756e7465725369676e617475726543a1010543a101274054" +
      "546869732069732074686520636f6e74656e742e",
  );
});

// test/vectors: derived.to_be_signed of the case "request-payload" of the three signing profiles.
test("Sig_structure of the shared vectors", () => {
  equal(
    toHex(
      countersignData({
        context: "CounterSignature",
        bodyProtected: h("a304484b65792330aabbcc0641053a000100004125"),
        signProtected: h("a10127"),
        externalAad: h("84014103410c70636f61703a2f2f5b666631353a3a315d"),
        payload: h("b2231836aaf96fc33cbdaa823888dcef2edf"),
      }),
    ),
    "8570436f756e7465725369676e617475726555a304484b65792330aabbcc0641053a00010000412543a10127" +
      "5784014103410c70636f61703a2f2f5b666631353a3a315d52b2231836aaf96fc33cbdaa823888dcef2edf",
    "oscoap-00",
  );
  equal(
    toHex(
      countersignData({
        context: "CounterSignature",
        bodyProtected: NONE,
        signProtected: h("a10127"),
        externalAad: h("86010a412541054344616c40"),
        payload: h("5add1e3c482f8a3316fdfc513ab50b7f05b5b992c234b7"),
      }),
    ),
    "8570436f756e7465725369676e61747572654043a101274c86010a412541054344616c40" +
      "575add1e3c482f8a3316fdfc513ab50b7f05b5b992c234b7",
    "multicast-oscore-04",
  );
  equal(
    toHex(
      countersignData({
        context: "CounterSignature0",
        bodyProtected: NONE,
        signProtected: NONE,
        externalAad: h("8501820a274125410540"),
        payload: h("d2bb0811fcd8b09ccff435fe65bf62f148163f14c11915"),
      }),
    ),
    "8571436f756e7465725369676e61747572653040404a8501820a274125410540" +
      "57d2bb0811fcd8b09ccff435fe65bf62f148163f14c11915",
    "group-oscore-02",
  );
});

test("the header of an EdDSA signer", () => {
  equal(toHex(eddsaHeader()), "a10127");
});

// test/vectors/oscoap-00.json, "request-no-payload": derived.cose.
const PROTECTED = "a304484b65792330aabbcc0641063a000100004125";
const SIGNATURE =
  "c71e594817947d8530a89c70e641c4ab19098f573171def752a3cea0750ab57b" +
  "2682b4b99e01a917ad8bf11b9892da3295f83e642abb1867af30ef9153693001";
const CIPHERTEXT = "bda28307745ac2f0f3d6";
const UNPROTECTED = `a1078343a10127a05840${SIGNATURE}`;
const OBJECT = `8355${PROTECTED}${UNPROTECTED}4a${CIPHERTEXT}`;

function isFound(hex: string): boolean {
  return findCountersigned(h(hex), 0, hex.length / 2) !== undefined;
}

test("a COSE_Encrypt0 with a counter signature, both ways and in place", () => {
  const parts = {
    protectedHeader: h(PROTECTED),
    signature: h(SIGNATURE),
    ciphertext: h(CIPHERTEXT),
  };
  equal(toHex(emitCountersigned(parts)), OBJECT);
  const within = h(`ffff${OBJECT}ff`);
  const found = findCountersigned(within, 2, within.length - 1);
  if (found === undefined) throw new Error("not found");
  const { protectedStart, signatureStart, ciphertextStart } = found;
  equal(within.subarray(protectedStart, found.protectedEnd), parts.protectedHeader);
  equal(within.subarray(signatureStart, found.signatureEnd), parts.signature);
  equal(within.subarray(ciphertextStart, found.ciphertextEnd), parts.ciphertext);
  throws(() => emitCountersigned({ ...parts, signature: h("00") }), /64 bytes/);
});

test("an array of three, no more and no fewer announced, no tag", () => {
  equal(isFound(`82${OBJECT.slice(2)}`), false);
  equal(isFound(`84${OBJECT.slice(2)}f6`), false);
  equal(isFound(`d0${OBJECT}`), false);
});

test("headers and ciphertext are byte strings, in the shortest form", () => {
  equal(isFound(`8375${OBJECT.slice(4)}`), false, "text");
  equal(isFound(`835815${OBJECT.slice(4)}`), false, "long length");
  equal(isFound(`8355${PROTECTED}${UNPROTECTED}6a${CIPHERTEXT}`), false, "text at the end");
});

test("nothing unprotected but one EdDSA counter signature", () => {
  for (const other of [
    "a0",
    `a1078343a10126a05840${SIGNATURE}`,
    `a1078343a10127a15840${SIGNATURE}`,
    `a1098343a10127a05840${SIGNATURE}`,
    `a2054100078343a10127a05840${SIGNATURE}`,
  ]) {
    equal(isFound(`8355${PROTECTED}${other}4a${CIPHERTEXT}`), false, other);
  }
});

test("an object cut anywhere, or with a byte behind it", () => {
  for (let length = 0; length < OBJECT.length; length += 2) {
    equal(isFound(OBJECT.slice(0, length)), false, `${length / 2} bytes`);
    // The bytes are there, beyond the end that was given.
    equal(findCountersigned(h(OBJECT), 0, length / 2), undefined, `${length / 2} bytes of more`);
  }
  equal(isFound(`${OBJECT}00`), false);
});
