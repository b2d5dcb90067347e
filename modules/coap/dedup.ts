/**
 * Messages that were handled, and what was said to them, so that a copy changes nothing and gets
 * the same answer again (RFC 7252 §4.5).
 *
 * Sender (address and port) and message id name a message for EXCHANGE_LIFETIME (CON) or
 * NON_LIFETIME (NON). The table has a fixed number of rows and keeps no timer: rows whose time is
 * over are swept when the next message is remembered. When it is full, the oldest NON makes room,
 * for nobody waits for an answer to its copies (one that is protected still meets the replay
 * window). A CON never makes room: its sender may ask again, and handling it twice is what the
 * table is there to prevent. If there are only those, the newcomer is not remembered.
 *
 * Answers are kept as the datagrams they were, together at most `replyBytesMax`. One that does not
 * fit is not kept, and copies of its request meet silence: an empty ACK would promise an answer
 * that never comes.
 */
import type { Endpoint as Address } from "../ports/datagram.js";
import { Addresses } from "./addresses.js";
import { MAX_RETRANSMIT } from "./times.js";

/** Times an answer is said again: twice what a sender by the book can ask for. */
export const AGAIN_MAX = 2 * MAX_RETRANSMIT;

// What is known of a row.
const HEARD_NON = 0;
/** Nothing was said yet, or only an empty ACK. */
const HEARD_CON = 1;
const ANSWERED = 2;
/** Answered, but the answer was too large to keep. */
const FORGOTTEN = 3;

/** What a copy of a remembered message calls for. */
export type Again = Uint8Array | "emptyAck" | "silence";

export class Dedup {
  readonly #rowsMax: number;
  readonly #replyBytesMax: number;
  /** Columns; rows 0 to `#count` - 1 are in use. */
  readonly #mids: Uint16Array;
  readonly #ports: Uint16Array;
  readonly #states: Uint8Array;
  readonly #agains: Uint8Array;
  readonly #untilMicros: Float64Array;
  readonly #replies: (Uint8Array | undefined)[] = [];
  readonly #addresses = new Addresses();
  #count = 0;
  #replyBytes = 0;

  constructor(limits: { remembersMax: number; replyBytesMax: number }) {
    const rows = limits.remembersMax;
    this.#rowsMax = rows;
    this.#replyBytesMax = limits.replyBytesMax;
    this.#mids = new Uint16Array(rows);
    this.#ports = new Uint16Array(rows);
    this.#states = new Uint8Array(rows);
    this.#agains = new Uint8Array(rows);
    this.#untilMicros = new Float64Array(rows);
  }

  /** The message's row, or -1 when it was not heard or its time is over. */
  find(from: Address, mid: number, nowMicros: number): number {
    const mids = this.#mids;
    const { address, port } = from;
    for (let row = 0; row < this.#count; row++) {
      if (mids[row] !== mid) continue;
      if (this.#ports[row] !== port) continue; // check: dedup-port
      if (!this.#addresses.is(row, address)) continue; // check: dedup-address
      if (nowMicros >= this.#untilMicros[row]) continue; // check: dedup-expiry
      return row;
    }
    return -1;
  }

  /** Notes a message until `untilMicros`. False when the table is full of CONs. */
  add(
    message: { from: Address; mid: number; confirmable: boolean; untilMicros: number },
    nowMicros: number,
  ): boolean {
    this.#sweep(nowMicros);
    let row = this.#count;
    if (row === this.#rowsMax) row = this.#oldestNon();
    if (row < 0) return false; // check: dedup-full
    if (row === this.#count) this.#count++;
    this.#mids[row] = message.mid;
    this.#ports[row] = message.from.port;
    this.#addresses.set(row, message.from.address);
    this.#states[row] = message.confirmable ? HEARD_CON : HEARD_NON;
    this.#agains[row] = 0;
    this.#untilMicros[row] = message.untilMicros;
    this.#replies[row] = undefined;
    return true;
  }

  /** Keeps what was said to the CON of row `row`; -1 is a message that is not here. */
  answered(row: number, bytes: Uint8Array): void {
    if (row < 0 || this.#states[row] !== HEARD_CON) return;
    if (this.#replyBytes + bytes.length > this.#replyBytesMax) {
      this.#states[row] = FORGOTTEN;
      return;
    }
    this.#replyBytes += bytes.length;
    this.#replies[row] = bytes;
    this.#states[row] = ANSWERED;
  }

  /** Counts a copy of row `row` and tells what to say to it. */
  again(row: number): Again {
    const state = this.#states[row];
    if (state === HEARD_NON || state === FORGOTTEN) return "silence";
    if (this.#agains[row] === AGAIN_MAX) return "silence"; // check: dedup-again-max
    this.#agains[row]++;
    return this.#replies[row] ?? "emptyAck";
  }

  #sweep(nowMicros: number): void {
    for (let row = this.#count - 1; row >= 0; row--) {
      if (nowMicros >= this.#untilMicros[row]) this.#remove(row);
    }
  }

  /** The last row takes the place of the one that goes. */
  #remove(row: number): void {
    this.#replyBytes -= this.#replies[row]?.length ?? 0;
    const last = --this.#count;
    this.#mids[row] = this.#mids[last];
    this.#ports[row] = this.#ports[last];
    this.#states[row] = this.#states[last];
    this.#agains[row] = this.#agains[last];
    this.#untilMicros[row] = this.#untilMicros[last];
    this.#addresses.move(row, last);
    this.#replies[row] = this.#replies[last];
    this.#replies[last] = undefined;
  }

  /** The row of the NON whose time is over first, or -1. */
  #oldestNon(): number {
    let oldest = -1;
    for (let row = 0; row < this.#count; row++) {
      if (this.#states[row] !== HEARD_NON) continue; // check: dedup-keeps-con
      if (oldest < 0 || this.#untilMicros[row] < this.#untilMicros[oldest]) oldest = row;
    }
    return oldest;
  }
}
