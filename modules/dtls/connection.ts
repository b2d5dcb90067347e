/**
 * One connection with one peer, from the first flight to the end: records in, records out. Once it
 * is open, what anybody can send (epoch 0, what does not verify) never ends it, and what that may
 * cost is bounded.
 *
 * A handshake begins in the clear. A message there, or an alert, that would end it counts only when
 * nothing better came until the flight's time is over: anybody may have written it. But who writes
 * one that is as good as the peer's, and is quicker, is believed until Finished shows that it was
 * not the peer's; then this handshake runs out of time, and the next one begins anew.
 *
 *   opening   epoch 0 in the clear, until the peer's ChangeCipherSpec, which counts only once the
 *             keys are there; then epoch 1 alone, and of that only Finished
 *   open      epoch 1; a peer that repeats its Finished gets the handshake's last flight again
 *   closed    nothing
 *
 * Renegotiation is refused (RFC 5746 §4.2 allows it): nothing here needs it, and attacks did.
 */
import type { Drop } from "../bytes/outcome.js";
import type { Endpoint } from "../ports/datagram.js";
import { datagramsOf, Flight, type FlightItem, type FlightTimes } from "./flight.js";
import { type Driver, type DtlsParts, type Finished, Handshake } from "./handshake.js";
import type { Side } from "./keys.js";
import {
  ALERT,
  ALERTS,
  CHANGE_CIPHER_SPEC,
  CLIENT_HELLO,
  FATAL,
  FINISHED,
  HANDSHAKE,
  HELLO_REQUEST,
  WARNING,
} from "./numbers.js";
import { type Fragment, fragmentsOf, Reassembly } from "./reassembly.js";
import { APPLICATION_DATA } from "./record.js";
import { type Opened, type RawRecord, ReadEpoch, WriteEpoch } from "./records.js";
import type { PeerIdentity } from "./session.js";

/** How a connection ended, and the alert's number where one was sent or got. */
export interface End {
  readonly reason:
    | "closed"
    /** The peer's fatal alert, or during the handshake one that nobody vouches for. */
    | "alerted"
    /** Our fatal alert. */
    | "refused"
    /** Nothing came for too long during the handshake. */
    | "timeout"
    /** The peer opened another one, or it gave way to a handshake that another began. */
    | "replaced"
    /** 2^48 records. */
    | "exhausted";
  readonly alert: number | undefined;
}

/** What the endpoint is told; never from within a call of its own to `send`. */
export interface ConnectionEvents {
  readonly send: (to: Endpoint, datagram: Uint8Array) => void;
  readonly opened: (connection: Connection, finished: Finished) => void;
  readonly data: (connection: Connection, data: Uint8Array) => void;
  readonly closed: (connection: Connection, end: End) => void;
  /** RFC 9146 §6: a genuine, newest record came from another address. */
  readonly moved: (connection: Connection, before: Endpoint) => void;
}

export interface ConnectionOptions {
  readonly side: Side;
  readonly peer: Endpoint;
  readonly times: FlightTimes;
  readonly datagramBytes: number;
  readonly messageBytes: number;
  readonly transcriptBytes: number;
  /** message_seq of the peer's first message and ours; record number of our first. */
  readonly sequence: number;
  readonly recordSequence: number;
  /** The connection id that is ours while it lives; undefined: none. */
  readonly cid: Uint8Array | undefined;
  readonly driver: (shared: Handshake) => Driver;
}

const DATA_BYTES_MAX = 2 ** 14;
/** RFC 5705 §4: labels that begin so are for private use. */
const EXPORT_LABEL = "EXPERIMENTAL lumicast";
const EXPORT_BYTES = 32;

