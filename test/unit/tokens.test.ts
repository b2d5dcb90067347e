/** Tokens and what they are made of: COSE objects, scope, claims (RFC 9052, RFC 8392, WIRE.md). */
import { type Claims, emitClaims, parseClaims } from "../../modules/access/claims.js";
import {
  emitScope,
  isWithin,
  levelIn,
  parseScope,
  RECEIVER,
  type Scope,
  SENDER,
} from "../../modules/access/scope.js";
import {
  issueToken,
  TOKEN_BYTES_MAX,
  type TokenRules,
  type TrustAnchor,
  verifyToken,
} from "../../modules/access/token.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { type Cbor, decode, Tagged } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { encStructure } from "../../modules/cose/encrypt.js";
import { envelopeKeyId, openEnvelope, sealEnvelope } from "../../modules/cose/envelope.js";
import { algorithmHeader } from "../../modules/cose/object.js";
import {
  HMAC_256_256,
  isVouched,
  type Voucher,
  vouch,
  vouchedData,
  vouchedOf,
} from "../../modules/cose/vouched.js";
import { AES_CCM_16_64_128, AES_CCM_16_128_128, EDDSA } from "../../modules/ports/crypto.js";
import { equal, test, throws } from "../harness.js";
import { providers } from "../support/providers.js";

const h = fromHex;
const CONTENT = utf8("This is the content.");
const SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const SECRET = "849b57219dae48de646d07dbb533566e976686457c1491be3a76dcea6c427188";

const [{ crypto }] = providers();
const { signatures } = crypto;
if (signatures === undefined) throw new Error("the suite's first provider signs");
const signer = signatures.signer(h(SEED));

const AS: TrustAnchor = {
  issuer: "as.example",
  kid: h("a5"),
  alg: EDDSA,
  publicKey: signer.publicKey,
};
const SHARED: TrustAnchor = {
  issuer: "as.example",
  kid: h("a6"),
  alg: HMAC_256_256,
  secret: h(SECRET),
};
const BY_AS: { voucher: Voucher; kid: Uint8Array } = {
  voucher: { alg: EDDSA, signer },
  kid: AS.kid,
};
const BY_SECRET: { voucher: Voucher; kid: Uint8Array } = {
  voucher: { alg: HMAC_256_256, secret: h(SECRET) },
  kid: SHARED.kid,
};

const SCOPE: Scope = [
  { appGroup: null, level: 3, roles: SENDER },
  { appGroup: 7, level: 2, roles: SENDER | RECEIVER },
];
const CLAIMS: Claims = {
  issuer: "as.example",
  subject: h("0105"),
  audience: "kdc.example",
  expiresAt: 1_800_000_000,
  issuedAt: 1_790_000_000,
  id: h("01"),
  confirmation: { kid: h("c0ffee") },
  scope: SCOPE,
};
const RULES: TokenRules = {
  anchors: [AS, SHARED],
  audience: "kdc.example",
  nowSeconds: 1_790_000_001,
};

// cose-wg/Examples eddsa-sig-01: ToBeSign_hex and the signature.
test("Sig_structure and signature of the COSE example", () => {
  const data = vouchedData({
    context: "Signature1",
    bodyProtected: h("a201270300"),
    payload: CONTENT,
  });
  equal(
    toHex(data),
    "846a5369676e61747572653145a2012703004054546869732069732074686520636f6e74656e742e",
  );
  equal(
    toHex(signer.sign(data)),
    "7142fd2ff96d56db85bee905a76ba1d0b7321a95c8c4d3607c5781932b7afb87" +
      "11497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef0d",
  );
});

// cose-wg/Examples HMac-enc-01: the whole tagged object, whose key has no name.
test("COSE_Mac0 of the COSE example", () => {
  const object = vouch(crypto, { voucher: BY_SECRET.voucher, payload: CONTENT });
  equal(
    toHex(encode(object)),
    "d18443a10105a054546869732069732074686520636f6e74656e742e5820" +
      "a1a848d3471f9d61ee49018d244c824772f223ad4f935293f1789fc3a08d8c58",
  );
});

test("a vouched object speaks for one key and its one algorithm", () => {
  for (const [voucher, anchor, other] of [
    [BY_AS.voucher, AS, SHARED],
    [BY_SECRET.voucher, SHARED, AS],
  ] as const) {
    const vouched = vouchedOf(vouch(crypto, { voucher, kid: h("01"), payload: CONTENT }));
    if (vouched === undefined) throw new Error("no object");
    equal(isVouched(crypto, vouched, anchor), true);
    equal(isVouched(crypto, vouched, other), false, "another key");
    equal(isVouched(crypto, { ...vouched, tag: 35 - vouched.tag }, anchor), false, "tag swapped");
    const claimed = { ...vouched.object, alg: other.alg };
    equal(isVouched(crypto, { tag: vouched.tag, object: claimed }, anchor), false, "algorithm");
    // The classic: a public key taken for the secret of a MAC.
    const secret = AS.alg === EDDSA ? AS.publicKey : h("");
    const posing = vouchedOf(
      vouch(crypto, { voucher: { alg: HMAC_256_256, secret }, payload: CONTENT }),
    );
    equal(posing && isVouched(crypto, posing, AS), false, "public key as secret");
  }
});

