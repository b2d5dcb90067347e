/**
 * The CWT examples of RFC 8392, Appendix A, as cose-wg published them (third-party.test.ts says
 * where they lie): signed, MACed, encrypted, and one in the other.
 *
 * Their claims are text where ours are ids, and they have claims we refuse, so it is the objects
 * that are judged here: what is signed, what is authenticated, what an envelope holds.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { p256 } from "@noble/curves/nist.js";
import { parseClaims } from "../../modules/access/claims.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { type Cbor, decode, Tagged } from "../../modules/cbor/decode.js";
import { openEnvelope } from "../../modules/cose/envelope.js";
import { vouchedData, vouchedOf } from "../../modules/cose/vouched.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { AES_CCM_16_64_128 } from "../../modules/ports/crypto.js";
import { lacks, thirdPartyVectors } from "../support/skip.js";

const skip = lacks("third-party vectors");
const crypto = new TsCrypto();
const NONE = new Uint8Array(0);

interface Example {
  readonly input: { readonly plaintext_hex: string };
  readonly intermediates: {
    readonly ToBeSign_hex?: string;
    readonly ToMac_hex?: string;
    readonly CEK_hex?: string;
  };
  readonly output: { readonly cbor: string };
}

function read(name: string): { example: Example; object: Cbor; text: string } {
  const path = join(thirdPartyVectors, "cose-wg-examples/CWT", `${name}.json`);
  const text = readFileSync(path, "utf8");
  const example = JSON.parse(text) as Example;
  const decoded = decode(hex(example.output.cbor));
  assert.ok(decoded.ok, name);
  return { example, object: decoded.value, text };
}

const hex = (text: string | undefined) => fromHex((text ?? "").toLowerCase());

test("A.3: what is signed, by ES256", { skip }, () => {
  const { example, object, text } = read("A_3");
  const vouched = vouchedOf(object);
  assert.ok(vouched?.object.proof);
  const { protectedHeader: bodyProtected, content: payload, proof } = vouched.object;
  const data = vouchedData({ context: "Signature1", bodyProtected, payload });
  assert.equal(toHex(data), example.intermediates.ToBeSign_hex?.toLowerCase());
  const coordinate = (name: string) => new RegExp(`"${name}_hex":"([0-9a-f]+)"`).exec(text)?.[1];
  const publicKey = fromHex(`04${coordinate("x")}${coordinate("y")}`);
  assert.equal(p256.verify(proof, data, publicKey, { lowS: false }), true);
});

test("A.4: what is MACed; half of HMAC 256/256", { skip }, () => {
  const { example, object } = read("A_4");
  const vouched = vouchedOf(object);
  assert.ok(vouched?.object.proof);
  const { protectedHeader: bodyProtected, content: payload, proof } = vouched.object;
  const data = vouchedData({ context: "MAC0", bodyProtected, payload });
  assert.equal(toHex(data), example.intermediates.ToMac_hex?.toLowerCase());
  const mac = crypto.hmac({ key: hex(example.intermediates.CEK_hex), data });
  assert.equal(toHex(mac.subarray(0, 8)), toHex(proof));
});

for (const name of ["A_5", "A_6"]) {
  test(`${name.replace("_", ".")}: what is in the envelope`, { skip }, () => {
    const { example, object } = read(name);
    assert.ok(object instanceof Tagged && object.tag === 16);
    const key = crypto.aeadKey(AES_CCM_16_64_128, hex(example.intermediates.CEK_hex));
    const plain = openEnvelope(object.value, { key, externalAad: NONE });
    assert.equal(plain && toHex(plain), example.input.plaintext_hex);
  });
}

test("their claims are not ours: nbf, and a subject that is text", { skip }, () => {
  const { example } = read("A_4");
  assert.equal(parseClaims(hex(example.input.plaintext_hex)), undefined);
});
