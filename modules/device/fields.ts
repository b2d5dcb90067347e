import { CborReader } from "../cbor/reader.js";
import { ARRAY, BYTES, MAP, TEXT } from "../cbor/value.js";

/** The whole item of a CBOR null. */
const NULL_BYTE = 0xf6;

/** What is wrong when nothing better is known. */
export function unreadable(): Error {
  return new Error("provisioning: not the CBOR map that hosts/installation writes");
}

/**
 * Reads a CBOR map with small integer keys, or an array by position, in place, and names in its
 * errors the field that is wrong. Fields are asked for in ascending order, each once; what nobody
 * asks for is passed over. Nothing is built: on XS a map of five fields costs more than a command
 * that is received.
 *
 *     fields.enter();
 *     const port = fields.uint(3, "port", 0xffff);
 *     fields.leave();
 */
export class Fields {
  private readonly reader: CborReader;
  private readonly parent: Fields | undefined;
  private readonly name: string;
  /** Of an item of a list; -1 of anything else. */
  private index = -1;
  private isMap = false;
  /** Fields whose keys were not read yet. */
  private left = 0;
  /** The key read last, and whether its value is still to come. */
  private last = -1;
  private isUnread = false;

  constructor(reader: CborReader, name: string, parent?: Fields) {
    this.reader = reader;
    this.name = name;
    this.parent = parent;
  }

  /** Begins with the map or array that the reader has come to; `index`: its place in a list. */
  enter(index = -1): void {
    const { reader } = this;
    this.index = index;
    this.last = -1;
    this.isUnread = false;
    const major = reader.head();
    this.isMap = major === MAP;
    if (major !== MAP && major !== ARRAY) throw new Error(`${this.path()}: a map is missing`);
    this.left = reader.count(this.isMap ? 2 : 1);
    if (this.left < 0) throw unreadable();
  }

  /** Goes to its end. */
  leave(): void {
    while (this.next());
    if (this.reader.failed) throw unreadable();
  }

  /** Whether the field is there. */
  has(key: number): boolean {
    while (this.last < key && this.next());
    return this.last === key && this.isUnread;
  }

  /** Whether it is there and null; then it is read. */
  isNull(key: number): boolean {
    if (!this.has(key) || this.reader.bytes[this.reader.pos] !== NULL_BYTE) return false;
    this.reader.head();
    this.isUnread = false;
    return true;
  }

  isTrue(key: number): boolean {
    return this.take(key) && this.reader.bool();
  }

  uint(key: number, name: string, max: number): number {
    const value = this.take(key) ? this.reader.uint() : -1;
    return value >= 0 && value <= max ? value : this.fail(name, `an integer from 0 to ${max}`);
  }

  text(key: number, name: string): string {
    const isText = this.take(key) && this.reader.head() === TEXT;
    return (isText ? this.reader.textBody() : undefined) ?? this.fail(name, "text");
  }

  /** A copy. */
  bytes(key: number, name: string, min: number, max: number): Uint8Array {
    const { reader } = this;
    if (this.take(key) && reader.head() === BYTES) {
      const size = reader.argument;
      const value = size >= min && size <= max ? reader.take() : undefined;
      if (value !== undefined) return value;
    }
    return this.fail(name, min === max ? `${min} bytes` : `${min} to ${max} bytes`);
  }

  /** A minimal big-endian integer of 1 to 8 bytes. */
  minimal(key: number, name: string): Uint8Array {
    const value = this.bytes(key, name, 1, 8);
    if (value.length > 1 && value[0] === 0) this.fail(name, "no leading zero byte");
    return value;
  }

  /** A map of whole numbers to whole numbers. */
  numbers(key: number, name: string): Map<number, number> {
    const { reader } = this;
    const values = new Map<number, number>();
    let last = -1;
    for (let left = this.take(key) ? reader.map() : reader.fail(); left > 0; left--) {
      last = reader.key(last);
      values.set(last, reader.uint());
    }
    return reader.failed ? this.fail(name, "a map of integers") : values;
  }

