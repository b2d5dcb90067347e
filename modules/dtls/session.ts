/**
 * Sessions: what two peers keep to open the next connection without their long-term keys (RFC 5246
 * §7.3, session ids). They outlive connections and, written to flash, restarts. Whoever keeps one
 * wipes it when it ends.
 */
import { toHex } from "../bytes/hex.js";
import { Reader } from "../bytes/reader.js";
import { fromUtf8, utf8 } from "../bytes/utf8.js";
import { Writer } from "../bytes/writer.js";
import { MASTER_BYTES } from "./keys.js";

export const BOUND_BYTES = 8;

/** Who a handshake showed the peer to be, and by what. */
export type PeerIdentity =
  /** The key shared under this identity (RFC 4279); of a server: the identity we used. */
  | { readonly by: "psk"; readonly identity: Uint8Array }
  /** RFC 7250; the P-256 point, 65 bytes. */
  | { readonly by: "rawPublicKey"; readonly publicKey: Uint8Array }
  /** X.509: the point, and the names the certificate gives it (subjectAltName, else its CN). */
  | {
      readonly by: "certificate";
      readonly publicKey: Uint8Array;
      readonly names: readonly string[];
      /** When the first certificate of its chain ends, in Unix time; at most 2^32 - 1. */
      readonly untilSeconds: number;
    }
  /** A client that was not asked for a certificate. */
  | { readonly by: "nothing" };

export interface Session {
  /** 1 to 32 bytes, given by the server. */
  readonly id: Uint8Array;
  readonly suite: number;
  /** 48 bytes; always bound to its handshake (RFC 7627): others are refused. */
  readonly master: Uint8Array;
  readonly peer: PeerIdentity;
  /** 8 bytes: what it came from (origin.ts). */
  readonly bound: Uint8Array;
}

/** A server's sessions. What `find` returns is the caller's own copy, wiped after use. */
export interface SessionStore {
  find(id: Uint8Array): Session | undefined;
  /** Takes a copy. */
  put(session: Session): void;
  remove(id: Uint8Array): void;
}

export function copySession(session: Session): Session {
  return { ...session, id: session.id.slice(), master: session.master.slice() };
}

export function wipeSession(session: Session): void {
  session.master.fill(0);
}

/** A bounded store in memory; the session that was used longest ago makes room. */
export class MemorySessions implements SessionStore {
  readonly #max: number;
  /** By id; the latest used last. */
  readonly #sessions = new Map<string, Session>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#sessions.size;
  }

  find(id: Uint8Array): Session | undefined {
    const name = toHex(id);
    const session = this.#sessions.get(name);
    if (session === undefined) return undefined;
    this.#sessions.delete(name);
    this.#sessions.set(name, session);
    return copySession(session);
  }

  put(session: Session): void {
    this.remove(session.id);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= this.#max) this.#drop(oldest);
    this.#sessions.set(toHex(session.id), copySession(session));
  }

  remove(id: Uint8Array): void {
    this.#drop(toHex(id));
  }

  #drop(name: string): void {
    const session = this.#sessions.get(name);
    if (session !== undefined) wipeSession(session);
    this.#sessions.delete(name);
  }
}

const FORMAT = 2;
const KINDS = Object.freeze(["psk", "rawPublicKey", "certificate", "nothing"] as const);
const NAMES_MAX = 8;

/**
 * format 1 ‖ suite 2 ‖ id ‖ master 48 ‖ bound 8 ‖ kind of peer 1 ‖ what is known of it; byte
 * strings with their lengths of 2. Secret: as little to be read by others as the keys it came from.
 */
export function emitSession(session: Session): Uint8Array {
  const writer = new Writer(128);
  const string = (bytes: Uint8Array) => {
    writer.u16(bytes.length);
    writer.bytes(bytes);
  };
  const { peer } = session;
  writer.u8(FORMAT);
  writer.u16(session.suite);
  string(session.id);
  writer.bytes(session.master);
  writer.bytes(session.bound);
  writer.u8(KINDS.indexOf(peer.by));
  if (peer.by === "psk") string(peer.identity);
  if (peer.by === "rawPublicKey" || peer.by === "certificate") string(peer.publicKey);
  if (peer.by === "certificate") {
    writer.u32(peer.untilSeconds);
    for (const name of peer.names) string(utf8(name));
  }
  return writer.finish();
}

/** Undefined for anything that `emitSession` does not write. */
export function parseSession(bytes: Uint8Array): Session | undefined {
  const reader = new Reader(bytes);
  const string = () => reader.take(reader.u16());
  const format = reader.u8();
  const suite = reader.u16();
  const id = string();
  const master = reader.take(MASTER_BYTES);
  const bound = reader.take(BOUND_BYTES);
  const by = KINDS[reader.u8()];
  const isHead = format === FORMAT && id.length > 0 && id.length <= 32;
  if (!isHead) return undefined; // check: session-form
  if (by === undefined) return undefined;
  const peer = parsePeer(by, reader, string);
  const isWhole = !reader.failed && reader.left === 0;
  if (!isWhole) return undefined; // check: session-end
  return peer && { id, suite, master, peer, bound };
}

function parsePeer(
  by: PeerIdentity["by"],
  reader: Reader,
  string: () => Uint8Array,
): PeerIdentity | undefined {
  if (by === "nothing") return { by };
  if (by === "psk") return { by, identity: string() };
  const publicKey = string();
  if (by === "rawPublicKey") return { by, publicKey };
  const untilSeconds = reader.u32();
  const names: string[] = [];
  while (reader.left > 0 && names.length < NAMES_MAX) {
    const name = fromUtf8(string());
    if (name === undefined) return undefined;
    names.push(name);
  }
  return { by, publicKey, names, untilSeconds };
}
