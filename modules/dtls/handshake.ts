/**
 * What client and server do alike in a handshake: number, collect and hash messages, derive keys,
 * say and check Finished. client.ts and server.ts say what comes when; connection.ts moves it.
 */
import { equalConstantTime } from "../bytes/equal.js";
import type { Drop } from "../bytes/outcome.js";
import type { Clock } from "../ports/clock.js";
import type { Crypto } from "../ports/crypto.js";
import type { Random } from "../ports/random.js";
import type { FlightItem } from "./flight.js";
import { exported, masterSecret, recordKeys, type Side, verifyData } from "./keys.js";
import { type HandshakeMessage, RANDOM_BYTES, wholeMessage } from "./messages.js";
import { ALERTS, CHANGE_CIPHER_SPEC, FINISHED, HANDSHAKE } from "./numbers.js";
import { boundTo, type Origin } from "./origin.js";
import type { RecordKeys } from "./records.js";
import type { PeerIdentity, Session } from "./session.js";
import { Transcript } from "./transcript.js";

export interface DtlsParts {
  readonly clock: Clock;
  readonly random: Random;
  /** With `p256` where certificates or raw public keys are to be used. */
  readonly crypto: Crypto;
}

/**
 * Undefined: the message was taken. A drop reason: it was not, and another may come in its place;
 * nobody knows yet who wrote it. A number: the handshake is over, with this fatal alert.
 */
export type Refusal = Drop | number | undefined;

/** One side's course through a handshake. */
export interface Driver {
  readonly shared: Handshake;
  /** The first flight of a client; nothing for a server. */
  start(): void;
  /** A message whose turn it is. */
  take(message: HandshakeMessage): Refusal;
}

/** What the connection is told. */
export interface HandshakeEvents {
  /** A flight; `waits`: for an answer. */
  readonly send: (items: readonly FlightItem[], waits: boolean) => void;
  /** Keys of epoch 1; `peerCid`: what our records carry, `ownCid` what the peer's do. */
  readonly keys: (keys: {
    readonly write: RecordKeys;
    readonly read: RecordKeys;
    readonly peerCid: Uint8Array;
    readonly ownCid: Uint8Array;
  }) => void;
}

/** What came of a handshake. `session` is the taker's, to keep or to wipe. */
export interface Finished {
  readonly peer: PeerIdentity;
  readonly session: Session | undefined;
  readonly isResumed: boolean;
}

export class Handshake {
  readonly parts: DtlsParts;
  readonly side: Side;
  readonly transcript: Transcript;
  readonly ownRandom: Uint8Array;
  peerRandom: Uint8Array = new Uint8Array(0);
  /** How many a server sent us. */
  cookies = 0;
  /** Connection ids: what the peer wants to be addressed by, and what we do (RFC 9146 §3). */
  peerCid: Uint8Array = new Uint8Array(0);
  ownCid: Uint8Array = new Uint8Array(0);
  /** Whether the peer's ChangeCipherSpec may come: keys are there, and it is its turn. */
  isReadyToChange = false;
  /** Set when the peer's Finished was the last thing missing. */
  finished: Finished | undefined = undefined;
  readonly #events: HandshakeEvents;
  #master: Uint8Array | undefined = undefined;
  #bound: Uint8Array = new Uint8Array(0);
  readonly #secrets: Uint8Array[] = [];
  #items: FlightItem[] = [];
  #epoch = 0;
  #sequence: number;
  #overflows = false;

  constructor(
    parts: DtlsParts,
    side: Side,
    options: {
      readonly events: HandshakeEvents;
      readonly transcriptBytes: number;
      /** message_seq of our first message. */
      readonly sequence: number;
    },
  ) {
    this.parts = parts;
    this.side = side;
    this.transcript = new Transcript(parts.crypto, options.transcriptBytes);
    this.ownRandom = new Uint8Array(RANDOM_BYTES);
    parts.random.fill(this.ownRandom);
    this.#events = options.events;
    this.#sequence = options.sequence;
  }

