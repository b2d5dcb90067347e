/** P-256 of every provider: published numbers, and the same numbers from each. */
import { concat } from "../../modules/bytes/concat.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { NobleP256 } from "../../modules/crypto/noble-p256.js";
import type { P256 } from "../../modules/ports/crypto.js";
import { equal, test, throws } from "../harness.js";
import { flipped } from "../support/dtls-craft.js";
import { providers } from "../support/providers.js";

const h = fromHex;

for (const { name, crypto } of providers()) {
  const { p256 } = crypto;
  if (p256 !== undefined) suite(name, p256);
}

function suite(name: string, p256: P256): void {
  // RFC 6979 §A.2.5: P-256, SHA-256, message "sample".
  test(`${name}: ECDSA, deterministic`, () => {
    const secret = h("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    const pair = p256.keyPair(secret);
    equal(toHex(secret), "00".repeat(32), "wiped");
    equal(
      toHex(pair.publicKey),
      "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6" +
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
    );
    const signature = pair.sign(utf8("sample"));
    equal(
      toHex(signature),
      "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" +
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    );
    const { publicKey } = pair;
    const data = utf8("sample");
    equal(p256.verify({ data, signature, publicKey }), true);
    equal(p256.verify({ data: utf8("simple"), signature, publicKey }), false);
    equal(p256.verify({ data, signature: flipped(signature, 63), publicKey }), false);
    equal(p256.verify({ data, signature: h("00"), publicKey }), false);
    equal(p256.verify({ data, signature: new Uint8Array(64), publicKey }), false);
    equal(p256.verify({ data, signature, publicKey: flipped(publicKey, 64) }), false);
    equal(p256.verify({ data, signature, publicKey: flipped(publicKey, 0) }), false);
  });

  // RFC 5903 §8.1: the 256-bit random ECP group.
  test(`${name}: ECDH; a point that is none is refused`, () => {
    const i = p256.keyPair(h("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"));
    const r = p256.keyPair(h("c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53"));
    const secret = "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de";
    equal(toHex(i.agree(r.publicKey) ?? h("")), secret);
    equal(toHex(r.agree(i.publicKey) ?? h("")), secret);
    equal(i.agree(flipped(r.publicKey, 64)), undefined);
    equal(i.agree(concat(h("04"), new Uint8Array(64))), undefined);
    equal(i.agree(r.publicKey.subarray(0, 33)), undefined);
  });

  test(`${name}: keys that are none, and a key by chance`, () => {
    throws(() => p256.keyPair(new Uint8Array(32)), /P-256 key/);
    throws(() => p256.keyPair(h("ff".repeat(32))), /P-256 key/);
    throws(() => p256.keyPair(h("01")), /P-256 key/);
    const drawn = p256.keyPair(new Uint8Array(48).fill(1));
    const same = new NobleP256().keyPair(new Uint8Array(48).fill(1));
    equal(drawn.publicKey, same.publicKey);
    equal(drawn.sign(h("00")), same.sign(h("00")));
  });
}