  /** A list of whole numbers, at least one. */
  uints(key: number, name: string, max: number): number[] {
    const { reader } = this;
    const values: number[] = [];
    for (let left = this.take(key) ? reader.array() : -1; left > 0; left--) {
      const value = reader.uint();
      if (value < 0 || value > max) break;
      values.push(value);
    }
    const isWhole = !reader.failed && values.length > 0;
    return isWhole ? values : this.fail(name, `a list of integers from 0 to ${max}`);
  }

  /** Passes over the fields up to `key`, whose value ends at `end`, as was found before. */
  jump(key: number, end: number): void {
    const { reader } = this;
    if (!(this.last < key && end >= reader.pos && end <= reader.end)) throw unreadable();
    this.left -= key - this.last;
    this.last = key;
    this.isUnread = false;
    reader.pos = end;
  }

  /** The fields of a map in this one, entered. */
  fields(key: number, name: string): Fields {
    const inner = new Fields(this.reader, name, this);
    if (!this.take(key)) this.fail(name, "a map");
    inner.enter();
    return inner;
  }

  /** A short list, read at once. */
  items<T>(key: number, name: string, read: (fields: Fields) => T): T[] {
    const count = this.take(key) ? this.reader.array() : -1;
    if (count < 0) this.fail(name, "an array");
    return [...itemsOf(this.reader, count, new Fields(this.reader, name, this), read)];
  }

  /** A long list, read anew each time it is gone through. */
  list<T>(key: number, name: string, read: (fields: Fields) => T): List<T> {
    const { reader } = this;
    const isArray = this.take(key) && reader.bytes[reader.pos] >> 5 === ARRAY;
    if (!isArray) this.fail(name, "an array");
    const start = reader.pos;
    reader.skip();
    if (reader.failed) throw unreadable();
    return new List(reader.bytes, { start, end: reader.pos }, { name, parent: this, read });
  }

  /** Comes to the value of the next field; false at the end. */
  private next(): boolean {
    const { reader } = this;
    if (this.isUnread) reader.skip();
    this.isUnread = this.left > 0;
    if (!this.isUnread) return false;
    this.left--;
    this.last = this.isMap ? reader.key(this.last) : this.last + 1;
    if (reader.failed) throw unreadable();
    return true;
  }

  /** Comes to the value of `key` for the caller to read; false when it is not there. */
  private take(key: number): boolean {
    const isThere = this.has(key);
    if (isThere) this.isUnread = false;
    return isThere;
  }

  private path(): string {
    const name = this.index < 0 ? this.name : `${this.name}[${this.index}]`;
    return this.parent === undefined ? name : `${this.parent.path()}.${name}`;
  }

  fail(name: string, wanted: string): never {
    throw new Error(`${this.path()}.${name}: ${wanted} expected`);
  }
}

interface Reading<T> {
  readonly name: string;
  readonly parent: Fields;
  readonly read: (fields: Fields) => T;
}

/** Fifty rights as objects are 10 KB, a fifth of a luminaire's memory, and needed for a moment. */
export class List<T> implements Iterable<T> {
  /** Where in the bytes it ends. */
  readonly end: number;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #reading: Reading<T>;

  constructor(bytes: Uint8Array, place: { start: number; end: number }, reading: Reading<T>) {
    this.end = place.end;
    this.#bytes = bytes;
    this.#start = place.start;
    this.#reading = reading;
  }

  [Symbol.iterator](): Iterator<T> {
    const { name, parent, read } = this.#reading;
    const reader = new CborReader(this.#bytes, this.#start, this.end);
    return itemsOf(reader, reader.array(), new Fields(reader, name, parent), read);
  }
}

function* itemsOf<T>(
  reader: CborReader,
  count: number,
  fields: Fields,
  read: (fields: Fields) => T,
): Generator<T> {
  for (let i = 0; i < count; i++) {
    fields.enter(i);
    const item = read(fields);
    fields.leave();
    yield item;
  }
  if (reader.failed) throw unreadable();
}
