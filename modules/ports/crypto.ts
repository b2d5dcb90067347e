/**
 * Cryptography, handed in: native C on devices, TypeScript for hosts and tests. Synchronous; keys
 * are handles. Algorithm numbers are those of the COSE registry (RFC 9053).
 */

/** AES-CCM-16-64-128: 13-byte nonce, 8-byte tag. */
export const AES_CCM_16_64_128 = 10;
/** AES-CCM-64-64-128: 7-byte nonce, 8-byte tag. */
export const AES_CCM_64_64_128 = 12;
/** AES-CCM-16-128-128: 13-byte nonce, 16-byte tag. */
export const AES_CCM_16_128_128 = 30;
/**
 * AES_128_CCM_8 of DTLS (RFC 6655): 12-byte nonce, 8-byte tag. COSE has no such algorithm; the
 * number is one for private use.
 */
export const AES_128_CCM_8 = -65538;
/** EdDSA; here always with Ed25519. */
export const EDDSA = -8;
/** ECDH-SS + HKDF-256, static-static: pairwise agreement of `group-oscore`. */
export const ECDH_SS_HKDF_256 = -27;

export interface AeadKey {
  /**
   * Plaintext, or undefined when the tag does not verify (or `sealed` is shorter than the tag).
   * The result is the caller's own copy.
   */
  open(box: { nonce: Uint8Array; aad: Uint8Array; sealed: Uint8Array }): Uint8Array | undefined;
  /** Ciphertext followed by the tag. */
  seal(box: { nonce: Uint8Array; aad: Uint8Array; plain: Uint8Array }): Uint8Array;
}

export interface Crypto {
  /**
   * Imports a key and wipes `raw`. Throws RangeError on an algorithm or a length it does not have.
   */
  aeadKey(algorithm: number, raw: Uint8Array): AeadKey;
  /** 32 bytes. */
  sha256(data: Uint8Array): Uint8Array;
  /** HMAC-SHA-256, 32 bytes. */
  hmac(input: { key: Uint8Array; data: Uint8Array }): Uint8Array;
  /** HKDF-SHA-256 (RFC 5869), extract then expand; at most 255 * 32 bytes. */
  hkdf(input: {
    salt: Uint8Array;
    secret: Uint8Array;
    info: Uint8Array;
    length: number;
  }): Uint8Array;
  /** HKDF-Expand alone: `key` is the pseudorandom key. */
  hkdfExpand(input: { key: Uint8Array; info: Uint8Array; length: number }): Uint8Array;
  /** Absent where the build has none: profiles that sign are refused there. */
  readonly signatures: Signatures | undefined;
  /** Absent where the build has none: DTLS offers no suite with certificates there. */
  readonly p256?: P256 | undefined;
}

/** ECDSA with SHA-256 (FIPS 186-5) and ECDH (SP 800-56A) on P-256. */
export interface P256 {
  /** "noble": for reports. */
  readonly provider: string;
  /**
   * A key pair from its private key of 32 bytes, or from 48 bytes of chance (FIPS 186-5 §A.2.1);
   * they are wiped. Throws RangeError for another length, and for 0 or n and more.
   */
  keyPair(secret: Uint8Array): P256KeyPair;
  /**
   * `signature` is r ‖ s, 64 bytes; `publicKey` an uncompressed point, 65 bytes. False for whatever
   * is none of these, and for a point not on the curve.
   */
  verify(input: { data: Uint8Array; signature: Uint8Array; publicKey: Uint8Array }): boolean;
}

export interface P256KeyPair {
  /** An uncompressed point, 65 bytes. */
  readonly publicKey: Uint8Array;
  /** r ‖ s, 64 bytes; deterministic (RFC 6979). */
  sign(data: Uint8Array): Uint8Array;
  /** The secret's x, 32 bytes; undefined for a point that is not on the curve. */
  agree(publicKey: Uint8Array): Uint8Array | undefined;
}

/** Ed25519 (RFC 8032) and, with the same keys, X25519. */
export interface Signatures {
  /** "libsodium", "noble": for reports. */
  readonly provider: string;
  /** A private key from its seed of 32 bytes, which is wiped. */
  signer(seed: Uint8Array): Signer;
  /**
   * Whether key generation can give it: a point, canonical, of prime order. One of small order
   * signs anything. Keys are admitted by this; it costs more than a verify.
   */
  isPublicKey(publicKey: Uint8Array): boolean;
  /**
   * False for an S of L or more (a second signature of the same message) and for R or A of small
   * order or not canonical, too; the equation is the one without the cofactor. Whether A is of
   * prime order is isPublicKey's to say.
   */
  verify(input: { data: Uint8Array; signature: Uint8Array; publicKey: Uint8Array }): boolean;
}

export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes; deterministic. */
  sign(data: Uint8Array): Uint8Array;
  /**
   * The X25519 secret, 32 bytes, of this key and another member's Ed25519 key, both mapped to
   * Curve25519; undefined when the other's is not to be trusted (y = 1 or -1, small or mixed
   * order).
   */
  agree(publicKey: Uint8Array): Uint8Array | undefined;
}
