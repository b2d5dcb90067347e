/** Nonces of RFC 8613 §5.2, in the place that `Nonce` has for them (aad.ts). */
import type { Nonce } from "./aad.js";
import type { OscoreOption } from "./option.js";

/** Ids fill what a nonce of 13 bytes has left beside 5 of partial IV and the id's length. */
export const NONCE_ID_BYTES_MAX = 7;

/**
 * IV ⊕ (length of id ‖ id left-padded to 7 ‖ five zeros): all of a sender's nonces but the number.
 * RFC 8613 §5.2: the length goes in too, or ids that differ in leading zeros would share nonces.
 */
export function nonceBase(iv: Uint8Array, id: Uint8Array): Uint8Array {
  const { length } = id;
  if (length > NONCE_ID_BYTES_MAX) throw new RangeError(`an id of ${length} bytes`);
  const base = iv.slice();
  base[0] ^= length;
  for (let i = 0; i < length; i++) base[8 - length + i] ^= id[i];
  return base;
}

/** For a sender that is known: `base` (see `nonceBase`) ⊕ the partial IV of a parsed option. */
export function nonceFromBase(
  { bytes: nonce }: Nonce,
  base: Uint8Array,
  bytes: Uint8Array,
  { pivStart, pivLength }: OscoreOption,
): void {
  nonce.set(base);
  for (let i = 0; i < pivLength; i++) nonce[13 - pivLength + i] ^= bytes[pivStart + i];
}

/** IV ⊕ (length of id ‖ id left-padded to 7 ‖ piv left-padded to 5). */
export function nonceFrom(
  { bytes: nonce }: Nonce,
  iv: Uint8Array,
  id: Uint8Array,
  piv: Uint8Array,
): void {
  nonce.set(nonceBase(iv, id));
  for (let i = 0; i < piv.length; i++) nonce[13 - piv.length + i] ^= piv[i];
}
