/**
 * Numbers and meanings: codes, options, content formats (the CoAP registries of IANA), and uses of
 * options.
 */
import { coapUint, readUint } from "../bytes/uint.js";
import { fromUtf8, utf8 } from "../bytes/utf8.js";
import type { Option } from "./message.js";

// Codes, class * 32 + detail (RFC 7252 §12.1, RFC 8132, RFC 7959).
export const EMPTY = 0;
export const GET = 1;
export const POST = 2;
export const PUT = 3;
export const DELETE = 4;
export const FETCH = 5;
export const PATCH = 6;
export const IPATCH = 7;
export const CREATED = 65;
export const DELETED = 66;
export const VALID = 67;
export const CHANGED = 68;
export const CONTENT = 69;
export const CONTINUE = 95;
export const BAD_REQUEST = 128;
export const UNAUTHORIZED = 129;
export const BAD_OPTION = 130;
export const FORBIDDEN = 131;
export const NOT_FOUND = 132;
export const METHOD_NOT_ALLOWED = 133;
export const NOT_ACCEPTABLE = 134;
export const REQUEST_ENTITY_INCOMPLETE = 136;
export const CONFLICT = 137;
export const PRECONDITION_FAILED = 140;
export const REQUEST_ENTITY_TOO_LARGE = 141;
export const UNSUPPORTED_CONTENT_FORMAT = 143;
export const INTERNAL_SERVER_ERROR = 160;
export const NOT_IMPLEMENTED = 161;
export const SERVICE_UNAVAILABLE = 163;

// Options (RFC 7252 §12.2, RFC 7641, 7959, 7967, 8613, 9175).
export const IF_MATCH = 1;
export const URI_HOST = 3;
export const ETAG = 4;
export const IF_NONE_MATCH = 5;
export const OBSERVE = 6;
export const URI_PORT = 7;
export const LOCATION_PATH = 8;
export const OSCORE = 9;
export const URI_PATH = 11;
export const CONTENT_FORMAT = 12;
export const MAX_AGE = 14;
export const URI_QUERY = 15;
export const ACCEPT = 17;
export const LOCATION_QUERY = 20;
export const BLOCK2 = 23;
export const BLOCK1 = 27;
export const SIZE2 = 28;
export const PROXY_URI = 35;
export const PROXY_SCHEME = 39;
export const SIZE1 = 60;
export const ECHO = 252;
export const NO_RESPONSE = 258;
export const REQUEST_TAG = 292;

// Content formats.
export const TEXT_PLAIN = 0;
export const LINK_FORMAT = 40;
export const OCTET_STREAM = 42;
export const CBOR = 60;
export const SENML_JSON = 110;
export const SENML_CBOR = 112;

/** Number, least and most bytes, 1 when it may be repeated. */
const DEFINITIONS: readonly (readonly [number, number, number, 0 | 1])[] = [
  [IF_MATCH, 0, 8, 1],
  [URI_HOST, 1, 255, 0],
  [ETAG, 1, 8, 1],
  [IF_NONE_MATCH, 0, 0, 0],
  [OBSERVE, 0, 3, 0],
  [URI_PORT, 0, 2, 0],
  [LOCATION_PATH, 0, 255, 1],
  [OSCORE, 0, 255, 0],
  [URI_PATH, 0, 255, 1],
  [CONTENT_FORMAT, 0, 2, 0],
  [MAX_AGE, 0, 4, 0],
  [URI_QUERY, 0, 255, 1],
  [ACCEPT, 0, 2, 0],
  [LOCATION_QUERY, 0, 255, 1],
  [BLOCK2, 0, 3, 0],
  [BLOCK1, 0, 3, 0],
  [SIZE2, 0, 4, 0],
  [PROXY_URI, 1, 1034, 0],
  [PROXY_SCHEME, 1, 255, 0],
  [SIZE1, 0, 4, 0],
  [ECHO, 1, 40, 0],
  [NO_RESPONSE, 0, 1, 0],
  [REQUEST_TAG, 0, 8, 1],
];

