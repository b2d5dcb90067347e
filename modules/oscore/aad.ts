/**
 * Additional data and nonce, built in place.
 *
 * Both are needed once a datagram and thrown away, so a fresh array each time would be most of the
 * garbage of the receive path. One workspace per device holds the bytes; a view is kept for every
 * length that has occurred, because making a view costs as much as filling it. What is the same in
 * every message of a key is encoded once and copied by one native call (`begin`).
 */
import { OscoreOption } from "./option.js";

/** CBOR `["Encrypt0", h'', …]` up to the external_aad's head (RFC 9052 §5.3). */
const ENCRYPT0: readonly number[] = Object.freeze([
  0x83, 0x68, 0x45, 0x6e, 0x63, 0x72, 0x79, 0x70, 0x74, 0x30, 0x40,
]);
const EXTERNAL_START = ENCRYPT0.length + 2;
const VIEW_LENGTH_MAX = 192;
/** Ids of 23 bytes and an endpoint. */
const FIXED_BYTES_MAX = 96;

/** The ids of the request that a response belongs to. */
export interface RequestIds {
  readonly kid: Uint8Array;
  readonly piv: Uint8Array;
}

export class AadWriter {
  #buffer: Uint8Array;
  #at = EXTERNAL_START;
  #words: DataView;
  #views: (Uint8Array | undefined)[] = [];
  /** The prefix used last, and what it belongs to. */
  #prefix: Uint8Array | undefined = undefined;
  #prefixKey: object | undefined = undefined;
  #prefixGroup = 0;

  constructor() {
    this.#buffer = prepared(256);
    this.#words = new DataView(this.#buffer.buffer);
  }

  /** The prefix kept last, if it was for this key and group. */
  prefixOf(key: object, group: number): Uint8Array | undefined {
    return this.#prefixKey === key && this.#prefixGroup === group ? this.#prefix : undefined;
  }

  keep(key: object, group: number, prefix: Uint8Array): Uint8Array {
    this.#prefixKey = key;
    this.#prefixGroup = group;
    this.#prefix = prefix;
    return prefix;
  }

  /** Begins `Enc(h'', external_aad)` with CBOR that is ready: the array's head and what follows. */
  begin(prefix: Uint8Array): void {
    this.#buffer.set(prefix, EXTERNAL_START);
    this.#at = EXTERNAL_START + prefix.length;
  }

  /**
   * Four byte strings: kid and piv of this message, whose positions lie in `bytes`, then those of
   * the request it belongs to; a request belongs to itself.
   */
  ids(bytes: Uint8Array, option: OscoreOption, request: RequestIds | undefined): void {
    const { kidStart, kidLength, pivStart, pivLength } = option;
    if (kidLength > 23) throw new RangeError(`an id of ${kidLength} bytes`);
    const buffer = this.#buffer;
    const first = this.#at;
    let at = first;
    buffer[at++] = 0x40 + kidLength;
    if (kidLength === 8) {
      const words = this.#words;
      words.setInt32(at, option.kid.high);
      words.setInt32(at + 4, option.kid.low);
      at += 8;
    } else {
      for (let i = kidStart, end = i + kidLength; i < end; i++) buffer[at++] = bytes[i];
    }
    buffer[at++] = 0x40 + pivLength;
    for (let i = pivStart, end = i + pivLength; i < end; i++) buffer[at++] = bytes[i];
    this.#at = at;
    if (request === undefined) {
      buffer.copyWithin(at, first, at);
      this.#at = at + at - first;
    } else {
      this.bytes(request.kid);
      this.bytes(request.piv);
    }
  }

  /** An IP address as a byte string and a port as an integer. */
  endpoint(address: Uint8Array, port: number): void {
    const buffer = this.#buffer;
    const { length } = address;
    let at = this.#at;
    buffer[at++] = 0x40 + length;
    buffer.set(address, at);
    at += length;
    if (port >= 256) {
      buffer[at++] = 0x19;
      buffer[at++] = port >> 8;
    } else if (port >= 24) {
      buffer[at++] = 0x18;
    }
    buffer[at++] = port;
    this.#at = at;
  }

