/**
 * Secure channels over DTLS, all those of one UDP port: a CoAP message in each record of
 * application data (RFC 7252 §9.1).
 *
 *   const channels = new DtlsChannels(parts, { server, client });
 *   port.onDatagram = ({ from, bytes }) => channels.receive(from, bytes);
 *   channels.ask(to, { method: POST, path: ["token"], payload }, (answered) => ...);
 *
 * Either end of a connection asks and answers, whoever opened it: a KDC pushes keys over the one
 * its member made. `ask` opens what is not open, with a session that was kept where there is one.
 * A connection that does not answer is given up, so that the next question opens another.
 */
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import type { Drop } from "../bytes/outcome.js";
import { Agenda } from "../coap/agenda.js";
import { emitMessage, parseMessage } from "../coap/message.js";
import type { EnvelopeKey } from "../cose/envelope.js";
import type { Connection, End } from "../dtls/connection.js";
import type { ClientCredentials, ServerCredentials } from "../dtls/credentials.js";
import { DTLS_LIMITS, DtlsEndpoint, type DtlsLimits } from "../dtls/endpoint.js";
import type { FlightTimes } from "../dtls/flight.js";
import type { Finished } from "../dtls/handshake.js";
import {
  type PeerIdentity,
  type Session,
  type SessionStore,
  wipeSession,
} from "../dtls/session.js";
import type { Clock } from "../ports/clock.js";
import { AES_CCM_16_64_128, type Crypto } from "../ports/crypto.js";
import type { Endpoint } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import { Conversation, type ConversationLimits, type Protection } from "./conversation.js";
import type { Ask, Asker, AskFailure, SecureHandler, Told } from "./request.js";

/** A client's sessions, by the server's address and port as bytes. */
export interface KeptSessions {
  /** The caller's own copy. */
  with(server: Uint8Array): Session | undefined;
  /** Takes a copy. */
  keep(server: Uint8Array, session: Session): boolean;
  forget(server: Uint8Array): boolean;
}

export interface DtlsChannelParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly send: (to: Endpoint, datagram: Uint8Array) => void;
  readonly handler: SecureHandler | undefined;
  /** What had no effect, for a trace. */
  readonly dropped?: (from: Endpoint, reason: Drop) => void;
  /** Somebody is connected, or is no more. */
  readonly opened?: (asker: Asker, at: Endpoint) => void;
  readonly closed?: (asker: Asker, at: Endpoint) => void;
}

export interface DtlsChannelOptions {
  /** Absent: nobody connects to us. */
  readonly server?: ServerCredentials;
  /** Where a server keeps its sessions. */
  readonly sessions?: SessionStore;
  /** What we show whom; undefined: we do not connect there. */
  readonly client?: (to: Endpoint) => ClientCredentials | undefined;
  readonly kept?: KeptSessions;
  readonly cidBytes?: number;
  readonly times?: FlightTimes;
  readonly dtls?: DtlsLimits;
  readonly limits?: ConversationLimits;
  /** Largest datagram of a handshake. */
  readonly datagramBytes?: number;
  /** A connection over which nothing came for so long is closed; absent: none is. */
  readonly idleMicros?: number;
}

/** A question that waits for a connection. */
interface Waiting {
  readonly ask: Ask;
  readonly done: Told;
}

/** An open connection. */
interface Line {
  readonly connection: Connection;
  readonly conversation: Conversation<true>;
  heardMicros: number;
  isLeft: boolean;
}

/** Questions that wait for one connection. */
const WAITING_MAX = 4;
const KEY_BYTES = 16;
const KID_BYTES = 8;

export class DtlsChannels {
  readonly #parts: DtlsChannelParts;
  readonly #options: DtlsChannelOptions;
  readonly #dtls: DtlsEndpoint;
  readonly #lines = new Map<Connection, Line>();
  /** Connections with each, the one that was opened last behind the others. */
  readonly #byId = new Map<string, Line[]>();
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #idle: Agenda<Line>;

