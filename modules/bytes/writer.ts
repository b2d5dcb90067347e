/**
 * Writes into a buffer that doubles when it is full. `capacity` is what the caller expects to need:
 * with a good guess there are two allocations, the buffer and the result.
 *
 * Values are masked to their width, never checked: ranges are the business of whoever knows the
 * format.
 */
export class Writer {
  #buffer: Uint8Array;
  #length = 0;

  constructor(capacity = 64) {
    this.#buffer = new Uint8Array(capacity);
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    const at = this.#length;
    if (at === this.#buffer.length) this.#grow(at + 1);
    this.#buffer[at] = value;
    this.#length = at + 1;
  }

  /** Big-endian, as everything here. */
  u16(value: number): void {
    const at = this.#length;
    if (at + 2 > this.#buffer.length) this.#grow(at + 2);
    const buffer = this.#buffer;
    buffer[at] = value >>> 8;
    buffer[at + 1] = value;
    this.#length = at + 2;
  }

  u32(value: number): void {
    this.u16(Math.floor(value / 0x10000));
    this.u16(value % 0x10000);
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#length;
    const end = at + bytes.length;
    if (end > this.#buffer.length) this.#grow(end);
    this.#buffer.set(bytes, at);
    this.#length = end;
  }

  /** What was written, as a copy; the writer may go on. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  #grow(needed: number): void {
    const bigger = new Uint8Array(Math.max(needed, this.#buffer.length * 2, 16));
    bigger.set(this.#buffer);
    this.#buffer = bigger;
  }
}
