import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { EDDSA } from "../../modules/ports/crypto.js";

/**
 * A CWT Claims Set with nothing but an Ed25519 key in it (WIRE.md; modules/cose/ccs.ts). Runs on
 * Node and on XS.
 */
export function claimsSet(publicKey: Uint8Array): Uint8Array {
  const map = (...entries: readonly (readonly [number, Cbor])[]) => new Map<Cbor, Cbor>(entries);
  const coseKey = map([1, 1], [3, EDDSA], [-1, 6], [-2, publicKey]);
  return encode(map([8, map([1, coseKey])]));
}
