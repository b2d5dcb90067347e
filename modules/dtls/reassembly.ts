/**
 * Handshake messages out of fragments (RFC 6347 §4.2.3), one at a time and in order: memory for one
 * message is all a peer can claim. A message that comes before its turn is dropped, as §4.2.2
 * allows; its sender repeats the flight.
 *
 * Nothing here is authenticated yet. So fragments may overlap only where they agree, one that does
 * not fit is dropped alone, and what an intruder's fragment spoiled is forgotten when the flight's
 * time is over.
 */
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { readUint } from "../bytes/uint.js";
import { type HandshakeMessage, MESSAGE_HEADER_BYTES } from "./messages.js";

/** Gaps a message may have on its way. */
const RANGES_MAX = 8;

/** One fragment, read. */
export interface Fragment {
  readonly type: number;
  readonly length: number;
  readonly sequence: number;
  readonly offset: number;
  readonly part: Uint8Array;
}

/**
 * The fragments of a record; several messages may share one. Undefined when one of them runs over,
 * or is empty without its message being so.
 */
export function fragmentsOf(plain: Uint8Array): Fragment[] | undefined {
  const all: Fragment[] = [];
  for (let at = 0; at < plain.length; ) {
    if (at + MESSAGE_HEADER_BYTES > plain.length) return undefined; // check: fragment-header
    const length = readUint(plain, at + 1, 3);
    const offset = readUint(plain, at + 6, 3);
    const partLength = readUint(plain, at + 9, 3);
    const partAt = at + MESSAGE_HEADER_BYTES;
    const end = partAt + partLength;
    if (end > plain.length) return undefined; // check: fragment-room
    if (offset + partLength > length) return undefined; // check: fragment-within
    if (partLength === 0 && length > 0) return undefined; // check: fragment-empty
    const sequence = readUint(plain, at + 4, 2);
    all.push({ type: plain[at], length, sequence, offset, part: plain.subarray(partAt, end) });
    at = end;
  }
  return all;
}

interface Pending {
  readonly type: number;
  readonly body: Uint8Array;
  /** Sorted, apart from each other: start, end, start, end. */
  readonly ranges: number[];
}

export class Reassembly {
  /** message_seq of the message whose turn it is. */
  next: number;
  readonly #bytesMax: number;
  #pending: Pending | undefined = undefined;

  /** `bytesMax`: of one message's body. */
  constructor(bytesMax: number, next = 0) {
    this.#bytesMax = bytesMax;
    this.next = next;
  }

  /** Bytes held for the message under way. */
  get heldBytes(): number {
    return this.#pending?.body.length ?? 0;
  }

  /**
   * The message that this fragment completes, undefined while it is not whole. `duplicate` for a
   * message already taken, `notForUs` for one whose turn has not come, else `fragment`.
   */
  take(fragment: Fragment): Outcome<HandshakeMessage | undefined> {
    const { type, length, sequence, offset, part } = fragment;
    if (sequence < this.next) return drop("duplicate");
    if (sequence > this.next) return drop("notForUs"); // check: message-turn
    if (length > this.#bytesMax) return drop("fragment"); // check: message-max
    const pending = this.#pending ?? { type, body: new Uint8Array(length), ranges: [] };
    const agrees = pending.type === type && pending.body.length === length;
    if (!agrees) return drop("fragment"); // check: fragment-consistent
    const { body, ranges } = pending;
    if (conflicts(ranges, body, offset, part)) return drop("fragment"); // check: handshake-overlap
    const merged = merge(ranges, offset, offset + part.length);
    if (merged.length > 2 * RANGES_MAX) return drop("fragment"); // check: fragment-gaps
    body.set(part, offset);
    if (merged.length === 2 && merged[0] === 0 && merged[1] === length) {
      this.#pending = undefined;
      return ok({ type, sequence, body });
    }
    this.#pending = { type, body, ranges: merged };
    return ok(undefined);
  }

  /** Forgets what came of the message under way. */
  reset(): void {
    this.#pending?.body.fill(0);
    this.#pending = undefined;
  }
}

/** Whether `part` at `offset` differs from what is there already. */
function conflicts(
  ranges: readonly number[],
  body: Uint8Array,
  offset: number,
  part: Uint8Array,
): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    const end = Math.min(ranges[i + 1], offset + part.length);
    for (let at = Math.max(ranges[i], offset); at < end; at++) {
      if (body[at] !== part[at - offset]) return true;
    }
  }
  return false;
}

/** The ranges with [start, end) among them. */
function merge(ranges: readonly number[], start: number, end: number): number[] {
  const merged: number[] = [];
  let [from, to] = [start, end];
  for (let i = 0; i < ranges.length; i += 2) {
    if (ranges[i + 1] < from || ranges[i] > to) merged.push(ranges[i], ranges[i + 1]);
    else {
      from = Math.min(from, ranges[i]);
      to = Math.max(to, ranges[i + 1]);
    }
  }
  let at = 0;
  while (at < merged.length && merged[at] < from) at += 2;
  merged.splice(at, 0, from, to);
  return merged;
}