  /** A byte string. */
  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length + 9);
    const at = writeHead(this.#buffer, this.#at, 0x40, bytes.length);
    this.#buffer.set(bytes, at);
    this.#at = at + bytes.length;
  }

  /** CBOR that is ready, as it is. */
  raw(cbor: Uint8Array): void {
    this.#reserve(cbor.length);
    this.#buffer.set(cbor, this.#at);
    this.#at += cbor.length;
  }

  /** A byte string of a few bytes within a larger buffer. */
  slice(bytes: Uint8Array, start: number, length: number): void {
    this.#reserve(length + 9);
    const buffer = this.#buffer;
    let at = writeHead(buffer, this.#at, 0x40, length);
    for (let i = start, end = i + length; i < end; i++) buffer[at++] = bytes[i];
    this.#at = at;
  }

  /** A byte string of no bytes. */
  empty(): void {
    this.#buffer[this.#at++] = 0x40;
  }

  /** The finished Enc_structure. Valid until the next `begin`. */
  finish(): Uint8Array {
    const end = this.#at;
    const length = end - EXTERNAL_START;
    if (length < 24 || end > VIEW_LENGTH_MAX) return this.#unusual(length);
    const buffer = this.#buffer;
    buffer[EXTERNAL_START - 2] = 0x58;
    buffer[EXTERNAL_START - 1] = length;
    const view = this.#views[end];
    if (view !== undefined) return view;
    const made = buffer.subarray(0, end);
    this.#views[end] = made;
    return made;
  }

  /** The external_aad alone, as a copy: what a countersignature covers. */
  external(): Uint8Array {
    return this.#buffer.slice(EXTERNAL_START, this.#at);
  }

  /** Too short for a head of two bytes, or too long to keep a view for: built apart. */
  #unusual(length: number): Uint8Array {
    const end = EXTERNAL_START + length;
    // A typed array takes a byte past its end without a word, and then it is not in the tag.
    if (end > this.#buffer.length) throw new RangeError(`additional data of ${length} bytes`);
    const head = new Uint8Array(9);
    const headEnd = writeHead(head, 0, 0x40, length);
    const whole = new Uint8Array(ENCRYPT0.length + headEnd + length);
    whole.set(ENCRYPT0, 0);
    whole.set(head.subarray(0, headEnd), ENCRYPT0.length);
    whole.set(this.#buffer.subarray(EXTERNAL_START, end), ENCRYPT0.length + headEnd);
    return whole;
  }

  /** Room for so many bytes, and for the ids and the endpoint behind them. */
  #reserve(more: number): void {
    const needed = this.#at + more + FIXED_BYTES_MAX;
    if (needed <= this.#buffer.length) return;
    const larger = prepared(needed * 2);
    larger.set(this.#buffer.subarray(0, this.#at), 0);
    this.#buffer = larger;
    this.#words = new DataView(larger.buffer);
    this.#views = [];
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

/** A 13-byte nonce, made over and over in the same place. */
export class Nonce {
  readonly bytes = new Uint8Array(13);
  readonly #words = new DataView(this.bytes.buffer);

  /**
   * IV ⊕ (id left-padded to 8 bytes ‖ partial IV left-padded to 5), from a parsed option whose
   * positions lie in `bytes`; the id has at most 8. Padding is zero, so it changes nothing.
   */
  fill(iv: Uint8Array, bytes: Uint8Array, option: OscoreOption): void {
    const { kid, sequence } = option;
    const nonce = this.bytes;
    const words = this.#words;
    nonce.set(iv);
    words.setInt32(0, words.getInt32(0) ^ kid.high);
    words.setInt32(4, words.getInt32(4) ^ kid.low);
    if (sequence <= 0x7fffffff) {
      words.setInt32(9, words.getInt32(9) ^ sequence);
      return;
    }
    const { pivStart, pivLength } = option;
    for (let i = 0; i < pivLength; i++) nonce[13 - pivLength + i] ^= bytes[pivStart + i];
  }
}

/** What a device reuses from datagram to datagram while it opens and seals. */
export class Workspace {
  readonly aad = new AadWriter();
  readonly nonce = new Nonce();
  /** The option of a message being sealed, read back so that both directions share one path. */
  readonly option = new OscoreOption();
}
