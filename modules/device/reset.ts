/**
 * The factory reset: asked for by one record, carried out at the next start, before anything else.
 *
 * Not while the device runs: half of it would work on keys that are gone. What outlives it is no
 * secret of the installation's: the factory record (commission/factory.ts), the device-wide sender
 * number, versions of firmware, and eight bytes of the SHA-256 of each key that was wiped. Under
 * such a key the windows would be empty and every recording good, so it is refused, from whomever
 * it comes: a device that was reset is given new keys.
 *
 * What came with the image or from the computer that started it (`Board.provisioning`) is not in
 * this partition: it stays where it is, and its keys are refused.
 */
import { equalBytes } from "../bytes/equal.js";
import { FACTORY_KEPT } from "../commission/factory.js";
import { secretIn } from "../groups/keyring.js";
import type { Board } from "../ports/board.js";
import type { Crypto } from "../ports/crypto.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import { beginWipe, endWipe, findWipe, type Kept, type Wipe, wipeRest } from "../store/wipe.js";

const ASKED = key(KIND.RESET, 0);
const MARKS = key(KIND.RESET, 1);
const KEPT: readonly number[] = Object.freeze([
  key(KIND.SEQUENCE, 0),
  key(KIND.FIRMWARE, 0),
  ...FACTORY_KEPT,
]);
const MARK_BYTES = 8;
/** Six resets with every place for a key taken; then the oldest marks give way. */
const MARKS_MAX = 120;
/** Bounds the tidying before; a step copies eight records or erases a sector. */
const TIDY_STEPS = 64;

const REFUSED = "flash: refuses the factory reset; do not give this device away";

/** Durable when true: from here on every start resets the device before it does anything. */
export function askReset(store: Store): boolean {
  return store.put(ASKED, Uint8Array.of(1));
}

/**
 * The store, after a reset that was asked for, or begun and cut off, is done. Throws an Error when
 * flash refuses: then the device must not start.
 */
export function openReset(
  { flash, crypto, log }: Pick<Board, "flash" | "crypto" | "log">,
  open: () => Store | undefined,
): Store | undefined {
  let wipe: Wipe | undefined;
  wipe = findWipe(flash); // check: reset-goes-on
  if (wipe === undefined) {
    const store = open();
    if (store?.has(ASKED) !== true) return store;
    // A sector that is none of the log's any more is free once it is erased.
    for (let step = 0; step < TIDY_STEPS && store.needsTidy; step++) store.tidy();
    wipe = beginWipe(flash, keptOf(store, crypto));
  }
  if (wipe === undefined || !wipeRest(flash, wipe)) throw new Error(REFUSED);
  const store = open();
  if (store === undefined || !restore(store, wipe)) throw new Error(REFUSED);
  if (!endWipe(flash, wipe)) throw new Error(REFUSED);
  log("factory reset: done; this device needs a new installation, with new keys");
  return store;
}

/** Whether there ever was a reset. */
export function hasWiped(store: Store): boolean {
  return store.has(MARKS);
}

/** Whether this is a key that a reset took. */
export function isWiped(store: Store, crypto: Crypto, raw: Uint8Array): boolean {
  const marks = store.get(MARKS) ?? new Uint8Array(0);
  const wanted = markOf(crypto, raw);
  for (let at = 0; at < marks.length; at += MARK_BYTES) {
    if (equalBytes(marks.subarray(at, at + MARK_BYTES), wanted)) return true;
  }
  return false;
}

function restore(store: Store, { kept }: Wipe): boolean {
  return kept.every((record) => store.put(record.key, record.value));
}

function keptOf(store: Store, crypto: Crypto): Kept[] {
  const kept: Kept[] = [{ key: MARKS, value: marksOf(store, crypto) }];
  for (const storeKey of KEPT) {
    const value = store.get(storeKey);
    if (value !== undefined) kept.push({ key: storeKey, value });
  }
  return kept;
}

/** Those of earlier resets, and of the keys that are here now. */
function marksOf(store: Store, crypto: Crypto): Uint8Array {
  const before = store.get(MARKS) ?? new Uint8Array(0);
  const storeKeys = store.keys(KIND.GROUP_KEY);
  const all = new Uint8Array(before.length + storeKeys.length * MARK_BYTES);
  all.set(before);
  let at = before.length;
  for (const storeKey of storeKeys) {
    const record = store.get(storeKey) as Uint8Array;
    all.set(markOf(crypto, secretIn(record)), at);
    record.fill(0);
    at += MARK_BYTES;
  }
  return all.slice(Math.max(0, all.length - MARKS_MAX * MARK_BYTES));
}

function markOf(crypto: Crypto, raw: Uint8Array): Uint8Array {
  return crypto.sha256(raw).subarray(0, MARK_BYTES);
}
