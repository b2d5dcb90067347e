/**
 * Reading LOWPAN_IPHC (RFC 6282 §3) and the plain IPv6 header; compress.ts writes.
 *
 *     0 1 1 TF(2) NH HLIM(2) | CID SAC SAM(2) M DAC DAM(2)
 *     [context ids] [traffic class, flow label] [next header] [hop limit] [source] [destination]
 *
 * One context is known: number 0, the mesh prefix. Every form of the table is read.
 */
import type { Drop } from "../bytes/outcome.js";
import { type Address, FULL, GROUP, LINK_LOCAL, MESH, UNSPECIFIED } from "./address.js";
import { type MacHeader, SHORT } from "./mac.js";
import { COMPRESSED, type Packet } from "./packet.js";

/** RFC 4944 §5.1 and RFC 6282 §3: the first byte of the 6LoWPAN payload. */
export const DISPATCH_IPV6 = 0x41;
export const IPV6_BYTES = 40;

export interface Reading {
  /** The frame, and where it ends. */
  bytes: Uint8Array;
  end: number;
  /** The frame's header: elided addresses come from it. */
  readonly mac: MacHeader;
  /** Context 0, 8 bytes. */
  readonly prefix: Uint8Array;
}

/** Reads an IPHC header at `at`; sets `next`, `protocol` and `headerBytes` of `into`. */
export function readIphc(input: Reading, at: number, into: Packet): Drop | undefined {
  const { bytes, end } = input;
  const first = bytes[at];
  const second = bytes[at + 1];
  let p = at + 2;
  if ((second & 0x80) !== 0) {
    // Any context but 0 is one nobody gave us; guessing an address would be worse than dropping.
    if (bytes[p] !== 0) return "unsupported"; // check: iphc-context
    p += 1;
  }
  const traffic = (first >> 3) & 3;
  const destinationForm = second & 15;
  const inline = destinationBytes(destinationForm);
  if (inline < 0) return "malformed"; // check: iphc-reserved
  const trafficBytes = traffic === 0 ? 4 : traffic === 1 ? 3 : traffic === 2 ? 1 : 0;
  const compressed = (first & 4) !== 0;
  const hopForm = first & 3;
  const hopAt = p + trafficBytes + (compressed ? 0 : 1);
  const sourceAt = hopAt + (hopForm === 0 ? 1 : 0);
  const sourceForm = (second >> 4) & 7;
  const destinationAt = sourceAt + sourceBytes(sourceForm);
  const next = destinationAt + inline;
  if (next > end) return "malformed"; // check: iphc-truncated
  into.trafficClass = 0;
  into.flowLabel = 0;
  if (traffic !== 3) readTraffic(bytes, p, traffic, into);
  into.protocol = compressed ? COMPRESSED : bytes[hopAt - 1];
  into.hopLimit = hopForm === 0 ? bytes[hopAt] : hopForm === 1 ? 1 : hopForm === 2 ? 64 : 255;
  readUnicast(input, sourceForm, sourceAt, into.source, true);
  if (destinationForm < 8) {
    readUnicast(input, destinationForm, destinationAt, into.destination, false);
  } else {
    readMulticast(input, destinationForm, destinationAt, into.destination);
  }
  into.next = next;
  into.headerBytes = IPV6_BYTES;
  into.statedBytes = -1;
  into.mpl = false;
  // RFC 4291 §2.7: a multicast address is never a source.
  if (into.source.isMulticast()) return "malformed"; // check: iphc-source-multicast
  return undefined;
}

/** Bytes in line for SAC and SAM. SAC with SAM 00 is the unspecified address. */
function sourceBytes(form: number): number {
  const mode = form & 3;
  if (mode === 0) return form === 4 ? 0 : 16;
  return mode === 1 ? 8 : mode === 2 ? 2 : 0;
}

