/**
 * This device's sender numbers: of `lowlatency` one counter for all its group keys (WIRE.md), so
 * that a key that is installed twice cannot make a nonce repeat; of other schemes one for each key.
 *
 * The store holds a number that nobody has a use for yet: all that may have been used are below it,
 * and so is what others count as seen of this sender though he never said it, for in the middle of
 * a row of presses their bounds run ahead (recipients.ts). When a whole room loses power then, the
 * first press afterwards has to count. A block is reserved on flash before the first number of it
 * is handed out, the next one at every start: what was left of a block when the power went is never
 * used. Rejected: writing each number (wear, and a write before every message) and moving the limit
 * in memory first (a cut between the two repeats a nonce; test/powercut carries that mistake along
 * and shows that it is found).
 */
import { readUint, uintBytes } from "../bytes/uint.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import { SEQUENCE_MAX } from "./option.js";
import { RUN_AHEAD } from "./recipients.js";

/** What a restart skips at most: 2^40 numbers outlast 10 restarts a minute for 3,000 years. */
export const BLOCK_NUMBERS = 64;

/** The device-wide counter; that of an association is its index + 1. */
const DEVICE_WIDE = 0;

/** There is no record, so nobody knows what was used. */
const MISSING = -1;

export type SequenceStore = Pick<Store, "get" | "put">;

export class Sequence {
  readonly #store: SequenceStore;
  readonly #record: number;
  #next: number;
  #reserved: number;

  /** Takes up the counter in the store and reserves the first block. */
  constructor(store: SequenceStore, index = DEVICE_WIDE) {
    this.#store = store;
    this.#record = key(KIND.SEQUENCE, index);
    const record = store.get(this.#record);
    this.#next = record === undefined ? MISSING : readUint(record);
    this.#reserved = this.#next;
    if (this.#next !== MISSING) this.reserve();
  }

  /**
   * The counter of a new device, beginning at `first`: part of provisioning, never of a start.
   * False when there is one already, whatever its value, or flash refused.
   */
  static create(store: SequenceStore, first = 0, index = DEVICE_WIDE): boolean {
    const record = key(KIND.SEQUENCE, index);
    if (store.get(record) !== undefined) return false; // check: sequence-created-once
    return store.put(record, uintBytes(first));
  }

  /**
   * A number nobody had before and nobody will have again. Undefined: do not send. The record is
   * missing, flash refuses, or 2^40 - 1 was used and this sender id is spent.
   */
  next(): number | undefined {
    const number = this.#next;
    if (number === MISSING) return undefined; // check: sequence-missing
    if (number >= this.#reserved && !this.reserve()) return undefined; // check: sequence-reserved
    this.#next = number + 1;
    return number;
  }

  /**
   * Numbers that are left; 0 when there is no record. To be looked at with a margin (RFC 10021
   * §2.6.2): with the last one gone this sender id is silent until it has a new context.
   */
  get left(): number {
    return this.#next === MISSING ? 0 : SEQUENCE_MAX + 1 - this.#next;
  }

  /** On flash first, then in memory. */
  private reserve(): boolean {
    const limit = Math.min(this.#next + BLOCK_NUMBERS, SEQUENCE_MAX + 1);
    if (limit === this.#reserved) return false; // check: sequence-exhausted
    let beyond = limit;
    beyond = Math.min(limit + RUN_AHEAD, SEQUENCE_MAX + 1); // check: sequence-beyond
    if (!this.#store.put(this.#record, uintBytes(beyond))) return false;
    this.#reserved = limit;
    return true;
  }
}
