/**
 * Bits of one record, written and read at a place in flash.
 *
 *   head    short: kind(1) index(1) length(1) check(1)
 *           long:  0x80|kind(1) index(3) length(2) check(2), for an index over 255 or a value
 *                  of over 127 bytes
 *           the top bit of length says "deleted"; there is no value then
 *   value   0 to 1024 bytes, then 0xFF up to the next program unit
 *   seal    one program unit: CRC-32 of head (without check) and value, then 0xFF
 *
 * All numbers are big-endian. The CRC starts from the sector's generation, so a record that an
 * earlier life of the sector left behind never verifies; `check` is the CRC's register after the
 * head, folded.
 *
 * Written in that order: the head's program unit, the rest, the seal, each a program operation that
 * begins after the one before is done. That order is what tells a torn write from damage, see
 * store.ts: a head that does not check was torn only if nothing follows it; a value was torn only
 * if the seal is blank; a seal was torn only if it still has every one-bit of the right one.
 */
import type { Flash } from "../ports/flash.js";
import { CRC_TABLE } from "./crc32.js";

export const VALUE_MAX = 1024;

/** What `read` finds. */
export const BLANK = 0;
/** Verified: `key`, `length`, `isDeleted` and `size` tell what. */
export const VALID = 1;
/** A head that does not check. */
export const TORN_HEAD = 2;
/** A sound head whose seal was never begun. */
export const TORN = 3;
/** Verified, but the seal was cut short: some of its bits are still erased. As good as VALID. */
export const UNSEALED = 4;
export const DAMAGED = 5;

const CHUNK_BYTES = 64;
const LONG = 0x80;
export const SHORT_HEAD = 4;
const LONG_HEAD = 8;
export const SHORT_LENGTH_MAX = 0x7f;
const SHORT_DELETED = 0x80;
const LONG_DELETED = 0x8000;

export class Records {
  key = 0;
  length = 0;
  isDeleted = false;
  size = 0;
  readonly #flash: Flash;
  readonly #unit: number;
  /** Bytes the first program operation covers, and the least that reading looks at. */
  readonly #firstBytes: number;
  readonly #buffer = new Uint8Array(CHUNK_BYTES);
  /** By length in program units: the buffer's first bytes, made when first used. */
  readonly #views: Uint8Array[] = [];
  /** Its first four bytes change, the others stay erased. */
  readonly #seal: Uint8Array;
  readonly #found: Uint8Array;
  #isComparing = false;

  constructor(flash: Flash) {
    this.#flash = flash;
    this.#unit = flash.programBytes;
    this.#firstBytes = Math.max(LONG_HEAD, this.#unit);
    this.#seal = new Uint8Array(this.#unit).fill(0xff);
    this.#found = new Uint8Array(this.#unit);
  }

  /** 64 bytes that anybody may use between two calls of this object. */
  get scratch(): Uint8Array {
    return this.#buffer;
  }

  /** What a torn head occupies, and the least that must be left of a sector to hold a record. */
  get leastBytes(): number {
    return this.#firstBytes;
  }

  /** Bytes in flash of a record with `length` bytes of value. */
  sizeOf(key: number, length: number): number {
    const unit = this.#unit;
    // Units are powers of two.
    return ((headBytes(key, length) + length + unit - 1) & -unit) + unit;
  }

  /** Appends at `at`; `value` undefined deletes. Durable when true. */
  write(at: number, generation: number, key: number, value: Uint8Array | undefined): boolean {
    this.#isComparing = false;
    return this.#emit(at, generation, key, value);
  }

  /** True when flash at `at` is this record, or may be what a cut left of writing it. */
  isRestOf(at: number, generation: number, key: number, value: Uint8Array): boolean {
    this.#isComparing = true;
    return this.#emit(at, generation, key, value);
  }

