/**
 * Cryptography, handed in: native C on devices, TypeScript for hosts and tests. Synchronous; keys
 * are handles. Algorithm numbers are those of the COSE registry (RFC 9053).
 */

/** AES-CCM-16-64-128: 13-byte nonce, 8-byte tag. */
export const AES_CCM_16_64_128 = 10;
/** AES-CCM-16-128-128: 13-byte nonce, 16-byte tag. */
export const AES_CCM_16_128_128 = 30;

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
}
