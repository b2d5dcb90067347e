/** TypeScript AES, CCM, SHA-256, HMAC and HKDF against OpenSSL (node:crypto) and noble. */
import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync } from "node:crypto";
import { test } from "node:test";
import { ecb } from "@noble/ciphers/aes.js";
import fc from "fast-check";
import { Aes128, AesTables } from "../../modules/crypto/aes.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import {
  AES_128_CCM_8,
  AES_CCM_16_64_128,
  AES_CCM_16_128_128,
  AES_CCM_64_64_128,
} from "../../modules/ports/crypto.js";

const crypto = new TsCrypto();
const RUNS = { seed: 3610, numRuns: 1500 };
const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const upTo = (maxLength: number) => fc.uint8Array({ maxLength });

test("AES-128 blocks as noble's", () => {
  const tables = new AesTables();
  fc.assert(
    fc.property(exactly(16), exactly(16), (key, plain) => {
      const block = plain.slice();
      new Aes128(tables, key).encrypt(block);
      assert.deepEqual(block, ecb(key, { disablePadding: true }).encrypt(plain));
    }),
    RUNS,
  );
});

for (const [algorithm, nonceBytes, tagBytes] of [
  [AES_CCM_16_64_128, 13, 8],
  [AES_CCM_16_128_128, 13, 16],
  [AES_CCM_64_64_128, 7, 8],
  [AES_128_CCM_8, 12, 8],
] as const) {
  const input = fc.record({
    key: exactly(16),
    nonce: exactly(nonceBytes),
    aad: fc.oneof(upTo(40), upTo(600)),
    plain: fc.oneof(upTo(40), upTo(600)),
  });

  test(`AES-CCM algorithm ${algorithm} seals as OpenSSL`, () => {
    fc.assert(
      fc.property(input, ({ key, nonce, aad, plain }) => {
        const ours = crypto.aeadKey(algorithm, key.slice()).seal({ nonce, aad, plain });
        const cipher = createCipheriv("aes-128-ccm", key, nonce, { authTagLength: tagBytes });
        cipher.setAAD(aad, { plaintextLength: plain.length });
        const theirs = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
        assert.deepEqual(Buffer.from(ours), theirs);
      }),
      RUNS,
    );
  });

  test(`AES-CCM algorithm ${algorithm} opens, and refuses, as OpenSSL`, () => {
    fc.assert(
      fc.property(input, fc.nat(), fc.boolean(), ({ key, nonce, aad, plain }, at, damage) => {
        const ours = crypto.aeadKey(algorithm, key.slice());
        const sealed = ours.seal({ nonce, aad, plain });
        if (damage) sealed[at % sealed.length] ^= 1 << (at % 8);
        const cut = sealed.length - tagBytes;
        const theirs = createDecipheriv("aes-128-ccm", key, nonce, { authTagLength: tagBytes });
        theirs.setAuthTag(sealed.subarray(cut));
        theirs.setAAD(aad, { plaintextLength: cut });
        let expected: Uint8Array | undefined;
        try {
          expected = new Uint8Array(theirs.update(sealed.subarray(0, cut)));
          theirs.final();
        } catch {
          expected = undefined;
        }
        assert.equal(expected === undefined, damage);
        assert.deepEqual(ours.open({ nonce, aad, sealed }), expected);
      }),
      RUNS,
    );
  });
}

test("SHA-256 as OpenSSL, around every block border", () => {
  for (let length = 0; length < 200; length++) {
    const data = new Uint8Array(length).fill(length);
    assert.deepEqual(Buffer.from(crypto.sha256(data)), createHash("sha256").update(data).digest());
  }
  fc.assert(
    fc.property(upTo(1000), (data) => {
      const theirs = createHash("sha256").update(data).digest();
      assert.deepEqual(Buffer.from(crypto.sha256(data)), theirs);
    }),
    RUNS,
  );
});

// FIPS 180-2 appendix B.3: a million times "a".
test("SHA-256 of a long message", () => {
  const digest = Buffer.from(crypto.sha256(new Uint8Array(1_000_000).fill(0x61))).toString("hex");
  assert.equal(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
});

test("HMAC and HKDF as OpenSSL", () => {
  fc.assert(
    fc.property(upTo(150), upTo(150), (key, data) => {
      const theirs = createHmac("sha256", key).update(data).digest();
      assert.deepEqual(Buffer.from(crypto.hmac({ key, data })), theirs);
    }),
    RUNS,
  );
  fc.assert(
    fc.property(upTo(80), upTo(80), upTo(80), fc.nat({ max: 300 }), (salt, secret, info, size) => {
      const length = size + 1;
      const theirs = new Uint8Array(hkdfSync("sha256", secret, salt, info, length));
      assert.deepEqual(crypto.hkdf({ salt, secret, info, length }), theirs);
    }),
    { ...RUNS, numRuns: 300 },
  );
});
