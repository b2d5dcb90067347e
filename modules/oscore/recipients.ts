/**
 * Who was heard, and up to which number: one row with a replay window for each (association,
 * sender).
 *
 * PROBLEM. A command recorded today must not work after tonight's power cut, for 50 senders and 20
 * years, on flash that wears out, in a lamp with 48 KB; and the row must be found before any crypto
 * is done.
 *
 * REJECTED. Saving windows now and then (what came in between is replayable). Saving each number
 * before acting on it, always (a dimming switch writes 10 times a second). Objects and string keys
 * (allocation for every datagram). Evicting the oldest sender (an attacker with 100 ids makes room
 * for replays).
 *
 * CHOICE (ARCHITECTURE.md decisions 4, 5, 7, 9).
 * - Flash holds a bound of each row; everything up to it counts as seen after a restart. A number
 *   above the bound is accepted only once a bound that covers it is durable.
 * - The first few numbers of a sender after a pause get an exact bound each; when he goes on, the
 *   bound runs 31 ahead, so a write covers 32 messages, and `idle()` pulls it back. So a single
 *   press costs one record, two or three do as well, and a cut while idle costs no number.
 * - Two records a row: who it is, written once, and the bound, as short as can be (store.ts, wear).
 * - Columns of typed arrays, found through a hash; a full table drops the newcomer. 31 bytes a row:
 *   which command was applied last is said by how far it lies behind the highest number.
 */
