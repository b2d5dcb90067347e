/**
 * Signatures that cost a hash: for suites about what is done with a verdict, not how it is reached.
 * Anybody can make them; each still belongs to one key and one text.
 */
import { concat } from "../../modules/bytes/concat.js";
import { equalBytes } from "../../modules/bytes/equal.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import type { Signatures, Signer } from "../../modules/ports/crypto.js";

export class FakeSignatures implements Signatures {
  readonly provider = "fake";
  /** How often a signature was verified. */
  verified = 0;
  readonly #hash = new TsCrypto();

  signer(seed: Uint8Array): Signer {
    const publicKey = this.publicKey(seed);
    return {
      publicKey,
      sign: (data) => this.#sign(publicKey, data),
      agree: (other) => {
        const [first, second] = [publicKey, other].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
        return this.#hash.sha256(concat(first, second));
      },
    };
  }

  /** Of a seed that stays as it is. */
  publicKey(seed: Uint8Array): Uint8Array {
    return this.#hash.sha256(seed);
  }

  /** All zeros stand for a key of small order. */
  isPublicKey(publicKey: Uint8Array): boolean {
    return publicKey.length === 32 && publicKey.some((byte) => byte !== 0);
  }

  verify(input: { data: Uint8Array; signature: Uint8Array; publicKey: Uint8Array }): boolean {
    this.verified++;
    return equalBytes(this.#sign(input.publicKey, input.data), input.signature);
  }

  #sign(publicKey: Uint8Array, data: Uint8Array): Uint8Array {
    const half = this.#hash.sha256(concat(publicKey, data));
    return concat(half, this.#hash.sha256(half));
  }
}
