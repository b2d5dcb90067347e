/** What an authority computes with: OpenSSL, and what is kept so that it computes less. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Chance } from "../../hosts/authority/chance.js";
import { NodeCrypto } from "../../hosts/authority/crypto.js";
import { toHex } from "../../modules/bytes/hex.js";

test("a signature that was seen to hold, holds for nothing else", () => {
  const { signatures } = new NodeCrypto();
  const signer = signatures.signer(new Uint8Array(32).fill(7));
  const other = signatures.signer(new Uint8Array(32).fill(8));
  const data = Uint8Array.of(1, 2, 3);
  const signature = signer.sign(data);
  const { publicKey } = signer;
  for (const verifier of [signatures, new NodeCrypto().signatures]) {
    for (let time = 0; time < 2; time++) {
      assert.ok(verifier.verify({ data, signature, publicKey }));
      assert.ok(!verifier.verify({ data: Uint8Array.of(1, 2, 4), signature, publicKey }));
      assert.ok(!verifier.verify({ data: Uint8Array.of(1, 2), signature, publicKey }));
      assert.ok(!verifier.verify({ data, signature, publicKey: other.publicKey }));
      const flipped = signature.slice();
      flipped[40] ^= 1;
      assert.ok(!verifier.verify({ data, signature: flipped, publicKey }));
      const joined = { data: data.subarray(1), publicKey: Uint8Array.of(...publicKey, 1) };
      assert.ok(!verifier.verify({ ...joined, signature }));
    }
  }
});

test("more signatures than are kept: each is still good", () => {
  const { signatures } = new NodeCrypto();
  const signer = signatures.signer(new Uint8Array(32).fill(7));
  const { publicKey } = signer;
  const dataOf = (at: number) => Uint8Array.of(at >> 8, at);
  const first = signer.sign(dataOf(0));
  for (let at = 1; at <= 8192; at++) signer.sign(dataOf(at));
  assert.ok(signatures.verify({ data: dataOf(0), signature: first, publicKey }));
});

test("chance: drawn by the page, no part of it twice", () => {
  const chance = new Chance();
  const seen = new Set<string>();
  for (const length of [16, 8, 256, 257, 5000, ...Array<number>(1000).fill(13)]) {
    const bytes = new Uint8Array(length);
    chance.fill(bytes);
    seen.add(toHex(bytes.subarray(-8)));
  }
  assert.equal(seen.size, 1005);
});