import { Id64 } from "../bytes/id64.js";
import { readUint, uintLength, writeUint } from "../bytes/uint.js";
import { indexOf, KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import { closeWindow, isFreshIn, markIn, NUMBER_MAX, startWindow, type Windows } from "./window.js";

/**
 * How far a bound runs ahead in a burst: with the message under way, a cut costs a sender 32
 * numbers.
 */
export const RUN_AHEAD = 31;
/** Exact bounds of one sender between two pauses before his bound runs ahead. */
const EXACT_WRITES = 4;
/** In the count of exact bounds: flash refused to pull this row's bound back; try again. */
const REFUSED = 255;

const ID_BYTES_MAX = 8;
const ASSOCIATION_MAX = 4094;
/** Rows are numbered in a byte of the hash index, 0 meaning none. */
const CAPACITY_MAX = 254;
const FREE = 0xffff;
/** Of all columns. */
const ROW_BYTES = 31;
/** How far the command applied last lies behind, + 1: there was none; so far or farther. */
const NONE_APPLIED = 0;
const APPLIED_MAX = 255;
/** Association (2), length of the id (1), id, then the number the row began with. */
const ROW_HEAD_BYTES = 3;

// What native help answers: a number of rows, and whether the key of one of them is not there.
const LOADED_ROWS = 0xff;
const LOADED_ORPHANS = 0x100;

export type RecipientsStore = Pick<Store, "get" | "put" | "delete" | "keys"> &
  Partial<Pick<Store, "load">>;

/** A sender's id within a larger buffer, and the number of his message. */
export interface Newcomer {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
  readonly sequence: number;
}

export class Recipients {
  /**
   * All columns, as native help reads them (platforms/native/columns.h); for n rows, in this
   * order: highest (8n bytes), near, far, high and low halves of ids (4n each), tags (2n), places
   * (2n + 1), ahead, exact, applied (n each).
   */
  readonly columns: ArrayBuffer;
  /** At start the key of every row was there, as far as native help looked. */
  readonly haveKeys: boolean;
  readonly #store: RecipientsStore;
  readonly #capacity: number;
  readonly #windows: Windows;
  readonly #highest: Float64Array;
  /** Bits of the windows, then the ids, as integers of 64 bits: high halves, low halves. */
  readonly #words: Int32Array;
  readonly #idHigh: number;
  readonly #idLow: number;
  /** Association x 16 + length of the id; FREE where there is no row. */
  readonly #tags: Uint16Array;
  /** Places: open addressing, at most half full: row + 1, 0 where free. Then what comes below. */
  readonly #bytes: Uint8Array;
  readonly #places: number;
  /** Bound on flash - highest number: 0 to RUN_AHEAD. */
  readonly #ahead: number;
  /** Exact bounds written since the last pause. */
  readonly #exact: number;
  /** Highest number - number of the last command that was applied + 1. */
  readonly #applied: Uint8Array;
  readonly #longBound = new Uint8Array(7);
  readonly #shortBound = this.#longBound.subarray(0, 4);
  #count = 0;

  /**
   * Loads the rows in the store. Throws when one does not fit: a smaller table would forget
   * senders.
   */
  constructor(options: { store: RecipientsStore; capacity: number }) {
    const { store, capacity } = options;
    if (!(capacity >= 1 && capacity <= CAPACITY_MAX)) throw new RangeError(`${capacity} senders`);
    this.#store = store;
    this.#capacity = capacity;
    // One buffer for all columns, and one view for those of a width: on XS a buffer takes 60 bytes
    // more than its view, and a view 80.
    const buffer = new ArrayBuffer(capacity * ROW_BYTES + 1);
    this.columns = buffer;
    this.#words = new Int32Array(buffer, capacity * 8, capacity * 4);
    this.#highest = new Float64Array(buffer, 0, capacity);
    this.#windows = { highest: this.#highest, bits: this.#words, rows: capacity };
    this.#idHigh = capacity * 2;
    this.#idLow = capacity * 3;
    this.#tags = new Uint16Array(buffer, capacity * 24, capacity);
    this.#bytes = new Uint8Array(buffer, capacity * 26, capacity * 4 + 1);
    this.#places = capacity * 2 + 1;
    this.#ahead = this.#places;
    this.#exact = this.#ahead + capacity;
    this.#applied = new Uint8Array(buffer, capacity * 30 + 1, capacity);
    const loaded = store.load?.(KIND.REPLAY_ROW, buffer, capacity) ?? -1;
    if (loaded < 0) this.loadAll();
    else this.#count = loaded & LOADED_ROWS;
    this.haveKeys = loaded >= 0 && (loaded & LOADED_ORPHANS) === 0;
  }

  /** Row of a sender, -1 when it is not known. Allocates nothing. */
  find(association: number, id: Pick<Id64, "length" | "high" | "low">): number {
    const { length, high, low } = id;
    if (length > ID_BYTES_MAX) return -1;
    const tag = association * 16 + length;
    const places = this.#places;
    const bytes = this.#bytes;
    const words = this.#words;
    const idLow = this.#idLow;
    const idHigh = this.#idHigh;
    let place = home(tag, high, low, places);
    for (;;) {
      const row = bytes[place] - 1;
      if (row < 0) return -1;
      if (words[idLow + row] === low && words[idHigh + row] === high && this.#tags[row] === tag) {
        return row;
      }
      if (++place === places) place = 0;
    }
  }

  /** Row of the same sender under another key; -1 when he was not heard under it. */
  beside(row: number, association: number): number {
    const length = this.#tags[row] & 15;
    return this.find(association, { length, ...this.idOf(row) });
  }

  /** Whether a sender who is not known yet could be admitted. */
  hasRoom(reserve = 0): boolean {
    return this.#count + reserve < this.#capacity;
  }

  /** True when this number of the row was not seen and is not too old to tell. Changes nothing. */
  isFresh(row: number, number: number): boolean {
    return isFreshIn(this.#windows, row, number);
  }

  /** The highest number of the row that was seen. */
  highest(row: number): number {
    return this.#highest[row];
  }

  /**
   * A new sender, after his first message was verified. Returns his row, -1 when the table is full
   * or flash refused: then nothing has changed and the message is to be dropped.
   */
  admit(association: number, sender: Newcomer): number {
    const { bytes, start, length, sequence } = sender;
    if (!(association >= 0 && association <= ASSOCIATION_MAX && length <= ID_BYTES_MAX)) {
      throw new RangeError(`recipients: association ${association}, id of ${length} bytes`);
    }
    const row = this.#tags.indexOf(FREE);
    if (row < 0) return -1; // check: recipients-full
    const boundKey = key(KIND.REPLAY_BOUND, row);
    // A cut in forget() may have left the bound of whoever had this row before.
    if (!this.#store.delete(boundKey)) return -1; // check: recipients-stale-bound
    const record = rowRecord(association, sender);
    const isStored = this.#store.put(key(KIND.REPLAY_ROW, row), record);
    if (!isStored) return -1; // check: recipients-admit-durable
    this.insert(row, association, new Id64().read(bytes, start, length));
    startWindow(this.#windows, row, sequence);
    this.#bytes[this.#ahead + row] = 0;
    this.#bytes[this.#exact + row] = 1;
    this.#applied[row] = NONE_APPLIED;
    return row;
  }

  /**
   * Marks a fresh number as seen, after verification and before it is acted on. When true, flash
   * holds a bound that covers it; false when flash refused: then nothing has changed, drop the
   * message.
   */
  mark(row: number, number: number): boolean {
    const highest = this.#highest[row];
    if (number > highest) {
      let ahead = highest + this.#bytes[this.#ahead + row] - number;
      if (ahead < 0) ahead = this.cover(row, number);
      if (ahead < 0) return false; // check: recipients-mark-durable
      this.#bytes[this.#ahead + row] = ahead;
      this.moveOn(row, number - highest);
    }
    markIn(this.#windows, row, number);
    return true;
  }

  /** Everything up to this number, and to the highest one, counts as seen. */
  close(row: number, number: number): void {
    const highest = this.#highest[row];
    if (number > highest) this.moveOn(row, number - highest);
    closeWindow(this.#windows, row, Math.max(number, highest));
  }

  /** False when a command of this sender with a higher number was applied, or may have been. */
  isNewest(row: number, number: number): boolean {
    const applied = this.#applied[row];
    return applied === NONE_APPLIED || this.#highest[row] - number + 1 < applied;
  }

  /** Whether a command of this sender was applied, or may have been. */
  hasApplied(row: number): boolean {
    return this.#applied[row] !== NONE_APPLIED;
  }

  /** The command with the highest number was applied: nearly always it is that. */
  appliedTop(row: number): void {
    this.#applied[row] = 1;
  }

  /** The command with this number was applied; it was the newest, and is marked. */
  applied(row: number, number: number): void {
    this.#applied[row] = Math.min(this.#highest[row] - number + 1, APPLIED_MAX);
  }

  /** Two seconds passed without a datagram: makes the bounds on flash exact again. */
  idle(): void {
    const bytes = this.#bytes;
    for (let row = 0; row < this.#capacity; row++) {
      const ahead = this.#ahead + row;
      const exact = this.#exact + row;
      const again = bytes[exact] === REFUSED;
      bytes[exact] = 0;
      if (bytes[ahead] === 0 && !again) continue;
      // Whether flash took the lower bound or not: it may be there after a restart even when it
      // said no, so the next message has to write its own.
      bytes[ahead] = 0;
      if (!this.write(row, this.#highest[row])) bytes[exact] = REFUSED;
    }
  }

  /** Associations that have rows. */
  associations(): number[] {
    const found: number[] = [];
    for (const tag of this.#tags) {
      if (tag !== FREE && !found.includes(tag >> 4)) found.push(tag >> 4);
    }
    return found;
  }

  /**
   * Deletes the rows of a key that is gone. Delete the key first, and durably: rows deleted while
   * the key is still there would make everything it ever protected acceptable again. False when
   * flash refused; what is left of the rows stays.
   */
  forget(association: number): boolean {
    let isDone = true;
    for (let row = 0; row < this.#capacity; row++) {
      if (this.#tags[row] === FREE || this.#tags[row] >> 4 !== association) continue;
      if (!this.#store.delete(key(KIND.REPLAY_ROW, row))) {
        isDone = false;
        continue;
      }
      this.#store.delete(key(KIND.REPLAY_BOUND, row));
      this.#tags[row] = FREE;
      this.#count--;
    }
    this.rebuild();
    return isDone;
  }

  /**
   * Makes a bound durable that covers `number`; returns how far beyond it reaches, -1 when flash
   * refused.
   */
  private cover(row: number, number: number): number {
    const exact = this.#exact + row;
    const isBurst = this.#bytes[exact] >= EXACT_WRITES;
    const ahead = isBurst ? Math.min(RUN_AHEAD, NUMBER_MAX - number) : 0;
    if (!this.write(row, number + ahead)) return -1;
    if (!isBurst) this.#bytes[exact]++;
    return ahead;
  }

  /** The highest number grows by so much. */
  private moveOn(row: number, step: number): void {
    const applied = this.#applied[row];
    if (applied !== NONE_APPLIED) this.#applied[row] = Math.min(applied + step, APPLIED_MAX);
  }

  private idOf(row: number): { high: number; low: number } {
    return { high: this.#words[this.#idHigh + row], low: this.#words[this.#idLow + row] };
  }

  private write(row: number, bound: number): boolean {
    const bytes = bound < 0x100000000 ? this.#shortBound : this.#longBound;
    writeUint(bytes, 0, bytes.length, bound);
    return this.#store.put(key(KIND.REPLAY_BOUND, row), bytes);
  }

  /** What native help does (platforms/native/rows.c). */
  private loadAll(): void {
    this.#tags.fill(FREE);
    for (const stored of this.#store.keys(KIND.REPLAY_ROW)) this.load(indexOf(stored));
  }

  private load(row: number): void {
    const record = this.#store.get(key(KIND.REPLAY_ROW, row)) as Uint8Array;
    const length = record[2];
    const association = record[0] * 256 + record[1];
    const isWhole = ROW_HEAD_BYTES + length <= record.length && length <= ID_BYTES_MAX;
    if (row >= this.#capacity || !isWhole || association > ASSOCIATION_MAX) {
      throw new Error(`replay row ${row} in the store does not fit a table of ${this.#capacity}`);
    }
    const bound = this.#store.get(key(KIND.REPLAY_BOUND, row));
    const first = readUint(record, ROW_HEAD_BYTES + length);
    const seen = bound === undefined ? first : Math.max(first, readUint(bound));
    this.insert(row, association, new Id64().read(record, ROW_HEAD_BYTES, length));
    closeWindow(this.#windows, row, seen);
    this.#applied[row] = 1;
  }

  private insert(row: number, association: number, id: Id64): void {
    this.#tags[row] = association * 16 + id.length;
    this.#words[this.#idHigh + row] = id.high;
    this.#words[this.#idLow + row] = id.low;
    this.#count++;
    this.enter(row);
  }

  private enter(row: number): void {
    const places = this.#places;
    const bytes = this.#bytes;
    const { high, low } = this.idOf(row);
    let place = home(this.#tags[row], high, low, places);
    while (bytes[place] !== 0) if (++place === places) place = 0;
    bytes[place] = row + 1;
  }

  private rebuild(): void {
    this.#bytes.fill(0, 0, this.#places);
    for (let row = 0; row < this.#capacity; row++) if (this.#tags[row] !== FREE) this.enter(row);
  }
}

/** Ids are counters or addresses, which differ in their last bytes, or random: folding will do. */
function home(tag: number, high: number, low: number, places: number): number {
  const folded = (low ^ (low >> 16) ^ high ^ (high >> 16)) & 0x7fff;
  return (((folded * 40503 + tag * 997) & 0xffff) * places) >> 16;
}

/** One array, and no others on the way: a first contact is when a luminaire's heap is fullest. */
function rowRecord(association: number, sender: Newcomer): Uint8Array {
  const { bytes, start, length, sequence } = sender;
  const numberStart = ROW_HEAD_BYTES + length;
  const numberLength = uintLength(sequence);
  const record = new Uint8Array(numberStart + numberLength);
  record[0] = association >> 8;
  record[1] = association;
  record[2] = length;
  for (let i = 0; i < length; i++) record[ROW_HEAD_BYTES + i] = bytes[start + i];
  writeUint(record, numberStart, numberLength, sequence);
  return record;
}
