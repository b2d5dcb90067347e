/**
 * Numbers of associations (directory.ts): those of installed keys begin at 0, those of contexts
 * derived from them (derived.ts) lie above all of these.
 */

/** Contexts derived from one installed key, at once. */
export const DERIVED_EACH = 2;
const DERIVED_FIRST = 0x100;

/** The number of a context derived from the key with this number. */
export function placeOf(key: number, slot: number): number {
  return DERIVED_FIRST + key * DERIVED_EACH + slot;
}

/** The number of the key that it was derived from; -1 where the number is a key's own. */
export function keyOf(place: number): number {
  return place < DERIVED_FIRST ? -1 : Math.floor((place - DERIVED_FIRST) / DERIVED_EACH);
}
