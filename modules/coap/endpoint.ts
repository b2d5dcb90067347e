import type { Clock } from "../ports/clock.js";
import type { Datagram, DatagramPort, Endpoint as Address } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import { ACK, CON, type MessageType, NON } from "./message.js";

/** What the messaging layer looks at; a parsed Message has it, and so has oscore/outer.ts. */
export interface Incoming {
  readonly type: number;
  readonly code: number;
  readonly mid: number;
}

/** A request that can be answered. */
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

/** Why a message of ours failed: never acknowledged, answered by a Reset, or `make` had no bytes. */
export type Failure = "timeout" | "reset" | "unmade";

export interface EndpointLimits {
  /** Peers with a confirmable message of ours under way. */
  readonly peersMax: number;
  /** Confirmable messages to one peer, the one under way included. */
  readonly outstandingMax: number;
  /** Messages remembered, so that their duplicates are known. */
  readonly remembersMax: number;
  /** Answers to multicast requests that wait for their moment. */
  readonly repliesMax: number;
}

export interface EndpointParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly net: DatagramPort;
  /** Our UDP port. */
  readonly port: number;
  readonly limits: EndpointLimits;
  /** Answers to multicast are spread over so long; RFC 7252's default is 5 s. */
  readonly leisureMicros: number;
  /** Told of every message that failed, after the message's own `onFailed`. */
  readonly onFailed?: (to: Address, why: Failure) => void;
}

export class Endpoint {
  constructor(parts: EndpointParts) {
    void parts;
  }

  /** A well-formed message that was sent to our unicast address: what is to be done with it. */
  check(message: Incoming, from: Address): Verdict {
    void message;
    void from;
    throw new Error("being written");
  }

  /**
   * Notes a CON or NON that was verified, so that its duplicates are known. False when the table is
   * full: handle the message all the same.
   */
  remember(message: Incoming, from: Address): boolean {
    void message;
    void from;
    throw new Error("being written");
  }

  /**
   * Answers a unicast request: a CON in its ACK, a NON by a NON. `make` builds, and protects, the
   * datagram now; undefined: there is nothing to say (a CON gets an empty ACK). False when nothing
   * was handed to the network.
   */
  reply(answer: {
    request: Request;
    from: Address;
    make: (header: ReplyHeader) => Uint8Array | undefined;
  }): boolean {
    void answer;
    throw new Error("being written");
  }

  /** Empty ACK for a CON that gets no answer, or is itself one; nothing for other types. */
  acknowledge(message: Incoming, from: Address): void {
    void message;
    void from;
    throw new Error("being written");
  }

  /**
   * Refuses a message that cannot be processed (RFC 7252 §4.2, §4.3, §5.4.1). A CON request gets a
   * plain response of `code` when one is given (BAD_OPTION), any other CON a Reset. NON and whatever
   * was sent to a multicast address get silence.
   */
  reject(message: Request, way: Pick<Datagram, "from" | "to">, code?: number): void {
    void message;
    void way;
    void code;
    throw new Error("being written");
  }

  /**
   * Answers a multicast request by a NON at a random time within the leisure. False when too many
   * answers wait already: this one is not given (count `overflow`).
   */
  replyLater(answer: {
    to: Address;
    token: Uint8Array;
    make: (header: ReplyHeader) => Uint8Array | undefined;
    /** Instead of the endpoint's own. */
    leisureMicros?: number;
  }): boolean {
    void answer;
    throw new Error("being written");
  }

  /**
   * Sends a request or a separate response. `make` builds the datagram when its turn has come
   * (NSTART 1: one CON a peer at a time). Returns the message id, or undefined when the peer's queue
   * or the table of peers is full. A NON is sent at once and forgotten.
   */
  send(message: {
    to: Address;
    confirmable: boolean;
    make: (header: RequestHeader) => Uint8Array | undefined;
    onFailed?: (why: Failure) => void;
    onAcked?: () => void;
  }): number | undefined {
    void message;
    throw new Error("being written");
  }

  /** RFC 7252 §5.2.2: the answer came by another way, or nobody wants it any more. No callbacks. */
  settle(to: Address, mid: number): void {
    void to;
    void mid;
    throw new Error("being written");
  }

  /** Message id for a datagram that is sent past the endpoint (a multicast request). */
  nextMid(): number {
    throw new Error("being written");
  }

  /** Cancels every timer; nothing is sent and nobody is called back any more. */
  stop(): void {}
}

/**
 * True when a response is not to be sent. `noResponse` is the value of the request's No-Response
 * option (RFC 7967: bit n - 1 is set when class n is of no interest), undefined without one: then a
 * multicast request gets no errors (RFC 7252 §8.2).
 */
export function suppresses(
  noResponse: number | undefined,
  code: number,
  multicast = false,
): boolean {
  void noResponse;
  void code;
  void multicast;
  throw new Error("being written");
}

export type { MessageType };
