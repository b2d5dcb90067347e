/**
 * The crypto port in TypeScript: for hosts, for tests, and as the second opinion on every native
 * one.
 *
 * On XS it is a hundred times slower than C and says nothing about timing, so no device uses it
 * (ARCHITECTURE.md decision 1). It exists so that the same suites run on every provider, and so
 * that a native implementation is compared with something that was written apart from it.
 */
import {
  AES_128_CCM_8,
  AES_CCM_16_64_128,
  AES_CCM_16_128_128,
  AES_CCM_64_64_128,
  type AeadKey,
  type Crypto,
  type P256,
  type Signatures,
} from "../ports/crypto.js";
import { Aes128, AesTables } from "./aes.js";
import { CcmKey } from "./ccm.js";
import { expand } from "./hkdf.js";
import { Sha256 } from "./sha256.js";

const KEY_BYTES = 16;
const HASH_BYTES = 32;
const HASH_BLOCK = 64;

export class TsCrypto implements Crypto {
  readonly #tables = new AesTables();
  readonly #sha256 = new Sha256();
  readonly signatures: Signatures | undefined;
  readonly p256: P256 | undefined;

  /** These come from crypto/noble.ts and crypto/noble-p256.ts, or from a native library. */
  constructor(signatures?: Signatures, p256?: P256) {
    this.signatures = signatures;
    this.p256 = p256;
  }

  aeadKey(algorithm: number, raw: Uint8Array): AeadKey {
    if (raw.length !== KEY_BYTES) throw new RangeError(`an AES-128 key of ${raw.length} bytes`);
    const sizes = sizesOf(algorithm);
    const key = new CcmKey(new Aes128(this.#tables, raw), sizes);
    raw.fill(0);
    return key;
  }

  sha256(data: Uint8Array): Uint8Array {
    return this.#sha256.digest(data);
  }

  /** RFC 2104: H(K ⊕ opad ‖ H(K ⊕ ipad ‖ data)). */
  hmac(input: { key: Uint8Array; data: Uint8Array }): Uint8Array {
    const { data } = input;
    const key = input.key.length > HASH_BLOCK ? this.sha256(input.key) : input.key;
    const inner = new Uint8Array(HASH_BLOCK + data.length).fill(0x36, 0, HASH_BLOCK);
    const outer = new Uint8Array(HASH_BLOCK + HASH_BYTES).fill(0x5c, 0, HASH_BLOCK);
    for (let i = 0; i < key.length; i++) {
      inner[i] ^= key[i];
      outer[i] ^= key[i];
    }
    inner.set(data, HASH_BLOCK);
    outer.set(this.sha256(inner), HASH_BLOCK);
    return this.sha256(outer);
  }

  /** RFC 5869: PRK = HMAC(salt, secret), then expand. */
  hkdf(input: {
    salt: Uint8Array;
    secret: Uint8Array;
    info: Uint8Array;
    length: number;
  }): Uint8Array {
    const { salt, secret, info, length } = input;
    return this.hkdfExpand({ key: this.hmac({ key: salt, data: secret }), info, length });
  }

  hkdfExpand(input: { key: Uint8Array; info: Uint8Array; length: number }): Uint8Array {
    return expand(this, input);
  }
}

/** Throws a RangeError for an algorithm the port does not have. */
export function sizesOf(algorithm: number): { nonceBytes: number; tagBytes: number } {
  if (algorithm === AES_CCM_16_64_128) return { nonceBytes: 13, tagBytes: 8 };
  if (algorithm === AES_CCM_16_128_128) return { nonceBytes: 13, tagBytes: 16 };
  if (algorithm === AES_CCM_64_64_128) return { nonceBytes: 7, tagBytes: 8 };
  if (algorithm === AES_128_CCM_8) return { nonceBytes: 12, tagBytes: 8 };
  throw new RangeError(`AEAD algorithm ${algorithm}`);
}