test("an object has one form: nothing more in its headers, nothing of another type", () => {
  const value = vouch(crypto, { voucher: BY_AS.voucher, kid: h("01"), payload: CONTENT });
  const items = value.value as Cbor[];
  const [header, unprotected, content, proof] = items;
  const is = (...changed: Cbor[]) => vouchedOf(new Tagged(value.tag, changed)) !== undefined;
  equal(is(header, unprotected, content, proof), true);
  equal(is(header, unprotected, content), false);
  equal(is(header, unprotected, content, proof, proof), false);
  equal(is(h("a1012700"), unprotected, content, proof), false);
  equal(is(h("a201270300"), unprotected, content, proof), false, "another protected label");
  equal(is(h("a10141aa"), unprotected, content, proof), false);
  equal(is(h("a0"), unprotected, content, proof), false);
  equal(is(header, new Map<Cbor, Cbor>([[1, -8]]), content, proof), false, "alg outside");
  equal(is(header, new Map<Cbor, Cbor>([[4, 1]]), content, proof), false);
  equal(is(header, new Map<Cbor, Cbor>([[5, h("00")]]), content, proof), false, "an IV");
  equal(is(header, [], content, proof), false);
  equal(is(header, unprotected, null, proof), false, "detached");
  equal(is(header, unprotected, content, null), false);
  equal(vouchedOf(new Tagged(16, items)), undefined);
  equal(vouchedOf(items), undefined);
});

test("scope: one encoding, and what it grants", () => {
  equal(toHex(emitScope(SCOPE)), "8283f603018307 0203".replace(" ", ""));
  equal(parseScope(emitScope([...SCOPE].reverse())), SCOPE);
  equal(levelIn(SCOPE, 7), 2);
  equal(levelIn(SCOPE, null), 3);
  equal(levelIn(SCOPE, 8), 0);
  equal(levelIn([{ appGroup: 7, level: 2, roles: RECEIVER }], 7), 0, "who only listens");
  for (const bad of [
    "80", // grants nothing
    "a0",
    "81f6",
    "8183070200", // no role
    "8183070204",
    "8183070603",
    "8183200203",
    "82830702038307 0103".replace(" ", ""), // a group twice
    "828307020383f60303", // the device last
    "81840702030 0".replace(" ", ""),
    "818307020300",
  ]) {
    equal(parseScope(h(bad)), undefined, bad);
  }
  throws(() => emitScope([]), /scope/);
});

test("scope: what lies within another", () => {
  const one = (level: 1 | 2 | 3, roles: number, appGroup: number | null = 7): Scope => [
    { appGroup, level, roles },
  ];
  equal(isWithin(one(2, SENDER), SCOPE), true);
  equal(isWithin(SCOPE, SCOPE), true);
  equal(isWithin(one(3, SENDER), SCOPE), false);
  equal(isWithin(one(2, SENDER, 8), SCOPE), false);
  equal(isWithin(one(1, RECEIVER, null), SCOPE), false);
});

test("claims: what is emitted is parsed, and nothing else", () => {
  const full: Claims = {
    ...CLAIMS,
    confirmation: { key: new Map<Cbor, Cbor>([[1, 4]]) },
    securityGroup: h("070001"),
    envelope: [h("a1010a"), new Map<Cbor, Cbor>(), h("00")],
  };
  for (const claims of [CLAIMS, full]) equal(parseClaims(emitClaims(claims)), claims);
  const map = (): Map<Cbor, Cbor> => {
    const decoded = decode(emitClaims(full));
    if (!decoded.ok || !(decoded.value instanceof Map)) throw new Error("claims");
    return decoded.value;
  };
  const changed = (label: number, value: Cbor) => parseClaims(encode(map().set(label, value)));
  equal(changed(6, 5)?.issuedAt, 5);
  for (const [label, value] of [
    [1, ""],
    [1, h("00")],
    [2, h("")],
    [2, h("0001")],
    [2, h("010203040506070809")],
    [2, "erikw"],
    [3, 1],
    [4, -1],
    [4, 1.5],
    [4, "1"],
    [6, -1],
    [6, 0.25],
    [7, h("")],
    [8, new Map<Cbor, Cbor>()],
    [8, new Map<Cbor, Cbor>([[2, h("00")]])],
    [
      8,
      new Map<Cbor, Cbor>([
        [1, new Map<Cbor, Cbor>()],
        [3, h("01")],
      ]),
    ],
    [9, h("80")],
    [9, []],
    [5, 1_790_000_000],
    [-70001, h("")],
    [-70002, h("00")],
    [-70009, 1],
  ] as [number, Cbor][]) {
    equal(changed(label, value), undefined, `${label}`);
  }
  for (const label of [1, 2, 3, 6, 7, 9]) {
    const without = map();
    without.delete(label);
    equal(parseClaims(encode(without)), undefined, `without ${label}`);
  }
});

