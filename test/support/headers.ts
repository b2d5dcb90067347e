/**
 * Reading and writing single 6LoWPAN headers in suites: frames as hex, with a MAC header in front.
 */
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { Address, MESH } from "../../modules/lowpan/address.js";
import { putHeaders } from "../../modules/lowpan/compress.js";
import { type Reading, readIphc, readIpv6 } from "../../modules/lowpan/iphc.js";
import { MacHeader, readMac } from "../../modules/lowpan/mac.js";
import { readHopByHop, readUdp } from "../../modules/lowpan/next-header.js";
import { Packet } from "../../modules/lowpan/packet.js";
import { equal } from "../harness.js";
import { PREFIX } from "./mesh.js";

/** Frame control 0x8841, sequence 7, PAN 0xabcd, to 0x000b or all, from 0x000a. */
export const TO_B = "418807cdab0b000a00";
export const TO_ALL = "418807cdabffff0a00";
export const FROM_A = "fd00000000000000000000fffe00000a";

export interface Read {
  readonly reason: string | undefined;
  readonly packet: Packet;
  readonly payload: string;
}

/** Reads a whole frame: MAC header, then what `hex` goes on with. */
export function read(mac: string, hex: string, size = -1): Read {
  const frame = fromHex(mac + hex.replaceAll(" ", ""));
  const header = new MacHeader();
  equal(readMac(frame, header), undefined);
  const packet = new Packet();
  const reading: Reading = { bytes: frame, end: frame.length, mac: header, prefix: PREFIX };
  const at = header.payloadAt;
  const plain = frame[at] === 0x41;
  const reason =
    (plain ? readIpv6(reading, at + 1, packet) : readIphc(reading, at, packet)) ??
    readHopByHop(reading, packet) ??
    readUdp(reading, size, packet);
  return { reason, packet, payload: reason === undefined ? toHex(frame.slice(packet.next)) : "" };
}

export function reasonOf(mac: string, hex: string, size = -1): string | undefined {
  return read(mac, hex, size).reason;
}

export function addressOf(address: Address): string {
  return toHex(address.bytes(PREFIX));
}

/** What compress writes for a packet that was read from `mac`. */
export function written(mac: string, packet: Packet): string {
  const header = new MacHeader();
  readMac(fromHex(mac), header);
  const link = { source: new Address(), destination: new Address() };
  link.source.setLink(MESH, header.sourceHigh, header.sourceLow);
  link.destination.setLink(MESH, header.destinationHigh, header.destinationLow);
  const out = new Uint8Array(100);
  return toHex(out.slice(0, putHeaders(out, 0, packet, link, PREFIX)));
}

/**
 * IPHC with everything short: TF 11, NH 1, HLIM 64, source and destination from the link,
 * UDP-NHC.
 */
export const SHORTEST = "7e 77";
export const UDP_FULL = "f0 1633 1633 d9f1";
export const PAYLOAD = "50010001b161";