  /** Whether more was said or heard than there is room for. */
  get overflows(): boolean {
    return this.#overflows;
  }

  /** A message of the peer's enters the transcript. */
  heard(message: HandshakeMessage): void {
    if (!this.transcript.add(wholeMessage(message))) this.#overflows = true;
  }

  /** A message of ours enters the transcript and the flight. */
  say(type: number, body: Uint8Array): void {
    const bytes = wholeMessage({ type, sequence: this.#sequence++, body });
    if (!this.transcript.add(bytes)) this.#overflows = true;
    this.#items.push({ type: HANDSHAKE, epoch: this.#epoch, bytes });
  }

  /** Sends what was said. */
  flush(waits: boolean): void {
    const items = this.#items;
    this.#items = [];
    this.#events.send(items, waits);
  }

  /** RFC 7627 §4: what was said and heard so far goes into the master secret. */
  derive(premaster: Uint8Array, origin: Origin): void {
    const { crypto } = this.parts;
    const master = masterSecret(crypto, premaster, this.transcript.hash());
    this.useMaster(master, boundTo(crypto, master, origin));
  }

  /** Takes over `master`, of a resumed session or a new one, and derives the keys of epoch 1. */
  useMaster(master: Uint8Array, bound: Uint8Array): void {
    this.#master = master;
    this.#bound = bound;
    const isClient = this.side === "client";
    const keys = recordKeys(this.parts.crypto, {
      master,
      clientRandom: isClient ? this.ownRandom : this.peerRandom,
      serverRandom: isClient ? this.peerRandom : this.ownRandom,
    });
    this.#events.keys({
      write: isClient ? keys.client : keys.server,
      read: isClient ? keys.server : keys.client,
      peerCid: this.peerCid,
      ownCid: this.ownCid,
    });
  }

  /** ChangeCipherSpec and Finished (RFC 5246 §7.1, §7.4.9). */
  sayFinished(): void {
    this.#items.push({ type: CHANGE_CIPHER_SPEC, epoch: 0, bytes: Uint8Array.of(1) });
    this.#epoch = 1;
    this.say(FINISHED, this.#verifyData(this.side));
  }

  /** Checks the peer's Finished and enters it into the transcript. */
  hearFinished(message: HandshakeMessage): Refusal {
    const expected = this.#verifyData(this.side === "client" ? "server" : "client");
    const isRight = equalConstantTime(message.body, expected);
    if (!isRight) return ALERTS.decryptError; // check: finished
    this.heard(message);
    return undefined;
  }

  /** The session to keep: a copy of the master secret with its name; none without a name. */
  sessionOf(id: Uint8Array, suite: number, peer: PeerIdentity): Session | undefined {
    if (id.length === 0 || this.#master === undefined) return undefined;
    return { id, suite, master: this.#master.slice(), peer, bound: this.#bound };
  }

  /** What is wiped with the rest, however this ends. */
  keep(secret: Uint8Array): void {
    this.#secrets.push(secret);
  }

  /** Keying material of this connection for others than the record layer (RFC 5705). */
  exported(label: string, length: number): Uint8Array {
    const master = this.#master;
    if (master === undefined) throw new Error("exported before there is a master secret");
    const isClient = this.side === "client";
    const clientRandom = isClient ? this.ownRandom : this.peerRandom;
    const serverRandom = isClient ? this.peerRandom : this.ownRandom;
    return exported(this.parts.crypto, { master, label, clientRandom, serverRandom, length });
  }

  /** Nothing secret stays. */
  wipe(): void {
    this.#master?.fill(0);
    this.#master = undefined;
    for (const secret of this.#secrets.splice(0)) secret.fill(0);
    this.#items = [];
  }

  #verifyData(side: Side): Uint8Array {
    const master = this.#master;
    if (master === undefined) throw new Error("Finished before there is a master secret");
    return verifyData(this.parts.crypto, { master, side, hash: this.transcript.hash() });
  }
}
