import { concat } from "../../modules/bytes/concat.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { selftest } from "../../modules/crypto/selftest.js";
import { AES_CCM_16_64_128, AES_CCM_64_64_128, type Crypto } from "../../modules/ports/crypto.js";
import { equal, test, throws } from "../harness.js";
import { type CcmCase, ccmCases } from "../support/ccm-cases.js";
import { providers } from "../support/providers.js";

const repeated = (byte: number, count: number) => new Uint8Array(count).fill(byte);

function counted(first: number, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let i = 0; i < count; i++) bytes[i] = first + i;
  return bytes;
}

/** RFC 4231 §4.2 to §4.8: key, data, HMAC-SHA-256 (the fifth is cut to 128 bits). */
const HMACS: readonly (readonly [string, string, string])[] = [
  ["0b*20", "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"],
  [
    "Jefe",
    "what do ya want for nothing?",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
  ["aa*20", "dd*50", "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"],
  ["01..25", "cd*50", "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"],
  ["0c*20", "Test With Truncation", "a3b6167473100ee06e0c796c2955552b"],
  [
    "aa*131",
    "Test Using Larger Than Block-Size Key - Hash Key First",
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  ],
  [
    "aa*131",
    "This is a test using a larger than block-size key and a larger than block-size data. " +
      "The key needs to be hashed before being used by the HMAC algorithm.",
    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
  ],
];

/** FIPS 180-2 appendix B, and the empty message. */
const HASHES: readonly (readonly [string, string])[] = [
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  ],
  [
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr" +
      "lmnopqrsmnopqrstnopqrstu",
    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
  ],
];

