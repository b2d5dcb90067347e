/**
 * Additional data and nonce, built in place.
 *
 * Both are needed once a datagram and thrown away, so a fresh array each time would be most of the
 * garbage of the receive path. One workspace per device holds the bytes; a view is kept for every
 * length that has occurred, because making a view costs as much as filling it. What is the same in
 * every message of a key is encoded once and copied by one native call (`append`).
 */
import { OscoreOption } from "./option.js";

/** CBOR `["Encrypt0", h'', …]` up to the external_aad's head (RFC 9052 §5.3). */
const ENCRYPT0: readonly number[] = Object.freeze([
  0x83, 0x68, 0x45, 0x6e, 0x63, 0x72, 0x79, 0x70, 0x74, 0x30, 0x40,
]);
const EXTERNAL_START = ENCRYPT0.length + 2;
const VIEW_LENGTH_MAX = 192;

export class AadWriter {
  #buffer: Uint8Array;
  #at = EXTERNAL_START;
  #views: (Uint8Array | undefined)[] = [];

  constructor() {
    this.#buffer = prepared(256);
  }

  /**
   * Begins `Enc(h'', external_aad)`. What follows is the whole external_aad, its array head
   * included.
   */
  begin(): void {
    this.#at = EXTERNAL_START;
  }

  /** CBOR that is ready, as it stands. */
  append(encoded: Uint8Array): void {
    const at = this.#room(encoded.length);
    this.#buffer.set(encoded, at);
    this.#at = at + encoded.length;
  }

  /** An array's head; at most 23 elements. */
  array(elements: number): void {
    const at = this.#room(1);
    this.#buffer[at] = 0x80 + elements;
    this.#at = at + 1;
  }

  /** An unsigned integer below 2^53, in its shortest form. */
  uint(value: number): void {
    const at = this.#room(9);
    this.#at = writeHead(this.#buffer, at, 0, value);
  }

  /** A byte string copied from `length` bytes (at most 23) of `bytes` at `start`. */
  slice(bytes: Uint8Array, start: number, length: number): void {
    if (length > 23) throw new RangeError(`an id of ${length} bytes`);
    let at = this.#room(24);
    const buffer = this.#buffer;
    buffer[at++] = 0x40 + length;
    for (let i = start, end = start + length; i < end; i++) buffer[at++] = bytes[i];
    this.#at = at;
  }

  /** A whole array as a byte string. */
  bytes(bytes: Uint8Array): void {
    const start = this.#room(bytes.length + 9);
    const at = writeHead(this.#buffer, start, 0x40, bytes.length);
    this.#buffer.set(bytes, at);
    this.#at = at + bytes.length;
  }

  /** Where the next byte goes; for `repeat`. */
  get position(): number {
    return this.#at;
  }

  /** Writes once more what was written since `from`. */
  repeat(from: number): void {
    const at = this.#room(this.#at - from);
    this.#buffer.copyWithin(at, from, at);
    this.#at = at + at - from;
  }

  /** The finished Enc_structure. Valid until the next `begin`. */
  finish(): Uint8Array {
    const end = this.#at;
    const length = end - EXTERNAL_START;
    if (length < 24 || length > 255) return this.#unusual(length);
    this.#buffer[EXTERNAL_START - 2] = 0x58;
    this.#buffer[EXTERNAL_START - 1] = length;
    if (end > VIEW_LENGTH_MAX) return this.#buffer.slice(0, end);
    let view = this.#views[end];
    if (view === undefined) {
      view = this.#buffer.subarray(0, end);
      this.#views[end] = view;
    }
    return view;
  }

  /** The head of the byte string is not two bytes long: build the structure apart. */
  #unusual(length: number): Uint8Array {
    const head = new Uint8Array(9);
    const headEnd = writeHead(head, 0, 0x40, length);
    const whole = new Uint8Array(ENCRYPT0.length + headEnd + length);
    whole.set(ENCRYPT0, 0);
    whole.set(head.subarray(0, headEnd), ENCRYPT0.length);
    whole.set(this.#buffer.subarray(EXTERNAL_START, this.#at), ENCRYPT0.length + headEnd);
    return whole;
  }

  /** The position, with so many bytes free behind it. */
  #room(more: number): number {
    const at = this.#at;
    if (at + more > this.#buffer.length) {
      const larger = prepared((at + more) * 2);
      larger.set(this.#buffer.subarray(0, at), 0);
      this.#buffer = larger;
      this.#views = [];
    }
    return at;
  }
}

function prepared(size: number): Uint8Array {
  const buffer = new Uint8Array(size);
  buffer.set(ENCRYPT0, 0);
  return buffer;
}

/** A CBOR head (RFC 8949 §3): major type in the top bits, value below 2^53. Returns the end. */
function writeHead(into: Uint8Array, start: number, major: number, value: number): number {
  let at = start;
  if (value < 24) {
    into[at++] = major + value;
    return at;
  }
  const size = value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 0x100000000 ? 4 : 8;
  into[at++] = major + (size === 1 ? 24 : size === 2 ? 25 : size === 4 ? 26 : 27);
  let rest = value;
  for (let i = at + size - 1; i >= at; i--) {
    const high = Math.floor(rest / 256);
    into[i] = rest - high * 256;
    rest = high;
  }
  return at + size;
}

/**
 * nonce = IV ⊕ (id left-padded to `idWidth` ‖ piv left-padded to the rest), from a parsed option
 * whose positions lie in `bytes`. Only the bytes that are there are combined: padding is zero.
 */
export function fillNonce(
  nonce: Uint8Array,
  key: { readonly iv: Uint8Array },
  idWidth: number,
  bytes: Uint8Array,
  option: OscoreOption,
): void {
  nonce.set(key.iv);
  let at = idWidth - option.kidLength;
  for (let i = option.kidStart, end = i + option.kidLength; i < end; i++) nonce[at++] ^= bytes[i];
  at = nonce.length - option.pivLength;
  for (let i = option.pivStart, end = i + option.pivLength; i < end; i++) nonce[at++] ^= bytes[i];
}

/** What a device reuses from datagram to datagram while it opens and seals. */
export class Workspace {
  readonly aad = new AadWriter();
  readonly nonce13 = new Uint8Array(13);
  /** The option of a message being sealed, read back so that both directions share one path. */
  readonly option = new OscoreOption();
}
