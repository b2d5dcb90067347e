/**
 * Signatures and MACs that others published (third-party.test.ts says where they lie): Wycheproof's
 * Ed25519 and X25519, ed25519-speccheck, and the COSE examples for EdDSA, HMAC and
 * countersignatures. The native provider goes through the first of them in test/headless.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { x25519 } from "@noble/curves/ed25519.js";
import { Decoder, Tag } from "cbor-x";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { encode } from "../../modules/cbor/encode.js";
import { countersignData } from "../../modules/cose/countersign.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { lacks, thirdPartyVectors } from "../support/skip.js";
import { type SpeccheckCase, VERDICTS } from "../support/verdicts.js";

const skip = lacks("third-party vectors");
const crypto = new TsCrypto();
const signatures = new NobleSignatures();
const NONE = new Uint8Array(0);

function read(path: string): unknown {
  return JSON.parse(readFileSync(join(thirdPartyVectors, path), "utf8"));
}

interface Wycheproof<Group> {
  readonly numberOfTests: number;
  readonly testGroups: readonly Group[];
}

test("Wycheproof Ed25519: every verdict", { skip }, () => {
  const file = read("wycheproof/ed25519_test.json") as Wycheproof<{
    publicKey: { pk: string };
    tests: { tcId: number; msg: string; sig: string; result: string }[];
  }>;
  let checked = 0;
  for (const { publicKey: key, tests } of file.testGroups) {
    const publicKey = fromHex(key.pk);
    assert.equal(signatures.isPublicKey(publicKey), true);
    for (const { tcId, msg, sig, result } of tests) {
      const input = { data: fromHex(msg), signature: fromHex(sig), publicKey };
      assert.equal(signatures.verify(input), result === "valid", `${tcId}`);
      checked++;
    }
  }
  assert.equal(checked, file.numberOfTests);
});

/**
 * What `agree` stands on: its own keys come from Ed25519, so it cannot be asked for these. A secret
 * of zeros is refused; the rest of what Wycheproof calls acceptable (twist, y of p or more) never
 * comes from a key that isPublicKey admits.
 */
test("Wycheproof X25519: every secret, and none of zeros", { skip }, () => {
  const file = read("wycheproof/x25519_test.json") as Wycheproof<{
    tests: { tcId: number; public: string; private: string; shared: string; flags: string[] }[];
  }>;
  for (const { tests } of file.testGroups) {
    for (const { tcId, public: peer, private: own, shared, flags } of tests) {
      const agree = () => x25519.getSharedSecret(fromHex(own), fromHex(peer));
      if (flags.includes("ZeroSharedSecret")) assert.throws(agree, `${tcId}`);
      else assert.equal(toHex(agree()), shared, `${tcId}`);
    }
  }
});

test("ed25519-speccheck: the agreed verdicts", { skip }, () => {
  const cases = read("ed25519-speccheck/cases.json") as SpeccheckCase[];
  const got = cases.map(({ message, pub_key, signature }) =>
    signatures.verify({
      data: fromHex(message),
      signature: fromHex(signature),
      publicKey: fromHex(pub_key),
    }),
  );
  const agreed = VERDICTS.map(({ verdict }) => verdict);
  assert.deepEqual(got, agreed);
});

interface Example {
  readonly input: unknown;
  readonly intermediates: {
    readonly ToMac_hex?: string;
    readonly ToBeSign_hex?: string;
    readonly CEK_hex?: string;
    readonly signers?: readonly { readonly ToBeSign_hex: string }[];
  };
  readonly output: { readonly cbor: string };
}

/** cbor-x reads what ours refuses: these examples do not sort their headers. */
const cbor = new Decoder({ mapsAsObjects: false });
const bytes = (value: unknown) => new Uint8Array(value as Uint8Array);

function examples(folder: string): [string, Example, unknown[]][] {
  const names = readdirSync(join(thirdPartyVectors, "cose-wg-examples", folder)).sort();
  return names.map((name) => {
    const example = read(`cose-wg-examples/${folder}/${name}`) as Example;
    const object = cbor.decode(fromHex(example.output.cbor.toLowerCase())) as Tag | unknown[];
    return [name, example, (object instanceof Tag ? object.value : object) as unknown[]];
  });
}

