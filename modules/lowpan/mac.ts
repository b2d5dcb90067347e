/**
 * IEEE 802.15.4-2006 data frames (§7.2.2.2), without FCS: the radio adds and checks it.
 *
 *     frame control 2 | sequence 1 | PAN 2 | destination 2 or 8 | [source PAN 2] | source 2 or 8
 *
 * All fields are little-endian. We emit intra-PAN frames of version 0 (§7.2.3: what a 2003 device
 * reads too, right for unsecured frames up to 127 bytes); both versions and both PAN forms are
 * read.
 *
 * A link address is a pair of numbers, so that comparing and storing one costs no array: (SHORT,
 * 16 bits) or the two 32-bit halves of an EUI-64.
 *
 * Readers of this folder return the Drop reason, or undefined when all is well, and leave what they
 * read in an object of the caller's: an Outcome of its own for every frame on the air would be
 * garbage for the collector to find between two presses.
 */
import type { Drop } from "../bytes/outcome.js";

/** `high` of a link address or interface identifier that stands for a 16-bit short address. */
export const SHORT = -1;
export const BROADCAST = 0xffff;
/** A node that has only its EUI-64 (§7.4.2, macShortAddress). */
export const NO_SHORT = 0xfffe;

/** aMaxPHYPacketSize 127 less the FCS. */
export const FRAME_BYTES = 125;
/** Auxiliary security header 6 (control, frame counter, key index) and MIC-32: see stack.ts. */
export const SECURITY_BYTES = 10;
/** What a frame of ours may have, security counted. */
export const FRAME_BYTES_MAX = FRAME_BYTES - SECURITY_BYTES;

const TYPE_DATA = 1;
const SECURED = 0x08;
const ACK_REQUEST = 0x20;
const INTRA_PAN = 0x40;
const MODE_SHORT = 2;
const MODE_EXTENDED = 3;

/**
 * The fields of one frame; written by `readMac`, owned by the stack and used again for the next
 * frame.
 */
export class MacHeader {
  wantsAck = false;
  sequence = 0;
  pan = 0;
  destinationHigh = 0;
  destinationLow = 0;
  sourceHigh = 0;
  sourceLow = 0;
  /** Where the 6LoWPAN payload begins. */
  payloadAt = 0;
}

/** Big-endian when `step` is 1 and `at` the first byte; little-endian with -1 and `at` the last. */
export function word(bytes: Uint8Array, at: number, step: 1 | -1 = 1): number {
  // Arithmetic, because the value reaches 2^32.
  const upper = bytes[at] * 256 + bytes[at + step];
  return upper * 65536 + bytes[at + 2 * step] * 256 + bytes[at + 3 * step];
}

/** Fills `into` from the frame; a reason when it is none of ours to read. */
export function readMac(frame: Uint8Array, into: MacHeader): Drop | undefined {
  const end = frame.length;
  if (end < 3) return "malformed"; // check: mac-shortest
  const low = frame[0];
  const high = frame[1];
  if ((low & 7) !== TYPE_DATA) return "unsupported";
  if ((high & 0x30) > 0x10) return "unsupported"; // check: mac-version
  // Link-layer keys are not ours to have (stack.ts): what is secured would be read as noise.
  if ((low & SECURED) !== 0) return "unsupported"; // check: mac-secured
  const destinationMode = (high >> 2) & 3;
  const sourceMode = high >> 6;
  // A data frame that names no receiver or no sender has no place in a mesh.
  const least = Math.min(destinationMode, sourceMode);
  if (least < MODE_SHORT) return "malformed"; // check: mac-addresses
  const intraPan = (low & INTRA_PAN) !== 0;
  const destinationAt = 5;
  const panAt = destinationAt + (destinationMode === MODE_SHORT ? 2 : 8);
  const sourceAt = panAt + (intraPan ? 0 : 2);
  const payloadAt = sourceAt + (sourceMode === MODE_SHORT ? 2 : 8);
  if (payloadAt > end) return "malformed"; // check: mac-truncated
  into.wantsAck = (low & ACK_REQUEST) !== 0;
  into.sequence = frame[2];
  into.pan = frame[3] | (frame[4] << 8);
  into.payloadAt = payloadAt;
  if (destinationMode === MODE_SHORT) {
    into.destinationHigh = SHORT;
    into.destinationLow = frame[destinationAt] | (frame[destinationAt + 1] << 8);
  } else {
    into.destinationHigh = word(frame, destinationAt + 7, -1);
    into.destinationLow = word(frame, destinationAt + 3, -1);
  }
  if (sourceMode === MODE_SHORT) {
    into.sourceHigh = SHORT;
    into.sourceLow = frame[sourceAt] | (frame[sourceAt + 1] << 8);
  } else {
    into.sourceHigh = word(frame, sourceAt + 7, -1);
    into.sourceLow = word(frame, sourceAt + 3, -1);
  }
  return undefined;
}

/** Writes an intra-PAN data header at the start of `out`; returns its length, 9 to 21 bytes. */
export function putMac(out: Uint8Array, header: MacHeader): number {
  const destinationMode = header.destinationHigh === SHORT ? MODE_SHORT : MODE_EXTENDED;
  const sourceMode = header.sourceHigh === SHORT ? MODE_SHORT : MODE_EXTENDED;
  out[0] = TYPE_DATA | INTRA_PAN | (header.wantsAck ? ACK_REQUEST : 0);
  out[1] = (destinationMode << 2) | (sourceMode << 6);
  out[2] = header.sequence;
  out[3] = header.pan & 255;
  out[4] = header.pan >> 8;
  const at = putLinkAddress(out, 5, header.destinationHigh, header.destinationLow);
  return putLinkAddress(out, at, header.sourceHigh, header.sourceLow);
}

function putLinkAddress(out: Uint8Array, at: number, high: number, low: number): number {
  if (high !== SHORT) {
    putReversed(out, at, low);
    putReversed(out, at + 4, high);
    return at + 8;
  }
  out[at] = low & 255;
  out[at + 1] = low >> 8;
  return at + 2;
}

function putReversed(out: Uint8Array, at: number, value: number): void {
  let rest = value;
  for (let i = 0; i < 4; i++) {
    out[at + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
