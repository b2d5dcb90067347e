/**
 * All DTLS connections of one UDP port, client and server: finds whom a record is for, keeps no
 * state for whom no cookie came back from, and bounds how much it keeps for the others.
 *
 *   const dtls = new DtlsEndpoint(parts, { server: { psk } }, events);
 *   port.onDatagram = ({ from, bytes }) => dtls.receive(from, bytes);
 *   dtls.connect(to, { credentials });     events.opened tells when it is open
 *
 * A peer has at most one connection that is open and one that is opening: a device that restarted
 * opens another while the old one goes on, until the new one has proved itself (RFC 6347 §4.2.8).
 */
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import type { Drop } from "../bytes/outcome.js";
import { Reader } from "../bytes/reader.js";
import type { Endpoint } from "../ports/datagram.js";
import { ClientHandshake } from "./client.js";
import {
  Connection,
  type ConnectionEvents,
  type ConnectionOptions,
  type End,
} from "./connection.js";
import { Cookies } from "./cookie.js";
import type { ClientCredentials, ServerCredentials } from "./credentials.js";
import { FLIGHT_TIMES, type FlightTimes } from "./flight.js";
import type { DtlsParts, Finished } from "./handshake.js";
import { type HelloFront, helloVerifyRequest, parseHelloFront, wholeMessage } from "./messages.js";
import {
  CLIENT_HELLO,
  DTLS_1_0,
  HANDSHAKE,
  HELLO_REQUEST,
  HELLO_VERIFY_REQUEST,
  TLS12_CID,
} from "./numbers.js";
import { type Fragment, fragmentsOf } from "./reassembly.js";
import { plainRecord, type RawRecord, readRecord } from "./records.js";
import { ServerHandshake } from "./server.js";
import { copySession, type Session, type SessionStore } from "./session.js";

export interface DtlsLimits {
  /** Open and opening together. */
  readonly connections: number;
  /** Opening: each holds at most `handshakeBytesMax`. */
  readonly handshakes: number;
  /** Of one handshake message. */
  readonly messageBytes: number;
  /** Of all messages of one handshake. */
  readonly transcriptBytes: number;
}

export const DTLS_LIMITS: DtlsLimits = Object.freeze({
  connections: 16,
  handshakes: 4,
  messageBytes: 2048,
  transcriptBytes: 6144,
});

/**
 * What one handshake holds at most, whoever the peer is: its messages until Finished, for their
 * hash; ours among them once more, until they are answered; and one of the peer's that is not whole
 * yet. 14,336 bytes by DTLS_LIMITS, 57,344 for all four; with a pre-shared key it is some 500 that
 * they take. Beside it: two randoms, two connection ids, a master secret, keys of two epochs.
 */
export function handshakeBytesMax({ transcriptBytes, messageBytes }: DtlsLimits): number {
  return 2 * transcriptBytes + messageBytes;
}

/** Fits the least MTU of IPv6 with its headers and UDP's. */
export const DATAGRAM_BYTES = 1232;

export interface DtlsOptions {
  /** Absent: no ClientHello is answered. */
  readonly server?: ServerCredentials;
  /** Where a server keeps sessions; absent: none are resumed. */
  readonly sessions?: SessionStore;
  /**
   * Length of our connection ids (RFC 9146), the same for all; 0: peers may have one, we need none.
   * Absent: none are used.
   */
  readonly cidBytes?: number;
  readonly times?: FlightTimes;
  readonly limits?: DtlsLimits;
  /** The largest datagram of a handshake; application data goes as it is. */
  readonly datagramBytes?: number;
}

export interface ConnectOptions {
  readonly credentials: ClientCredentials;
  /** Offered for resumption; copied. */
  readonly resume?: Session;
}

export interface DtlsEvents {
  readonly send: (to: Endpoint, datagram: Uint8Array) => void;
  /**
   * `finished.session` is the receiver's: a client keeps it to resume, or wipes it (wipeSession);
   * what a server's `sessions` keep is a copy.
   */
  readonly opened: (connection: Connection, finished: Finished) => void;
  readonly data: (connection: Connection, data: Uint8Array) => void;
  readonly closed: (connection: Connection, end: End) => void;
  readonly moved?: (connection: Connection, before: Endpoint) => void;
  /**
   * Somebody wants to be connected to (RFC 5246 §7.4.1.1): with what credentials, or undefined to
   * let it be. Anybody can say so, in the clear.
   */
  readonly helloRequested?: (from: Endpoint) => ConnectOptions | undefined;
  /** Every record without effect. */
  readonly dropped?: (from: Endpoint, reason: Drop) => void;
}

