/** Extensions of the two hellos (RFC 5246 §7.4.1.4): number and contents, unknown ones kept. */
import { Reader } from "../bytes/reader.js";
import { Writer } from "../bytes/writer.js";
import {
  type CertificateType,
  CLIENT_CERTIFICATE_TYPE,
  CONNECTION_ID,
  EC_POINT_FORMATS,
  ECDSA_SECP256R1_SHA256,
  EXTENDED_MASTER_SECRET,
  RENEGOTIATION_INFO,
  SECP256R1,
  SERVER_CERTIFICATE_TYPE,
  SIGNATURE_ALGORITHMS,
  SUPPORTED_GROUPS,
} from "./numbers.js";

/** More than any client here or known sends. */
const EXTENSIONS_MAX = 32;

export type Extensions = ReadonlyMap<number, Uint8Array>;

/**
 * The extensions at the end of a hello; none when nothing is left. Undefined when malformed, one is
 * there twice, or there are too many.
 */
export function parseExtensions(reader: Reader): Extensions | undefined {
  const found = new Map<number, Uint8Array>();
  if (reader.failed) return undefined;
  if (reader.left === 0) return found;
  const length = reader.u16();
  const isWhole = !reader.failed && length === reader.left;
  if (!isWhole) return undefined; // check: extensions-length
  while (reader.left > 0) {
    const type = reader.u16();
    const data = reader.take(reader.u16());
    if (reader.failed) return undefined; // check: extension-room
    if (found.has(type)) return undefined; // check: extension-twice
    if (found.size === EXTENSIONS_MAX) return undefined; // check: extensions-max
    found.set(type, data);
  }
  return found;
}

/** Nothing at all for none: older servers take no empty list. */
export function writeExtensions(writer: Writer, extensions: Extensions): void {
  if (extensions.size === 0) return;
  const list = new Writer();
  for (const [type, data] of extensions) {
    list.u16(type);
    list.u16(data.length);
    list.bytes(data);
  }
  writer.u16(list.length);
  writer.bytes(list.finish());
}

/** What a hello's extensions mean to us. */
export interface HelloTraits {
  /** RFC 7627 §5.1. */
  readonly hasExtendedMasterSecret: boolean;
  /** RFC 5746: in an initial handshake it is empty; undefined when absent. */
  readonly renegotiationInfo: Uint8Array | undefined;
  /** RFC 9146 §3: how the sender wants to be addressed; undefined when it offered nothing. */
  readonly cid: Uint8Array | undefined;
  /** RFC 7250 §3; without the extension X.509 alone. In a ServerHello one, the one chosen. */
  readonly clientCertificateTypes: readonly number[];
  readonly serverCertificateTypes: readonly number[];
  /** RFC 8422 §5.1.1 and RFC 5246 §7.4.1.4.1: whether what we have is among what it takes. */
  readonly takesSecp256r1: boolean;
  readonly takesEcdsaSha256: boolean;
}

/** Undefined when one of those we know is malformed. `isServer`: those of a ServerHello. */
export function traitsOf(extensions: Extensions, isServer: boolean): HelloTraits | undefined {
  const vector = (type: number, lengthBytes: 1 | 2, itemBytes: 1 | 2): number[] | undefined => {
    const data = extensions.get(type);
    return data === undefined ? [] : listOf(data, lengthBytes, itemBytes);
  };
  const types = (type: number): readonly number[] | undefined => {
    const data = extensions.get(type);
    if (data === undefined) return [0];
    if (!isServer) return listOf(data, 1, 1);
    return data.length === 1 ? [data[0]] : undefined;
  };
  const opaque = (type: number): Uint8Array | undefined | null => {
    const data = extensions.get(type);
    if (data === undefined) return undefined;
    return data.length > 0 && data[0] === data.length - 1 ? data.slice(1) : null;
  };
  const groups = vector(SUPPORTED_GROUPS, 2, 2);
  const formats = vector(EC_POINT_FORMATS, 1, 1);
  const algorithms = vector(SIGNATURE_ALGORITHMS, 2, 2);
  const client = types(CLIENT_CERTIFICATE_TYPE);
  const server = types(SERVER_CERTIFICATE_TYPE);
  const cid = opaque(CONNECTION_ID);
  const renegotiation = opaque(RENEGOTIATION_INFO);
  const secret = extensions.get(EXTENDED_MASTER_SECRET);
  const isRead = groups && formats && algorithms && client && server;
  if (!isRead || cid === null || renegotiation === null) return undefined;
  if (secret !== undefined && secret.length > 0) return undefined; // check: extension-empty
  return {
    hasExtendedMasterSecret: secret !== undefined,
    renegotiationInfo: renegotiation,
    cid,
    clientCertificateTypes: client,
    serverCertificateTypes: server,
    // RFC 8422 §4: a client without the extension takes any curve; uncompressed points always go.
    takesSecp256r1: !extensions.has(SUPPORTED_GROUPS) || groups.includes(SECP256R1),
    takesEcdsaSha256: algorithms.includes(ECDSA_SECP256R1_SHA256),
  };
}

