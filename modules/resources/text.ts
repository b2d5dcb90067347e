/** Numbers in text/plain, as `coap-client -e 40` sends them. Strict: one spelling a number. */

const ZERO = 0x30;
const NINE = 0x39;
const POINT = 0x2e;
const DIGITS_MAX = 9;

/**
 * A whole number up to `most`; undefined for anything else, signs, spaces and leading zeros
 * included.
 */
export function parseWhole(payload: Uint8Array | undefined, most: number): number | undefined {
  if (payload === undefined) return undefined;
  const value = digits(payload, 0, payload.length);
  return value === undefined || value > most ? undefined : value;
}

/** Seconds with at most three decimals, as tenths rounded to the nearest; up to `mostTenths`. */
export function parseTenths(payload: Uint8Array, mostTenths: number): number | undefined {
  const point = payload.indexOf(POINT);
  const end = point < 0 ? payload.length : point;
  const whole = digits(payload, 0, end);
  if (whole === undefined) return undefined;
  let thousandths = 0;
  if (point >= 0) {
    const decimals = payload.length - point - 1;
    if (decimals < 1 || decimals > 3) return undefined;
    for (let i = point + 1; i < payload.length; i++) {
      if (!isDigit(payload[i])) return undefined;
      thousandths = thousandths * 10 + payload[i] - ZERO;
    }
    for (let i = decimals; i < 3; i++) thousandths *= 10;
  }
  const tenths = whole * 10 + Math.round(thousandths / 100);
  return tenths > mostTenths ? undefined : tenths;
}

function digits(bytes: Uint8Array, start: number, end: number): number | undefined {
  const count = end - start;
  if (count < 1 || count > DIGITS_MAX) return undefined;
  if (bytes[start] === ZERO && count > 1) return undefined;
  let value = 0;
  for (let i = start; i < end; i++) {
    if (!isDigit(bytes[i])) return undefined;
    value = value * 10 + bytes[i] - ZERO;
  }
  return value;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}
