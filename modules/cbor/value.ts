/**
 * CBOR (RFC 8949) as JavaScript values, in deterministic encoding only (§4.2.1).
 *
 * The problem: keys, rights, tokens and every command are CBOR, much of it signed or authenticated
 * byte by byte, all of it from the network. Two encodings of one value would be two names of one
 * thing.
 *
 * Rejected: cbor-x on devices (it probes `Function`, which aborts a stripped XS image, and it
 * cannot be preloaded); a lenient decoder; plain objects for maps (`__proto__`, and integer keys
 * would become text).
 *
 * Choice: one spelling for each value, everything else is `malformed`: no indefinite lengths, no
 * wider heads or floats than needed, keys ascending and unique, nothing after the value. Depth and
 * number of items are bounded, and a length is believed only as far as there are bytes. What was
 * decoded encodes to the bytes it came from. Hot paths do not build values at all: `CborWriter` and
 * `CborReader`.
 *
 * Limits (ours): integers within ±(2^53 - 1); simple values false, true, null and undefined.
 */

/** An integer is a `number`; so is a float with a fraction, an infinity or NaN. */
export type Cbor =
  | number
  | string
  | Uint8Array
  | boolean
  | null
  | undefined
  | Cbor[]
  | Map<Cbor, Cbor>
  | Tagged
  | Float;

/** RFC 8949 §3.4: a value with a tag number in front. */
export class Tagged {
  readonly tag: number;
  readonly value: Cbor;

  constructor(tag: number, value: Cbor) {
    this.tag = tag;
    this.value = value;
  }
}

/**
 * A floating-point number whose value is whole (1.0, -0.0, 1e300). CBOR tells 1.0 from 1,
 * JavaScript does not: without this class the bytes could not be told from the value.
 */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** The number meant by an integer or a float of any kind; undefined for anything else. */
export function numberOf(value: Cbor): number | undefined {
  if (typeof value === "number") return value;
  return value instanceof Float ? value.value : undefined;
}

// Major types, RFC 8949 §3.1.
export const UINT = 0;
export const NEGATIVE = 1;
export const BYTES = 2;
export const TEXT = 3;
export const ARRAY = 4;
export const MAP = 5;
export const TAG = 6;
export const SIMPLE = 7;

// Additional information of major type 7, RFC 8949 §3.3.
export const FALSE = 20;
export const TRUE = 21;
export const NULL = 22;
export const UNDEFINED = 23;
export const HALF = 25;
export const DOUBLE = 27;
