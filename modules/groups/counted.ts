/**
 * Keys that have a counter of their own, in schemes where a sender's numbers are a key's. In images
 * without such schemes counted.small.ts stands in its place (hosts/bundle.mjs).
 */
import { equalBytes } from "../bytes/equal.js";
import type { Drop } from "../bytes/outcome.js";
import { Sequence } from "../oscore/sequence.js";
import type { Profile } from "../profiles/profile.js";
import { KIND } from "../store/keys.js";
import type { Store } from "../store/store.js";

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
    return equalBytes(telling(store.get(storeKey) as Uint8Array), wanted);
  });
  return isThere ? "replayed" : undefined;
}

/** False when flash refused. */
function make(store: Store, { numbering, firstNumber }: Profile, association: number): boolean {
  return numbering !== "key" || Sequence.create(store, firstNumber, association + 1);
}

interface Counted {
  readonly whyNot: typeof whyNot;
  readonly make: typeof make;
}

export const counted: Counted | undefined = Object.freeze({ whyNot, make });