/** Bytes in line for M, DAC and DAM; -1 for the reserved ones. */
function destinationBytes(form: number): number {
  if (form < 8) return form === 4 ? -1 : sourceBytes(form);
  if (form < 12) return form === 8 ? 16 : form === 9 ? 6 : form === 10 ? 4 : 1;
  return form === 12 ? 6 : -1;
}

/** §3.2.1: ECN comes first in line; in the traffic class it is the lower two bits. */
function readTraffic(bytes: Uint8Array, at: number, form: number, into: Packet): void {
  const head = bytes[at];
  into.trafficClass = form === 1 ? head >> 6 : ((head & 63) << 2) | (head >> 6);
  if (form === 2) return;
  const flowAt = form === 0 ? at + 1 : at;
  into.flowLabel = ((bytes[flowAt] & 15) << 16) | (bytes[flowAt + 1] << 8) | bytes[flowAt + 2];
}

function readUnicast(
  input: Reading,
  form: number,
  at: number,
  into: Address,
  source: boolean,
): void {
  const { bytes, mac } = input;
  const mode = form & 3;
  const kind = (form & 4) === 0 ? LINK_LOCAL : MESH;
  if (mode === 1) {
    into.setIid(kind, bytes, at);
  } else if (mode === 2) {
    into.kind = kind;
    into.high = SHORT;
    into.low = (bytes[at] << 8) | bytes[at + 1];
  } else if (mode === 3) {
    if (source) into.setLink(kind, mac.sourceHigh, mac.sourceLow);
    else into.setLink(kind, mac.destinationHigh, mac.destinationLow);
  } else if (kind === LINK_LOCAL) {
    into.setBytes(bytes, at, input.prefix);
  } else {
    into.kind = UNSPECIFIED;
  }
}

function readMulticast(input: Reading, form: number, at: number, into: Address): void {
  const { bytes } = input;
  if (form === 8) {
    into.setBytes(bytes, at, input.prefix);
  } else if (form === 12) {
    // §3.2.4, RFC 3306: ffXX:XXLL:PPPP:PPPP:PPPP:PPPP:XXXX:XXXX with the context's length and
    // prefix.
    const full = into.full;
    full[0] = 0xff;
    full[1] = bytes[at];
    full[2] = bytes[at + 1];
    full[3] = 64;
    full.set(input.prefix, 4);
    for (let i = 2; i < 6; i++) full[10 + i] = bytes[at + i];
    into.setIid(FULL, full, 8);
  } else {
    const one = form === 11;
    let value = 0;
    const last = at + (form === 9 ? 6 : one ? 1 : 4);
    for (let i = one ? at : at + 1; i < last; i++) value = value * 256 + bytes[i];
    into.kind = GROUP;
    into.high = one ? 0x02 : bytes[at];
    into.low = value;
  }
}

/** Reads a plain IPv6 header (after DISPATCH_IPV6) at `at`. */
export function readIpv6(input: Reading, at: number, into: Packet): Drop | undefined {
  const { bytes, end } = input;
  if (at + IPV6_BYTES > end) return "malformed"; // check: ipv6-truncated
  if (bytes[at] >> 4 !== 6) return "malformed"; // check: ipv6-version
  into.trafficClass = ((bytes[at] & 15) << 4) | (bytes[at + 1] >> 4);
  into.flowLabel = ((bytes[at + 1] & 15) << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  into.statedBytes = IPV6_BYTES + ((bytes[at + 4] << 8) | bytes[at + 5]);
  into.protocol = bytes[at + 6];
  into.hopLimit = bytes[at + 7];
  into.source.setBytes(bytes, at + 8, input.prefix);
  into.destination.setBytes(bytes, at + 24, input.prefix);
  into.next = at + IPV6_BYTES;
  into.headerBytes = IPV6_BYTES;
  into.mpl = false;
  if (into.source.isMulticast()) return "malformed"; // check: ipv6-source-multicast
  return undefined;
}