/** A vector of numbers; undefined when the lengths disagree or it is empty. */
function listOf(data: Uint8Array, lengthBytes: 1 | 2, itemBytes: 1 | 2): number[] | undefined {
  const reader = new Reader(data);
  const length = lengthBytes === 1 ? reader.u8() : reader.u16();
  const isWhole = length === reader.left && length > 0 && length % itemBytes === 0;
  if (!isWhole) return undefined; // check: extension-list
  const items: number[] = [];
  while (reader.left > 0) items.push(itemBytes === 1 ? reader.u8() : reader.u16());
  return items;
}

/** What a ClientHello of ours offers. */
export function clientExtensions(offer: {
  readonly cid: Uint8Array | undefined;
  /** Where the suite with certificates is offered: types we send and types we take. */
  readonly certificates:
    | { readonly own: readonly CertificateType[]; readonly peer: readonly CertificateType[] }
    | undefined;
}): Extensions {
  const { cid, certificates } = offer;
  const all = new Map([[EXTENDED_MASTER_SECRET, new Uint8Array(0)]]);
  // RFC 5746 §3.4: or a signal among the suites, which is shorter, and which pion does not know.
  all.set(RENEGOTIATION_INFO, Uint8Array.of(0));
  if (certificates !== undefined) {
    all.set(SUPPORTED_GROUPS, Uint8Array.of(0, 2, 0, SECP256R1));
    all.set(EC_POINT_FORMATS, Uint8Array.of(1, 0));
    all.set(SIGNATURE_ALGORITHMS, Uint8Array.of(0, 2, 4, 3));
    const { own, peer } = certificates;
    if (own.length > 0) all.set(CLIENT_CERTIFICATE_TYPE, Uint8Array.of(own.length, ...own));
    if (peer.length > 0) all.set(SERVER_CERTIFICATE_TYPE, Uint8Array.of(peer.length, ...peer));
  }
  if (cid !== undefined) all.set(CONNECTION_ID, Uint8Array.of(cid.length, ...cid));
  return all;
}

/** What a ServerHello of ours answers; only what was offered (RFC 5246 §7.4.1.4). */
export function serverExtensions(answer: {
  readonly hasRenegotiationInfo: boolean;
  readonly cid: Uint8Array | undefined;
  readonly clientCertificateType: CertificateType | undefined;
  readonly serverCertificateType: CertificateType | undefined;
  readonly hasPoints: boolean;
}): Extensions {
  const all = new Map([[EXTENDED_MASTER_SECRET, new Uint8Array(0)]]);
  if (answer.hasRenegotiationInfo) all.set(RENEGOTIATION_INFO, Uint8Array.of(0));
  const { cid, clientCertificateType, serverCertificateType } = answer;
  if (clientCertificateType !== undefined) {
    all.set(CLIENT_CERTIFICATE_TYPE, Uint8Array.of(clientCertificateType));
  }
  if (serverCertificateType !== undefined) {
    all.set(SERVER_CERTIFICATE_TYPE, Uint8Array.of(serverCertificateType));
  }
  if (answer.hasPoints) all.set(EC_POINT_FORMATS, Uint8Array.of(1, 0));
  if (cid !== undefined) all.set(CONNECTION_ID, Uint8Array.of(cid.length, ...cid));
  return all;
}
