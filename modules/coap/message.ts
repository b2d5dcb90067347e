/**
 * CoAP messages as bytes (RFC 7252 §3), both ways.
 *
 * The problem: this is the first code that anybody's datagram meets, on every device, for every
 * datagram. It must refuse whatever RFC 7252 forbids, cost little and never allocate more than a
 * device can spare.
 *
 * Rejected: a lazy view that decodes an option when asked (damage would surface in the middle of a
 * handler); sharing the datagram's buffer (the ring reuses it); a copy for each part (on XS it
 * costs half as much again as a view); mending or sorting what arrives.
 *
 * Choice: one pass into plain objects, views of one copy of the datagram. Every message has exactly
 * one encoding: the extended forms of delta and length begin where the shorter ones end (13 at 13,
 * 14 at 269), so a longer form of the same number does not exist, and what was parsed is emitted as
 * it came, byte for byte. A message that breaks any rule is `malformed` as a whole and gets no
 * reply. RFC 7252 §4.2 would answer a confirmable one with a Reset; nobody who sends such bytes
 * needs one, and silence gives an attacker nothing to aim at.
 */
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { Writer } from "../bytes/writer.js";

export const CON = 0;
export const NON = 1;
export const ACK = 2;
export const RST = 3;
export type MessageType = typeof CON | typeof NON | typeof ACK | typeof RST;

/**
 * How many options a message may have: 1,000 empty ones fit a datagram but not a luminaire's heap.
 */
export const OPTIONS_MAX = 32;

const PAYLOAD_MARKER = 0xff;
const MALFORMED = -1;

export interface Option {
  readonly number: number;
  readonly value: Uint8Array;
}

/** What follows the token; also the inside of a protected message. */
export interface Body {
  /** In ascending order of number; the order of equal numbers means something. */
  readonly options: readonly Option[];
  /** At least one byte, or undefined. */
  readonly payload: Uint8Array | undefined;
}

/** A message without its outside. */
export interface Inner extends Body {
  /** class * 32 + detail: 2.05 is 69. */
  readonly code: number;
}

export interface Message extends Inner {
  readonly type: MessageType;
  /** Message ID, 0 to 65535. */
  readonly mid: number;
  /** 0 to 8 bytes. */
  readonly token: Uint8Array;
}

/** A datagram's bytes as a message that owns its parts, or `malformed`. */
export function parseMessage(bytes: Uint8Array): Outcome<Message> {
  const first = bytes[0];
  if (first >> 6 !== 1) return drop("malformed"); // check: coap-version
  const tokenLength = first & 15;
  if (tokenLength > 8) return drop("malformed"); // check: coap-token-length
  const start = 4 + tokenLength;
  if (start > bytes.length) return drop("malformed"); // check: coap-header-cut
  const type = ((first >> 4) & 3) as MessageType;
  const code = bytes[1];
  if (!typeFits(type, code)) return drop("malformed"); // check: coap-type-code
  if (code === 0 && bytes.length > 4) return drop("malformed"); // check: coap-empty
  const own = bytes.slice();
  const options: Option[] = [];
  const at = parseOptions(own, start, options);
  if (at === MALFORMED) return drop("malformed");
  return ok({
    type,
    code,
    mid: own[2] * 256 + own[3],
    token: own.subarray(4, start),
    options,
    payload: at < own.length ? own.subarray(at) : undefined,
  });
}

/**
 * What a protected message says inside, code ‖ options ‖ [FF ‖ payload] (RFC 8613 §5.3), or
 * `malformed`. Its parts are views of `bytes`, which has at least one byte.
 */
export function parseInner(bytes: Uint8Array): Outcome<Inner> {
  const options: Option[] = [];
  const at = parseOptions(bytes, 1, options);
  if (at === MALFORMED) return drop("malformed");
  const payload = at < bytes.length ? bytes.subarray(at) : undefined;
  return ok({ code: bytes[0], options, payload });
}

/** The same as bytes. Throws RangeError when the options are not in order. */
export function emitInner({ code, options, payload }: Inner): Uint8Array {
  const content = payload?.length === 0 ? undefined : payload;
  const writer = new Writer(1 + bodySize(options, content));
  writer.u8(code);
  writeBody(writer, options, content);
  return writer.finish();
}

/** RFC 7252 §4.3 table 1, with the code classes of §4.2: 1, 6 and 7 are reserved. */
export function typeFits(type: MessageType, code: number): boolean {
  if (code === 0) return type !== NON;
  if (code < 32) return type === CON || type === NON;
  return code >= 64 && code < 192 && type !== RST;
}

