/** The replay window of an epoch (RFC 6347 §4.1.2.6): 64 numbers, as recommended there. */
const HALF = 32;
const WIDTH = 64;

export class RecordWindow {
  /** -1 before the first record. */
  #highest = -1;
  /** Bit i: highest - i was seen; patterns of bits, not quantities. */
  #near = 0;
  /** The same from highest - 32 on. */
  #far = 0;

  /** The highest number marked; -1 before the first. */
  get highest(): number {
    return this.#highest;
  }

  /** Whether a record of this number may be opened. Changes nothing. */
  isFresh(sequence: number): boolean {
    const back = this.#highest - sequence;
    if (back < 0) return true;
    if (back >= WIDTH) return false;
    const bits = back < HALF ? this.#near : this.#far;
    return ((bits >>> (back % HALF)) & 1) === 0;
  }

  /** After the record verified. */
  mark(sequence: number): void {
    const ahead = sequence - this.#highest;
    if (ahead > 0) {
      this.#shift(ahead);
      this.#highest = sequence;
      this.#near |= 1;
    } else if (-ahead < HALF) {
      this.#near |= 1 << -ahead;
    } else if (-ahead < WIDTH) {
      this.#far |= 1 << (-ahead - HALF);
    }
  }

  #shift(by: number): void {
    if (by >= WIDTH) {
      this.#near = 0;
      this.#far = 0;
    } else if (by >= HALF) {
      this.#far = by === HALF ? this.#near : this.#near << (by - HALF);
      this.#near = 0;
    } else {
      this.#far = (this.#far << by) | (this.#near >>> (HALF - by));
      this.#near <<= by;
    }
  }
}
