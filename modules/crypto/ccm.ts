/**
 * AES-CCM (RFC 3610, NIST SP 800-38C) in four steps:
 *
 *   1. B_0      flags ‖ nonce ‖ message length          flags = 64·[aad] + 8·(M-2)/2 + (L-1)
 *   2. T        CBC-MAC over B_0, the padded aad (length first), the padded message
 *   3. S_i      AES(flags' ‖ nonce ‖ i): the keystream   flags' = L-1
 *   4. sealed   message ⊕ S_1… ‖ first M bytes of T ⊕ S_0
 */
import { equalConstantTime } from "../bytes/equal.js";
import type { AeadKey } from "../ports/crypto.js";
import type { Aes128 } from "./aes.js";

const BLOCK = 16;
/** Two bytes of length announce the additional data (RFC 3610 §2.2). */
const AAD_BYTES_MAX = 0xfeff;

export class CcmKey implements AeadKey {
  readonly #aes: Aes128;
  readonly #nonceBytes: number;
  readonly #tagBytes: number;

  /** RFC 3610 §2.1: nonces of 7 to 13 bytes, tags of 4 to 16 bytes by twos. */
  constructor(aes: Aes128, sizes: { nonceBytes: number; tagBytes: number }) {
    this.#aes = aes;
    this.#nonceBytes = sizes.nonceBytes;
    this.#tagBytes = sizes.tagBytes;
  }

  open(box: { nonce: Uint8Array; aad: Uint8Array; sealed: Uint8Array }): Uint8Array | undefined {
    const { nonce, aad, sealed } = box;
    const length = sealed.length - this.#tagBytes;
    if (length < 0) return undefined;
    const plain = sealed.slice(0, length);
    this.#applyKeystream(nonce, plain);
    const tag = this.#tag(nonce, aad, plain);
    if (!equalConstantTime(tag, sealed.slice(length))) return burn(plain); // check: ccm-tag
    return plain;
  }

  seal(box: { nonce: Uint8Array; aad: Uint8Array; plain: Uint8Array }): Uint8Array {
    const { nonce, aad, plain } = box;
    const tag = this.#tag(nonce, aad, plain);
    const sealed = new Uint8Array(plain.length + tag.length);
    sealed.set(plain);
    this.#applyKeystream(nonce, sealed);
    sealed.set(tag, plain.length);
    return sealed;
  }

  /** T ⊕ S_0, cut to the tag's length. Throws RangeError on sizes CCM has no encoding for. */
  #tag(nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array): Uint8Array {
    const lengthBytes = 15 - this.#nonceBytes;
    if (nonce.length !== this.#nonceBytes) throw new RangeError(`nonce of ${nonce.length} bytes`);
    if (aad.length > AAD_BYTES_MAX) throw new RangeError(`aad of ${aad.length} bytes`);
    if (plain.length >= 2 ** (8 * lengthBytes)) {
      throw new RangeError(`message of ${plain.length} bytes`);
    }
    const mac = new Uint8Array(BLOCK);
    mac[0] = (aad.length > 0 ? 0x40 : 0) | (((this.#tagBytes - 2) / 2) << 3) | (lengthBytes - 1);
    mac.set(nonce, 1);
    let rest = plain.length;
    for (let at = BLOCK - 1; at > this.#nonceBytes; at--) {
      mac[at] = rest & 255;
      rest = Math.floor(rest / 256);
    }
    this.#aes.encrypt(mac);
    if (aad.length > 0) {
      mac[0] ^= aad.length >> 8;
      mac[1] ^= aad.length;
      this.#absorb(mac, aad, 2);
    }
    this.#absorb(mac, plain, 0);
    const first = this.#counter(nonce);
    this.#aes.encrypt(first);
    for (let i = 0; i < this.#tagBytes; i++) mac[i] ^= first[i];
    return mac.slice(0, this.#tagBytes);
  }

  /** CBC-MAC of `bytes`, zero-padded; `at` bytes of the first block are taken already. */
  #absorb(mac: Uint8Array, bytes: Uint8Array, at: number): void {
    let position = at;
    for (let i = 0; i < bytes.length; i++) {
      mac[position++] ^= bytes[i];
      if (position === BLOCK) {
        this.#aes.encrypt(mac);
        position = 0;
      }
    }
    if (position > 0) this.#aes.encrypt(mac);
  }

  #applyKeystream(nonce: Uint8Array, bytes: Uint8Array): void {
    const counter = this.#counter(nonce);
    const stream = new Uint8Array(BLOCK);
    for (let i = 0; i < bytes.length; i++) {
      const at = i % BLOCK;
      if (at === 0) {
        increment(counter);
        stream.set(counter);
        this.#aes.encrypt(stream);
      }
      bytes[i] ^= stream[at];
    }
  }

  /** A_0. */
  #counter(nonce: Uint8Array): Uint8Array {
    const block = new Uint8Array(BLOCK);
    block[0] = 14 - this.#nonceBytes;
    block.set(nonce, 1);
    return block;
  }
}

/** Nobody may see what a forgery decrypts to, not even in memory that is used again. */
function burn(plain: Uint8Array): undefined {
  plain.fill(0);
  return undefined;
}

function increment(counter: Uint8Array): void {
  let at = BLOCK - 1;
  while (counter[at] === 255) counter[at--] = 0;
  counter[at]++;
}
