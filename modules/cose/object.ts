/**
 * COSE objects with one content that are sent whole (RFC 9052 §2): tokens, key envelopes, a signed
 * time. `[protected, unprotected, content]`, and where somebody vouches for it a fourth item.
 *
 * Which algorithm was used is one claim of the object, and a dangerous one: an object is opened
 * with a key *and the algorithm of that key*, and one that claims another is not looked at further
 * (the mistake of every second JWT library). So the protected header is exactly the algorithm,
 * and outside of it stand the key's name and the nonce, nothing else.
 */
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { ALG, IV, KID } from "./headers.js";

const HEADER_LIMITS = { depthMax: 1, itemsMax: 8 };

export interface CoseObject {
  /** COSE algorithm number, out of the protected header. */
  readonly alg: number;
  /** As it stands in the object: it is part of what is signed. */
  readonly protectedHeader: Uint8Array;
  /** Who vouches for it, or which key opens it. */
  readonly kid: Uint8Array | undefined;
  readonly iv: Uint8Array | undefined;
  /** Payload or ciphertext. */
  readonly content: Uint8Array;
  /** Signature or MAC; undefined in an encrypted object. */
  readonly proof: Uint8Array | undefined;
}

/** The bytes of a protected header that names the algorithm and nothing else. */
export function algorithmHeader(alg: number): Uint8Array {
  return encode(new Map<Cbor, Cbor>([[ALG, alg]]));
}

/** The object as a CBOR value, for whatever goes around it. */
export function objectValue(object: Omit<CoseObject, "protectedHeader">): Cbor {
  const { alg, kid, iv, content, proof } = object;
  const unprotected = new Map<Cbor, Cbor>();
  if (kid !== undefined) unprotected.set(KID, kid);
  if (iv !== undefined) unprotected.set(IV, iv);
  const items: Cbor[] = [algorithmHeader(alg), unprotected, content];
  return proof === undefined ? items : [...items, proof];
}

/** Undefined for everything but what `objectValue` makes. */
export function objectOf(value: Cbor): CoseObject | undefined {
  if (!Array.isArray(value) || value.length < 3 || value.length > 4) return undefined;
  const [protectedHeader, unprotected, content, proof] = value;
  if (!(protectedHeader instanceof Uint8Array && content instanceof Uint8Array)) return undefined;
  if (!(proof === undefined || proof instanceof Uint8Array)) return undefined;
  if (value.length === 4 && proof === undefined) return undefined;
  const alg = algorithmIn(protectedHeader);
  if (alg === undefined || !(unprotected instanceof Map)) return undefined;
  const kid = unprotected.get(KID);
  const iv = unprotected.get(IV);
  let known = 0;
  for (const one of [kid, iv]) {
    if (one === undefined) continue;
    if (!(one instanceof Uint8Array)) return undefined;
    known++;
  }
  if (unprotected.size !== known) return undefined; // check: cose-unprotected-extra
  const names = { kid: kid as Uint8Array | undefined, iv: iv as Uint8Array | undefined };
  return { alg, protectedHeader, ...names, content, proof };
}

function algorithmIn(protectedHeader: Uint8Array): number | undefined {
  const header = decode(protectedHeader, HEADER_LIMITS);
  if (!header.ok || !(header.value instanceof Map)) return undefined;
  if (header.value.size !== 1) return undefined; // check: cose-protected-extra
  const alg = header.value.get(ALG);
  return typeof alg === "number" && Number.isInteger(alg) ? alg : undefined;
}