  constructor(parts: DtlsChannelParts, options: DtlsChannelOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#idle = new Agenda(parts.clock, (line) => this.#rested(line));
    const { server, sessions, cidBytes, times, dtls: limits, datagramBytes } = options;
    const dtls = {
      ...(server && { server }),
      ...(sessions && { sessions }),
      ...(cidBytes === undefined ? {} : { cidBytes }),
      ...(times && { times }),
      ...(limits && { limits }),
      ...(datagramBytes === undefined ? {} : { datagramBytes }),
    };
    const { dropped } = parts;
    this.#dtls = new DtlsEndpoint(parts, dtls, {
      send: parts.send,
      opened: (connection, finished) => this.#opened(connection, finished),
      data: (connection, data) => this.#heard(connection, data),
      closed: (connection, end) => this.#closed(connection, end),
      helloRequested: (from) => this.#asked(from),
      ...(dropped && { dropped }),
    });
  }

  /** Connections that are open. */
  get size(): number {
    return this.#lines.size;
  }

  /** Takes a datagram of the port, whatever it is. */
  receive(from: Endpoint, bytes: Uint8Array): void {
    this.#dtls.receive(from, bytes);
  }

  /**
   * Asks whom `client` names there, over what is open with him or a connection of ours; whoever
   * else connected to us from there is not asked. `done` is told once, never from within.
   */
  ask(to: Endpoint, ask: Ask, done: Told): void {
    const connection = this.#dtls.openWith(to);
    const isHe = connection !== undefined && this.#isWhomWeWant(connection);
    const line = isHe ? this.#lines.get(connection) : undefined;
    if (line === undefined) this.#askLater(to, { ask, done });
    else if (!this.#askOver(line, { ask, done })) this.#refuse(done, "busy");
  }

  /** Asks who proved to be this over a connection that is open; false where there is none. */
  askPeer(id: string, ask: Ask, done: Told): boolean {
    const line = this.#latestWith(id);
    return line !== undefined && this.#askOver(line, { ask, done });
  }

  /** Who is connected. */
  askers(): Asker[] {
    return [...this.#byId.values()].map((lines) => lines[lines.length - 1].conversation.asker);
  }

  /** Asks somebody to connect to us (RFC 5246 §7.4.1.1); nothing is kept or repeated. */
  requestHello(to: Endpoint): void {
    this.#dtls.requestHello(to);
  }

  /** Ends the connection with who proved to be this. */
  close(id: string): void {
    this.#latestWith(id)?.connection.close();
  }

  /**
   * Whoever proved to be one of these is heard no more, and who was about to has to begin anew;
   * what it asked last is answered yet.
   */
  leave(isLeft: (asker: Asker) => boolean): void {
    this.#dtls.abandon(); // check: line-opening
    for (const line of this.#lines.values()) {
      if (!isLeft(line.conversation.asker)) continue;
      line.isLeft = true;
      this.#parts.clock.after(0, () => line.connection.close());
    }
  }

  /** Ends all connections. */
  stop(): void {
    this.#dtls.close();
  }

  #latestWith(id: string): Line | undefined {
    const lines = this.#byId.get(id);
    return lines?.[lines.length - 1];
  }

  #refuse(done: Waiting["done"], why: AskFailure): void {
    this.#parts.clock.after(0, () => done({ ok: false, why }));
  }

  #askOver(line: Line, { ask, done }: Waiting): boolean {
    return line.conversation.ask(ask, (answered, asker) => {
      const isGone = !answered.ok && answered.why === "timeout";
      // Whoever restarted without its session answers nobody: the next question begins anew.
      if (isGone) line.connection.close();
      done(answered, asker);
    });
  }

  #askLater(to: Endpoint, waiting: Waiting): void {
    const place = toHex(nameOf(to));
    const others = this.#waiting.get(place) ?? [];
    if (others.length >= WAITING_MAX) {
      this.#refuse(waiting.done, "busy"); // check: waiting-max
      return;
    }
    const why = others.length === 0 ? this.#connectTo(to) : undefined;
    if (why !== undefined) this.#refuse(waiting.done, why);
    else this.#waiting.set(place, [...others, waiting]);
  }

  /** Why not, or undefined. */
  #connectTo(to: Endpoint): "unreachable" | "busy" | undefined {
    const credentials = this.#options.client?.(to);
    if (credentials === undefined) return "unreachable";
    return this.#connect(to, credentials) === undefined ? "busy" : undefined;
  }

  #isWhomWeWant({ side, identity, peer }: Connection): boolean {
    if (side === "client") return true;
    const credentials = this.#options.client?.(peer);
    if (credentials === undefined || identity === undefined) return false;
    if (!isWanted(identity, credentials)) return false; // check: ask-whom
    return true;
  }

  #connect(to: Endpoint, credentials: ClientCredentials): Connection | undefined {
    const resume = this.#options.kept?.with(nameOf(to));
    const connection = this.#dtls.connect(to, { credentials, ...(resume && { resume }) });
    if (resume !== undefined) wipeSession(resume);
    return connection;
  }

  #asked(from: Endpoint) {
    const credentials = this.#options.client?.(from);
    if (credentials === undefined) return undefined;
    const resume = this.#options.kept?.with(nameOf(from));
    return { credentials, ...(resume && { resume }) };
  }

  #opened(connection: Connection, { peer, session }: Finished): void {
    const { crypto, clock } = this.#parts;
    const { side, exported } = connection;
    if (session !== undefined) {
      if (side === "client") this.#options.kept?.keep(nameOf(connection.peer), session);
      wipeSession(session);
    }
    const pairwise = exported && pairwiseOf(crypto, exported);
    const asker = { ...askerOf(crypto, peer), ...(pairwise && { pairwise }) };
    const protection: Protection<true> = {
      request: (header, inner) => ({ bytes: emitMessage({ ...header, ...inner }), bound: true }),
      response: (header, inner) => emitMessage({ ...header, ...inner }),
      send: (bytes) => connection.send(bytes),
    };
    const { limits } = this.#options;
    const parts = { ...this.#parts, ...(limits && { limits }) };
    const conversation = new Conversation(parts, asker, protection);
    const line = { connection, conversation, heardMicros: clock.micros(), isLeft: false };
    this.#makeRoom(asker, side);
    this.#lines.set(connection, line);
    this.#byId.set(asker.id, [...(this.#byId.get(asker.id) ?? []), line]);
    this.#watch(line);
    this.#parts.opened?.(asker, connection.peer);
    const place = toHex(nameOf(connection.peer));
    if (!this.#waiting.has(place)) return;
    const isHe = this.#isWhomWeWant(connection);
    // Somebody else came first, and ours gave way to his; now it is our turn.
    const why = isHe ? undefined : this.#connectTo(connection.peer);
    if (!isHe && why === undefined) return;
    for (const waiting of this.#waitingAt(place)) {
      if (!isHe || !this.#askOver(line, waiting)) this.#refuse(waiting.done, why ?? "busy");
    }
  }

  /**
   * For who has just shown who it is. What it opened before it came from another port is nobody's
   * any more; and a place is always free for the next one, the longest silent makes it.
   */
  #makeRoom({ id }: Asker, side: "client" | "server"): void {
    const isFormer = ({ connection, conversation }: Line) =>
      connection.side === "server" && !conversation.isBusy;
    if (side === "server" && id !== "") {
      for (const line of (this.#byId.get(id) ?? []).filter(isFormer)) line.connection.close();
    }
    const { connections } = this.#options.dtls ?? DTLS_LIMITS;
    if (this.#lines.size + 1 < connections) return;
    const idle = [...this.#lines.values()].filter(({ conversation }) => !conversation.isBusy);
    idle.sort((a, b) => a.heardMicros - b.heardMicros);
    idle[0]?.connection.close(); // check: longest-silent
  }

  #waitingAt(place: string): Waiting[] {
    const waiting = this.#waiting.get(place) ?? [];
    this.#waiting.delete(place);
    return waiting;
  }

  #heard(connection: Connection, data: Uint8Array): void {
    const line = this.#lines.get(connection);
    if (line === undefined) return;
    if (line.isLeft) return; // check: line-left
    const { conversation } = line;
    line.heardMicros = this.#parts.clock.micros();
    const parsed = parseMessage(data);
    const outcome = parsed.ok
      ? conversation.heard({
          header: parsed.value,
          open: () => ({ ok: true, value: { inner: parsed.value, bound: true } }),
        })
      : parsed;
    if (!outcome.ok) this.#parts.dropped?.(connection.peer, outcome.drop);
  }

  #closed(connection: Connection, { reason }: End): void {
    const line = this.#lines.get(connection);
    if (line === undefined) {
      // Both began at once, and we answer: questions wait for the handshake of the other's.
      if (connection.side === "client" && reason === "replaced") return;
      const place = toHex(nameOf(connection.peer));
      for (const { done } of this.#waitingAt(place)) done({ ok: false, why: "unreachable" });
      return;
    }
    this.#lines.delete(connection);
    this.#idle.remove(line);
    const { conversation } = line;
    const { asker } = conversation;
    const others = (this.#byId.get(asker.id) ?? []).filter((one) => one !== line);
    if (others.length > 0) this.#byId.set(asker.id, others);
    else this.#byId.delete(asker.id);
    conversation.stop();
    this.#parts.closed?.(asker, connection.peer);
  }

  #watch(line: Line): void {
    const { idleMicros } = this.#options;
    if (idleMicros !== undefined) this.#idle.add(line.heardMicros + idleMicros, line);
  }

  /** It may have been heard since the time was set. */
  #rested(line: Line): void {
    const { idleMicros = 0 } = this.#options;
    const restedMicros = this.#parts.clock.micros() - line.heardMicros;
    if (restedMicros >= idleMicros && !line.conversation.isBusy) line.connection.close();
    else if (restedMicros >= idleMicros) line.heardMicros += idleMicros;
    if (this.#lines.has(line.connection)) this.#watch(line);
  }
}

/** A server's address and port: what its sessions are kept under. */
export function nameOf({ address, port }: Endpoint): Uint8Array {
  const name = new Uint8Array(address.length + 2);
  name.set(address);
  name[address.length] = port >> 8;
  name[address.length + 1] = port;
  return name;
}

/** Whether who connected to us is whom we would take there if we had connected. */
function isWanted(peer: PeerIdentity, { psk, trust, accepts }: ClientCredentials): boolean {
  const isKnown =
    (peer.by === "psk" && psk !== undefined && equalBytes(peer.identity, psk.identity)) ||
    (peer.by === "rawPublicKey" && trust?.rawKey?.(peer.publicKey) === true) ||
    (peer.by === "certificate" && (trust?.anchors ?? trust?.isPinned) !== undefined);
  return isKnown && (accepts?.(peer) ?? true);
}

/** Whom a handshake showed. */
export function askerOf(crypto: Pick<Crypto, "sha256">, peer: PeerIdentity): Asker {
  if (peer.by === "nothing") return { by: "dtls", id: "" };
  if (peer.by === "psk") return { by: "dtls", id: toHex(peer.identity) };
  const key = peer.publicKey;
  const names = peer.by === "certificate" ? { names: peer.names } : {};
  return { by: "dtls", id: toHex(crypto.sha256(key)), key, ...names };
}

/** Of an exporter's 32 bytes; the copy that is made of them is wiped. */
function pairwiseOf(crypto: Crypto, exported: Uint8Array): EnvelopeKey {
  const raw = exported.slice(0, KEY_BYTES);
  const kid = exported.slice(KEY_BYTES, KEY_BYTES + KID_BYTES);
  return { kid, key: crypto.aeadKey(AES_CCM_16_64_128, raw) };
}
