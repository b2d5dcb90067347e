/**
 * Uri-Path options as one text.
 *
 * A path is compared byte for byte, once it is known to be made of nothing but the bytes our paths
 * are made of. Percent signs, capitals, slashes inside a segment and empty segments belong to no
 * path of ours (RFC 7252 §6.4: a segment travels decoded), so each of them ends the search.
 */
import type { Option } from "../coap/message.js";
import { URI_PATH } from "../coap/options.js";

const LENGTH_MAX = 24;
const DIGITS_MAX = 10;

/** "3311/0/5850"; undefined when it cannot be one of ours. No segment at all is "". */
export function pathOf(options: readonly Option[]): string | undefined {
  let path = "";
  let first = true;
  for (const { number, value } of options) {
    if (number !== URI_PATH) continue;
    if (!first) path += "/";
    first = false;
    if (path.length + value.length > LENGTH_MAX) return undefined; // check: path-length
    for (let i = 0; i < value.length; i++) {
      const byte = value[i];
      if (!isPlain(byte)) return undefined; // check: path-plain-bytes
      path += String.fromCharCode(byte);
    }
  }
  return path;
}

/** a-z, 0-9, "." and "-". */
function isPlain(byte: number): boolean {
  return (
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2e ||
    byte === 0x2d
  );
}

/** The number a text is, in its only spelling (no sign, no leading zero); undefined otherwise. */
export function numberOf(text: string): number | undefined {
  if (text.length === 0 || text.length > DIGITS_MAX) return undefined;
  if (text.length > 1 && text[0] === "0") return undefined; // check: path-number-spelling
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    value = value * 10 + digit;
  }
  return value;
}

/** The number in the last segment. */
export function lastNumber(options: readonly Option[]): number | undefined {
  const path = pathOf(options);
  return path === undefined ? undefined : numberOf(path.slice(path.lastIndexOf("/") + 1));
}
