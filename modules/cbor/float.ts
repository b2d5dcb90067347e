/** Floating-point numbers in their shortest CBOR form (RFC 8949 §4.2.1, Appendix D). */
import { Writer } from "../bytes/writer.js";

const HEAD_HALF = 0xf9;
const HEAD_SINGLE = 0xfa;
const HEAD_DOUBLE = 0xfb;

/**
 * Head and bits of `value` in the shortest of the three widths that keeps it exact; one NaN, 7e00.
 */
export function floatBytes(value: number): Uint8Array {
  const writer = new Writer(9);
  const view = new DataView(new ArrayBuffer(8));
  if (Number.isNaN(value)) {
    writer.u8(HEAD_HALF);
    writer.u16(0x7e00);
  } else if (Math.fround(value) !== value) {
    view.setFloat64(0, value);
    writer.u8(HEAD_DOUBLE);
    writer.u32(view.getUint32(0));
    writer.u32(view.getUint32(4));
  } else {
    view.setFloat32(0, value);
    const single = view.getUint32(0);
    const half = halfOf(single);
    writer.u8(half === undefined ? HEAD_SINGLE : HEAD_HALF);
    if (half === undefined) writer.u32(single);
    else writer.u16(half);
  }
  return writer.finish();
}

/** The 16 bits of the half that equals the single with these 32 bits, when there is one. */
function halfOf(single: number): number | undefined {
  const sign = single >= 0x80000000 ? 0x8000 : 0;
  const exponent = ((single >>> 23) & 0xff) - 127;
  const mantissa = single & 0x7fffff;
  if (exponent === -127) return mantissa === 0 ? sign : undefined;
  if (exponent === 128) return sign | 0x7c00;
  if (exponent > 15 || exponent < -24) return undefined;
  if (exponent >= -14) {
    return (mantissa & 0x1fff) === 0
      ? sign | ((exponent + 15) << 10) | (mantissa >> 13)
      : undefined;
  }
  // A subnormal half counts in steps of 2^-24; the single's leading 1 becomes visible.
  const whole = mantissa | 0x800000;
  const shift = -1 - exponent;
  return (whole & ((1 << shift) - 1)) === 0 ? sign | (whole >> shift) : undefined;
}

/** The number in `width` (2, 4 or 8) bytes at `start`, which are there. */
export function readFloat(bytes: Uint8Array, start: number, width: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, width);
  if (width === 8) return view.getFloat64(0);
  if (width === 4) return view.getFloat32(0);
  const bits = view.getUint16(0);
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}
