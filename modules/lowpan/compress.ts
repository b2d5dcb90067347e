/**
 * Writing IPHC, the hop-by-hop header and UDP-NHC (RFC 6282): always the shortest form there is,
 * but for packets on their way through several hops by MPL. There the hop limit and the source
 * stay in line, or a full frame would outgrow 127 bytes at the first forwarder, whose link
 * address is not the source's.
 */
import { type Address, FULL, MESH, putIid, same, UNSPECIFIED } from "./address.js";
import { SHORT } from "./mac.js";
import { NHC_HOP_BY_HOP, NHC_NEXT, NHC_UDP, OPTION_MPL } from "./next-header.js";
import { type Packet, SEED_16, SEED_64, SEED_SOURCE } from "./packet.js";

/** The most `putHeaders` writes: IPHC 2 + 4 + 1 + 16 + 16, options 12, UDP 7. */
export const HEADER_BYTES_MAX = 64;
const IPHC = 0x60;
const NEXT_COMPRESSED = 4;

/**
 * The link addresses of the frame the header goes into, as identifier sources for elided
 * addresses.
 */
export interface LinkPair {
  /** IPv6 addresses (MESH or LINK_LOCAL) made of the frame's source and destination. */
  readonly source: Address;
  readonly destination: Address;
}

/** Length of the same headers had they not been compressed. */
export function plainHeaderBytes(packet: Packet): number {
  if (!packet.mpl) return 48;
  // Next header, length, option type, option length, flags, sequence, seed: padded to 8.
  return 48 + Math.ceil((6 + seedBytes(packet)) / 8) * 8;
}

function seedBytes(packet: Packet): number {
  return packet.seedForm === SEED_SOURCE ? 0 : packet.seedForm === SEED_16 ? 2 : 8;
}

/** Writes all headers at `at`; returns where the payload goes. */
export function putHeaders(
  out: Uint8Array,
  at: number,
  packet: Packet,
  link: LinkPair,
  prefix: Uint8Array,
): number {
  const { hopLimit, source, destination } = packet;
  const carried = packet.mpl;
  const traffic = trafficForm(packet);
  const hopForm = carried ? 0 : hopLimit === 1 ? 1 : hopLimit === 64 ? 2 : hopLimit === 255 ? 3 : 0;
  const sourceForm = unicastForm(source, carried ? undefined : link.source);
  const multicast = destination.isMulticast();
  const destinationForm = multicast
    ? multicastForm(destination, prefix)
    : unicastForm(destination, link.destination);
  out[at] = IPHC | (traffic << 3) | NEXT_COMPRESSED | hopForm;
  out[at + 1] = (sourceForm << 4) | destinationForm;
  let p = putTraffic(out, at + 2, traffic, packet);
  if (hopForm === 0) out[p++] = hopLimit;
  p = putUnicast(out, p, sourceForm, source, prefix);
  p = multicast
    ? putMulticast(out, p, destinationForm, destination, prefix)
    : putUnicast(out, p, destinationForm, destination, prefix);
  if (carried) p = putMpl(out, p, packet);
  return putUdp(out, p, packet);
}

/** §3.1.1, TF: 0 everything, 1 no DSCP, 2 no flow label, 3 nothing. */
function trafficForm(packet: Packet): number {
  if (packet.flowLabel === 0) return packet.trafficClass === 0 ? 3 : 2;
  return packet.trafficClass < 4 ? 1 : 0;
}

function putTraffic(out: Uint8Array, at: number, form: number, packet: Packet): number {
  if (form === 3) return at;
  const { trafficClass, flowLabel } = packet;
  const ecn = (trafficClass & 3) << 6;
  let p = at;
  if (form !== 1) out[p++] = ecn | (trafficClass >> 2);
  if (form === 2) return p;
  out[p] = (form === 1 ? ecn : 0) | (flowLabel >> 16);
  out[p + 1] = (flowLabel >> 8) & 255;
  out[p + 2] = flowLabel & 255;
  return p + 3;
}

