/**
 * Confirmable messages of ours until they are acknowledged (RFC 7252 §4.2).
 *
 * One message a peer is under way, the others wait behind it (NSTART 1, §4.7); a peer that is gone
 * holds up nobody else's. A message is built when its turn has come, so that its sequence number is
 * younger than those sent meanwhile, and each copy is the same bytes: to the receiver's replay
 * window a copy is a copy.
 */
import { equalBytes } from "../bytes/equal.js";
import type { Clock } from "../ports/clock.js";
import type { Endpoint as Address } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import { Agenda } from "./agenda.js";
import { upTo } from "./chance.js";
import { ACK_RANDOM_FACTOR, ACK_TIMEOUT_MICROS, MAX_RETRANSMIT } from "./times.js";

/** Why a message of ours failed: no acknowledgement, a Reset, or `make` had no bytes. */
export type Failure = "timeout" | "reset" | "unmade";

export interface Confirmable {
  readonly to: Address;
  readonly mid: number;
  /** Builds the datagram, once; undefined: it cannot be built any more. */
  readonly make: () => Uint8Array | undefined;
  readonly onFailed: ((why: Failure) => void) | undefined;
  readonly onAcked: (() => void) | undefined;
}

/** Messages to one address and port; the first one is under way. */
interface Peer {
  readonly to: Address;
  readonly queue: Confirmable[];
  /** The first one's datagram, and how often it was sent again. */
  bytes: Uint8Array;
  retransmissions: number;
  timeoutMicros: number;
}

export class Retransmitter {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #peersMax: number;
  readonly #outstandingMax: number;
  readonly #transmit: (to: Address, bytes: Uint8Array) => void;
  readonly #onFailed: ((to: Address, why: Failure) => void) | undefined;
  readonly #peers: Peer[] = [];
  readonly #timeouts: Agenda<Peer>;

  constructor(parts: {
    clock: Clock;
    random: Random;
    limits: { peersMax: number; outstandingMax: number };
    transmit: (to: Address, bytes: Uint8Array) => void;
    onFailed?: (to: Address, why: Failure) => void;
  }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#peersMax = parts.limits.peersMax;
    this.#outstandingMax = parts.limits.outstandingMax;
    this.#transmit = parts.transmit;
    this.#onFailed = parts.onFailed;
    this.#timeouts = new Agenda(parts.clock, (peer) => this.#timeOut(peer));
  }

  /** Sends a message now or when its turn comes. False, and no call back, when it was not taken. */
  add(message: Confirmable): boolean {
    const peer = this.#peerOf(message.to);
    if (peer !== undefined) {
      if (peer.queue.length >= this.#outstandingMax) return false; // check: outstanding-max
      peer.queue.push(message);
      return true;
    }
    if (this.#peers.length >= this.#peersMax) return false; // check: peers-max
    const bytes = message.make();
    if (bytes === undefined) return false;
    const { address, port } = message.to;
    const to = { address: address.slice(), port };
    const added = { to, queue: [message], bytes, retransmissions: 0, timeoutMicros: 0 };
    this.#peers.push(added);
    this.#start(added, bytes);
    return true;
  }

  /** An ACK. One that fits nothing under way is ignored. */
  acknowledged(from: Address, mid: number): void {
    const peer = this.#underWay(from, mid);
    if (peer !== undefined) this.#finish(peer)?.onAcked?.();
  }

  /** A Reset: the peer cannot make sense of the message. */
  reset(from: Address, mid: number): void {
    const peer = this.#underWay(from, mid);
    if (peer !== undefined) this.#fail(peer, "reset");
  }

  /** Takes back a message, under way or waiting, without a call back. */
  settle(to: Address, mid: number): void {
    const peer = this.#peerOf(to);
    if (peer === undefined) return;
    const at = peer.queue.findIndex((message) => message.mid === mid);
    if (at === 0) this.#finish(peer);
    else if (at > 0) peer.queue.splice(at, 1);
  }

  /** Forgets everything without calling back. */
  stop(): void {
    this.#timeouts.clear();
    this.#peers.length = 0;
  }

  #peerOf(to: Address): Peer | undefined {
    for (const peer of this.#peers) {
      if (peer.to.port === to.port && equalBytes(peer.to.address, to.address)) return peer;
    }
    return undefined;
  }

  /** RFC 7252 §4.2: an ACK or Reset belongs to the message with its id to its sender alone. */
  #underWay(from: Address, mid: number): Peer | undefined {
    const peer = this.#peerOf(from); // the peer it was sent to
    if (peer?.queue[0].mid !== mid) return undefined; // check: ack-message-id
    return peer;
  }

  #start(peer: Peer, bytes: Uint8Array): void {
    peer.bytes = bytes;
    peer.retransmissions = 0;
    const spread = ACK_TIMEOUT_MICROS * (ACK_RANDOM_FACTOR - 1);
    peer.timeoutMicros = ACK_TIMEOUT_MICROS + upTo(this.#random, spread);
    this.#transmit(peer.to, bytes);
    this.#timeouts.add(this.#clock.micros() + peer.timeoutMicros, peer);
  }

  #timeOut(peer: Peer): void {
    if (peer.retransmissions === MAX_RETRANSMIT) {
      this.#fail(peer, "timeout");
      return;
    }
    peer.retransmissions++;
    peer.timeoutMicros *= 2;
    this.#transmit(peer.to, peer.bytes);
    this.#timeouts.add(this.#clock.micros() + peer.timeoutMicros, peer);
  }

  #fail(peer: Peer, why: Failure): void {
    const { to } = peer;
    const message = this.#finish(peer);
    if (message !== undefined) this.#tell(to, message, why);
  }

  #tell(to: Address, message: Confirmable, why: Failure): void {
    message.onFailed?.(why);
    this.#onFailed?.(to, why);
  }

  /** Takes the first message off and starts the next one, if any; then who asked may be called. */
  #finish(peer: Peer): Confirmable | undefined {
    this.#timeouts.remove(peer);
    const done = peer.queue.shift();
    const unmade: Confirmable[] = [];
    while (peer.queue.length > 0) {
      const bytes = peer.queue[0].make();
      if (bytes !== undefined) {
        this.#start(peer, bytes);
        break;
      }
      unmade.push(peer.queue.shift() as Confirmable);
    }
    if (peer.queue.length === 0) this.#peers.splice(this.#peers.indexOf(peer), 1);
    for (const message of unmade) this.#tell(peer.to, message, "unmade");
    return done;
  }
}
