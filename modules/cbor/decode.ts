import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { floatBytes, readFloat } from "./float.js";
import { CborReader } from "./reader.js";
import {
  ARRAY,
  BYTES,
  type Cbor,
  FALSE,
  Float,
  HALF,
  MAP,
  NEGATIVE,
  NULL,
  TAG,
  Tagged,
  TEXT,
  TRUE,
  UINT,
  UNDEFINED,
} from "./value.js";

export { type Cbor, Float, numberOf, Tagged } from "./value.js";

export interface DecodeLimits {
  /** How deep arrays, maps and tags may be nested; 0 allows none. */
  readonly depthMax?: number;
  /** How many items there may be in all; one costs XS up to 64 bytes of heap. */
  readonly itemsMax?: number;
}

export const DEPTH_MAX = 8;
export const ITEMS_MAX = 256;

/** The one value that `bytes` encode deterministically, with nothing after it, or `malformed`. */
export function decode(bytes: Uint8Array, limits: DecodeLimits = {}): Outcome<Cbor> {
  const decoder = new Decoder(bytes, limits);
  const value = decoder.item(0);
  return decoder.complete ? ok(value) : drop("malformed");
}

class Decoder {
  readonly #reader: CborReader;
  readonly #depthMax: number;
  #itemsLeft: number;

  constructor(bytes: Uint8Array, limits: DecodeLimits) {
    this.#reader = new CborReader(bytes);
    this.#depthMax = limits.depthMax ?? DEPTH_MAX;
    this.#itemsLeft = limits.itemsMax ?? ITEMS_MAX;
  }

  get complete(): boolean {
    return this.#reader.complete;
  }

  /** The next value; whatever it returns after a failure is thrown away. */
  item(depth: number): Cbor {
    const reader = this.#reader;
    this.#itemsLeft--;
    if (this.#itemsLeft < 0) reader.fail(); // check: cbor-items
    const major = reader.head();
    const nests = major >= ARRAY && major <= TAG;
    if (nests && depth >= this.#depthMax) reader.fail(); // check: cbor-depth
    if (reader.failed) return undefined;
    switch (major) {
      case UINT:
        return reader.argument;
      case NEGATIVE:
        return -1 - reader.argument;
      case BYTES:
        return reader.take();
      case TEXT:
        return reader.textBody();
      case ARRAY:
        return this.#array(depth);
      case MAP:
        return this.#map(depth);
      case TAG:
        return new Tagged(reader.argument, this.item(depth + 1));
      default:
        return this.#simple();
    }
  }

  #array(depth: number): Cbor[] {
    const items: Cbor[] = [];
    for (let left = this.#reader.count(1); left > 0 && !this.#reader.failed; left--) {
      items.push(this.item(depth + 1));
    }
    return items;
  }

  #map(depth: number): Map<Cbor, Cbor> {
    const reader = this.#reader;
    const map = new Map<Cbor, Cbor>();
    let lastStart = 0;
    let lastEnd = 0;
    for (let left = reader.count(2); left > 0 && !reader.failed; left--) {
      const start = reader.pos;
      const key = this.item(depth + 1);
      const end = reader.pos;
      const ordered = ascends(reader.bytes, lastStart, lastEnd, start, end);
      if (!ordered) reader.fail(); // check: cbor-map-order
      lastStart = start;
      lastEnd = end;
      map.set(key, this.item(depth + 1));
    }
    return map;
  }

  #simple(): Cbor {
    const reader = this.#reader;
    const info = reader.info;
    if (info >= HALF) return this.#float(1 << (info - 24));
    if (info === TRUE) return true;
    if (info === FALSE) return false;
    if (info === NULL) return null;
    if (info !== UNDEFINED) reader.fail(); // check: cbor-simple-unassigned
    return undefined;
  }

  #float(width: number): Cbor {
    const reader = this.#reader;
    const start = reader.pos - width;
    const value = readFloat(reader.bytes, start, width);
    const shortest = floatBytes(value);
    for (let i = 0; i < shortest.length; i++) {
      if (reader.bytes[start - 1 + i] !== shortest[i]) reader.fail(); // check: cbor-float-shortest
    }
    return Number.isInteger(value) ? new Float(value) : value;
  }
}

/**
 * True when the later key's bytes sort after the earlier one's; nothing sorts before everything.
 */
function ascends(
  bytes: Uint8Array,
  lastStart: number,
  lastEnd: number,
  start: number,
  end: number,
): boolean {
  const length = Math.min(lastEnd - lastStart, end - start);
  for (let i = 0; i < length; i++) {
    const difference = bytes[start + i] - bytes[lastStart + i];
    if (difference !== 0) return difference > 0;
  }
  return end - start > lastEnd - lastStart;
}
