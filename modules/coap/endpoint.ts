/**
 * The messaging layer of RFC 7252 §4 for one UDP port: duplicates, acknowledgements,
 * retransmission, and answers to multicast at a time of their own.
 *
 * The problem: the layer below security must not believe anybody. In the usual order a message is
 * entered into the duplicate table when it arrives; whoever guesses the next message id then keeps
 * the real message out by a forgery sent first.
 *
 * Rejected: a table keyed by the security layer's numbers alone (a CON has to be answered again by
 * its message id); unwrapping first (a copy is `replayed` to the window, and its sender would never
 * hear the answer that got lost).
 *
 * Choice: two phases. `check` changes nothing that the message could spoil; what is `new` goes up,
 * is verified, and only then `remember`ed. Datagrams are built by a callback at the moment they are
 * sent, for a protected one takes its sequence number then. Nothing of what is said again is built
 * again: it is the same bytes.
 *
 * What no CoAP endpoint can help: an empty ACK or Reset is four bytes that anybody can forge who
 * knows address, port and message id (RFC 7252 §11.4). It stops a retransmission of ours, no more:
 * the answer still goes up when it comes.
 *
 * Every table is bounded by the limits, made when it is first needed, and at rest no timer is set.
 */

import type { Clock } from "../ports/clock.js";
import type { Endpoint as Address, Datagram, DatagramPort } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import { isMulticast } from "./addresses.js";
import { Agenda } from "./agenda.js";
import { upTo } from "./chance.js";
import { Dedup } from "./dedup.js";
import { ACK, CON, emitMessage, type MessageType, NON, RST } from "./message.js";
import { codeClass, EMPTY, isRequest } from "./options.js";
import { type Failure, Retransmitter } from "./retransmit.js";
import { DEFAULT_LEISURE_MICROS, EXCHANGE_LIFETIME_MICROS, NON_LIFETIME_MICROS } from "./times.js";

export type { Failure } from "./retransmit.js";

/** What the messaging layer looks at; a parsed Message has it, and so has oscore/outer.ts. */
export interface Incoming {
  readonly type: number;
  readonly code: number;
  readonly mid: number;
}

/** A message that can be answered. */
export interface Request extends Incoming {
  readonly token: Uint8Array;
}

export interface RequestHeader {
  readonly type: typeof CON | typeof NON;
  readonly mid: number;
}

export interface ReplyHeader {
  readonly type: typeof ACK | typeof NON;
  readonly mid: number;
  readonly token: Uint8Array;
}

/**
 * `new`: it goes up, to be verified and then remembered. `duplicate`: it was handled before; what
 * had to be said again was said. `done`: it was the messaging layer's own business.
 */
export type Verdict = "new" | "duplicate" | "done";

export interface EndpointLimits {
  /** Peers with a confirmable message of ours under way. */
  readonly peersMax: number;
  /** Confirmable messages to one peer, the one under way included. */
  readonly outstandingMax: number;
  /** Messages remembered, so that their duplicates are known: 31 bytes each. */
  readonly remembersMax: number;
  /** Bytes of answers kept for duplicates, all together. */
  readonly replyBytesMax: number;
  /** Answers to multicast requests that wait for their moment. */
  readonly repliesMax: number;
}

export interface EndpointParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly net: DatagramPort;
  /** Our UDP port. Message ids are a port's own: a second port takes a second Endpoint. */
  readonly port: number;
  readonly limits: EndpointLimits;
  /** Answers to multicast are spread over so long; RFC 7252's DEFAULT_LEISURE without it. */
  readonly leisureMicros?: number;
  /** Told of every message that failed, after the message's own `onFailed`. */
  readonly onFailed?: (to: Address, why: Failure) => void;
}

type MakeReply = (header: ReplyHeader) => Uint8Array | undefined;

/** An answer that waits for its moment. */
interface LateReply {
  readonly to: Address;
  readonly token: Uint8Array;
  readonly make: MakeReply;
}

export class Endpoint {
  /** Told of every Reset, besides the sender of a CON. Takes no memory until somebody sets it. */
  declare onReset?: ((from: Address, mid: number) => void) | undefined;
  readonly #parts: EndpointParts;
  // Made when first needed: most luminaires never send a CON, and many never get one.
  #heard: Dedup | undefined = undefined;
  #sending: Retransmitter | undefined = undefined;
  #late: Agenda<LateReply> | undefined = undefined;
  #mid: number;
  #stopped = false;

