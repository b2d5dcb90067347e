/**
 * IPv6 addresses as the mesh uses them: numbers instead of 16 bytes wherever RFC 6282 has a short
 * form.
 *
 * Most addresses here are (mesh prefix or fe80::/64) + interface identifier, or
 * ffXX::00XX:XXXX:XXXX. As numbers they cost two comparisons and no array; only what has no such
 * form is kept as bytes.
 */
import { sumBytes } from "./checksum.js";
import { SHORT, word } from "./mac.js";

/** `kind` of an Address: */
export const UNSPECIFIED = 0;
/** The mesh prefix (context 0) and an interface identifier. */
export const MESH = 1;
/** fe80::/64 and an interface identifier. */
export const LINK_LOCAL = 2;
/** ffXX::00XX:XXXX:XXXX: `high` is the byte of flags and scope, `low` the last 40 bits. */
export const GROUP = 3;
/** Anything else: the bytes in `full`; the pair is that of the last 64 bits. */
export const FULL = 4;

/** RFC 6282 §3.2.2: a short address XXXX is the identifier 0000:00ff:fe00:XXXX. */
const SHORT_IID_HIGH = 0x000000ff;
const SHORT_IID_LOW = 0xfe000000;
/** The universal/local bit of an EUI-64, in its upper 32 bits. */
const UNIVERSAL_LOCAL = 0x02000000;

/**
 * Interface identifiers are pairs like link addresses: (SHORT, XXXX) for 0000:00ff:fe00:XXXX,
 * else the two 32-bit halves. Each identifier has exactly one pair.
 */
export class Address {
  kind = UNSPECIFIED;
  high = 0;
  low = 0;
  /** Only some addresses are ever FULL, and an array takes 136 bytes: made when it is asked for. */
  private room: Uint8Array | undefined = undefined;

  /** The 16 bytes. Meaningful when `kind` is FULL. */
  get full(): Uint8Array {
    this.room ??= new Uint8Array(16);
    return this.room;
  }

  /** An interface identifier in 8 bytes. */
  setIid(kind: number, bytes: Uint8Array, at: number): void {
    this.setPair(kind, word(bytes, at), word(bytes, at + 4));
  }

  /** The two halves of an identifier; finds the short form. */
  setPair(kind: number, high: number, low: number): void {
    this.kind = kind;
    const short = low - SHORT_IID_LOW;
    if (high === SHORT_IID_HIGH && short >= 0 && short <= 0xffff) {
      this.high = SHORT;
      this.low = short;
    } else {
      this.high = high;
      this.low = low;
    }
  }

  /** The identifier made of a link address: short as it is, EUI-64 with the U/L bit inverted. */
  setLink(kind: number, high: number, low: number): void {
    if (high === SHORT) {
      this.kind = kind;
      this.high = SHORT;
      this.low = low;
    } else {
      this.setPair(kind, invertUniversal(high), low);
    }
  }

  /** Any 16 bytes; finds the shortest kind. */
  setBytes(bytes: Uint8Array, at: number, prefix: Uint8Array): void {
    if (bytes[at] === 0xff && zero(bytes, at + 2, at + 11)) {
      this.kind = GROUP;
      this.high = bytes[at + 1];
      this.low = bytes[at + 11] * 0x1_0000_0000 + word(bytes, at + 12);
    } else if (same(bytes, at, prefix, 8)) {
      this.setIid(MESH, bytes, at + 8);
    } else if (bytes[at] === 0xfe && bytes[at + 1] === 0x80 && zero(bytes, at + 2, at + 8)) {
      this.setIid(LINK_LOCAL, bytes, at + 8);
    } else if (zero(bytes, at, at + 16)) {
      this.kind = UNSPECIFIED;
    } else {
      this.setIid(FULL, bytes, at + 8);
      const { full } = this;
      for (let i = 0; i < 16; i++) full[i] = bytes[at + i];
    }
  }

  copy(other: Address): void {
    this.kind = other.kind;
    this.high = other.high;
    this.low = other.low;
    if (other.kind === FULL) this.full.set(other.full);
  }

  equals(other: Address): boolean {
    if (this.kind !== other.kind) return false;
    if (this.kind === FULL) return same(this.full, 0, other.full, 16);
    return this.kind === UNSPECIFIED || (this.high === other.high && this.low === other.low);
  }

  isMulticast(): boolean {
    return this.kind === GROUP || (this.kind === FULL && this.full[0] === 0xff);
  }

  /** RFC 4291 §2.7; meaningful for multicast addresses. */
  scope(): number {
    return (this.kind === GROUP ? this.high : this.full[1]) & 15;
  }

  /** Sum of the 16-bit words, for the UDP pseudo header. `prefixSum` is that of the mesh prefix. */
  sum(prefixSum: number): number {
    if (this.kind === FULL) return sumBytes(this.full, 0, 16);
    if (this.kind === UNSPECIFIED) return 0;
    if (this.kind === GROUP) {
      return (
        0xff00 + this.high + Math.floor(this.low / 0x1_0000_0000) + halves(this.low % 0x1_0000_0000)
      );
    }
    const identifier =
      this.high === SHORT
        ? SHORT_IID_HIGH + halves(SHORT_IID_LOW) + this.low
        : halves(this.high) + halves(this.low);
    return identifier + (this.kind === MESH ? prefixSum : 0xfe80);
  }

  /** The 16 bytes, the caller's own copy. */
  bytes(prefix: Uint8Array): Uint8Array {
    if (this.kind === FULL) return this.full.slice();
    const out = new Uint8Array(16);
    if (this.kind === GROUP) {
      out[0] = 0xff;
      out[1] = this.high;
      out[11] = Math.floor(this.low / 0x1_0000_0000);
      putWord(out, 12, this.low % 0x1_0000_0000);
    } else if (this.kind !== UNSPECIFIED) {
      if (this.kind === MESH) {
        out.set(prefix);
      } else {
        out[0] = 0xfe;
        out[1] = 0x80;
      }
      if (this.high === SHORT) {
        // putIid without writing the zeros: this is on the path of every datagram received.
        out[11] = 0xff;
        out[12] = 0xfe;
        out[14] = this.low >> 8;
        out[15] = this.low & 255;
      } else {
        putIid(out, 8, this.high, this.low);
      }
    }
    return out;
  }
}

function halves(value: number): number {
  return Math.floor(value / 65536) + (value % 65536);
}

/** Inverts the U/L bit by arithmetic: the value has 32 bits. */
export function invertUniversal(high: number): number {
  return Math.floor(high / UNIVERSAL_LOCAL) % 2 === 0
    ? high + UNIVERSAL_LOCAL
    : high - UNIVERSAL_LOCAL;
}

/** 8 bytes of interface identifier. */
export function putIid(out: Uint8Array, at: number, high: number, low: number): void {
  if (high !== SHORT) {
    putWord(out, at, high);
    putWord(out, at + 4, low);
    return;
  }
  putWord(out, at, SHORT_IID_HIGH);
  out[at + 4] = 0xfe;
  out[at + 5] = 0;
  out[at + 6] = low >> 8;
  out[at + 7] = low & 255;
}

/** 4 bytes, big-endian. */
export function putWord(out: Uint8Array, at: number, value: number): void {
  const upper = Math.floor(value / 65536);
  const lower = value % 65536;
  out[at] = upper >> 8;
  out[at + 1] = upper & 255;
  out[at + 2] = lower >> 8;
  out[at + 3] = lower & 255;
}

export function same(bytes: Uint8Array, at: number, other: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[at + i] !== other[i]) return false;
  return true;
}

function zero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}
