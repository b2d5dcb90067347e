/**
 * Reads a byte array front to back without ever throwing: a read past the end returns zeros (or an
 * empty array) and sets `failed` for good. A parser reads a whole header, then asks `failed` once.
 */
export class Reader {
  readonly bytes: Uint8Array;
  /** Index of the next byte. */
  pos: number;
  /** Index after the last byte that may be read. */
  readonly end: number;
  /** True as soon as one read went past the end. */
  failed = false;

  /**
   * Reads `bytes` from `start` up to `end`; the bytes are not copied. Throws RangeError when these
   * do not fit.
   */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw new RangeError(`Reader: ${start}..${end} of ${bytes.length} bytes`);
    }
    this.bytes = bytes;
    this.pos = start;
    this.end = end;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.end - this.pos;
  }

  u8(): number {
    const at = this.pos;
    if (at >= this.end) return this.#fail();
    this.pos = at + 1;
    return this.bytes[at];
  }

  /** Big-endian, as everything here. */
  u16(): number {
    const at = this.pos;
    if (at + 2 > this.end) return this.#fail();
    this.pos = at + 2;
    return this.bytes[at] * 0x100 + this.bytes[at + 1];
  }

  u32(): number {
    const high = this.u16();
    const low = this.u16();
    return this.failed ? 0 : high * 0x10000 + low;
  }

  /** The next `count` bytes as a copy of the caller's own; empty when there are not as many. */
  take(count: number): Uint8Array {
    const at = this.pos;
    if (!(count >= 0 && count <= this.end - at)) {
      this.#fail();
      return new Uint8Array(0);
    }
    this.pos = at + count;
    return this.bytes.slice(at, at + count);
  }

  /** Everything that is left, as a copy. */
  rest(): Uint8Array {
    return this.take(this.end - this.pos);
  }

  /** Passes over `count` bytes. */
  skip(count: number): void {
    if (count >= 0 && count <= this.end - this.pos) this.pos += count;
    else this.#fail();
  }

  #fail(): number {
    this.failed = true;
    this.pos = this.end;
    return 0;
  }
}
