/**
 * P-256 in TypeScript, over noble: for hosts and tests, and for a headless device. As in noble.ts,
 * time depends on secrets and a scalar cannot be wiped: no board uses it.
 */
import { p256 } from "@noble/curves/nist.js";
import type { P256, P256KeyPair } from "../ports/crypto.js";

const SECRET_BYTES = 32;
/** FIPS 186-5 §A.2.1: 64 bits more than the order has. */
const CHANCE_BYTES = 48;
const POINT_BYTES = 65;
const SIGNATURE_BYTES = 64;

export class NobleP256 implements P256 {
  readonly provider = "noble";

  keyPair(secret: Uint8Array): P256KeyPair {
    const own = secret.slice();
    secret.fill(0);
    if (own.length === CHANCE_BYTES) return new NobleKeyPair(p256.utils.randomSecretKey(own));
    const isKey = own.length === SECRET_BYTES && p256.utils.isValidSecretKey(own);
    if (!isKey) throw new RangeError(`a P-256 key of ${own.length} bytes`);
    return new NobleKeyPair(own);
  }

  verify(input: { data: Uint8Array; signature: Uint8Array; publicKey: Uint8Array }): boolean {
    const { data, signature, publicKey } = input;
    if (signature.length !== SIGNATURE_BYTES || !isPoint(publicKey)) return false;
    try {
      // RFC 8422 and FIPS 186-5 know no rule of the lower s: others' signatures have either.
      return p256.verify(signature, data, publicKey, { lowS: false });
    } catch {
      return false;
    }
  }
}

class NobleKeyPair implements P256KeyPair {
  readonly publicKey: Uint8Array;
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
    this.publicKey = p256.getPublicKey(secret, false);
  }

  sign(data: Uint8Array): Uint8Array {
    return p256.sign(data, this.#secret, { lowS: false });
  }

  agree(publicKey: Uint8Array): Uint8Array | undefined {
    if (!isPoint(publicKey)) return undefined; // check: p256-point
    return p256.getSharedSecret(this.#secret, publicKey, false).slice(1, 1 + SECRET_BYTES);
  }
}

/** Uncompressed and on the curve; P-256 has no points of small order. */
function isPoint(publicKey: Uint8Array): boolean {
  if (publicKey.length !== POINT_BYTES || publicKey[0] !== 4) return false;
  try {
    p256.Point.fromBytes(publicKey).assertValidity();
    return true;
  } catch {
    return false;
  }
}
