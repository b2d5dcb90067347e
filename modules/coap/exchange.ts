import type { Outcome } from "../bytes/outcome.js";
import type { Clock } from "../ports/clock.js";
import type { Endpoint as Address } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";

export interface ExchangeLimits {
  /** Requests of ours that wait for answers. */
  readonly exchangesMax: number;
  /** Answers to one group request. */
  readonly answersMax: number;
}

/** A request of ours that waits for its answer, or answers. */
export interface Exchange<Binding> {
  readonly token: Uint8Array;
  /** What an answer has to be bound to. */
  readonly binding: Binding;
  readonly many: boolean;
  /** How many answered. */
  readonly answers: number;
}

export class Exchanges<Binding, Answer> {
  constructor(parts: { clock: Clock; random: Random; limits: ExchangeLimits }) {
    void parts;
  }

  /** Awaits answers for `waitMicros` from now; undefined when too many exchanges are open. */
  open(request: {
    binding: Binding;
    /** The only one who may answer; anybody without it. */
    peer?: Address;
    /** One answer a sender, until the time is up; otherwise one answer. */
    many: boolean;
    waitMicros: number;
    onAnswer: (answer: Answer, from: Address) => void;
    /** Once, at the end: after the single answer, or when the time is up. */
    onDone: (answers: number) => void;
  }): Exchange<Binding> | undefined {
    void request;
    throw new Error("being written");
  }

  /** The exchange a token names, in a larger buffer; nothing changes. `unsolicited` otherwise. */
  match(
    bytes: Uint8Array,
    start: number,
    length: number,
    from: Address,
  ): Outcome<Exchange<Binding>> {
    void [bytes, start, length, from];
    throw new Error("being written");
  }

  /**
   * A verified answer: hands it on, and ends a single exchange. `unsolicited` for a second one of
   * the same sender, `tableFull` for one more than answersMax.
   */
  answered(exchange: Exchange<Binding>, from: Address, answer: Answer): Outcome<true> {
    void [exchange, from, answer];
    throw new Error("being written");
  }

  /** Ends an exchange without calling back. */
  close(exchange: Exchange<Binding>): void {
    void exchange;
    throw new Error("being written");
  }

  /** Forgets everything, cancels the timer, calls nobody back. */
  stop(): void {}
}
