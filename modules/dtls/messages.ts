/**
 * Handshake messages as bytes (RFC 5246 §7.4, RFC 6347 §4.2, RFC 4279 §2, RFC 8422 §5). Parsers
 * return undefined for what is malformed; whatever they accept, their twins write again.
 */
import { concat } from "../bytes/concat.js";
import { Reader } from "../bytes/reader.js";
import { writeUint } from "../bytes/uint.js";
import { Writer } from "../bytes/writer.js";
import { type Extensions, parseExtensions, writeExtensions } from "./extensions.js";
import {
  type CertificateType,
  DTLS_1_0,
  DTLS_1_2,
  ECDSA_SECP256R1_SHA256,
  ECDSA_SIGN,
  NAMED_CURVE,
  RAW_PUBLIC_KEY,
  SECP256R1,
} from "./numbers.js";

/** msg_type 1, length 3, message_seq 2, fragment_offset 3, fragment_length 3 (RFC 6347 §4.2.2). */
export const MESSAGE_HEADER_BYTES = 12;
export const RANDOM_BYTES = 32;
const SESSION_ID_BYTES_MAX = 32;
export const VERIFY_DATA_BYTES = 12;
/** Of a chain: the sender's, two between, the anchor (which need not be sent). */
const CERTIFICATES_MAX = 4;