/**
 * Appends the options to `into`, as views; returns where the payload begins (the end when there is
 * none), or MALFORMED. A read past the end yields undefined, and so an `at` past the end or a sum
 * that is not a number: both fail the one test of `coap-option-cut`.
 */
function parseOptions(bytes: Uint8Array, start: number, into: Option[]): number {
  const end = bytes.length;
  let number = 0;
  let count = 0;
  let at = start;
  while (at < end) {
    const head = bytes[at++];
    if (head === PAYLOAD_MARKER) {
      if (at === end) return MALFORMED; // check: coap-payload-empty
      return at;
    }
    let delta = head >> 4;
    if (delta > 12) {
      if (delta === 15) return MALFORMED; // check: coap-delta-15
      if (delta === 13) delta = 13 + bytes[at++];
      else delta = 269 + bytes[at++] * 256 + bytes[at++];
    }
    let length = head & 15;
    if (length > 12) {
      if (length === 15) return MALFORMED; // check: coap-length-15
      if (length === 13) length = 13 + bytes[at++];
      else length = 269 + bytes[at++] * 256 + bytes[at++];
    }
    number += delta;
    const next = at + length;
    if (!(next <= end)) return MALFORMED; // check: coap-option-cut
    if (number > 0xffff) return MALFORMED; // check: coap-option-overflow
    if (count === OPTIONS_MAX) return MALFORMED; // check: coap-options-max
    into[count++] = { number, value: bytes.subarray(at, next) };
    at = next;
  }
  return end;
}

/**
 * A message as a datagram. Throws RangeError when a part is out of range or the options are not in
 * order.
 */
export function emitMessage(message: Message): Uint8Array {
  const { type, code, mid, token, options, payload } = message;
  if (!typeFits(type, code)) throw new RangeError(`a message of type ${type} and code ${code}`);
  if (token.length > 8) throw new RangeError(`a token of ${token.length} bytes`);
  if (!(mid >= 0 && mid <= 0xffff)) throw new RangeError(`message id ${mid}`);
  if (code === 0 && (token.length > 0 || options.length > 0 || payload !== undefined)) {
    throw new RangeError("an empty message with content");
  }
  const writer = new Writer(4 + token.length + bodySize(options, payload));
  writer.u8(0x40 | (type << 4) | token.length);
  writer.u8(code);
  writer.u16(mid);
  writer.bytes(token);
  writeBody(writer, options, payload);
  return writer.finish();
}

/**
 * Writes options ‖ [FF ‖ payload]. Throws RangeError when the options are not in order, or the
 * payload is empty.
 */
export function writeBody(
  writer: Writer,
  options: readonly Option[],
  payload: Uint8Array | undefined,
): void {
  writeOptions(writer, options);
  if (payload === undefined) return;
  if (payload.length === 0) throw new RangeError("a payload of no bytes: leave it undefined");
  writer.u8(PAYLOAD_MARKER);
  writer.bytes(payload);
}

/** Options alone, deltas from 0. */
export function emitOptions(options: readonly Option[]): Uint8Array {
  const writer = new Writer(bodySize(options, undefined));
  writeOptions(writer, options);
  return writer.finish();
}

/** An upper bound, exact for options with short deltas and lengths. */
function bodySize(options: readonly Option[], payload: Uint8Array | undefined): number {
  let size = payload === undefined ? 0 : payload.length + 1;
  for (const option of options) {
    size += 1 + option.value.length;
    if (option.number > 12) size += 2;
    if (option.value.length > 12) size += 2;
  }
  return size;
}

function writeOptions(writer: Writer, options: readonly Option[]): void {
  if (options.length > OPTIONS_MAX) throw new RangeError(`${options.length} options`);
  let last = 0;
  for (const { number, value } of options) {
    const delta = number - last;
    if (!(delta >= 0 && number <= 0xffff)) throw new RangeError(`option ${number} after ${last}`);
    writer.u8((nibble(delta) << 4) | nibble(value.length));
    if (delta > 12) writeExtension(writer, delta);
    if (value.length > 12) writeExtension(writer, value.length);
    writer.bytes(value);
    last = number;
  }
}

function nibble(value: number): number {
  if (value < 13) return value;
  return value < 269 ? 13 : 14;
}

function writeExtension(writer: Writer, value: number): void {
  if (value < 269) writer.u8(value - 13);
  else writer.u16(value - 269);
}