interface Slot {
  open: Connection | undefined;
  opening: Connection | undefined;
}

export class DtlsEndpoint {
  readonly #parts: DtlsParts;
  readonly #options: DtlsOptions;
  readonly #limits: DtlsLimits;
  readonly #events: DtlsEvents;
  readonly #cookies: Cookies | undefined;
  /** By address and port. */
  readonly #slots = new Map<string, Slot>();
  readonly #byCid = new Map<string, Connection>();
  /** Handshakes that others began, and when, the oldest first. */
  readonly #halfOpen = new Map<Connection, number>();
  #connections = 0;
  #handshakes = 0;

  constructor(parts: DtlsParts, options: DtlsOptions, events: DtlsEvents) {
    this.#parts = parts;
    this.#options = options;
    this.#limits = options.limits ?? DTLS_LIMITS;
    this.#events = events;
    this.#cookies = options.server === undefined ? undefined : new Cookies(parts);
  }

  /** Connections open and opening. */
  get size(): number {
    return this.#connections;
  }

  get handshakes(): number {
    return this.#handshakes;
  }

  /**
   * Bytes held for handshakes: at most `handshakes` times handshakeBytesMax, and of each that is
   * over one Finished, until the peer's first data shows that it has it.
   */
  get heldBytes(): number {
    let sum = 0;
    for (const { open, opening } of this.#slots.values()) {
      sum += (open?.heldBytes ?? 0) + (opening?.heldBytes ?? 0);
    }
    return sum;
  }

  /** The open connection with a peer. */
  openWith(peer: Endpoint): Connection | undefined {
    return this.#slots.get(keyOf(peer))?.open;
  }

