/**
 * Ed25519 and X25519 in TypeScript, over noble: for hosts and tests, and for a headless device that
 * was built without libsodium. Time depends on secrets (BigInt), and a scalar cannot be wiped: no
 * board uses it.
 *
 * RFC 8032 leaves open what happens to signatures that only a dishonest signer makes; two members
 * that judge them differently would disagree on what was commanded. So every provider gives the
 * same verdicts, those of libsodium: no small-order A or R, S below L, canonical encodings, and the
 * equation without the cofactor, R compared as bytes. noble's own verify() multiplies by the
 * cofactor, so the equation stands here.
 */
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat } from "../bytes/concat.js";
import { equalBytes } from "../bytes/equal.js";
import type { Signatures, Signer } from "../ports/crypto.js";

const SEED_BYTES = 32;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

type Point = InstanceType<typeof ed25519.Point>;

export class NobleSignatures implements Signatures {
  readonly provider = "noble";

  signer(seed: Uint8Array): Signer {
    if (seed.length !== SEED_BYTES) throw new RangeError(`an Ed25519 seed of ${seed.length} bytes`);
    const own = seed.slice();
    seed.fill(0);
    return new NobleSigner(own);
  }

  isPublicKey(publicKey: Uint8Array): boolean {
    return memberPoint(publicKey) !== undefined;
  }

  verify(input: { data: Uint8Array; signature: Uint8Array; publicKey: Uint8Array }): boolean {
    const { data, signature, publicKey } = input;
    if (signature.length !== SIGNATURE_BYTES) return false;
    const a = pointOf(publicKey);
    if (a === undefined) return false;
    if (a.isSmallOrder()) return false; // check: ed25519-key-order
    const { BASE, Fn } = ed25519.Point;
    const encodedR = signature.subarray(0, 32);
    const s = bytesToNumberLE(signature.subarray(32));
    if (s >= Fn.ORDER) return false; // check: ed25519-malleable
    // RFC 8032 §5.1.7, step 3: S·B - k·A has to be the R that was sent, byte for byte.
    const k = Fn.create(bytesToNumberLE(sha512(concat(encodedR, publicKey, data))));
    const r = BASE.multiplyUnsafe(Fn.create(s)).subtract(a.multiplyUnsafe(k));
    if (r.isSmallOrder()) return false; // check: ed25519-r-order
    if (!equalBytes(r.toBytes(), encodedR)) return false; // check: ed25519-equation
    return true;
  }
}

class NobleSigner implements Signer {
  readonly publicKey: Uint8Array;
  readonly #seed: Uint8Array;

  constructor(seed: Uint8Array) {
    this.#seed = seed;
    this.publicKey = ed25519.getPublicKey(seed);
  }

  sign(data: Uint8Array): Uint8Array {
    return ed25519.sign(data, this.#seed);
  }

  /** RFC 8032 §5.1.5 makes the secret, RFC 7748 §4.1 maps the key: u = (1 + y) / (1 - y). */
  agree(publicKey: Uint8Array): Uint8Array | undefined {
    if (memberPoint(publicKey) === undefined) return undefined; // check: x25519-key-order
    const { toMontgomery, toMontgomerySecret } = ed25519.utils;
    return x25519.getSharedSecret(toMontgomerySecret(this.#seed), toMontgomery(publicKey));
  }
}

/** A point that key generation can give: of order L. */
function memberPoint(publicKey: Uint8Array): Point | undefined {
  const point = pointOf(publicKey);
  return point === undefined || point.is0() || !point.isTorsionFree() ? undefined : point;
}

/** RFC 8032 §5.1.3: undefined for y of p or more, x = 0 with the sign bit, and no point. */
function pointOf(encoded: Uint8Array): Point | undefined {
  if (encoded.length !== KEY_BYTES) return undefined;
  try {
    return ed25519.Point.fromBytes(encoded);
  } catch {
    return undefined;
  }
}
