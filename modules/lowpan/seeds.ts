/**
 * Which MPL messages were seen (RFC 7731 §8, §9.3): for each seed the highest sequence number and
 * a map of the 31 before it.
 *
 * A seed is forgotten a few seconds after its last new message, as in OpenThread: by then every
 * copy has died, and a restarted seed begins anywhere. For the same reason a number far behind
 * the highest begins the seed anew (ours; the RFC drops it): 32 messages cannot overtake one
 * another on the way. A table full of live seeds refuses newcomers; their messages are delivered
 * here but not passed on.
 */

export const NEW = 0;
export const SEEN = 1;
export const NO_ROOM = 2;

const WINDOW = 31;
const ROW_BYTES = 32;

export class SeedSet {
  readonly #rows: number;
  readonly #lifetimeMicros: number;
  /** Columns; `until` 0 marks a row never used, which ends every search (open addressing). */
  readonly #high: Float64Array;
  readonly #low: Float64Array;
  readonly #until: Float64Array;
  readonly #highest: Int32Array;
  readonly #before: Int32Array;
  /** Where the last failed search could put a newcomer; -1: nowhere. */
  #vacant = -1;

  constructor(rows: number, lifetimeMicros: number) {
    this.#rows = rows;
    this.#lifetimeMicros = lifetimeMicros;
    // One buffer for all: on XS another one takes as much as its view.
    const buffer = new ArrayBuffer(rows * ROW_BYTES);
    this.#high = new Float64Array(buffer, 0, rows);
    this.#low = new Float64Array(buffer, rows * 8, rows);
    this.#until = new Float64Array(buffer, rows * 16, rows);
    this.#highest = new Int32Array(buffer, rows * 24, rows);
    this.#before = new Int32Array(buffer, rows * 28, rows);
  }

  /** Whether (seed, sequence) was admitted; changes nothing. */
  has(high: number, low: number, sequence: number, nowMicros: number): boolean {
    const row = this.find(high, low, nowMicros);
    return row >= 0 && this.seen(row, sequence);
  }

  /** NEW the first time a (seed, sequence) comes, then SEEN. */
  admit(high: number, low: number, sequence: number, nowMicros: number): number {
    let row = this.find(high, low, nowMicros);
    if (row >= 0) {
      if (this.seen(row, sequence)) return SEEN;
      this.note(row, sequence);
    } else {
      row = this.#vacant;
      if (row < 0) return NO_ROOM;
      this.#high[row] = high;
      this.#low[row] = low;
      this.#highest[row] = sequence;
      this.#before[row] = 0;
    }
    this.#until[row] = nowMicros + this.#lifetimeMicros;
    return NEW;
  }

  private find(high: number, low: number, nowMicros: number): number {
    this.#vacant = -1;
    let row = low % this.#rows;
    for (let i = 0; i < this.#rows; i++) {
      const until = this.#until[row];
      if (until <= nowMicros) {
        if (this.#vacant < 0) this.#vacant = row;
        if (until === 0) return -1;
      } else if (this.#low[row] === low && this.#high[row] === high) {
        return row;
      }
      row = row + 1 < this.#rows ? row + 1 : 0;
    }
    return -1;
  }

  private seen(row: number, sequence: number): boolean {
    const behind = (this.#highest[row] - sequence) & 255;
    if (behind === 0) return true;
    return behind <= WINDOW && ((this.#before[row] >> (behind - 1)) & 1) === 1;
  }

  private note(row: number, sequence: number): void {
    const ahead = (sequence - this.#highest[row]) & 255;
    const behind = 256 - ahead;
    if (behind <= WINDOW) {
      this.#before[row] |= 1 << (behind - 1);
      return;
    }
    // Serial arithmetic (RFC 1982): up to 127 is ahead, the rest so far behind that it is a new
    // start.
    const shifted = ahead <= WINDOW ? (this.#before[row] << ahead) | (1 << (ahead - 1)) : 0;
    this.#before[row] = ahead < 128 ? shifted & 0x7fffffff : 0;
    this.#highest[row] = sequence;
  }
}