test("a token is verified: signed and MACed", () => {
  for (const by of [BY_AS, BY_SECRET]) {
    const token = issueToken(crypto, { ...by, claims: CLAIMS });
    equal(toHex(token.subarray(0, 3)), by === BY_AS ? "d83dd2" : "d83dd1");
    equal(verifyToken(crypto, token, RULES), { ok: true, value: CLAIMS });
  }
});

function faultOf(token: Uint8Array, rules: Partial<TokenRules> = {}): string {
  const verdict = verifyToken(crypto, token, { ...RULES, ...rules });
  return verdict.ok ? "accepted" : verdict.fault;
}

test("each refusal of a token has its name", () => {
  const made = (claims: Partial<Claims>) =>
    issueToken(crypto, { ...BY_AS, claims: { ...CLAIMS, ...claims } });
  const token = made({});
  equal(faultOf(token, { audience: "other.example" }), "audience");
  equal(faultOf(token, { nowSeconds: 1_799_999_999 }), "accepted");
  equal(faultOf(token, { nowSeconds: 1_800_000_000 }), "expired");
  const { expiresAt: _, ...endless } = CLAIMS;
  const forever = issueToken(crypto, { ...BY_AS, claims: endless });
  equal(faultOf(forever), "accepted");
  equal(faultOf(forever, { mustExpire: true }), "endless");
  equal(faultOf(forever, { isTimeless: true }), "accepted");
  equal(faultOf(token, { isTimeless: true }), "timeless");
  equal(faultOf(token, { isTimeless: true, nowSeconds: 1_800_000_000 }), "expired");
  equal(faultOf(made({ issuer: "other.example" })), "untrusted", "his key, another's name");
  const named = { ...BY_AS, kid: h("a7") };
  equal(faultOf(issueToken(crypto, { ...named, claims: CLAIMS })), "untrusted");
  equal(faultOf(encode(h("0102"))), "reference");
  equal(faultOf(new Uint8Array(TOKEN_BYTES_MAX + 1)), "malformed");
  equal(faultOf(token.subarray(2)), "malformed", "without its tag");
  const retagged = token.slice();
  retagged[1] = 62;
  equal(faultOf(retagged), "malformed", "another tag");
  equal(faultOf(h("")), "malformed");
  const other = crypto.signatures?.signer(h(SECRET));
  if (other === undefined) throw new Error("no signer");
  const stranger = { voucher: { alg: EDDSA, signer: other } as const, kid: AS.kid };
  equal(faultOf(issueToken(crypto, { ...stranger, claims: CLAIMS })), "forged");
});

test("a token too long is refused before it is read", () => {
  const key = new Map<Cbor, Cbor>([[-1, new Uint8Array(TOKEN_BYTES_MAX)]]);
  const claims: Claims = { ...CLAIMS, confirmation: { key } };
  const long = encode(new Tagged(61, vouch(crypto, { ...BY_AS, payload: emitClaims(claims) })));
  equal(faultOf(long), "malformed");
  throws(() => issueToken(crypto, { ...BY_AS, claims }), /a token of/);
});

test("no bit of a token is free", () => {
  const token = issueToken(crypto, { ...BY_SECRET, claims: CLAIMS });
  for (let bit = 0; bit < token.length * 8; bit++) {
    const flipped = token.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    if (faultOf(flipped) === "accepted") throw new Error(`bit ${bit} makes no difference`);
  }
});

test("an envelope opens under its key, for what it was made for", () => {
  const key = () => crypto.aeadKey(AES_CCM_16_64_128, h("000102030405060708090a0b0c0d0e0f"));
  const nonce = h("000000000000000000000000a1");
  const plain = utf8("a key");
  const externalAad = h("0105");
  const sealed = sealEnvelope({ under: { kid: h("4b"), key: key() }, nonce, plain, externalAad });
  equal(toHex(envelopeKeyId(sealed) ?? h("")), "4b");
  equal(openEnvelope(sealed, { key: key(), externalAad }), plain);
  equal(openEnvelope(sealed, { key: key(), externalAad: h("0106") }), undefined, "another member");
  const [header, unprotected, content] = sealed as Cbor[];
  equal(
    openEnvelope([header, unprotected, content, h("00")], { key: key(), externalAad }),
    undefined,
  );
  // A whole envelope but for one thing: another algorithm, a shorter nonce.
  const other = algorithmHeader(AES_CCM_16_128_128);
  const aad = encStructure({ context: "Encrypt0", protectedHeader: other, externalAad });
  const claimed = [other, unprotected, key().seal({ nonce, aad, plain })];
  equal(openEnvelope(claimed, { key: key(), externalAad }), undefined, "algorithm");
  const short = new Map<Cbor, Cbor>([
    [4, h("4b")],
    [5, h("000000000000a1")],
  ]);
  const opensAll = { open: () => plain, seal: () => plain };
  equal(openEnvelope([header, short, content], { key: opensAll, externalAad }), undefined);
  const cut = new Map<Cbor, Cbor>([[4, h("4b")]]);
  equal(openEnvelope([header, cut, content], { key: key(), externalAad }), undefined);
  throws(() =>
    sealEnvelope({ under: { kid: h("4b"), key: key() }, nonce: h("00"), plain, externalAad }),
  );
});