/** A whole message, put together. */
export interface HandshakeMessage {
  readonly type: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/**
 * A message as if it were one fragment: so the transcript has it (RFC 6347 §4.2.6), and so it is
 * sent where it fits.
 */
export function wholeMessage({ type, sequence, body }: HandshakeMessage): Uint8Array {
  return concat(
    messageHeader({ type, sequence, length: body.length, offset: 0, part: body.length }),
    body,
  );
}

export function messageHeader(of: {
  readonly type: number;
  readonly sequence: number;
  readonly length: number;
  readonly offset: number;
  readonly part: number;
}): Uint8Array {
  const header = new Uint8Array(MESSAGE_HEADER_BYTES);
  header[0] = of.type;
  writeUint(header, 1, 3, of.length);
  writeUint(header, 4, 2, of.sequence);
  writeUint(header, 6, 3, of.offset);
  writeUint(header, 9, 3, of.part);
  return header;
}

export interface ClientHello {
  readonly version: number;
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly cookie: Uint8Array;
  readonly suites: readonly number[];
  readonly extensions: Extensions;
}

/** What stands at the front of a ClientHello, and is there in its first fragment already. */
export type HelloFront = Pick<ClientHello, "version" | "random" | "sessionId" | "cookie">;

/** Reads the front alone; undefined when even that is not whole. */
export function parseHelloFront(reader: Reader): HelloFront | undefined {
  const version = reader.u16();
  const random = reader.take(RANDOM_BYTES);
  const sessionId = reader.take(reader.u8());
  const cookie = reader.take(reader.u8());
  if (reader.failed || sessionId.length > SESSION_ID_BYTES_MAX) return undefined;
  return { version, random, sessionId, cookie };
}

/** Every version is read; compression methods have to include null. */
export function parseClientHello(body: Uint8Array): ClientHello | undefined {
  const reader = new Reader(body);
  const front = parseHelloFront(reader);
  const suites = reader.take(reader.u16());
  const methods = reader.take(reader.u8());
  const extensions = parseExtensions(reader);
  if (front === undefined || extensions === undefined || reader.left > 0) return undefined;
  const isEven = suites.length > 0 && suites.length % 2 === 0;
  if (!isEven || !methods.includes(0)) return undefined; // check: hello-lists
  const numbers: number[] = [];
  for (let at = 0; at < suites.length; at += 2) numbers.push(suites[at] * 256 + suites[at + 1]);
  return { ...front, suites: numbers, extensions };
}

export function clientHello(hello: Omit<ClientHello, "version">): Uint8Array {
  const { random, sessionId, cookie, suites, extensions } = hello;
  const writer = new Writer(128);
  writer.u16(DTLS_1_2);
  writer.bytes(random);
  vector8(writer, sessionId);
  vector8(writer, cookie);
  writer.u16(suites.length * 2);
  for (const suite of suites) writer.u16(suite);
  vector8(writer, new Uint8Array(1));
  writeExtensions(writer, extensions);
  return writer.finish();
}

export interface ServerHello {
  readonly version: number;
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly suite: number;
  readonly extensions: Extensions;
}

/** With a compression method other than null it is malformed: none was offered. */
export function parseServerHello(body: Uint8Array): ServerHello | undefined {
  const reader = new Reader(body);
  const version = reader.u16();
  const random = reader.take(RANDOM_BYTES);
  const sessionId = reader.take(reader.u8());
  const suite = reader.u16();
  const method = reader.u8();
  const extensions = parseExtensions(reader);
  if (extensions === undefined || reader.left > 0) return undefined;
  if (sessionId.length > SESSION_ID_BYTES_MAX || method !== 0) return undefined;
  return { version, random, sessionId, suite, extensions };
}

export function serverHello(hello: Omit<ServerHello, "version">): Uint8Array {
  const writer = new Writer(96);
  writer.u16(DTLS_1_2);
  writer.bytes(hello.random);
  vector8(writer, hello.sessionId);
  writer.u16(hello.suite);
  writer.u8(0);
  writeExtensions(writer, hello.extensions);
  return writer.finish();
}

/** The cookie; its version means nothing (RFC 6347 §4.2.1). */
export function parseHelloVerifyRequest(body: Uint8Array): Uint8Array | undefined {
  const reader = new Reader(body);
  reader.skip(2);
  const cookie = reader.take(reader.u8());
  return reader.failed || reader.left > 0 ? undefined : cookie;
}

/** RFC 6347 §4.2.1: with the version of DTLS 1.0, whatever comes to be negotiated. */
export function helloVerifyRequest(cookie: Uint8Array): Uint8Array {
  const writer = new Writer(3 + cookie.length);
  writer.u16(DTLS_1_0);
  vector8(writer, cookie);
  return writer.finish();
}

/** RFC 4279 §2: psk_identity_hint of a ServerKeyExchange, psk_identity of a ClientKeyExchange. */
export function parsePskIdentity(body: Uint8Array): Uint8Array | undefined {
  const reader = new Reader(body);
  const identity = reader.take(reader.u16());
  return reader.failed || reader.left > 0 ? undefined : identity;
}

export function pskIdentity(identity: Uint8Array): Uint8Array {
  const writer = new Writer(2 + identity.length);
  vector16(writer, identity);
  return writer.finish();
}

/** RFC 8422 §5.4: the point, what is signed of the body, and the signature in DER. */
export interface EcdheExchange {
  /** Uncompressed, 65 bytes where it is one of P-256's. */
  readonly point: Uint8Array;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** Undefined, too, for another curve or another algorithm of signature than those we offer. */
export function parseEcdheExchange(body: Uint8Array): EcdheExchange | undefined {
  const reader = new Reader(body);
  const isNamed = reader.u8() === NAMED_CURVE && reader.u16() === SECP256R1;
  const point = reader.take(reader.u8());
  const signed = body.slice(0, reader.pos);
  const algorithm = reader.u16();
  const signature = reader.take(reader.u16());
  if (reader.failed || reader.left > 0) return undefined;
  if (!isNamed || algorithm !== ECDSA_SECP256R1_SHA256) return undefined; // check: ecdhe-offered
  return { point, signed, signature };
}

/** ServerECDHParams: what the signature is made over, after both randoms. */
export function ecdheParameters(point: Uint8Array): Uint8Array {
  const writer = new Writer(4 + point.length);
  writer.u8(NAMED_CURVE);
  writer.u16(SECP256R1);
  vector8(writer, point);
  return writer.finish();
}

/** RFC 5246 §4.7: DigitallySigned, as ServerKeyExchange and CertificateVerify have it. */
export function digitallySigned(signature: Uint8Array): Uint8Array {
  const writer = new Writer(4 + signature.length);
  writer.u16(ECDSA_SECP256R1_SHA256);
  vector16(writer, signature);
  return writer.finish();
}

/** The signature of a CertificateVerify; undefined for an algorithm we did not ask for. */
export function parseDigitallySigned(body: Uint8Array): Uint8Array | undefined {
  const reader = new Reader(body);
  const algorithm = reader.u16();
  const signature = reader.take(reader.u16());
  if (reader.failed || reader.left > 0) return undefined;
  return algorithm === ECDSA_SECP256R1_SHA256 ? signature : undefined;
}

/** RFC 8422 §5.7: the client's point. */
export function parseEcdhePoint(body: Uint8Array): Uint8Array | undefined {
  const reader = new Reader(body);
  const point = reader.take(reader.u8());
  return reader.failed || reader.left > 0 ? undefined : point;
}

export function ecdhePoint(point: Uint8Array): Uint8Array {
  return Uint8Array.of(point.length, ...point);
}

/**
 * RFC 5246 §7.4.2, RFC 7250 §3: certificates in DER, the sender's own first; or one
 * SubjectPublicKeyInfo. An empty list says that there is none.
 */
export function parseCertificate(
  body: Uint8Array,
  type: CertificateType,
): Uint8Array[] | undefined {
  const reader = new Reader(body);
  if (u24(reader) !== reader.left || reader.failed) return undefined;
  if (type === RAW_PUBLIC_KEY) return reader.left === 0 ? [] : [reader.rest()];
  const chain: Uint8Array[] = [];
  while (reader.left > 0) {
    const certificate = reader.take(u24(reader));
    if (reader.failed || certificate.length === 0) return undefined;
    if (chain.length === CERTIFICATES_MAX) return undefined; // check: chain-max
    chain.push(certificate);
  }
  return chain;
}

export function certificate(chain: readonly Uint8Array[], type: CertificateType): Uint8Array {
  const parts: Uint8Array[] = [];
  if (type === RAW_PUBLIC_KEY && chain.length > 0) parts.push(chain[0]);
  else for (const one of chain) parts.push(three(one.length), one);
  const list = concat(...parts);
  return concat(three(list.length), list);
}

/** RFC 5246 §7.4.4: whether an ECDSA key with SHA-256 will do; undefined when malformed. */
export function parseCertificateRequest(body: Uint8Array): boolean | undefined {
  const reader = new Reader(body);
  const types = reader.take(reader.u8());
  const algorithms = reader.take(reader.u16());
  reader.skip(reader.u16());
  if (reader.failed || reader.left > 0 || algorithms.length % 2 !== 0) return undefined;
  let takes = false;
  for (let at = 0; at < algorithms.length; at += 2) {
    takes ||= algorithms[at] * 256 + algorithms[at + 1] === ECDSA_SECP256R1_SHA256;
  }
  return takes && types.includes(ECDSA_SIGN);
}

/** No authorities: the client has one certificate or none. */
export function certificateRequest(): Uint8Array {
  return Uint8Array.of(1, ECDSA_SIGN, 0, 2, 4, 3, 0, 0);
}

function vector8(writer: Writer, bytes: Uint8Array): void {
  writer.u8(bytes.length);
  writer.bytes(bytes);
}

function vector16(writer: Writer, bytes: Uint8Array): void {
  writer.u16(bytes.length);
  writer.bytes(bytes);
}

function u24(reader: Reader): number {
  return reader.u8() * 0x10000 + reader.u16();
}

function three(value: number): Uint8Array {
  const bytes = new Uint8Array(3);
  writeUint(bytes, 0, 3, value);
  return bytes;
}
