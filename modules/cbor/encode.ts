import { utf8 } from "../bytes/utf8.js";
import { Writer } from "../bytes/writer.js";
import { floatBytes } from "./float.js";
import {
  ARRAY,
  BYTES,
  type Cbor,
  FALSE,
  Float,
  MAP,
  NEGATIVE,
  NULL,
  SIMPLE,
  TAG,
  Tagged,
  TEXT,
  TRUE,
  UINT,
  UNDEFINED,
} from "./value.js";

export { type Cbor, Float, Tagged } from "./value.js";

/**
 * The deterministic encoding of `value`. Throws RangeError on a whole number beyond 2^53 - 1 (wrap
 * a float in `Float`) and on a map that has one key twice.
 */
export function encode(value: Cbor): Uint8Array {
  const writer = new Writer(64);
  new CborWriter(writer).value(value);
  return writer.finish();
}

/** Writes item after item into a `Writer`; the caller sees to counts and to the order of keys. */
export class CborWriter {
  readonly #writer: Writer;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  /** Major type and argument, in the shortest form. `argument` is a whole number up to 2^53 - 1. */
  head(major: number, argument: number): void {
    const writer = this.#writer;
    const type = major << 5;
    if (argument < 24) {
      writer.u8(type | argument);
    } else if (argument < 0x100) {
      writer.u8(type | 24);
      writer.u8(argument);
    } else if (argument < 0x10000) {
      writer.u8(type | 25);
      writer.u16(argument);
    } else if (argument < 0x100000000) {
      writer.u8(type | 26);
      writer.u32(argument);
    } else {
      writer.u8(type | 27);
      writer.u32(Math.floor(argument / 0x100000000));
      writer.u32(argument % 0x100000000);
    }
  }

  uint(value: number): void {
    if (!(Number.isSafeInteger(value) && value >= 0)) throw new RangeError(`not a uint: ${value}`);
    this.head(UINT, value);
  }

  int(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`not an integer: ${value}`);
    if (value < 0) this.head(NEGATIVE, -1 - value);
    else this.head(UINT, value);
  }

  bytes(value: Uint8Array): void {
    this.head(BYTES, value.length);
    this.#writer.bytes(value);
  }

  text(value: string): void {
    const bytes = utf8(value);
    this.head(TEXT, bytes.length);
    this.#writer.bytes(bytes);
  }

  /** `count` items have to follow. */
  array(count: number): void {
    this.head(ARRAY, count);
  }

  /** `count` pairs of key and value have to follow, keys in the order of their encodings. */
  map(count: number): void {
    this.head(MAP, count);
  }

  bool(value: boolean): void {
    this.head(SIMPLE, value ? TRUE : FALSE);
  }

  null(): void {
    this.head(SIMPLE, NULL);
  }

  value(value: Cbor): void {
    if (typeof value === "number") this.#number(value);
    else if (typeof value === "string") this.text(value);
    else if (typeof value === "boolean") this.bool(value);
    else if (value === null) this.null();
    else if (value === undefined) this.head(SIMPLE, UNDEFINED);
    else if (value instanceof Uint8Array) this.bytes(value);
    else if (value instanceof Map) this.#map(value);
    else if (value instanceof Float) this.#writer.bytes(floatBytes(value.value));
    else if (value instanceof Tagged) {
      this.head(TAG, value.tag);
      this.value(value.value);
    } else {
      this.array(value.length);
      for (const item of value) this.value(item);
    }
  }

  #number(value: number): void {
    if (Number.isInteger(value)) this.int(value);
    else this.#writer.bytes(floatBytes(value));
  }

  #map(map: Map<Cbor, Cbor>): void {
    const entries: { key: Uint8Array; value: Cbor }[] = [];
    for (const [key, value] of map) entries.push({ key: encode(key), value });
    entries.sort((a, b) => compareBytes(a.key, b.key));
    this.map(entries.length);
    let last: Uint8Array | undefined;
    for (const { key, value } of entries) {
      if (last !== undefined && compareBytes(last, key) === 0) throw new RangeError("a key twice");
      last = key;
      this.#writer.bytes(key);
      this.value(value);
    }
  }
}

/** RFC 8949 §4.2.1: bytewise lexicographic order. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
