/**
 * UTF-8 (RFC 3629) without TextEncoder, which devices do not have. XS counts a code point beyond
 * U+FFFF as one character of a string, other engines as two: the code below steps by what the
 * engine says.
 */

/** Stack slots are scarce on a device: so many characters a call. */
const CHUNK = 32;

/** Throws RangeError on a lone surrogate: no text of ours has one. */
export function utf8(text: string): Uint8Array {
  const out: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i) as number;
    if (point < 0x80) {
      out.push(point);
    } else if (point < 0x800) {
      out.push(0xc0 | (point >> 6), tail(point));
    } else if (point < 0x10000) {
      if (point >= 0xd800 && point <= 0xdfff) throw new RangeError(`lone surrogate at ${i}`);
      out.push(0xe0 | (point >> 12), tail(point >> 6), tail(point));
    } else {
      out.push(0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6), tail(point));
      i += String.fromCodePoint(point).length - 1;
    }
  }
  return Uint8Array.from(out);
}

function tail(bits: number): number {
  return 0x80 | (bits & 0x3f);
}

/**
 * The text, or undefined when `bytes` are not well-formed (overlong, surrogate, beyond U+10FFFF,
 * cut off).
 */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  if (isShortAscii(bytes)) return String.fromCharCode.apply(String, bytes as unknown as number[]);
  const parts: string[] = [];
  let points: number[] = [];
  let i = 0;
  while (i < bytes.length) {
    let point = bytes[i];
    if (point < 0x80) {
      i++;
    } else {
      const length = sequenceLength(point);
      if (length === 0 || i + length > bytes.length) return undefined;
      point &= 0x7f >> length;
      for (let k = 1; k < length; k++) {
        const next = bytes[i + k];
        if (next >> 6 !== 2) return undefined;
        point = (point << 6) | (next & 0x3f);
      }
      if (!allowed(point, length)) return undefined;
      i += length;
    }
    points.push(point);
    if (points.length === CHUNK || i === bytes.length) {
      parts.push(String.fromCodePoint.apply(String, points));
      points = [];
    }
  }
  return parts.join("");
}

/** As nearly all text on a device is: names of schemes and paths. */
function isShortAscii(bytes: Uint8Array): boolean {
  const { length } = bytes;
  if (length > CHUNK) return false;
  for (let i = 0; i < length; i++) if (bytes[i] >= 0x80) return false;
  return true;
}

function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}

/** RFC 3629 §3: the shortest form only, no surrogates, at most U+10FFFF. */
function allowed(point: number, length: number): boolean {
  if (length === 3) return point >= 0x800 && (point < 0xd800 || point > 0xdfff);
  if (length === 4) return point >= 0x10000 && point <= 0x10ffff;
  return true;
}