  /**
   * Begins a handshake. Undefined when one with that peer is under way or a table is full of what
   * is open or our own. Throws RangeError when the credentials offer no suite.
   */
  connect(to: Endpoint, { credentials, resume }: ConnectOptions): Connection | undefined {
    if (this.#slots.get(keyOf(to))?.opening !== undefined || !this.#hasRoom(0)) return undefined;
    const cid = this.#newCid();
    const connection = this.#add(to, {
      side: "client",
      sequence: 0,
      recordSequence: 0,
      cid,
      driver: (shared) =>
        new ClientHandshake(shared, {
          credentials,
          resume: resume && copySession(resume),
          cid,
        }),
    });
    connection.start();
    return connection;
  }

  /** Asks a client to begin (HelloRequest, RFC 5246 §7.4.1.1). Nothing is kept or repeated. */
  requestHello(to: Endpoint): void {
    const bytes = wholeMessage({ type: HELLO_REQUEST, sequence: 0, body: new Uint8Array(0) });
    this.#events.send(to, plainRecord(HANDSHAKE, 0, bytes));
  }

  /** Ends all handshakes under way: what they began with holds no more. */
  abandon(): void {
    for (const { opening } of [...this.#slots.values()]) opening?.replace();
  }

  /** close_notify to all. */
  close(): void {
    for (const { open, opening } of [...this.#slots.values()]) {
      open?.close();
      opening?.close();
    }
  }

  /** Takes a datagram, whatever it is. */
  receive(from: Endpoint, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const record = readRecord(bytes, at, this.#options.cidBytes ?? 0);
      if (record === undefined) {
        this.#events.dropped?.(from, "malformed");
        return;
      }
      at += record.bytes.length;
      const reason = this.#receive(from, record);
      if (reason !== undefined) this.#events.dropped?.(from, reason);
    }
  }

  #receive(from: Endpoint, record: RawRecord): Drop | undefined {
    if (record.type === TLS12_CID) {
      const connection = this.#byCid.get(toHex(record.cid));
      return connection === undefined ? "unknownKey" : connection.receive(record, from);
    }
    const slot = this.#slots.get(keyOf(from));
    if (record.epoch === 0) return this.#receivePlain(from, record, slot);
    const { opening, open } = slot ?? {};
    if (opening?.reads) {
      const reason = opening.receive(record, from);
      const mayBeOld = reason === "forged" || reason === "oldEpoch";
      if (!mayBeOld || open === undefined) return reason;
    }
    if (open !== undefined) return open.receive(record, from);
    return opening === undefined ? "unknownKey" : "oldEpoch";
  }

  #receivePlain(from: Endpoint, record: RawRecord, slot: Slot | undefined): Drop | undefined {
    if (record.type === HANDSHAKE) {
      const fragment = fragmentsOf(record.bytes.subarray(record.fragmentAt))?.[0];
      if (fragment?.type === CLIENT_HELLO) return this.#receiveHello(from, record, fragment);
      if (fragment?.type === HELLO_REQUEST && slot === undefined) return this.#asked(from);
    }
    const connection = slot?.opening ?? slot?.open;
    return connection === undefined ? "unsolicited" : connection.receive(record, from);
  }

  #asked(from: Endpoint): Drop | undefined {
    const options = this.#events.helloRequested?.(from);
    if (options === undefined) return "unsolicited";
    return this.connect(from, options) === undefined ? "tableFull" : undefined;
  }

  #receiveHello(from: Endpoint, record: RawRecord, fragment: Fragment): Drop | undefined {
    const cookies = this.#cookies;
    if (cookies === undefined) return "unsupported";
    const opening = this.#slots.get(keyOf(from))?.opening;
    const isOurs = opening?.side === "client";
    if (fragment.offset > 0) {
      return opening === undefined || isOurs ? "fragment" : opening.receive(record, from);
    }
    const front = parseHelloFront(new Reader(fragment.part));
    if (front === undefined) return "malformed";
    const isGood = cookies.isGood(from, front);
    if (!isGood) return this.#challenge(from, record, fragment, front); // check: cookie
    if (opening !== undefined && isOurs) {
      // Both began at once. Each knows both randoms: who has the lower one goes on as the server,
      // and whoever got no answer: its peer may be one that only connects.
      const isTheirs = !opening.isServed || isLower(opening.ownRandom, front.random);
      if (!isTheirs) return "duplicate"; // check: hello-crossed
      opening.replace();
    } else if (opening !== undefined) {
      const known = opening.peerRandom;
      if (known.length === 0 || equalBytes(known, front.random)) {
        return opening.receive(record, from);
      }
      // It began anew, and gets what is sent there: the cookie is for this random.
      opening.replace();
    }
    // Not sooner, or a crowd that comes at once would push itself out.
    const { firstMicros } = this.#options.times ?? FLIGHT_TIMES;
    if (!this.#hasRoom(2 * firstMicros)) return "tableFull"; // check: handshakes-max
    return this.#accept(from, record, fragment).receive(record, from);
  }

  /** RFC 6347 §4.2.1: with the numbers of what it answers, so that nothing is to be remembered. */
  #challenge(from: Endpoint, record: RawRecord, fragment: Fragment, front: HelloFront): undefined {
    const cookie = (this.#cookies as Cookies).make(from, front);
    const bytes = wholeMessage({
      type: HELLO_VERIFY_REQUEST,
      sequence: fragment.sequence,
      body: helloVerifyRequest(cookie),
    });
    this.#events.send(from, plainRecord(HANDSHAKE, record.sequence, bytes, DTLS_1_0));
  }

  #accept(from: Endpoint, record: RawRecord, fragment: Fragment): Connection {
    const credentials = this.#options.server as ServerCredentials;
    const cid = this.#newCid();
    const connection = this.#add(from, {
      side: "server",
      sequence: fragment.sequence,
      recordSequence: record.sequence,
      cid,
      driver: (shared) =>
        new ServerHandshake(shared, { credentials, sessions: this.#options.sessions, cid }),
    });
    this.#halfOpen.set(connection, this.#parts.clock.micros());
    return connection;
  }

  /**
   * Room for another handshake. Whoever shows a cookie and nothing more keeps neither us from
   * connecting nor, for long, others from getting in: where all is taken, the oldest that did not
   * come to a genuine Finished in `graceMicros` gives way.
   */
  #hasRoom(graceMicros: number): boolean {
    const [oldest] = this.#halfOpen;
    const isStale = oldest !== undefined && this.#parts.clock.micros() - oldest[1] >= graceMicros;
    if (this.#isFull() && isStale) oldest[0].replace(); // check: half-open-yields
    return !this.#isFull();
  }

  #isFull(): boolean {
    const { connections, handshakes } = this.#limits;
    return this.#connections >= connections || this.#handshakes >= handshakes;
  }

  #add(
    peer: Endpoint,
    some: Pick<ConnectionOptions, "side" | "sequence" | "recordSequence" | "cid" | "driver">,
  ): Connection {
    const { messageBytes, transcriptBytes } = this.#limits;
    const options: ConnectionOptions = {
      ...some,
      peer: { address: peer.address.slice(), port: peer.port },
      times: this.#options.times ?? FLIGHT_TIMES,
      datagramBytes: this.#options.datagramBytes ?? DATAGRAM_BYTES,
      messageBytes,
      transcriptBytes,
    };
    const connection = new Connection(this.#parts, options, this.#told());
    const key = keyOf(peer);
    const slot = this.#slots.get(key) ?? { open: undefined, opening: undefined };
    slot.opening = connection;
    this.#slots.set(key, slot);
    const { cid } = some;
    if (cid !== undefined && cid.length > 0) this.#byCid.set(toHex(cid), connection);
    this.#connections++;
    this.#handshakes++;
    return connection;
  }

  #told(): ConnectionEvents {
    return {
      send: this.#events.send,
      data: this.#events.data,
      opened: (connection, finished) => this.#opened(connection, finished),
      closed: (connection, end) => this.#closed(connection, end),
      moved: (connection, before) => this.#moved(connection, before),
    };
  }

  #opened(connection: Connection, finished: Finished): void {
    const key = keyOf(connection.peer);
    const slot = this.#slots.get(key) ?? { open: undefined, opening: undefined };
    const before = slot.open;
    if (slot.opening === connection) slot.opening = undefined;
    slot.open = connection;
    this.#slots.set(key, slot);
    this.#handshakes--;
    this.#halfOpen.delete(connection);
    before?.replace();
    const { session } = finished;
    if (session !== undefined && connection.side === "server") this.#options.sessions?.put(session);
    this.#events.opened(connection, finished);
  }

  #closed(connection: Connection, end: End): void {
    const key = keyOf(connection.peer);
    const slot = this.#slots.get(key);
    this.#connections--;
    this.#halfOpen.delete(connection);
    if (connection.identity === undefined) this.#handshakes--;
    if (slot?.opening === connection) slot.opening = undefined;
    if (slot?.open === connection) slot.open = undefined;
    if (slot !== undefined && slot.open === undefined && slot.opening === undefined) {
      this.#slots.delete(key);
    }
    if (connection.cid !== undefined) this.#byCid.delete(toHex(connection.cid));
    // RFC 5246 §7.2.2: after a fatal alert a session is not resumed.
    const { sessionId } = connection;
    const isFatal = end.reason === "alerted" || end.reason === "refused";
    const { sessions } = this.#options;
    if (isFatal && sessionId !== undefined) sessions?.remove(sessionId); // check: fatal-session
    this.#events.closed(connection, end);
  }

  #moved(connection: Connection, before: Endpoint): void {
    const key = keyOf(before);
    const slot = this.#slots.get(key);
    if (slot !== undefined) {
      if (slot.open === connection) slot.open = undefined;
      if (slot.opening === connection) slot.opening = undefined;
      if (slot.open === undefined && slot.opening === undefined) this.#slots.delete(key);
    }
    // Records find it by its id. Who claims to be where somebody else is takes nothing from them.
    const now = keyOf(connection.peer);
    if (!this.#slots.has(now)) {
      const isOpen = connection.state === "open";
      this.#slots.set(now, {
        open: isOpen ? connection : undefined,
        opening: isOpen ? undefined : connection,
      });
    }
    this.#events.moved?.(connection, before);
  }

  /** Chance, and no other connection's; empty where ids have no bytes, undefined without any. */
  #newCid(): Uint8Array | undefined {
    const { cidBytes } = this.#options;
    if (cidBytes === undefined) return undefined;
    const cid = new Uint8Array(cidBytes);
    do this.#parts.random.fill(cid);
    while (cidBytes > 0 && this.#byCid.has(toHex(cid)));
    return cid;
  }
}

function keyOf({ address, port }: Endpoint): string {
  return `${toHex(address)}:${port}`;
}

/** Of two byte strings of one length. */
function isLower(a: Uint8Array, b: Uint8Array): boolean {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at >= 0 && a[at] < b[at];
}