  constructor(parts: EndpointParts) {
    this.#parts = parts;
    // RFC 7252 §4.4: where the ids begin is random, or a restart would meet the peers' tables.
    this.#mid = upTo(parts.random, 0xffff);
  }

  /**
   * A well-formed message that was sent to our unicast address: what is to be done with it. An ACK
   * ends the retransmission it belongs to; when it carries a response it is `new`, whether it does
   * or not: the response has a token and protection of its own.
   */
  check(message: Incoming, from: Address): Verdict {
    const { type, code, mid } = message;
    if (type === ACK) {
      this.#sending?.acknowledged(from, mid);
      return code === EMPTY ? "done" : "new";
    }
    if (type === RST) {
      this.#sending?.reset(from, mid);
      this.onReset?.(from, mid);
      return "done";
    }
    if (code === EMPTY) {
      // RFC 7252 §4.3: an empty CON is a ping.
      if (type === CON) this.sayEmpty(RST, mid, from);
      return "done";
    }
    const row = this.rowOf(from, mid);
    if (row >= 0 && type === CON) this.sayAgain(row, mid, from);
    if (row >= 0) return "duplicate"; // check: duplicate-stops
    return "new";
  }

  /**
   * Notes a CON or NON, once it was verified, so that its duplicates are known. False when the
   * table is full of CONs inside their lifetime. Then handle the message all the same: under
   * protection the replay window sees to it that a copy does nothing, and only the answer cannot be
   * said again. Plain requests that change nothing need not be remembered, and must not crowd out
   * others.
   */
  remember(message: Incoming, from: Address): boolean {
    const { type, mid } = message;
    if (type !== CON && type !== NON) return true;
    // Two notes of one message would be one too many when the first runs out.
    if (this.rowOf(from, mid) >= 0) return true;
    const nowMicros = this.#parts.clock.micros();
    const confirmable = type === CON;
    const lifetimeMicros = confirmable ? EXCHANGE_LIFETIME_MICROS : NON_LIFETIME_MICROS;
    const untilMicros = nowMicros + lifetimeMicros;
    this.#heard ??= new Dedup(this.#parts.limits);
    return this.#heard.add({ from, mid, confirmable, untilMicros }, nowMicros);
  }

  /**
   * Answers a unicast request: a CON in its ACK, a NON by a NON. `make` builds, and protects, the
   * datagram now; undefined: there is nothing to say (a CON gets an empty ACK). The bytes are kept
   * for duplicates when the request was remembered. False when no answer went to the network.
   */
  reply(answer: { request: Request; from: Address; make: MakeReply }): boolean {
    const { request, from, make } = answer;
    const { type, mid, token } = request;
    if (type !== CON) {
      const bytes = make({ type: NON, mid: this.nextMid(), token });
      return bytes !== undefined && this.transmit(from, bytes);
    }
    const bytes = make({ type: ACK, mid, token });
    if (bytes === undefined) {
      this.acknowledge(request, from);
      return false;
    }
    this.#heard?.answered(this.rowOf(from, mid), bytes);
    return this.transmit(from, bytes);
  }

  /** Empty ACK for a CON that gets no answer, or is itself one; nothing for other types. */
  acknowledge(message: Incoming, from: Address): void {
    if (message.type === CON) this.sayEmpty(ACK, message.mid, from);
  }

  /**
   * Refuses a message that cannot be processed (RFC 7252 §4.2, §4.3, §5.4.1). A CON request gets a
   * plain response of `code` when one is given (BAD_OPTION), any other CON a Reset. NON and
   * whatever was sent to a multicast address get silence (§8.1).
   */
  reject(message: Request, way: Pick<Datagram, "from" | "to">, code?: number): void {
    const { type, mid, token } = message;
    if (type !== CON) return; // check: reject-con-only
    if (isMulticast(way.to.address)) return; // check: reject-unicast-only
    if (code === undefined || !isRequest(message.code)) this.sayEmpty(RST, mid, way.from);
    else this.say({ type: ACK, code, mid, token }, way.from);
  }

