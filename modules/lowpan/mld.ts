/**
 * MLDv2 (RFC 3810 §5): the two messages, and the frame each travels in.
 *
 *     IPv6 fe80::/64 -> ff02::1 or ff02::16, hop limit 1 | hop-by-hop: Router Alert | ICMPv6
 *     query   130 0 checksum(2) | response time(2) 0(2) | group 16 | flags, interval, sources(2)
 *     report  143 0 checksum(2) | 0(2) records(2) | { type, 0, sources(2), group 16 } ...
 *
 * Sources are read and not told apart: a group is listened to or it is not (RFC 5790). Queries for
 * one group go to all nodes, because a router that relays them need not listen to the group.
 */
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { Address, GROUP, LINK_LOCAL } from "./address.js";
import { checksumOf, fold, sumBytes } from "./checksum.js";
import { FRAME_BYTES_MAX, type MacHeader, putMac } from "./mac.js";
import { NHC_HOP_BY_HOP } from "./next-header.js";
import type { Packet } from "./packet.js";

export const ICMPV6 = 58;
export const QUERY = 130;
export const REPORT = 143;

/** The last byte of ff02::1 and of ff02::16. */
export const ALL_NODES = 0x01;
export const ALL_ROUTERS = 0x16;

/** §5.2.12. */
export const RECORD = Object.freeze({
  IS_INCLUDE: 1,
  IS_EXCLUDE: 2,
  TO_INCLUDE: 3,
  TO_EXCLUDE: 4,
  ALLOW: 5,
  BLOCK: 6,
});

/** §9.1: how often what may be lost is said. */
export const ROBUSTNESS = 2;

/** RFC 7346: realm-local is the mesh itself. What has a wider scope may cross the border. */
export const REALM_SCOPE = 3;
/** RFC 4291 §2.7; 15 is reserved. */
const WIDEST_SCOPE = 14;

/** IPHC: no traffic class, next header compressed, hop limit 1; source elided, ff02::00XX. */
const IPHC_FIRST = 0x7d;
const IPHC_SECOND = 0x3b;
/** RFC 2711, value 0: MLD. Its padding is elided (RFC 6282 §4.2). */
const ROUTER_ALERT: readonly number[] = Object.freeze([0x05, 2, 0, 0]);
/** PadN of no bytes, which makes the header 8 bytes long where nothing is elided. */
const PAD: readonly number[] = Object.freeze([1, 0]);
const LINK_SCOPE = 2;

const QUERY_BYTES = 28;
const REPORT_BYTES = 8;
const RECORD_BYTES = 20;
/** MAC header 9, IPHC 3, hop-by-hop header 7: the rest of a frame is records. */
export const RECORDS_MAX = Math.floor((FRAME_BYTES_MAX - 19 - REPORT_BYTES) / RECORD_BYTES);

export interface GroupRecord {
  readonly type: number;
  readonly group: Uint8Array;
  /** How many sources it names. */
  readonly sources: number;
}

export interface Query {
  /** Undefined: every group. */
  readonly group: Uint8Array | undefined;
  /** Answers are spread over this time. */
  readonly responseMicros: number;
}

/** Whether listeners to `group` (16 bytes) have to be known at the border. */
export function mayCross(group: Uint8Array): boolean {
  const scope = group[1] & 15;
  return group[0] === 0xff && scope > REALM_SCOPE && scope <= WIDEST_SCOPE;
}

/** At most RECORDS_MAX records; the checksum is `mldFrame`'s to fill in. */
export function reportBody(records: readonly Omit<GroupRecord, "sources">[]): Uint8Array {
  const body = new Uint8Array(REPORT_BYTES + RECORD_BYTES * records.length);
  body[0] = REPORT;
  body[7] = records.length;
  for (let i = 0; i < records.length; i++) {
    const at = REPORT_BYTES + RECORD_BYTES * i;
    body[at] = records[i].type;
    body.set(records[i].group, at + 4);
  }
  return body;
}

/** `responseMicros` up to 32 s; `intervalSeconds` up to 127, so that both stand as they are. */
export function queryBody(query: Query, intervalSeconds: number): Uint8Array {
  const body = new Uint8Array(QUERY_BYTES);
  const millis = Math.floor(query.responseMicros / 1000);
  body[0] = QUERY;
  body[4] = millis >> 8;
  body[5] = millis & 255;
  if (query.group !== undefined) body.set(query.group, 8);
  body[24] = ROBUSTNESS;
  body[25] = intervalSeconds;
  return body;
}

