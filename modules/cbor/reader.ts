import { fromUtf8 } from "../bytes/utf8.js";
import { ARRAY, BYTES, FALSE, MAP, NEGATIVE, SIMPLE, TAG, TEXT, TRUE, UINT } from "./value.js";

const NONE = -1;

/**
 * Pulls deterministic CBOR item by item out of a byte array, without building values: for small
 * maps on hot paths. Never throws; the first thing that is not as asked sets `failed` for good, and
 * every later call answers as if the input were over. Ask `complete` at the end.
 *
 *     const reader = new CborReader(payload);
 *     let key = -1;
 *     for (let pairs = reader.map(); pairs > 0; pairs--) {
 *       key = reader.key(key);
 *       if (key === 0) on = reader.bool();
 *       else reader.skip();
 *     }
 *     if (!reader.complete) return drop("malformed");
 */
export class CborReader {
  readonly bytes: Uint8Array;
  /** Index of the next byte. */
  pos: number;
  readonly end: number;
  failed = false;
  /** Of the last head: value, length, count, tag or simple value. 0 after the head of a float. */
  argument = 0;
  /** Of the last head: the low five bits of its first byte. */
  info = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.pos = start;
    this.end = end;
  }

  /** Everything was read and nothing was wrong. */
  get complete(): boolean {
    return !this.failed && this.pos === this.end;
  }

  /**
   * Reads one head: returns the major type (0 to 7) with `argument` set, or -1. The bits of a float
   * are passed over; they end at `pos`.
   */
  head(): number {
    const at = this.pos;
    if (at >= this.end) return this.fail();
    const first = this.bytes[at];
    const info = first & 31;
    this.info = info;
    this.pos = at + 1;
    if (info >= 24) return this.#wideHead(first >> 5, info);
    this.argument = info;
    return first >> 5;
  }

  #wideHead(major: number, info: number): number {
    if (info > 27) return this.fail(); // check: cbor-indefinite
    const width = 1 << (info - 24);
    const at = this.pos;
    if (at + width > this.end) return this.fail(); // check: cbor-head-cut
    this.pos = at + width;
    if (major === SIMPLE) {
      // RFC 8949 §3.3: one-byte simple values start at 32, and none of those is assigned.
      if (info === 24) return this.fail(); // check: cbor-simple-wide
      this.argument = 0;
      return SIMPLE;
    }
    let argument = 0;
    for (let i = 0; i < width; i++) argument = argument * 256 + this.bytes[at + i];
    const least = info === 24 ? 24 : 2 ** (width * 4);
    if (argument < least) return this.fail(); // check: cbor-minimal
    // -1 - argument must be a safe integer too.
    const limit = Number.MAX_SAFE_INTEGER + (major === NEGATIVE ? 0 : 1);
    if (argument >= limit) return this.fail(); // check: cbor-safe-integer
    this.argument = argument;
    return major;
  }

  /** An unsigned integer; -1 when it is anything else. */
  uint(): number {
    // Most are below 24, and a call costs XS as much as all of this.
    const at = this.pos;
    if (at < this.end) {
      const first = this.bytes[at];
      if (first < 24) {
        this.pos = at + 1;
        return first;
      }
    }
    return this.head() === UINT ? this.argument : this.fail();
  }

  /** An integer; NaN when it is anything else. */
  int(): number {
    const major = this.head();
    if (major === UINT) return this.argument;
    if (major === NEGATIVE) return -1 - this.argument;
    this.fail();
    return Number.NaN;
  }

  /** False also when it is anything else. */
  bool(): boolean {
    const major = this.head();
    if (major !== SIMPLE || (this.info !== TRUE && this.info !== FALSE)) this.fail();
    return this.info === TRUE && !this.failed;
  }

  /** A copy of a byte string, or undefined. */
  byteString(): Uint8Array | undefined {
    return this.head() === BYTES ? this.take() : this.#none();
  }

  /** Undefined also when it is not UTF-8. */
  text(): string | undefined {
    return this.head() === TEXT ? this.textBody() : this.#none();
  }

  /** The text of a string whose head was read; undefined when it is cut off or not UTF-8. */
  textBody(): string | undefined {
    const bytes = this.take();
    const text = bytes === undefined ? undefined : fromUtf8(bytes);
    if (text === undefined) this.fail(); // check: cbor-utf8
    return text;
  }

  /** The number of items that follow, or -1. */
  array(): number {
    return this.head() === ARRAY ? this.count(1) : this.fail();
  }

  /** The number of pairs that follow, or -1. */
  map(): number {
    return this.head() === MAP ? this.count(2) : this.fail();
  }

  /**
   * An unsigned integer above `previous` (-1 before the first): the next key of a map; -1 when it
   * is not.
   */
  key(previous: number): number {
    const key = this.uint();
    if (key <= previous) return this.fail(); // check: cbor-key-order
    return key;
  }

  /**
   * Passes over one item with everything in it. Order of keys, UTF-8 and the width of floats are
   * not looked at.
   */
  skip(): void {
    let pending = 1;
    while (pending > 0 && !this.failed) {
      pending--;
      // Most heads are one byte, and a call costs XS as much as all of this.
      const first = this.pos < this.end ? this.bytes[this.pos] : 0xff;
      let major = first >> 5;
      if ((first & 31) < 24) {
        this.pos++;
        if (major === UINT) continue;
        this.info = first & 31;
        this.argument = this.info;
      } else {
        major = this.head();
      }
      if (major === BYTES || major === TEXT) this.#pass();
      else if (major === ARRAY) pending += this.count(1);
      else if (major === MAP) pending += this.count(2) * 2;
      else if (major === TAG) pending++;
      else if (major === SIMPLE && this.info < FALSE) this.fail(); // check: cbor-skip-simple
    }
  }

  /**
   * The `argument` bytes of a string whose head was read, as a copy; undefined when they are not
   * there.
   */
  take(): Uint8Array | undefined {
    const at = this.pos;
    this.#pass();
    return this.failed ? undefined : this.bytes.slice(at, this.pos);
  }

  /**
   * `argument`, the count of a head that was read, or -1 when there are not even that many bytes: a
   * count of a billion in a datagram of nine bytes never reaches an allocation.
   */
  count(bytesEach: number): number {
    if (this.argument * bytesEach > this.end - this.pos) return this.fail(); // check: cbor-count
    return this.argument;
  }

  /** Marks the input as bad; -1 for the caller to return. */
  fail(): number {
    this.failed = true;
    this.pos = this.end;
    this.argument = 0;
    return NONE;
  }

  #pass(): void {
    const next = this.pos + this.argument;
    if (next > this.end) return void this.fail(); // check: cbor-string-cut
    this.pos = next;
  }

  #none(): undefined {
    this.fail();
    return undefined;
  }
}
