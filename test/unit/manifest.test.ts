/** Manifests: one spelling, one signer, bounds. */
import { toHex } from "../../modules/bytes/hex.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { vouch, vouchedOf } from "../../modules/cose/vouched.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { type Manifest, openManifest, signManifest } from "../../modules/device/manifest.js";
import { EDDSA } from "../../modules/ports/crypto.js";
import { equal, test, throws } from "../harness.js";
import { FakeSignatures } from "../support/fake-signatures.js";
import { Release, releaseKey } from "../support/release.js";

const crypto = () => new TsCrypto(new FakeSignatures());
const SEED = new Uint8Array(32).fill(0x77);
const signer = () => new FakeSignatures().signer(SEED.slice());

function told(bytes: Uint8Array, key = releaseKey()): Manifest | string {
  const opened = openManifest(crypto(), bytes, key);
  return opened.ok ? opened.value : opened.drop;
}

test("a manifest is read as it was signed, with and without going back", () => {
  for (const replaces of [undefined, 0, 7]) {
    const { signed, manifest } = new Release({ replaces });
    equal(told(signed), manifest);
  }
});

test("only its signer's, and not with any bit changed", () => {
  const { signed } = new Release();
  equal(told(signed, new FakeSignatures().publicKey(new Uint8Array(32).fill(1))), "forged");
  equal(told(new Release({ seed: new Uint8Array(32).fill(5) }).signed), "forged");
  for (let at = 0; at < signed.length; at++) {
    const bad = signed.slice();
    bad[at] ^= 1;
    equal(typeof told(bad), "string", `byte ${at}: ${toHex(bad.subarray(at, at + 1))}`);
  }
});

/** The map of a good one, changed, and signed. */
function changed(change: (map: Map<Cbor, Cbor>) => void): Uint8Array {
  const decoded = decode(new Release().signed);
  const object = decoded.ok ? vouchedOf(decoded.value)?.object : undefined;
  const payload = decode(object?.content ?? new Uint8Array(0));
  if (!payload.ok || !(payload.value instanceof Map)) throw new Error("no manifest");
  change(payload.value);
  const bytes = encode(payload.value);
  return encode(vouch(crypto(), { voucher: { alg: EDDSA, signer: signer() }, payload: bytes }));
}

test("what no manifest can say is malformed, whoever signed it", () => {
  const set = (key: number, value: Cbor) => changed((map) => void map.set(key, value));
  equal(typeof told(set(2, 9)), "object", "the way they are made is right");
  const bad = [
    set(1, 2),
    set(2, -1),
    set(2, 0x100000000),
    set(2, 1.5),
    set(3, 0),
    set(3, 0x80000000),
    set(3, 256 * 8193),
    set(4, 32),
    set(4, 100),
    set(4, 2048),
    set(5, new Uint8Array(31)),
    set(6, "digest"),
    set(7, ""),
    set(8, "x".repeat(33)),
    set(9, -1),
    set(10, 1),
    changed((map) => void map.delete(6)),
    encode([1, 2, 3]),
    new Uint8Array(0),
  ];
  for (const [index, bytes] of bad.entries()) equal(told(bytes), "malformed", `case ${index}`);
  throws(() => new Release({ version: "" }), /no manifest/);
});

test("what is MACed with the public key as secret is none", () => {
  const { manifest } = new Release();
  const payload = encode(new Map([[1, 1]]));
  const secret = releaseKey();
  const bytes = encode(vouch(crypto(), { voucher: { alg: 5, secret }, payload }));
  equal(told(bytes), "forged");
  equal(typeof told(signManifest(crypto(), signer(), manifest)), "object");
});
