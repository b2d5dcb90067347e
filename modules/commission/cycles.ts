/**
 * A reset without a button, for lamps that have none within reach: so many starts in a row, each
 * but the last with power for less than ten seconds. Off, unless the factory's record says
 * otherwise: a net that flickers, or a child at a fuse, must not take a room apart, and whoever can
 * switch the mains would not even have to come in.
 *
 * Only what is joined counts its starts, each with one record, and one more when it stays on.
 */
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";

/** Fewer come by themselves. */
export const CYCLES_MIN = 5;
export const CYCLES_MAX = 20;
/** With power for so long a start was none of a row. */
export const CYCLE_MICROS = 10_000_000;

const STARTS = key(KIND.FACTORY, 3);

/** Counts this start; true when it ends such a row. `cycles`: as the factory's record says. */
export function endsCycles(store: Pick<Store, "get" | "put">, cycles: number | undefined): boolean {
  const isOff = cycles === undefined;
  if (isOff) return false; // check: cycles-off
  const last = cycles ?? CYCLES_MIN;
  const starts = (store.get(STARTS)?.[0] ?? 0) + 1;
  // A flash that refuses counts none: it would refuse the reset as well.
  if (starts < last) store.put(STARTS, Uint8Array.of(starts));
  return starts >= last;
}

/** It has had power for CYCLE_MICROS. */
export function forgetCycles(store: Pick<Store, "delete">): void {
  store.delete(STARTS);
}
