/**
 * Reading what follows the IPv6 header: the hop-by-hop options header with the MPL option (RFC
 * 7731 §6.1) and the UDP header, each plain or compressed (RFC 6282 §4). Nothing else is carried
 * here but MLDv2, where a border is (mld.ts); IP-in-IP and the other extension headers are
 * "unsupported".
 */
import type { Drop } from "../bytes/outcome.js";
import { Address, LINK_LOCAL } from "./address.js";
import type { Reading } from "./iphc.js";
import { SHORT } from "./mac.js";
import { COMPRESSED, HOP_BY_HOP, type Packet, SEED_16, SEED_64, UDP } from "./packet.js";

/** 1110 EID NH: EID 0 is the hop-by-hop options header. */
export const NHC_HOP_BY_HOP = 0xe0;
export const NHC_NEXT = 1;
/** 11110 C PP. */
export const NHC_UDP = 0xf0;
export const NHC_NO_CHECKSUM = 4;
/** RFC 7731 §6.1: act 01 (discard when unknown), may change on the way. */
export const OPTION_MPL = 0x6d;
const OPTION_PAD1 = 0;
export const UDP_BYTES = 8;

/** Reads a hop-by-hop header when one comes next; `into` is unchanged when none does. */
export function readHopByHop(input: Reading, into: Packet): Drop | undefined {
  const { bytes, end } = input;
  let p = into.next;
  if (into.protocol === COMPRESSED) {
    const head = bytes[p];
    if ((head & 0xfe) !== NHC_HOP_BY_HOP) return undefined;
    p += 1;
    let protocol = COMPRESSED;
    if ((head & NHC_NEXT) === 0) {
      protocol = bytes[p];
      p += 1;
    }
    const optionsEnd = p + 1 + bytes[p];
    // Written so that a length byte that is not there (NaN) fails too.
    if (!(optionsEnd <= end)) return "malformed"; // check: nhc-options-truncated
    // RFC 6282 §4.2: elided padding comes back when the header is restored.
    into.headerBytes += (bytes[p] + 9) & ~7;
    into.protocol = protocol;
    into.next = optionsEnd;
    return readOptions(bytes, p + 1, optionsEnd, into);
  }
  if (into.protocol !== HOP_BY_HOP) return undefined;
  const length = 8 * (bytes[p + 1] + 1);
  if (!(p + length <= end)) return "malformed"; // check: hop-by-hop-truncated
  into.headerBytes += length;
  into.protocol = bytes[p];
  into.next = p + length;
  return readOptions(bytes, p + 2, p + length, into);
}

/** RFC 8200 §4.2: type, length, data; Pad1 is a lone zero. */
function readOptions(bytes: Uint8Array, at: number, end: number, into: Packet): Drop | undefined {
  let p = at;
  while (p < end) {
    const type = bytes[p];
    if (type === OPTION_PAD1) {
      p += 1;
      continue;
    }
    const dataAt = p + 2;
    p = dataAt + bytes[p + 1];
    if (!(p <= end)) return "malformed"; // check: option-truncated
    if (type === OPTION_MPL) {
      const reason = readMpl(bytes, dataAt, p, into);
      if (reason !== undefined) return reason;
    } else if (type >= 0x40) {
      // The two upper bits of an unknown type: 00 means skip over it, all others discard.
      return "unsupported"; // check: option-unknown
    }
  }
  return undefined;
}

/** S (2 bits), M, V, reserved (4) | sequence | seed id of 0, 16, 64 or 128 bits. */
function readMpl(bytes: Uint8Array, at: number, end: number, into: Packet): Drop | undefined {
  // Two would mean that the packet is two different messages at once.
  if (into.mpl) return "malformed"; // check: mpl-twice
  const flags = at < end ? bytes[at] : 0;
  // §6.1: V is 0; a message with V = 1 MUST be dropped.
  if ((flags & 0x10) !== 0) return "unsupported"; // check: mpl-version
  const form = flags >> 6;
  if (form > SEED_64) return "unsupported"; // check: mpl-seed-128
  const seedBytes = form === SEED_16 ? 2 : form === SEED_64 ? 8 : 0;
  if (at + 2 + seedBytes !== end) return "malformed"; // check: mpl-length
  into.mpl = true;
  into.sequence = bytes[at + 1];
  if (form === SEED_16) {
    // As OpenThread: the 16-bit seed id is the short address, the same seed as S = 0 from that
    // address.
    into.seedHigh = SHORT;
    into.seedLow = (bytes[at + 2] << 8) | bytes[at + 3];
  } else if (form === SEED_64) {
    const seed = new Address();
    seed.setIid(LINK_LOCAL, bytes, at + 2);
    into.seedHigh = seed.high;
    into.seedLow = seed.low;
  } else if (!into.seedIsSource()) {
    return "malformed"; // check: mpl-no-seed
  }
  into.seedForm = form;
  return undefined;
}