  /**
   * Answers a multicast request by a NON at a random time within the leisure (RFC 7252 §8.2). False
   * when too many answers wait already: this one is not given (count `overflow`).
   */
  replyLater(answer: {
    to: Address;
    token: Uint8Array;
    make: MakeReply;
    /** Instead of the endpoint's own. */
    leisureMicros?: number;
  }): boolean {
    if (this.#stopped) return false;
    const { clock, random, limits } = this.#parts;
    this.#late ??= new Agenda(clock, (reply) => this.sayLate(reply));
    if (this.#late.size >= limits.repliesMax) return false; // check: replies-max
    const { to, token, make } = answer;
    const ours = this.#parts.leisureMicros ?? DEFAULT_LEISURE_MICROS;
    const dueMicros = clock.micros() + upTo(random, answer.leisureMicros ?? ours);
    this.#late.add(dueMicros, { to: copyOf(to), token: token.slice(), make });
    return true;
  }

  /**
   * Sends a request or a separate response. `make` builds the datagram when its turn has come: a
   * NON now, a CON when no other CON to that peer is under way. Returns the message id, or
   * undefined when it was not taken: the peer's queue or the table of peers is full, or `make` had
   * nothing. A NON is forgotten once it is sent; nobody is called back.
   */
  send(message: {
    to: Address;
    confirmable: boolean;
    make: (header: RequestHeader) => Uint8Array | undefined;
    onFailed?: (why: Failure) => void;
    onAcked?: () => void;
  }): number | undefined {
    if (this.#stopped) return undefined;
    const { to, make, onFailed, onAcked } = message;
    const mid = this.nextMid();
    if (message.confirmable) {
      const build = () => make({ type: CON, mid });
      this.#sending ??= new Retransmitter({
        ...this.#parts,
        transmit: (peer, bytes) => void this.transmit(peer, bytes),
      });
      const taken = this.#sending.add({ to, mid, make: build, onFailed, onAcked });
      return taken ? mid : undefined;
    }
    const bytes = make({ type: NON, mid });
    return bytes !== undefined && this.transmit(to, bytes) ? mid : undefined;
  }

  /**
   * The answer came before the ACK (RFC 7252 §5.2.2), or nobody wants it any more: a CON of ours is
   * not sent again, and nobody is called back.
   */
  settle(to: Address, mid: number): void {
    this.#sending?.settle(to, mid);
  }

  /**
   * The next message id; also for a datagram that is sent past the endpoint (a multicast request).
   * They come round after 65,536: one peer would have to get 265 a second for an id to be used
   * twice within EXCHANGE_LIFETIME.
   */
  nextMid(): number {
    const mid = this.#mid;
    this.#mid = (mid + 1) % 0x10000;
    return mid;
  }

  /** Cancels every timer. What waits is not sent, and nobody is called back any more. */
  stop(): void {
    this.#stopped = true;
    this.#sending?.stop();
    this.#late?.clear();
  }

  /** A remembered message's row, or -1. */
  private rowOf(from: Address, mid: number): number {
    return this.#heard?.find(from, mid, this.#parts.clock.micros()) ?? -1;
  }

  private sayLate({ to, token, make }: LateReply): void {
    const bytes = make({ type: NON, mid: this.nextMid(), token });
    if (bytes !== undefined) this.transmit(to, bytes);
  }

  private sayAgain(row: number, mid: number, from: Address): void {
    const again = this.#heard?.again(row) ?? "silence";
    if (again === "emptyAck") this.sayEmpty(ACK, mid, from);
    else if (again !== "silence") this.transmit(from, again);
  }

  private sayEmpty(type: typeof ACK | typeof RST, mid: number, to: Address): void {
    this.say({ type, code: EMPTY, mid, token: new Uint8Array(0) }, to);
  }

  private say(
    head: { type: MessageType; code: number; mid: number; token: Uint8Array },
    to: Address,
  ): void {
    this.transmit(to, emitMessage({ ...head, options: [], payload: undefined }));
  }

  private transmit(to: Address, bytes: Uint8Array): boolean {
    const { net, port } = this.#parts;
    return net.send({ to, fromPort: port, bytes });
  }
}

/**
 * True when the request's No-Response option keeps a response of `code` from being sent (RFC 7967
 * §2.1: bit n - 1 is set when class n is of no interest; 0 asks for everything). `noResponse` is
 * the option's value, undefined without one. A value of more than one byte is no No-Response.
 */
export function suppresses(noResponse: number | undefined, code: number): boolean {
  if (noResponse === undefined || noResponse > 0xff) return false;
  return ((noResponse >> (codeClass(code) - 1)) & 1) === 1;
}

/** A datagram's own may be used again by whoever made it. */
function copyOf({ address, port }: Address): Address {
  return { address: address.slice(), port };
}