/** One frame with the message, the checksum filled in. `to`: ALL_NODES or ALL_ROUTERS. */
export function mldFrame(mac: MacHeader, to: number, body: Uint8Array): Uint8Array {
  const source = new Address();
  source.setLink(LINK_LOCAL, mac.sourceHigh, mac.sourceLow);
  const frame = new Uint8Array(FRAME_BYTES_MAX);
  let at = putMac(frame, mac);
  frame[at++] = IPHC_FIRST;
  frame[at++] = IPHC_SECOND;
  frame[at++] = to;
  frame[at++] = NHC_HOP_BY_HOP;
  frame[at++] = ICMPV6;
  frame[at++] = ROUTER_ALERT.length;
  frame.set(ROUTER_ALERT, at);
  at += ROUTER_ALERT.length;
  body[2] = 0;
  body[3] = 0;
  const checksum = checksumOf(source.sum(0) + 0xff02 + to + sumOf(body));
  body[2] = checksum >> 8;
  body[3] = checksum & 255;
  frame.set(body, at);
  return frame.slice(0, at + body.length);
}

/** RFC 4443 §2.3: body, its length and the next header; the addresses are the caller's. */
function sumOf(body: Uint8Array): number {
  return sumBytes(body, 0, body.length) + body.length + ICMPV6;
}

/** The ICMPv6 message of a packet whose headers are read, when it is one of MLDv2's. */
export function readMld(packet: Packet, frame: Uint8Array): Outcome<Uint8Array> {
  const { source, destination, next } = packet;
  if (packet.protocol !== ICMPV6) return drop("unsupported");
  const body = frame.slice(next);
  if (body.length < REPORT_BYTES) return drop("malformed"); // check: mld-short
  const to = body[0] === QUERY ? ALL_NODES : body[0] === REPORT ? ALL_ROUTERS : 0;
  if (to === 0) return drop("unsupported");
  const { kind, high, low } = destination;
  const isRight = kind === GROUP && high === LINK_SCOPE && low === to && !packet.mpl;
  if (!isRight) return drop("unsupported"); // check: mld-destination
  // §5.1.14, §5.2.13, §6.2: from the link, over one hop, marked for routers; all else is ignored.
  if (source.kind !== LINK_LOCAL) return drop("malformed"); // check: mld-source
  if (packet.hopLimit !== 1) return drop("malformed"); // check: mld-hop-limit
  if (!endsWithAlert(frame, next)) return drop("malformed"); // check: mld-router-alert
  const { statedBytes, headerBytes } = packet;
  // What a plain IPv6 header says of the length has to be so.
  const differs = statedBytes >= 0 && statedBytes !== headerBytes + body.length;
  if (differs) return drop("malformed"); // check: mld-length
  const sum = source.sum(0) + 0xff02 + to + sumOf(body);
  if (fold(sum) !== 0xffff) return drop("malformed"); // check: mld-checksum
  return ok(body);
}

/** The alert is the header's only option, before the padding when that is there. */
function endsWithAlert(frame: Uint8Array, end: number): boolean {
  const padded = isAt(frame, end - PAD.length, PAD);
  return isAt(frame, end - ROUTER_ALERT.length - (padded ? PAD.length : 0), ROUTER_ALERT);
}

function isAt(frame: Uint8Array, at: number, bytes: readonly number[]): boolean {
  return bytes.every((byte, i) => frame[at + i] === byte);
}

/** Undefined when it does not hold the records it says. */
export function readReport(body: Uint8Array): GroupRecord[] | undefined {
  const count = (body[6] << 8) | body[7];
  const records: GroupRecord[] = [];
  let at = REPORT_BYTES;
  for (let i = 0; i < count; i++) {
    const groupAt = at + 4;
    const end = groupAt + 16;
    if (end > body.length) return undefined; // check: mld-record-truncated
    const sources = (body[at + 2] << 8) | body[at + 3];
    records.push({ type: body[at], group: body.slice(groupAt, end), sources });
    at = end + 16 * sources + 4 * body[at + 1];
    if (at > body.length) return undefined; // check: mld-record-sources
  }
  return records;
}

/** Undefined for one of MLDv1, which is shorter. */
export function readQuery(body: Uint8Array): Query | undefined {
  if (body.length < QUERY_BYTES) return undefined; // check: mld-query-short
  const code = (body[4] << 8) | body[5];
  // §5.1.3: from 2^15 on a floating-point number.
  const millis = code < 0x8000 ? code : ((code & 0xfff) | 0x1000) * 2 ** (((code >> 12) & 7) + 3);
  const group = body.slice(8, 24);
  const isGeneral = group.every((byte) => byte === 0);
  return { group: isGeneral ? undefined : group, responseMicros: 1000 * millis };
}