/**
 * Reads the UDP header, which must come next. `datagramBytes`: the whole packet uncompressed, or
 * -1.
 */
export function readUdp(input: Reading, datagramBytes: number, into: Packet): Drop | undefined {
  const { bytes, end } = input;
  const before = into.headerBytes;
  const reason =
    into.protocol === COMPRESSED ? readNhcUdp(bytes, end, into) : readPlainUdp(bytes, end, into);
  if (reason !== undefined) return reason;
  into.headerBytes = before + UDP_BYTES;
  if (datagramBytes >= 0) {
    // The first fragment: the length is the whole datagram's, not this frame's.
    if (datagramBytes < into.headerBytes) return "fragment"; // check: fragment-shorter-than-headers
    if (differs(into, datagramBytes)) return "fragment"; // check: fragment-size-stated
    return undefined;
  }
  const whole = into.headerBytes + end - into.next;
  if (differs(into, whole)) return "malformed"; // check: length-stated
  return undefined;
}

/** Whether the headers so far state another length of the whole packet. */
function differs(packet: Packet, bytes: number): boolean {
  return packet.statedBytes >= 0 && packet.statedBytes !== bytes;
}

function readNhcUdp(bytes: Uint8Array, end: number, into: Packet): Drop | undefined {
  let p = into.next;
  if (p >= end) return "malformed"; // check: udp-missing
  const head = bytes[p];
  if ((head & 0xf8) !== NHC_UDP) return "unsupported"; // check: udp-only
  // §4.3.2 lets a checksum be left out only where something else protects the datagram end to end.
  if ((head & NHC_NO_CHECKSUM) !== 0) return "unsupported"; // check: udp-checksum-elided
  const form = head & 3;
  const portBytes = form === 0 ? 4 : form === 3 ? 1 : 3;
  p += 1;
  const checksumAt = p + portBytes;
  if (checksumAt + 2 > end) return "malformed"; // check: udp-truncated
  if (form === 3) {
    into.sourcePort = 0xf0b0 + (bytes[p] >> 4);
    into.destinationPort = 0xf0b0 + (bytes[p] & 15);
  } else {
    const shortSource = form === 2;
    into.sourcePort = shortSource ? 0xf000 + bytes[p] : (bytes[p] << 8) | bytes[p + 1];
    p += shortSource ? 1 : 2;
    into.destinationPort = form === 1 ? 0xf000 + bytes[p] : (bytes[p] << 8) | bytes[p + 1];
  }
  into.checksum = (bytes[checksumAt] << 8) | bytes[checksumAt + 1];
  into.next = checksumAt + 2;
  return undefined;
}

function readPlainUdp(bytes: Uint8Array, end: number, into: Packet): Drop | undefined {
  const p = into.next;
  if (into.protocol !== UDP) return "unsupported"; // check: plain-udp-only
  if (p + UDP_BYTES > end) return "malformed"; // check: plain-udp-truncated
  into.sourcePort = (bytes[p] << 8) | bytes[p + 1];
  into.destinationPort = (bytes[p + 2] << 8) | bytes[p + 3];
  const stated = into.headerBytes + ((bytes[p + 4] << 8) | bytes[p + 5]);
  if (differs(into, stated)) return "malformed"; // check: plain-udp-length
  into.statedBytes = stated;
  into.checksum = (bytes[p + 6] << 8) | bytes[p + 7];
  into.next = p + UDP_BYTES;
  return undefined;
}
