/** Lower-case hexadecimal text: for people, files and tests, never on a hot path. */

const DIGITS = "0123456789abcdef";
const UPPER_DIGITS = "ABCDEF";

export function toHex(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i++) parts.push(DIGITS[bytes[i] >> 4] + DIGITS[bytes[i] & 15]);
  return parts.join("");
}

/** Upper case is accepted, anything else but digit pairs is not: throws SyntaxError. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw new SyntaxError(`hex text of odd length ${text.length}`);
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (digit(text, i * 2) << 4) | digit(text, i * 2 + 1);
  }
  return bytes;
}

function digit(text: string, at: number): number {
  // Changing the case of a text needs 10 KB of tables on a device.
  const value = DIGITS.indexOf(text[at]);
  if (value >= 0) return value;
  const upper = UPPER_DIGITS.indexOf(text[at]);
  if (upper < 0) throw new SyntaxError(`not a hex digit at ${at}: ${text[at]}`);
  return upper + 10;
}