/**
 * SAC and SAM, or DAC and DAM with M = 0. `elided`: the address the reader would make of the
 * link's.
 */
function unicastForm(address: Address, elided: Address | undefined): number {
  if (address.kind === UNSPECIFIED) return 4;
  if (address.kind === FULL) return 0;
  const context = address.kind === MESH ? 4 : 0;
  if (elided !== undefined && elided.high === address.high && elided.low === address.low)
    return context | 3;
  return context | (address.high === SHORT ? 2 : 1);
}

function putUnicast(
  out: Uint8Array,
  at: number,
  form: number,
  address: Address,
  prefix: Uint8Array,
): number {
  const mode = form & 3;
  if (mode === 2) {
    out[at] = address.low >> 8;
    out[at + 1] = address.low & 255;
    return at + 2;
  }
  if (mode === 1) {
    putIid(out, at, address.high, address.low);
    return at + 8;
  }
  if (form !== 0) return at;
  out.set(address.bytes(prefix), at);
  return at + 16;
}

/** M = 1: 8 all, 9 48 bits, 10 32 bits, 11 8 bits, 12 on the mesh prefix. */
function multicastForm(address: Address, prefix: Uint8Array): number {
  if (address.kind === FULL)
    return address.full[3] === 64 && same(address.full, 4, prefix, 8) ? 12 : 8;
  if (address.high === 2 && address.low < 256) return 11;
  return address.low < 0x1000000 ? 10 : 9;
}

function putMulticast(
  out: Uint8Array,
  at: number,
  form: number,
  address: Address,
  prefix: Uint8Array,
): number {
  if (form === 8 || form === 12) {
    const all = address.bytes(prefix);
    if (form === 8) {
      out.set(all, at);
      return at + 16;
    }
    out[at] = all[1];
    out[at + 1] = all[2];
    for (let i = 2; i < 6; i++) out[at + i] = all[10 + i];
    return at + 6;
  }
  let p = at;
  if (form !== 11) out[p++] = address.high;
  let rest = address.low;
  const length = form === 9 ? 5 : form === 10 ? 3 : 1;
  for (let i = length - 1; i >= 0; i--) {
    out[p + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return p + length;
}

/** The MPL option as the only one; its padding is elided (RFC 6282 §4.2). M is 0: "not known". */
function putMpl(out: Uint8Array, at: number, packet: Packet): number {
  const seed = seedBytes(packet);
  out[at] = NHC_HOP_BY_HOP | NHC_NEXT;
  out[at + 1] = 4 + seed;
  out[at + 2] = OPTION_MPL;
  out[at + 3] = 2 + seed;
  out[at + 4] = packet.seedForm << 6;
  out[at + 5] = packet.sequence;
  if (packet.seedForm === SEED_16) {
    out[at + 6] = packet.seedLow >> 8;
    out[at + 7] = packet.seedLow & 255;
  } else if (packet.seedForm === SEED_64) {
    putIid(out, at + 6, packet.seedHigh, packet.seedLow);
  }
  return at + 6 + seed;
}

/** §4.3: ports 0xf0bX in 4 bits each, 0xf0XX in 8 bits one of them; the checksum always. */
function putUdp(out: Uint8Array, at: number, packet: Packet): number {
  const { sourcePort, destinationPort } = packet;
  const nibble = sourcePort >> 4 === 0xf0b && destinationPort >> 4 === 0xf0b;
  const form = nibble ? 3 : destinationPort >> 8 === 0xf0 ? 1 : sourcePort >> 8 === 0xf0 ? 2 : 0;
  out[at] = NHC_UDP | form;
  let p = at + 1;
  if (nibble) {
    out[p++] = ((sourcePort & 15) << 4) | (destinationPort & 15);
  } else {
    if (form !== 2) out[p++] = sourcePort >> 8;
    out[p++] = sourcePort & 255;
    if (form !== 1) out[p++] = destinationPort >> 8;
    out[p++] = destinationPort & 255;
  }
  out[p] = packet.checksum >> 8;
  out[p + 1] = packet.checksum & 255;
  return p + 2;
}
