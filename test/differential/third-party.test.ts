/**
 * Answers that others published, where the shared folder has them ($LUMICAST_VECTORS, else
 * ../shared/vectors beside the repository): all of Wycheproof's AES-CCM with 128-bit keys, HMAC and
 * HKDF; the CBOR examples; the COSE examples for AES-CCM.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { type Cbor, decode, Tagged } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { encStructure } from "../../modules/cose/encrypt.js";
import { ALG, IV } from "../../modules/cose/headers.js";
import { Aes128, AesTables } from "../../modules/crypto/aes.js";
import { CcmKey } from "../../modules/crypto/ccm.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { lacks, thirdPartyVectors } from "../support/skip.js";

const folder = thirdPartyVectors;
const skip = lacks("third-party vectors");
const crypto = new TsCrypto();

function read(path: string): unknown {
  return JSON.parse(readFileSync(join(folder, path), "utf8"));
}

interface CcmVector {
  readonly tcId: number;
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
  readonly result: string;
}

interface Groups<Vector> {
  readonly testGroups: readonly {
    readonly ivSize?: number;
    readonly keySize?: number;
    readonly tagSize?: number;
    readonly tests: readonly Vector[];
  }[];
}

test("Wycheproof AES-CCM, 128-bit keys, every size RFC 3610 allows", { skip }, () => {
  const file = read("wycheproof/aes_ccm_test.json") as Groups<CcmVector>;
  const tables = new AesTables();
  let checked = 0;
  for (const { ivSize = 0, keySize, tagSize = 0, tests } of file.testGroups) {
    const [nonceBytes, tagBytes] = [ivSize / 8, tagSize / 8];
    if (keySize !== 128 || nonceBytes < 7 || nonceBytes > 13 || tagBytes < 4) continue;
    if (tagBytes % 2 !== 0) continue;
    for (const vector of tests) {
      const aes = new Aes128(tables, fromHex(vector.key));
      const key = new CcmKey(aes, { nonceBytes, tagBytes });
      const nonce = fromHex(vector.iv);
      const aad = fromHex(vector.aad);
      const plain = fromHex(vector.msg);
      const sealed = fromHex(vector.ct + vector.tag);
      const valid = vector.result === "valid";
      assert.deepEqual(key.open({ nonce, aad, sealed }), valid ? plain : undefined);
      if (valid) assert.deepEqual(key.seal({ nonce, aad, plain }), sealed, `${vector.tcId}`);
      checked++;
    }
  }
  assert.ok(checked > 150, `${checked}`);
});

test("Wycheproof HMAC-SHA-256", { skip }, () => {
  type Vector = { tcId: number; key: string; msg: string; tag: string; result: string };
  const file = read("wycheproof/hmac_sha256_test.json") as Groups<Vector>;
  for (const vector of file.testGroups.flatMap(({ tests }) => tests)) {
    const mac = toHex(crypto.hmac({ key: fromHex(vector.key), data: fromHex(vector.msg) }));
    const right = mac.startsWith(vector.tag);
    assert.equal(right, vector.result === "valid", `${vector.tcId}`);
  }
});

test("Wycheproof HKDF-SHA-256", { skip }, () => {
  type Vector = {
    tcId: number;
    ikm: string;
    salt: string;
    info: string;
    size: number;
    okm: string;
    result: string;
  };
  const file = read("wycheproof/hkdf_sha256_test.json") as Groups<Vector>;
  for (const vector of file.testGroups.flatMap(({ tests }) => tests)) {
    const derive = () =>
      crypto.hkdf({
        salt: fromHex(vector.salt),
        secret: fromHex(vector.ikm),
        info: fromHex(vector.info),
        length: vector.size,
      });
    if (vector.result === "invalid") assert.throws(derive, RangeError, `${vector.tcId}`);
    else assert.equal(toHex(derive()), vector.okm, `${vector.tcId}`);
  }
});

/** What RFC 8949 §4.2.1 rules out: the file marks it as not coming out as it went in. */
const NOT_DETERMINISTIC: readonly { readonly why: string; readonly starts: readonly string[] }[] = [
  // 83018202039f0405ff and two more hold theirs inside.
  { why: "indefinite length", starts: ["5f", "7f", "9f", "bf", "8301", "8261"] },
  { why: "a float that a shorter one holds", starts: ["fa7f", "faff", "fb7ff", "fbfff"] },
];

/** Deterministic, but beyond our limits (value.ts): 64 bits, and simple values without a name. */
const BEYOND = ["1bffffffffffffffff", "3bffffffffffffffff", "f0", "f818", "f8ff"];

interface CborExample {
  readonly hex: string;
  readonly roundtrip: boolean;
  readonly decoded?: unknown;
}

test("CBOR examples: each is refused, or comes out as it went in", { skip }, () => {
  const examples = read("cbor-test-vectors/appendix_a.json") as CborExample[];
  let accepted = 0;
  for (const { hex, roundtrip, decoded: expected } of examples) {
    const decoded = decode(fromHex(hex));
    assert.equal(decoded.ok, roundtrip && !BEYOND.includes(hex), hex);
    const ruledOut = NOT_DETERMINISTIC.filter(({ starts }) =>
      starts.some((s) => hex.startsWith(s)),
    );
    if (!roundtrip) assert.equal(ruledOut.length, 1, hex);
    if (!decoded.ok) continue;
    accepted++;
    assert.equal(toHex(encode(decoded.value)), hex);
    const { value } = decoded;
    if (typeof value === "string" || typeof value === "boolean") assert.equal(value, expected);
    if (typeof value === "number" && expected !== undefined) assert.equal(value, expected);
  }
  assert.ok(accepted >= 55, `${accepted}`);
});

test("COSE examples: AES-CCM with 128-bit keys and tags of 8 and 16", { skip }, () => {
  let opened = 0;
  for (const name of readdirSync(join(folder, "cose-wg-examples/aes-ccm-examples"))) {
    const example = read(`cose-wg-examples/aes-ccm-examples/${name}`) as {
      input: { plaintext: string };
      intermediates: { AAD_hex: string; CEK_hex: string };
      output: { cbor: string };
    };
    const raw = fromHex(example.intermediates.CEK_hex);
    const object = decode(fromHex(example.output.cbor));
    assert.ok(object.ok && object.value instanceof Tagged, name);
    const [protectedHeader, unprotected, sealed] = object.value.value as [
      Uint8Array,
      Map<Cbor, Cbor>,
      Uint8Array,
    ];
    const context = object.value.tag === 16 ? "Encrypt0" : "Encrypt";
    const aad = encStructure({ context, protectedHeader, externalAad: new Uint8Array(0) });
    assert.equal(toHex(aad), example.intermediates.AAD_hex.toLowerCase(), name);
    const header = decode(protectedHeader);
    assert.ok(header.ok && header.value instanceof Map);
    const algorithm = header.value.get(ALG) as number;
    if (![10, 12, 30].includes(algorithm)) continue;
    const nonce = unprotected.get(IV) as Uint8Array;
    const plain = crypto.aeadKey(algorithm, raw).open({ nonce, aad, sealed });
    assert.deepEqual(plain, utf8(example.input.plaintext), name);
    opened++;
  }
  assert.equal(opened, 6);
});