/** The signer's key: each example has one only. */
function publicKeyOf({ input }: Example): Uint8Array {
  return fromHex(/"x_hex":"([0-9a-f]+)"/.exec(JSON.stringify(input))?.[1] ?? "");
}

test("COSE examples: EdDSA with Ed25519", { skip }, () => {
  let verified = 0;
  for (const [name, example, object] of examples("eddsa-examples")) {
    const publicKey = publicKeyOf(example);
    if (publicKey.length !== 32) continue; // Ed448
    const [body, , payload, last] = object;
    const [signer] = Array.isArray(last) ? (last as unknown[][]) : [];
    const signed =
      signer === undefined
        ? encode(["Signature1", bytes(body), NONE, bytes(payload)])
        : encode(["Signature", bytes(body), bytes(signer[0]), NONE, bytes(payload)]);
    const { ToBeSign_hex, signers } = example.intermediates;
    const expected = ToBeSign_hex ?? signers?.[0].ToBeSign_hex;
    assert.equal(toHex(signed), expected?.toLowerCase(), name);
    const signature = bytes(signer === undefined ? last : signer[2]);
    assert.equal(signatures.verify({ data: signed, signature, publicKey }), true, name);
    verified++;
  }
  assert.equal(verified, 2);
});

/** Items of the form [protected, unprotected, bytes, ...] that bear a countersignature, label 9. */
function countersigned(item: unknown): unknown[][] {
  if (!Array.isArray(item)) return [];
  const inner = item.flatMap(countersigned);
  return item[1] instanceof Map && item[1].has(9) ? [item, ...inner] : inner;
}

/**
 * All eight verify over the five elements that WIRE.md uses. mac0-01 publishes, as bytes to be
 * signed, the full form with its own header; its signature is over the short form, like mac-01's.
 */
test("COSE examples: countersignatures in the short form", { skip }, () => {
  let verified = 0;
  for (const [name, example, object] of examples("countersign1")) {
    const [found] = countersigned(object);
    assert.ok(found !== undefined, name);
    const [body, headers, payload] = found;
    const data = countersignData({
      context: "CounterSignature0",
      bodyProtected: bytes(body),
      signProtected: NONE,
      externalAad: NONE,
      payload: bytes(payload),
    });
    const published = /"countersign0":\[\{"ToBeSign_hex":"([0-9A-F]+)"/.exec(
      JSON.stringify(example.intermediates),
    )?.[1];
    if (published !== undefined && name !== "mac0-01.json") {
      assert.equal(toHex(data), published.toLowerCase(), name);
    }
    const signature = bytes((headers as Map<number, unknown>).get(9));
    const publicKey = publicKeyOf(example);
    assert.equal(signatures.verify({ data, signature, publicKey }), true, name);
    verified++;
  }
  assert.equal(verified, 8);
});

/** RFC 9053 §3.1: HMAC 256/64 and HMAC 256/256; the others take a hash that nothing here uses. */
const MAC_BYTES: ReadonlyMap<number, number> = new Map([
  [4, 8],
  [5, 32],
]);

test("COSE examples: HMAC with SHA-256", { skip }, () => {
  let checked = 0;
  for (const [name, { intermediates }, object] of examples("hmac-examples")) {
    const [header, , payload, tag] = object;
    const algorithm = (cbor.decode(bytes(header)) as Map<number, number>).get(1) as number;
    const size = MAC_BYTES.get(algorithm);
    if (size === undefined) continue;
    const context = object.length === 4 ? "MAC0" : "MAC";
    const data = encode([context, bytes(header), NONE, bytes(payload)]);
    assert.equal(toHex(data), intermediates.ToMac_hex?.toLowerCase(), name);
    const mac = crypto.hmac({ key: fromHex(intermediates.CEK_hex?.toLowerCase() ?? ""), data });
    const right = toHex(mac.slice(0, size)) === toHex(bytes(tag));
    // The fourth of each form is published with a wrong tag.
    assert.equal(right, !name.includes("-04"), name);
    checked++;
  }
  assert.equal(checked, 6);
});
