/**
 * Captured commands taken apart, changed and put together again: what a stranger with a radio, a
 * copy of RFC 6282 and no key can do. Multicast data frames with short addresses only.
 */
import assert from "node:assert/strict";

/** Where things lie in a frame without FCS. */
interface Places {
  /** IPHC's 16-bit source address, big-endian. */
  readonly source: number;
  /** The sequence number of the MPL option (RFC 7731 §6.1). */
  readonly mpl: number;
  /** UDP checksum, big-endian. */
  readonly checksum: number;
  readonly coap: number;
}

/** IEEE 802.15.4-2006 §7.2.2.1: frame control 2, sequence 1, PAN 2, destination 2, source 2. */
const MAC_SOURCE = 7;
const MAC_BYTES = 9;

/** The places, or undefined for anything but a multicast CoAP datagram in one frame. */
export function placesOf(frame: Uint8Array): Places | undefined {
  // RFC 6282 §3.1: 011 TF=11 NH=1 HLIM=00, then CID=0 SAC=1 SAM=10 M=1 DAC=0 DAM; the hop limit
  // follows.
  if (frame[MAC_BYTES] !== 0x7c || (frame[MAC_BYTES + 1] & 0xfc) !== 0x68) return undefined;
  const source = MAC_BYTES + 3;
  const destinationBytes = [16, 6, 4, 1][frame[MAC_BYTES + 1] & 3];
  const hop = source + 2 + destinationBytes;
  // Hop-by-hop header with a compressed next header, 4 bytes: the MPL option without a seed id.
  if (frame[hop] !== 0xe1 || frame[hop + 1] !== 4 || frame[hop + 2] !== 0x6d) return undefined;
  // UDP with ports and checksum inline.
  if (frame[hop + 6] !== 0xf0) return undefined;
  return { source, mpl: hop + 5, checksum: hop + 11, coap: hop + 13 };
}

/** True for a command as switches send them. */
export function isCommand(frame: Uint8Array): boolean {
  return placesOf(frame) !== undefined;
}

/** The CoAP message: what the security of the group protects. */
export function coapOf(frame: Uint8Array): Uint8Array {
  return frame.slice(places(frame).coap);
}

/** The same datagram from another short address, as a new one of that sender's for MPL. */
export function fromStranger(frame: Uint8Array, short: number, sequence: number): Uint8Array {
  const { source, mpl } = places(frame);
  const changed = frame.slice();
  changed[MAC_SOURCE] = short & 0xff;
  changed[MAC_SOURCE + 1] = short >> 8;
  changed[mpl] = sequence & 0xff;
  setWord(changed, source, short, frame);
  return changed;
}

/** Another CoAP byte at `at`, under a checksum that is right. */
export function withCoapByte(frame: Uint8Array, at: number, value: number): Uint8Array {
  const { coap } = places(frame);
  const changed = frame.slice();
  const word = coap + at - (at % 2);
  // The last word of an odd datagram is padded with zero (RFC 768).
  const low = word + 1 < frame.length ? frame[word + 1] : 0;
  const next = at % 2 === 0 ? value * 256 + low : frame[word] * 256 + value;
  changed[coap + at] = value;
  adjust(changed, frame[word] * 256 + low, next);
  return changed;
}

function places(frame: Uint8Array): Places {
  return placesOf(frame) ?? assert.fail("not a multicast command");
}

function setWord(changed: Uint8Array, at: number, value: number, before: Uint8Array): void {
  changed[at] = value >> 8;
  changed[at + 1] = value & 0xff;
  adjust(changed, before[at] * 256 + before[at + 1], value);
}

/** RFC 1624 equation 3: HC' = ~(~HC + ~m + m'), in ones' complement. */
function adjust(frame: Uint8Array, before: number, after: number): void {
  const { checksum } = places(frame);
  const old = frame[checksum] * 256 + frame[checksum + 1];
  let sum = (~old & 0xffff) + (~before & 0xffff) + after;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  const next = ~sum & 0xffff;
  frame[checksum] = next >> 8;
  frame[checksum + 1] = next & 0xff;
}