for (const { name, crypto, algorithms } of providers()) {
  const cases = () => ccmCases().filter((one) => algorithms.includes(one.algorithm));

  test(`${name}: AES-CCM answers of RFC 3610, NIST, Wycheproof and COSE`, () => {
    for (const one of cases()) {
      const { nonce, aad, plain, sealed } = one;
      const key = crypto.aeadKey(one.algorithm, one.key.slice());
      equal(key.seal({ nonce, aad, plain }), sealed, one.name);
      equal(key.open({ nonce, aad, sealed }), plain, one.name);
    }
  });

  test(`${name}: AES-CCM refuses any change`, () => {
    for (const algorithm of algorithms) {
      const fits = (each: CcmCase) => each.algorithm === algorithm && each.aad.length > 0;
      const one = cases().find(fits) as CcmCase;
      const { nonce, aad, sealed } = one;
      const key = crypto.aeadKey(algorithm, one.key.slice());
      for (let at = 0; at < sealed.length; at++) {
        equal(key.open({ nonce, aad, sealed: flipped(sealed, at) }), undefined, `sealed ${at}`);
      }
      equal(key.open({ nonce: flipped(nonce, 0), aad, sealed }), undefined);
      equal(key.open({ nonce, aad: flipped(aad, aad.length - 1), sealed }), undefined);
      equal(key.open({ nonce, aad: new Uint8Array(0), sealed }), undefined);
      for (const length of [0, 1, 7, 8, sealed.length - 1]) {
        equal(key.open({ nonce, aad, sealed: sealed.slice(0, length) }), undefined, `${length}`);
      }
    }
  });

  test(`${name}: key lengths, algorithms and nonces are checked, keys wiped`, () => {
    throws(() => crypto.aeadKey(AES_CCM_16_64_128, new Uint8Array(15)));
    throws(() => crypto.aeadKey(AES_CCM_16_64_128, new Uint8Array(32)));
    throws(() => crypto.aeadKey(1, new Uint8Array(16)));
    const raw = repeated(0x11, 16);
    const key = crypto.aeadKey(AES_CCM_16_64_128, raw);
    equal(raw, new Uint8Array(16));
    const none = new Uint8Array(0);
    throws(() => key.seal({ nonce: new Uint8Array(12), aad: none, plain: none }));
    throws(() => key.open({ nonce: new Uint8Array(12), aad: none, sealed: new Uint8Array(8) }));
    const short = crypto.aeadKey(AES_CCM_64_64_128, repeated(0x11, 16));
    throws(() => short.seal({ nonce: new Uint8Array(13), aad: none, plain: none }));
    equal(short.seal({ nonce: new Uint8Array(7), aad: none, plain: none }).length, 8);
  });

  test(`${name}: messages and additional data of all lengths around a block`, () => {
    roundTrips(crypto);
  });

  test(`${name}: SHA-256 of FIPS 180`, () => {
    for (const [text, digest] of HASHES) equal(toHex(crypto.sha256(utf8(text))), digest, text);
  });

  test(`${name}: HMAC-SHA-256 of RFC 4231`, () => {
    for (const [key, data, mac] of HMACS) {
      const got = toHex(crypto.hmac({ key: bytesOf(key), data: bytesOf(data) }));
      equal(got.slice(0, mac.length), mac, data);
    }
  });

  test(`${name}: HKDF-SHA-256 of RFC 5869 A.1 to A.3`, () => {
    const none = new Uint8Array(0);
    const one = { salt: counted(0, 13), secret: repeated(0x0b, 22), info: counted(0xf0, 10) };
    equal(
      toHex(crypto.hkdf({ ...one, length: 42 })),
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    );
    const two = { salt: counted(0x60, 80), secret: counted(0, 80), info: counted(0xb0, 80) };
    equal(
      toHex(crypto.hkdf({ ...two, length: 82 })),
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c6" +
        "5e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    );
    const three = { salt: none, secret: repeated(0x0b, 22), info: none };
    equal(
      toHex(crypto.hkdf({ ...three, length: 42 })),
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    );
    equal(crypto.hkdf({ ...three, length: 0 }).length, 0);
    throws(() => crypto.hkdf({ ...three, length: 255 * 32 + 1 }));
  });

  test(`${name}: HKDF-Expand of RFC 5869 A.1 and A.2, from their PRK`, () => {
    const one = fromHex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    equal(
      toHex(crypto.hkdfExpand({ key: one, info: counted(0xf0, 10), length: 42 })),
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    );
    const two = fromHex("06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244");
    equal(
      toHex(crypto.hkdfExpand({ key: two, info: counted(0xb0, 80), length: 82 })),
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c6" +
        "5e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    );
    const info = new Uint8Array(0);
    equal(crypto.hkdfExpand({ key: one, info, length: 0 }).length, 0);
    throws(() => crypto.hkdfExpand({ key: one, info, length: 255 * 32 + 1 }));
  });

  test(`${name}: the self-test passes`, () => {
    equal(selftest(crypto), undefined);
  });

  test(`${name}: the self-test names what is wrong`, () => {
    equal(selftest(broken(crypto, "aeadKey")), "AES-CCM-16-64-128 (RFC 3610 packet vector #1)");
    equal(selftest(broken(crypto, "sha256")), "SHA-256 (FIPS 180-2 B.1)");
    equal(selftest(broken(crypto, "hmac")), "HMAC-SHA-256 (RFC 4231 case 2)");
    equal(selftest(broken(crypto, "hkdf")), "HKDF-SHA-256 (RFC 5869 A.1)");
  });
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] ^= 1;
  return copy;
}

function roundTrips(crypto: Crypto): void {
  const key = crypto.aeadKey(AES_CCM_16_64_128, repeated(0x42, 16));
  const nonce = counted(1, 13);
  for (const length of [0, 1, 13, 14, 15, 16, 17, 30, 31, 32, 33, 47, 48]) {
    const aad = counted(3, length);
    for (const plain of [counted(7, length), counted(9, 48 - length)]) {
      const sealed = key.seal({ nonce, aad, plain });
      equal(sealed.length, plain.length + 8);
      equal(key.open({ nonce, aad, sealed }), plain);
    }
  }
  // RFC 3610 §2.2 announces the length in two bytes; 300 needs both.
  const aad = concat(counted(0, 256), counted(0, 44));
  const sealed = key.seal({ nonce, aad, plain: nonce });
  equal(key.open({ nonce, aad, sealed }), nonce);
  equal(key.open({ nonce, aad: aad.slice(0, 299), sealed }), undefined);
}

/** `crypto` with one function that gives another answer. */
function broken(crypto: Crypto, name: keyof Crypto): Crypto {
  return {
    aeadKey: (algorithm, raw) => {
      if (name === "aeadKey") raw[0] ^= 1;
      return crypto.aeadKey(algorithm, raw);
    },
    sha256: (data) => flipped(crypto.sha256(data), name === "sha256" ? 31 : 32),
    hmac: (input) => flipped(crypto.hmac(input), name === "hmac" ? 31 : 32),
    hkdf: (input) => flipped(crypto.hkdf(input), name === "hkdf" ? 41 : 42),
    hkdfExpand: (input) => crypto.hkdfExpand(input),
    signatures: crypto.signatures,
  };
}

/** "aa*20": a byte repeated; "01..25": 1 to 25; anything else: its UTF-8. */
function bytesOf(text: string): Uint8Array {
  if (text === "01..25") return counted(1, 25);
  if (text[2] !== "*") return utf8(text);
  return repeated(fromHex(text.slice(0, 2))[0], Number(text.slice(3)));
}
