/**
 * Known answers, all of them from outside: a provider that fails one must not be used. It runs at
 * start, natively in well under a millisecond.
 */
import { equalBytes } from "../bytes/equal.js";
import { fromHex } from "../bytes/hex.js";
import { AES_CCM_16_64_128, AES_CCM_16_128_128, type Crypto } from "../ports/crypto.js";

interface SealCase {
  readonly name: string;
  readonly algorithm: number;
  readonly key: string;
  readonly nonce: string;
  readonly aad: string;
  readonly plain: string;
  readonly sealed: string;
}

const SEALS: readonly SealCase[] = [
  {
    name: "AES-CCM-16-64-128 (RFC 3610 packet vector #1)",
    algorithm: AES_CCM_16_64_128,
    key: "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf",
    nonce: "00000003020100a0a1a2a3a4a5",
    aad: "0001020304050607",
    plain: "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
    sealed: "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0",
  },
  {
    name: "AES-CCM-16-128-128 (COSE example AES-CCM-ENC-02)",
    algorithm: AES_CCM_16_128_128,
    key: "849b57219dae48de646d07dbb533566e",
    nonce: "89f52f65a1c580933b5261a72f",
    aad: "8368456e63727970743044a101181e40",
    plain: "546869732069732074686520636f6e74656e742e",
    sealed: "6899da0a132bd2d2b9b10915743ee1f7b92a4680903f2c00d37e14d4ebdc7ef2c03cf5a9",
  },
];

/** The name of the first known answer that `crypto` does not give; undefined when all are right. */
export function selftest(crypto: Crypto): string | undefined {
  for (const sealCase of SEALS) if (!sealsRight(crypto, sealCase)) return sealCase.name;
  // FIPS 180-2 appendix B.1, "abc".
  const abc = crypto.sha256(fromHex("616263"));
  const abcRight = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  if (!equalBytes(abc, fromHex(abcRight))) return "SHA-256 (FIPS 180-2 B.1)";
  // RFC 4231 §4.3, key "Jefe".
  const mac = crypto.hmac({
    key: fromHex("4a656665"),
    data: fromHex("7768617420646f2079612077616e7420666f72206e6f7468696e673f"),
  });
  const macRight = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
  if (!equalBytes(mac, fromHex(macRight))) return "HMAC-SHA-256 (RFC 4231 case 2)";
  const okm = crypto.hkdf({
    salt: fromHex("000102030405060708090a0b0c"),
    secret: new Uint8Array(22).fill(0x0b),
    info: fromHex("f0f1f2f3f4f5f6f7f8f9"),
    length: 42,
  });
  const okmRight =
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
  return equalBytes(okm, fromHex(okmRight)) ? undefined : "HKDF-SHA-256 (RFC 5869 A.1)";
}

function sealsRight(crypto: Crypto, answer: SealCase): boolean {
  const key = crypto.aeadKey(answer.algorithm, fromHex(answer.key));
  const nonce = fromHex(answer.nonce);
  const aad = fromHex(answer.aad);
  const plain = fromHex(answer.plain);
  const sealed = fromHex(answer.sealed);
  if (!equalBytes(key.seal({ nonce, aad, plain }), sealed)) return false;
  const opened = key.open({ nonce, aad, sealed });
  if (opened === undefined || !equalBytes(opened, plain)) return false;
  sealed[sealed.length - 1] ^= 1;
  return key.open({ nonce, aad, sealed }) === undefined;
}