/** RFC 7252 §5.4.1: an odd option must be understood. */
export function isCritical(number: number): boolean {
  return (number & 1) === 1;
}

export function isElective(number: number): boolean {
  return (number & 1) === 0;
}

/** RFC 7252 §5.4.2: a proxy that does not know it must not forward it. */
export function isUnsafe(number: number): boolean {
  return (number & 2) === 2;
}

/** RFC 7252 §5.4.6. Only safe options can be left out of a cache key. */
export function isNoCacheKey(number: number): boolean {
  return (number & 0x1e) === 0x1c;
}

export function isRequest(code: number): boolean {
  return code >= 1 && code < 32;
}

export function isResponse(code: number): boolean {
  return code >= 64 && code < 192;
}

/** 2 of 2.05. */
export function codeClass(code: number): number {
  return code >> 5;
}

/** "2.05" of 69: for people. */
export function codeText(code: number): string {
  const detail = code & 31;
  return `${code >> 5}.${detail < 10 ? "0" : ""}${detail}`;
}

/** The value of the first option of that number. */
export function find(options: readonly Option[], number: number): Uint8Array | undefined {
  for (const option of options) if (option.number === number) return option.value;
  return undefined;
}

/** The values of all options of that number, in order. */
export function findAll(options: readonly Option[], number: number): Uint8Array[] {
  const values: Uint8Array[] = [];
  for (const option of options) if (option.number === number) values.push(option.value);
  return values;
}

/**
 * The first option of that number as an integer; undefined when it is absent or longer than 4
 * bytes. RFC 7252 §3.2: leading zeros are to be accepted.
 */
export function findUint(options: readonly Option[], number: number): number | undefined {
  const value = find(options, number);
  return value === undefined || value.length > 4 ? undefined : readUint(value);
}

/** Uri-Path or Uri-Query as text; undefined when one is not UTF-8. */
export function findTexts(options: readonly Option[], number: number): string[] | undefined {
  const texts: string[] = [];
  for (const option of options) {
    if (option.number !== number) continue;
    const text = fromUtf8(option.value);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts;
}

/** Inserts an option where its number belongs, after those of the same number. */
export function addOption(options: Option[], number: number, value: Uint8Array): void {
  let at = options.length;
  while (at > 0 && options[at - 1].number > number) at--;
  if (at === options.length) options.push({ number, value });
  else options.splice(at, 0, { number, value });
}

export function addUint(options: Option[], number: number, value: number): void {
  addOption(options, number, coapUint(value));
}

/** One option for each segment of "/a/b": Uri-Path, or Location-Path. "/" is none at all. */
export function addPath(options: Option[], path: string, number = URI_PATH): void {
  if (path[0] !== "/") throw new RangeError(`a path begins with a slash: ${path}`);
  if (path === "/") return;
  for (const segment of path.slice(1).split("/")) addOption(options, number, utf8(segment));
}

/**
 * The first critical option that the receiver cannot honour: one not in `understood`, of a length
 * its definition does not allow, or repeated where it must not be (RFC 7252 §5.4.1, §5.4.3, §5.4.5:
 * both count as not recognised). Elective ones are simply ignored.
 */
export function unsupportedOption(
  options: readonly Option[],
  understood: readonly number[],
): number | undefined {
  let last = -1;
  for (const { number, value } of options) {
    if (isCritical(number)) {
      if (!understood.includes(number)) return number; // check: coap-critical-option
      const definition = DEFINITIONS.find((row) => row[0] === number);
      if (definition !== undefined) {
        const [, least, most, repeatable] = definition;
        if (value.length < least || value.length > most) return number; // check: coap-option-length
        if (number === last && repeatable === 0) return number; // check: coap-option-repeated
      }
    }
    last = number;
  }
  return undefined;
}
