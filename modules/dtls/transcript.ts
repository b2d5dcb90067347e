import type { Crypto } from "../ports/crypto.js";

/**
 * The messages of a handshake one after the other, for their hash (RFC 5246 §7.4.9, RFC 6347
 * §4.2.6). The port hashes in one go, so they are kept; how much is bounded.
 */
export class Transcript {
  readonly #crypto: Pick<Crypto, "sha256">;
  readonly #bytesMax: number;
  #buffer = new Uint8Array(256);
  #length = 0;

  constructor(crypto: Pick<Crypto, "sha256">, bytesMax: number) {
    this.#crypto = crypto;
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#length;
  }

  /** False when it would grow beyond its bound: then nothing was added. */
  add(message: Uint8Array): boolean {
    const end = this.#length + message.length;
    if (end > this.#bytesMax) return false; // check: transcript-max
    if (end > this.#buffer.length) {
      const bigger = new Uint8Array(Math.min(end * 2, this.#bytesMax));
      bigger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = bigger;
    }
    this.#buffer.set(message, this.#length);
    this.#length = end;
    return true;
  }

  /** All of it, as a view that the next `add` may end. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  hash(): Uint8Array {
    return this.#crypto.sha256(this.#buffer.slice(0, this.#length));
  }

  /** Begins anew: what came before a HelloVerifyRequest does not count (RFC 6347 §4.2.1). */
  clear(): void {
    this.#length = 0;
  }
}