  /** Looks at what lies at `at`; a record does not reach beyond `limit`. */
  read(at: number, generation: number, limit: number): number {
    const buffer = this.#buffer;
    this.#flash.read(at, this.#view(this.#firstBytes));
    this.size = this.#firstBytes;
    if (isBlank(buffer, 0, this.#firstBytes)) return BLANK;
    const register = this.#readHead(generation);
    if (register === undefined) return TORN_HEAD;
    const size = this.sizeOf(this.key, this.length);
    if (at + size > limit) return TORN_HEAD;
    this.size = size;
    return this.#readBody(at, size, register);
  }

  /** Fills `into` with the value of the record at `at`. */
  readValue(at: number, key: number, into: Uint8Array): void {
    this.#flash.read(at + headBytes(key, into.length), into);
  }

  /** Length of the value of the verified record at `at`. */
  readLength(at: number): number {
    const buffer = this.#buffer;
    this.#flash.read(at, this.#view(this.#firstBytes));
    return buffer[0] < LONG ? buffer[2] : buffer[4] * 256 + buffer[5];
  }

  #emit(at: number, generation: number, key: number, value: Uint8Array | undefined): boolean {
    const buffer = this.#buffer;
    const unit = this.#unit;
    const length = value === undefined ? 0 : value.length;
    const isBrief = isShort(key, length);
    let crc = isBrief
      ? this.#putShortHead(generation, key, value === undefined ? SHORT_DELETED : length)
      : this.#putLongHead(generation, key, value === undefined ? LONG_DELETED : length);
    let fill = isBrief ? SHORT_HEAD : LONG_HEAD;
    // The head's program unit goes first, on its own.
    let flushAt = isBrief ? unit : this.#firstBytes;
    let offset = at;
    for (let i = 0; i < length; ) {
      if (fill === flushAt) {
        if (!this.#put(offset, fill)) return false;
        offset += fill;
        fill = 0;
        flushAt = CHUNK_BYTES;
      }
      let end = i + flushAt - fill;
      if (end > length) end = length;
      while (i < end) {
        const byte = (value as Uint8Array)[i++];
        buffer[fill++] = byte;
        crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
      }
    }
    if ((fill & (unit - 1)) !== 0) {
      const padded = (fill + unit - 1) & -unit;
      buffer.fill(0xff, fill, padded);
      fill = padded;
    }
    if (!this.#put(offset, fill)) return false;
    this.#makeSeal(crc);
    return this.#putBytes(offset + fill, this.#seal);
  }

  /** Head into the buffer; returns the CRC's register after it. */
  #putShortHead(generation: number, key: number, length: number): number {
    const buffer = this.#buffer;
    const kind = key >>> 24;
    const index = key & 0xff;
    let register = ~generation;
    register = CRC_TABLE[(register ^ kind) & 0xff] ^ (register >>> 8);
    register = CRC_TABLE[(register ^ index) & 0xff] ^ (register >>> 8);
    register = CRC_TABLE[(register ^ length) & 0xff] ^ (register >>> 8);
    buffer[0] = kind;
    buffer[1] = index;
    buffer[2] = length;
    buffer[3] = fold8(register);
    return register;
  }

  #putLongHead(generation: number, key: number, length: number): number {
    const buffer = this.#buffer;
    buffer[0] = LONG | (key >>> 24);
    buffer[1] = key >> 16;
    buffer[2] = key >> 8;
    buffer[3] = key;
    buffer[4] = length >> 8;
    buffer[5] = length;
    const register = registerAfter(buffer, 6, generation);
    const check = fold16(register);
    buffer[6] = check >> 8;
    buffer[7] = check;
    return register;
  }

  /** Head from the buffer; returns the register after it, undefined when it does not check. */
  #readHead(generation: number): number | undefined {
    const buffer = this.#buffer;
    let register: number;
    if (buffer[0] < LONG) {
      register = registerAfter(buffer, 3, generation);
      if (buffer[3] !== fold8(register)) return undefined; // check: store-short-head
      this.key = buffer[0] * 0x1000000 + buffer[1];
      this.isDeleted = buffer[2] >= SHORT_DELETED;
      this.length = buffer[2] & SHORT_LENGTH_MAX;
    } else {
      register = registerAfter(buffer, 6, generation);
      const check = buffer[6] * 256 + buffer[7];
      if (check !== fold16(register)) return undefined; // check: store-long-head
      const index = (buffer[1] << 16) | (buffer[2] << 8) | buffer[3];
      this.key = (buffer[0] & 0x7f) * 0x1000000 + index;
      const length = buffer[4] * 256 + buffer[5];
      this.isDeleted = length >= LONG_DELETED;
      this.length = length % LONG_DELETED;
    }
    return this.length > VALUE_MAX ? undefined : register;
  }

