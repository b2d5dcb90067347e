/**
 * The outside of a protected message, read once, in place.
 *
 * Most datagrams a luminaire hears are not for it, or are copies it has seen. They have to die
 * before anything is allocated, so the full CoAP parser (which makes an object an option) was
 * rejected here: this reader only notes where things stand, in one reusable instance of whole
 * numbers. It accepts exactly what `coap/message.ts` accepts (test/unit/outer.test.ts holds the two
 * equal).
 */

import { type MessageType, OPTIONS_MAX, typeFits } from "../coap/message.js";

/** CoAP option numbers that matter before anything is decrypted. */
export const OPTION_OSCORE = 9;
/** Application-Group-Id (WIRE.md: 65001, experimental range; critical, safe to forward). */
export const OPTION_APP_GROUP = 65001;

/** RFC 7252 §3.1: an option number is a 16-bit quantity. */
const OPTION_NUMBER_MAX = 65535;

export class Outer {
  /** The datagram the positions below refer to. */
  bytes: Uint8Array;
  /** 0 CON, 1 NON, 2 ACK, 3 RST. */
  type = 0;
  /** class * 32 + detail. */
  code = 0;
  tokenLength = 0;
  /** Value of the OSCORE option; start is -1 when the option is absent. */
  oscoreStart = -1;
  oscoreLength = 0;
  /** Value of the Application-Group-Id option; start is -1 when absent. */
  appGroupStart = -1;
  appGroupLength = 0;
  /** Some other option stands outside. */
  hasOthers = false;
  /** The same one of the two options above twice. */
  repeats = false;
  /** First byte after the payload marker; equals `bytes.length` when there is no payload. */
  payloadStart = 0;

  constructor() {
    this.bytes = new Uint8Array(0);
  }

  /** Message ID. */
  get mid(): number {
    return (this.bytes[2] << 8) | this.bytes[3];
  }

  /**
   * Reads a datagram; false when it is no well-formed CoAP message (RFC 7252 §3): then what stands
   * here is of no use.
   */
  scan(bytes: Uint8Array): boolean {
    const end = bytes.length;
    if (end < 4) return false;
    const first = bytes[0];
    if (first >> 6 !== 1) return false; // check: outer-version
    const tokenLength = first & 15;
    if (tokenLength > 8) return false; // check: outer-token-length
    const type = (first >> 4) & 3;
    const code = bytes[1];
    if (!typeFits(type as MessageType, code)) return false; // check: outer-type-code
    // RFC 7252 §4.1: an Empty message is its four bytes and nothing else.
    if (code === 0 && end !== 4) return false; // check: outer-empty
    this.bytes = bytes;
    this.type = type;
    this.code = code;
    this.tokenLength = tokenLength;
    return this.#scanOptions(bytes, 4 + tokenLength, end);
  }

  /**
   * Whatever reaches past the end, token, extension or value, leaves `at` elsewhere than at the
   * end.
   */
  #scanOptions(bytes: Uint8Array, start: number, end: number): boolean {
    this.hasOthers = false;
    this.repeats = false;
    let oscoreStart = -1;
    let oscoreLength = 0;
    let appGroupStart = -1;
    let appGroupLength = 0;
    let hasPayload = false;
    let at = start;
    let number = 0;
    for (let count = 0; at < end; count++) {
      const head = bytes[at++];
      if (head === 0xff) {
        hasPayload = true;
        break;
      }
      let delta = head >> 4;
      let length = head & 15;
      if (delta === 15 || length === 15) return false; // check: outer-option-15
      if (delta > 12) {
        const extended = extension(bytes, at, delta);
        at += delta - 12;
        delta = extended;
      }
      if (length > 12) {
        const extended = extension(bytes, at, length);
        at += length - 12;
        length = extended;
      }
      number += delta;
      if (number > OPTION_NUMBER_MAX) return false; // check: outer-option-overflow
      if (count === OPTIONS_MAX) return false; // check: outer-options-max
      if (number === OPTION_OSCORE) {
        if (oscoreStart >= 0) this.repeats = true;
        oscoreStart = at;
        oscoreLength = length;
      } else if (number === OPTION_APP_GROUP) {
        if (appGroupStart >= 0) this.repeats = true;
        appGroupStart = at;
        appGroupLength = length;
      } else {
        this.hasOthers = true;
      }
      at += length;
    }
    this.oscoreStart = oscoreStart;
    this.oscoreLength = oscoreLength;
    this.appGroupStart = appGroupStart;
    this.appGroupLength = appGroupLength;
    this.payloadStart = at;
    return hasPayload ? at < end : at === end;
  }
}

/**
 * The extended delta or length that a nibble of 13 or 14 announces (RFC 7252 §3.1).
 * Past the end a typed array reads undefined and the sum is NaN, which is no end of a message.
 */
function extension(bytes: Uint8Array, at: number, nibble: number): number {
  if (nibble === 13) return bytes[at] + 13;
  return bytes[at] * 256 + bytes[at + 1] + 269;
}
