/**
 * Unsigned integers of variable length, big-endian, without leading zeros. Arithmetic, not bit
 * operators: sequence numbers pass 2^31.
 */

/** 2^53 - 1 needs 7 bytes. */
const LENGTH_MAX = 7;

/**
 * Shortest form, 0 as one zero byte (WIRE.md `uint`: piv, key id). Throws RangeError beyond 2^53 -
 * 1.
 */
export function uintBytes(value: number): Uint8Array {
  return value === 0 ? new Uint8Array(1) : coapUint(value);
}

/**
 * Shortest form, 0 as no bytes at all (RFC 7252 §3.2). Throws RangeError beyond 2^53 - 1. Written
 * out, for every command sent has two of these: calling the two functions below takes a Cortex-M4
 * 1500 instructions more for each.
 */
export function coapUint(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a uint: ${value}`);
  let length = 0;
  for (let rest = value; rest >= 1; rest = Math.floor(rest / 256)) length++;
  const bytes = new Uint8Array(length);
  let rest = value;
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

/** Bytes of the shortest form, 0 of 0. */
export function uintLength(value: number): number {
  let length = 0;
  for (let rest = value; rest >= 1; rest = Math.floor(rest / 256)) length++;
  return length;
}

/** Writes the lowest `length` bytes of a uint, with leading zeros where it has fewer. */
export function writeUint(into: Uint8Array, start: number, length: number, value: number): void {
  let rest = value;
  for (let at = start + length - 1; at >= start; at--) {
    into[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/**
 * The value of `length` bytes from `start`; no bytes are 0. Throws RangeError where it could pass
 * 2^53 - 1 (7 bytes are read when the first is below 0x20) or lies outside: the caller checked the
 * length.
 */
export function readUint(bytes: Uint8Array, start = 0, length = bytes.length - start): number {
  const end = start + length;
  if (!(length >= 0 && length <= LENGTH_MAX && end <= bytes.length)) {
    throw new RangeError(`a uint of ${length} bytes at ${start} of ${bytes.length}`);
  }
  let value = 0;
  for (let i = start; i < end; i++) value = value * 256 + bytes[i];
  if (value > Number.MAX_SAFE_INTEGER) throw new RangeError("a uint beyond 2^53 - 1");
  return value;
}
