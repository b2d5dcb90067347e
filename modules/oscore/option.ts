/**
 * The value of the OSCORE option: flags, partial IV, kid context, kid (RFC 8613 §6.1).
 * Read in place into one reusable instance; what a profile demands beyond the shared rules
 * (which flags must be set, lengths of ids) is the profile's to check.
 */
import { Id64 } from "../bytes/id64.js";

/** Partial IV length; 6 and 7 are reserved. */
const FLAG_PIV_LENGTH = 0x07;
export const FLAG_KID = 0x08;
export const FLAG_KID_CONTEXT = 0x10;
/** Group Flag of RFC 10021; "signature present" in the era drafts. */
export const FLAG_GROUP = 0x20;
const FLAGS_RESERVED = 0xc0;
const PIV_BYTES_MAX = 5;

/** Sequence numbers end here: five bytes of partial IV (RFC 8613 §7.2.1). */
export const SEQUENCE_MAX = 2 ** 40 - 1;

export class OscoreOption {
  flags = 0;
  /**
   * Positions are in the buffer given to `parse`; a length of 0 with the flag clear means absent.
   */
  pivStart = 0;
  pivLength = 0;
  contextStart = 0;
  contextLength = 0;
  kidStart = 0;
  kidLength = 0;
  /** The kid's value; of no use unless `kidLength` is above 0. */
  readonly kid = new Id64();
  /** The partial IV as a number, at most 2^40 - 1; -1 when there is none. */
  sequence = -1;

  /**
   * False when the value is malformed by the rules all OSCORE-like profiles share (WIRE.md).
   * `between` bytes in front of the kid belong to another field (signed-option.ts).
   */
  parse(bytes: Uint8Array, start: number, length: number, between = 0): boolean {
    const flags = length === 0 ? 0 : bytes[start];
    this.flags = flags;
    this.contextLength = 0;
    this.kidLength = 0;
    this.sequence = -1;
    if ((flags & FLAGS_RESERVED) !== 0) return false; // check: option-reserved-bits
    const pivLength = flags & FLAG_PIV_LENGTH;
    this.pivLength = pivLength;
    if (length === 0) return true;
    if (pivLength > PIV_BYTES_MAX) return false; // check: option-piv-length
    const end = start + length;
    let at = start + 1;
    this.pivStart = at;
    if (pivLength > 0) {
      let sequence = bytes[at++];
      // RFC 8613 §6.1: the encoding is minimal; a second spelling of a number would be a second
      // nonce.
      if (sequence === 0 && pivLength > 1) return false; // check: option-piv-minimal
      while (at <= start + pivLength) sequence = sequence * 256 + bytes[at++];
      this.sequence = sequence;
    }
    if ((flags & FLAG_KID_CONTEXT) !== 0) {
      const contextLength = bytes[at++];
      this.contextStart = at;
      this.contextLength = contextLength;
      at += contextLength;
    }
    // What reached past the end is found here: `at` only grows, and is no number any more when a
    // length was read past the end of the datagram.
    if ((flags & FLAG_KID) === 0) return at === end;
    at += between;
    if (!(at <= end)) return false; // check: option-whole
    this.kidStart = at;
    this.kidLength = end - at;
    this.kid.read(bytes, at, end - at);
    return true;
  }
}

/**
 * The value of the option from its parts: flags ‖ piv ‖ s ‖ kid context ‖ kid; no bytes at all
 * where there is none of them. `flags` are those beside the ones that tell which parts are there.
 */
export function emitOption(parts: {
  flags?: number;
  piv?: Uint8Array | undefined;
  kidContext?: Uint8Array | undefined;
  kid?: Uint8Array | undefined;
}): Uint8Array {
  const { flags = 0, piv, kidContext, kid } = parts;
  const pivLength = piv === undefined ? 0 : piv.length;
  const contextSize = kidContext === undefined ? 0 : 1 + kidContext.length;
  const kidLength = kid === undefined ? 0 : kid.length;
  if (pivLength > PIV_BYTES_MAX) throw new RangeError(`a partial IV of ${pivLength} bytes`);
  if (contextSize > 256) throw new RangeError(`a kid context of ${contextSize - 1} bytes`);
  let first = flags | pivLength;
  if (kidContext !== undefined) first |= FLAG_KID_CONTEXT;
  if (kid !== undefined) first |= FLAG_KID;
  if (first === 0) return new Uint8Array(0);
  const value = new Uint8Array(1 + pivLength + contextSize + kidLength);
  value[0] = first;
  if (piv !== undefined) value.set(piv, 1);
  const at = 1 + pivLength;
  if (kidContext !== undefined) {
    value[at] = kidContext.length;
    value.set(kidContext, at + 1);
  }
  if (kid !== undefined) value.set(kid, at + contextSize);
  return value;
}
