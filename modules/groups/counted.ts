/**
 * Keys that have a counter of their own, in schemes where a sender's numbers are a key's. In images
 * without such schemes counted.small.ts stands in its place (hosts/bundle.mjs).
 */
import { equalBytes } from "../bytes/equal.js";
import type { Drop } from "../bytes/outcome.js";
import type { Recipients } from "../oscore/recipients.js";
import { Sequence } from "../oscore/sequence.js";
import type { Profile } from "../profiles/profile.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import { DERIVED_EACH, keyOf, placeOf } from "./places.js";

/**
 * `replayed` when a group has the key of this record already: with a counter and windows of its
 * own, a second association of it would repeat nonces and accept replays. The record's key id, its
 * length one byte before, and secret begin at `start`.
 */
function whyNot(
  store: Store,
  { numbering, proof }: Profile,
  record: Uint8Array,
  start: number,
): Drop | undefined {
  if (numbering !== "key") return undefined;
  const telling = (one: Uint8Array) => {
    let from = start;
    // Of `oscore` the secret says it all, and its key id can be spelled in two ways.
    if (proof === "channel") from += one[start - 1]; // check: key-once-channel
    return one.subarray(from);
  };
  const wanted = telling(record);
  const isThere = store.keys(KIND.GROUP_KEY).some((storeKey) => {
    const stored = store.get(storeKey) as Uint8Array;
    const isSame = equalBytes(telling(stored), wanted);
    stored.fill(0);
    return isSame;
  });
  return isThere ? "replayed" : undefined;
}

/** False when flash refused. */
function make(store: Store, { numbering, firstNumber }: Profile, association: number): boolean {
  return numbering !== "key" || Sequence.create(store, firstNumber, association + 1);
}

/** Whether rows of this number are those of a context whose key is there (derived.ts). */
function isDerived(store: Store, association: number): boolean {
  const from = keyOf(association);
  const isThere = store.has(key(KIND.DERIVED, association));
  return from >= 0 && isThere && store.has(key(KIND.GROUP_KEY, from));
}

/**
 * Takes away what was derived from a key that is no more: each context before its counter and rows.
 * False when flash refused.
 */
function clearDerived(store: Store, recipients: Recipients, association: number): boolean {
  for (let slot = 0; slot < DERIVED_EACH; slot++) {
    const place = placeOf(association, slot);
    if (!store.has(key(KIND.DERIVED, place))) continue;
    if (!store.delete(key(KIND.DERIVED, place))) return false; // check: derived-gone-with-key
    const isClear = store.delete(key(KIND.SEQUENCE, place + 1)) && recipients.forget(place);
    if (!isClear) return false;
  }
  return true;
}

interface Counted {
  readonly whyNot: typeof whyNot;
  readonly make: typeof make;
  readonly isDerived: typeof isDerived;
  readonly clearDerived: typeof clearDerived;
}

export const counted: Counted | undefined = Object.freeze({
  whyNot,
  make,
  isDerived,
  clearDerived,
});