export class Connection {
  readonly side: Side;
  readonly cid: Uint8Array | undefined;
  readonly #events: ConnectionEvents;
  readonly #options: ConnectionOptions;
  readonly #reassembly: Reassembly;
  readonly #flight: Flight;
  readonly #writers: WriteEpoch[];
  #driver: Driver | undefined;
  #peer: Endpoint;
  #state: "opening" | "open" | "closed" = "opening";
  #identity: PeerIdentity | undefined = undefined;
  #sessionId: Uint8Array | undefined = undefined;
  #read: ReadEpoch | undefined = undefined;
  #exported: Uint8Array | undefined = undefined;
  /** The peer's ChangeCipherSpec was accepted. */
  #hasChanged = false;
  /** Epoch of what we last sent. */
  #epoch = 0;
  /** message_seq that ends the peer's flight ours answers; -1: ours is the first. */
  #answers = -1;
  #turn = -1;
  #isFinal = false;
  /** An alert in the clear: believed when nothing better comes in a flight's time. */
  #alerted: number | undefined = undefined;
  /** Our alert to a message in the clear, told when nothing better comes in its place. */
  #refused: number | undefined = undefined;

  constructor(parts: DtlsParts, options: ConnectionOptions, events: ConnectionEvents) {
    this.side = options.side;
    this.cid = options.cid;
    this.#peer = options.peer;
    this.#events = events;
    this.#options = options;
    this.#reassembly = new Reassembly(options.messageBytes, options.sequence);
    this.#writers = [new WriteEpoch(0, undefined, undefined, options.recordSequence)];
    this.#flight = new Flight(parts, options.times, {
      transmit: (items) => this.#transmit(items),
      isOver: () => {
        this.#reassembly.reset();
        return (this.#alerted ?? this.#refused) !== undefined;
      },
      expire: () => {
        if (this.#refused !== undefined) {
          this.#fail(this.#refused);
          return;
        }
        const alert = this.#alerted;
        this.#end({ reason: alert === undefined ? "timeout" : "alerted", alert });
      },
    });
    const shared = new Handshake(parts, options.side, {
      sequence: options.sequence,
      transcriptBytes: options.transcriptBytes,
      events: {
        send: (items, waits) => {
          this.#answers = this.#turn;
          this.#isFinal = !waits;
          this.#flight.send(items, waits);
        },
        keys: ({ write, read, peerCid, ownCid }) => {
          this.#writers[1] = new WriteEpoch(1, write, peerCid);
          this.#read = new ReadEpoch(read, ownCid.length > 0);
        },
      },
    });
    this.#driver = options.driver(shared);
  }

  get state(): "opening" | "open" | "closed" {
    return this.#state;
  }

  /** Where the peer is now. */
  get peer(): Endpoint {
    return this.#peer;
  }

  /** Who the peer proved to be; undefined until it is open. */
  get identity(): PeerIdentity | undefined {
    return this.#identity;
  }

  /** Whether records of epoch 1 may be for this connection. */
  get reads(): boolean {
    return this.#read !== undefined && this.#state !== "closed";
  }

  get ownRandom(): Uint8Array {
    return this.#driver?.shared.ownRandom ?? new Uint8Array(0);
  }

  /** Whether somebody at the peer's address serves: it sent our hello a cookie. */
  get isServed(): boolean {
    return (this.#driver?.shared.cookies ?? 0) > 0;
  }

  /** The peer's random of an opening connection; empty before its hello. */
  get peerRandom(): Uint8Array {
    return this.#driver?.shared.peerRandom ?? new Uint8Array(0);
  }

  /** What both ends made of this connection's secret for other uses; undefined until it is open. */
  get exported(): Uint8Array | undefined {
    return this.#exported;
  }

  /** Bytes held for the handshake: transcript, message under way, flight. */
  get heldBytes(): number {
    const transcript = this.#driver?.shared.transcript.length ?? 0;
    return transcript + this.#reassembly.heldBytes + this.#flight.heldBytes;
  }

  /** Sends a client's first flight. */
  start(): void {
    this.#driver?.start();
  }

  /**
   * Sends application data, at most 2^14 bytes, in one record; false when the connection is not
   * open, or ends because its numbers are used up. Throws RangeError on more bytes.
   */
  send(data: Uint8Array): boolean {
    if (data.length > DATA_BYTES_MAX) throw new RangeError(`a record of ${data.length} bytes`);
    return this.#state === "open" && this.#say(APPLICATION_DATA, data);
  }

  /** Bytes that `send` adds to its data. */
  get overhead(): number {
    return this.#writers[this.#epoch].overhead;
  }

  /** close_notify, and nothing more (RFC 5246 §7.2.1). The session stays resumable. */
  close(): void {
    if (this.#state === "closed") return;
    this.#say(ALERT, Uint8Array.of(WARNING, ALERTS.closeNotify));
    this.#end({ reason: "closed", alert: undefined });
  }

  /** Ends without a word: another one stands in its place. */
  replace(): void {
    this.#end({ reason: "replaced", alert: undefined });
  }

  /** Why it had no effect, or undefined. `from` matters where the record has a connection id. */
  receive(record: RawRecord, from: Endpoint): Drop | undefined {
    if (this.#state === "closed") return "oldEpoch";
    if (record.epoch === 0) return this.#receivePlain(record);
    const read = this.#read;
    if (read === undefined || record.epoch !== 1) return "oldEpoch";
    if (!this.#hasChanged) return "oldEpoch"; // check: change-first
    const opened = read.open(record);
    if (!opened.ok) return opened.drop;
    if (record.sequence === read.highest) this.#follow(record, from);
    return this.#receiveOpened(opened.value);
  }

  /** RFC 9146 §6: only the newest record moves a connection, and only one with its id. */
  #follow(record: RawRecord, from: Endpoint): void {
    // Whose Finished came from where somebody else is would open it in that one's place.
    if (this.#state !== "open") return; // check: cid-move-open
    if (record.cid.length === 0 || isSameEndpoint(from, this.#peer)) return;
    const before = this.#peer;
    this.#peer = { address: from.address.slice(), port: from.port };
    this.#events.moved(this, before);
  }

  #receivePlain({ type, bytes, fragmentAt }: RawRecord): Drop | undefined {
    if (this.#state !== "opening") return "oldEpoch"; // check: epoch-0-open
    const plain = bytes.subarray(fragmentAt);
    if (type === CHANGE_CIPHER_SPEC) {
      if (plain.length !== 1 || plain[0] !== 1) return "malformed";
      const isReady = this.#driver?.shared.isReadyToChange === true;
      if (!isReady) return "unsolicited"; // check: change-ready
      this.#hasChanged = true;
      return undefined;
    }
    if (this.#hasChanged) return "oldEpoch"; // check: epoch-0-changed
    if (type === HANDSHAKE) return this.#receiveHandshake(plain, false);
    if (type !== ALERT || plain.length !== 2) return "malformed"; // check: plain-data
    if (plain[0] === FATAL || plain[1] === ALERTS.closeNotify) this.#alerted = plain[1];
    return undefined;
  }

  #receiveOpened({ type, plain }: Opened): Drop | undefined {
    if (type === HANDSHAKE) return this.#receiveHandshake(plain, true);
    if (type === ALERT) return this.#receiveAlert(plain);
    if (type !== APPLICATION_DATA) return "malformed";
    // RFC 6347 §4.1: data that comes before Finished may be dropped.
    if (this.#state !== "open") return "unsolicited"; // check: data-early
    // The peer has our last flight.
    this.#flight.clear();
    this.#events.data(this, plain);
    return undefined;
  }

  #receiveAlert(plain: Uint8Array): Drop | undefined {
    if (plain.length !== 2) return "malformed";
    const [level, description] = plain;
    if (description === ALERTS.closeNotify) {
      this.#say(ALERT, Uint8Array.of(WARNING, ALERTS.closeNotify));
      this.#end({ reason: "closed", alert: undefined });
    } else if (level === FATAL) {
      this.#end({ reason: "alerted", alert: description });
    }
    return undefined;
  }

  #receiveHandshake(plain: Uint8Array, isProtected: boolean): Drop | undefined {
    const fragments = fragmentsOf(plain);
    if (fragments === undefined) return "malformed";
    let result: Drop | undefined;
    for (const fragment of fragments) {
      const dropped =
        this.#state === "opening"
          ? this.#takeFragment(fragment, isProtected)
          : this.#late(fragment);
      result ??= dropped;
    }
    return result;
  }

  #takeFragment(fragment: Fragment, isProtected: boolean): Drop | undefined {
    const driver = this.#driver;
    if (driver === undefined || fragment.type === HELLO_REQUEST) return "duplicate";
    const isWhere = (fragment.type === FINISHED) === isProtected;
    if (!isWhere) return "malformed"; // check: finished-protected
    const taken = this.#reassembly.take(fragment);
    if (!taken.ok) {
      if (taken.drop === "duplicate") this.#repeated(fragment);
      return taken.drop;
    }
    const message = taken.value;
    if (message === undefined) return undefined;
    this.#turn = message.sequence;
    const refusal = driver.take(message);
    if (typeof refusal === "string") return refusal;
    if (refusal !== undefined && !isProtected && this.#flight.waits) {
      this.#refused = refusal;
      return "forbidden"; // check: refusal-waits
    }
    if (refusal !== undefined) return this.#fail(refusal);
    if (driver.shared.overflows) return this.#fail(ALERTS.internalError);
    this.#reassembly.next = message.sequence + 1;
    this.#alerted = undefined;
    this.#refused = undefined;
    if (driver.shared.finished !== undefined) this.#open(driver.shared.finished);
    return undefined;
  }

  /** The end of the flight that ours answered, again: ours was lost (RFC 6347 §4.2.4). */
  #repeated({ sequence, offset, part, length }: Fragment): void {
    const isLast = sequence === this.#answers && offset + part.length === length;
    if (isLast) this.#flight.again();
  }

  /** A handshake message in an open connection, genuine. */
  #late(fragment: Fragment): Drop | undefined {
    if (this.#state !== "open") return "oldEpoch";
    const { type } = fragment;
    if (type === FINISHED) {
      this.#repeated(fragment);
      return "duplicate";
    }
    const isRenegotiation = type === (this.side === "client" ? HELLO_REQUEST : CLIENT_HELLO);
    // RFC 5246 §7.2.2: no_renegotiation is a warning, the connection goes on.
    if (isRenegotiation) this.#say(ALERT, Uint8Array.of(WARNING, ALERTS.noRenegotiation));
    return "unsolicited";
  }

  #open(finished: Finished): void {
    this.#state = "open";
    this.#identity = finished.peer;
    this.#sessionId = finished.session?.id;
    this.#reassembly.reset();
    if (this.#isFinal) this.#flight.rest();
    else this.#flight.clear();
    this.#exported = this.#driver?.shared.exported(EXPORT_LABEL, EXPORT_BYTES);
    this.#driver?.shared.wipe();
    this.#driver = undefined;
    this.#events.opened(this, finished);
  }

  /** Of the session that a fatal end makes useless (RFC 5246 §7.2.2); undefined: none. */
  get sessionId(): Uint8Array | undefined {
    return this.#sessionId;
  }

  #fail(alert: number): Drop {
    this.#say(ALERT, Uint8Array.of(FATAL, alert));
    this.#end({ reason: "refused", alert });
    return "forbidden";
  }

  #end(end: End): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#flight.clear();
    this.#reassembly.reset();
    const finished = this.#driver?.shared.finished;
    finished?.session?.master.fill(0);
    this.#driver?.shared.wipe();
    this.#driver = undefined;
    this.#read = undefined;
    this.#exported?.fill(0);
    this.#events.closed(this, end);
  }

  #transmit(items: readonly FlightItem[]): void {
    const datagrams = datagramsOf(items, this.#writers, this.#options.datagramBytes);
    if (datagrams === undefined) {
      this.#end({ reason: "exhausted", alert: undefined });
      return;
    }
    this.#epoch = items[items.length - 1].epoch;
    for (const datagram of datagrams) this.#events.send(this.#peer, datagram);
  }

  /** One record of its own in the epoch we are in. */
  #say(type: number, plain: Uint8Array): boolean {
    const record = this.#writers[this.#epoch].seal(type, plain);
    if (record === undefined) {
      this.#end({ reason: "exhausted", alert: undefined });
      return false;
    }
    this.#events.send(this.#peer, record);
    return true;
  }
}

export function isSameEndpoint(a: Endpoint, b: Endpoint): boolean {
  if (a.port !== b.port || a.address.length !== b.address.length) return false;
  for (let i = 0; i < a.address.length; i++) if (a.address[i] !== b.address[i]) return false;
  return true;
}