  /** The rest of a record whose first bytes are in the buffer. */
  #readBody(at: number, size: number, register: number): number {
    const buffer = this.#buffer;
    const bodyBytes = size - this.#unit;
    const valueEnd = headBytes(this.key, this.length) + this.length;
    let crc = register;
    let isPadded = true;
    let start = headBytes(this.key, this.length);
    let end = Math.min(this.#firstBytes, bodyBytes);
    // `base` is where in the record the buffer begins.
    for (let base = 0; ; ) {
      for (let i = start; i < end; i++) {
        if (base + i >= valueEnd) isPadded = isPadded && buffer[i] === 0xff;
        else crc = CRC_TABLE[(crc ^ buffer[i]) & 0xff] ^ (crc >>> 8);
      }
      base += end;
      if (base >= bodyBytes) break;
      start = 0;
      end = Math.min(CHUNK_BYTES, bodyBytes - base);
      this.#flash.read(at + base, this.#view(end));
    }
    this.#makeSeal(crc);
    this.#flash.read(at + bodyBytes, this.#found);
    return this.#judge(isPadded);
  }

  #judge(isPadded: boolean): number {
    const found = this.#found;
    const seal = this.#seal;
    if (isBlank(found, 0, found.length)) return TORN;
    let isExact = true;
    for (let i = 0; i < found.length; i++) {
      if (found[i] === seal[i]) continue;
      isExact = false;
      if ((found[i] & seal[i]) !== seal[i]) return DAMAGED; // check: store-seal
    }
    if (!isPadded) return DAMAGED; // check: store-padding
    return isExact ? VALID : UNSEALED;
  }

  #makeSeal(crc: number): void {
    const seal = this.#seal;
    // The one checksum that looks erased gives way to its neighbour.
    const sum = crc === 0 ? -2 : ~crc;
    seal[0] = sum >>> 24;
    seal[1] = sum >>> 16;
    seal[2] = sum >>> 8;
    seal[3] = sum;
  }

  #put(offset: number, length: number): boolean {
    return this.#putBytes(offset, this.#views[length >> 2] ?? this.#view(length));
  }

  #putBytes(offset: number, bytes: Uint8Array): boolean {
    return this.#isComparing ? this.#compare(offset, bytes) : this.#flash.program(offset, bytes);
  }

  /** True when programming `bytes` could have led to what flash holds. */
  #compare(offset: number, bytes: Uint8Array): boolean {
    const found = this.#found;
    for (let base = 0; base < bytes.length; base += found.length) {
      this.#flash.read(offset + base, found);
      for (let i = 0; i < found.length; i++) {
        if ((found[i] & bytes[base + i]) !== bytes[base + i]) return false;
      }
    }
    return true;
  }

  #view(length: number): Uint8Array {
    const view = this.#views[length >> 2];
    if (view !== undefined) return view;
    const made = new Uint8Array(this.#buffer.buffer, 0, length);
    this.#views[length >> 2] = made;
    return made;
  }
}

function isShort(key: number, length: number): boolean {
  return (key & 0xffff00) === 0 && length <= SHORT_LENGTH_MAX;
}

function headBytes(key: number, length: number): number {
  return isShort(key, length) ? SHORT_HEAD : LONG_HEAD;
}

/** The CRC's register after `length` bytes of a sector of this generation. */
function registerAfter(bytes: Uint8Array, length: number, generation: number): number {
  let crc = ~generation;
  for (let i = 0; i < length; i++) {
    crc = CRC_TABLE[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  }
  return crc;
}

function fold16(register: number): number {
  return (register ^ (register >>> 16)) & 0xffff;
}

/** The check of a short head: the CRC's register after it, folded. */
export function fold8(register: number): number {
  const half = register ^ (register >>> 16);
  return (half ^ (half >>> 8)) & 0xff;
}

export function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0xff) return false;
  return true;
}
