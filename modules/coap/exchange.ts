/**
 * Requests of ours and the answers they wait for (RFC 7252 §5.3).
 *
 * The token is all that ties an answer to its request, and a group request has as many answers as
 * the group has members. An exchange therefore has a binding of the caller's (what the answer has
 * to be protected against), may be for one answer or for many, and has a deadline. As everywhere,
 * finding it (`match`) changes nothing; counting an answer (`answered`) comes after verification.
 *
 * Rejected: the sequence number of the request as the token (it saves a table, but tells a listener
 * which answers belong together and is guessable, RFC 7252 §5.3.1).
 */
import { equalBytes } from "../bytes/equal.js";
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import type { Clock } from "../ports/clock.js";
import type { Endpoint as Address } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import { Addresses } from "./addresses.js";
import { Agenda } from "./agenda.js";

/** RFC 7252 §5.3.1: at least 32 bits of randomness; every byte more is 32 µs of air. */
export const TOKEN_BYTES = 4;

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

export interface Opening<Binding, Answer> {
  readonly binding: Binding;
  /** The only one who may answer; anybody without it. */
  readonly peer?: Address;
  /** One answer a sender, until the time is up; otherwise one answer. */
  readonly many: boolean;
  /**
   * Of `many`: any number of answers of one sender, told apart by whoever verified them
   * (notifications; several answers to one request).
   */
  readonly repeated?: boolean;
  /** How long answers are awaited, from now; without it until `close` (an observation). */
  readonly waitMicros?: number;
  readonly onAnswer: (answer: Answer, from: Address) => void;
  /** Once, at the end: after the single answer, or when the time is up. */
  readonly onDone: (answers: number) => void;
}

class Open<Binding, Answer> implements Exchange<Binding> {
  readonly token: Uint8Array;
  readonly binding: Binding;
  readonly many: boolean;
  answers = 0;
  readonly opening: Opening<Binding, Answer>;
  readonly peer: Address | undefined;
  /** Who answered, by address or by what he is known by. */
  readonly senders = new Addresses();
  /** What `match` returns, made once. */
  readonly found: Outcome<Exchange<Binding>>;

  constructor(token: Uint8Array, opening: Opening<Binding, Answer>) {
    this.token = token;
    this.binding = opening.binding;
    this.many = opening.many;
    this.opening = opening;
    const { peer } = opening;
    this.peer = peer && { address: peer.address.slice(), port: peer.port };
    this.found = ok(this);
  }

  hasToken(bytes: Uint8Array, start: number): boolean {
    const { token } = this;
    for (let i = 0; i < TOKEN_BYTES; i++) if (bytes[start + i] !== token[i]) return false;
    return true;
  }

  hasAnswerOf(sender: Uint8Array): boolean {
    for (let row = 0; row < this.answers; row++) if (this.senders.is(row, sender)) return true;
    return false;
  }
}

const COUNTED: Outcome<true> = ok(true);

export class Exchanges<Binding, Answer> {
  readonly #clock: Clock;
  readonly random: Random;
  readonly #limits: ExchangeLimits;
  readonly #open: Open<Binding, Answer>[] = [];
  /** Made with the first exchange: a luminaire asks nobody. */
  #deadlines: Agenda<Open<Binding, Answer>> | undefined = undefined;
  #stopped = false;

  constructor(parts: { clock: Clock; random: Random; limits: ExchangeLimits }) {
    this.#clock = parts.clock;
    this.random = parts.random;
    this.#limits = parts.limits;
  }

  /** Awaits answers; undefined when too many exchanges are open. */
  open(opening: Opening<Binding, Answer>): Exchange<Binding> | undefined {
    if (this.#stopped) return undefined;
    if (this.#open.length >= this.#limits.exchangesMax) return undefined; // check: exchanges-max
    const exchange = new Open(this.newToken(), opening);
    this.#open.push(exchange);
    const { waitMicros } = opening;
    if (waitMicros === undefined) return exchange;
    this.#deadlines ??= new Agenda(this.#clock, (one) => this.end(one));
    this.#deadlines.add(this.#clock.micros() + waitMicros, exchange);
    return exchange;
  }

  /**
   * The exchange whose token stands in `bytes` from `start`, and that `from` may answer.
   * `unsolicited` otherwise. Changes nothing and allocates nothing.
   */
  match(
    bytes: Uint8Array,
    start: number,
    length: number,
    from: Address,
  ): Outcome<Exchange<Binding>> {
    if (length !== TOKEN_BYTES) return drop("unsolicited"); // check: token-length
    for (const exchange of this.#open) {
      if (!exchange.hasToken(bytes, start)) continue;
      const { peer } = exchange;
      const mayAnswer = peer === undefined || isSame(peer, from);
      if (!mayAnswer) return drop("unsolicited"); // check: answer-peer
      return exchange.found;
    }
    return drop("unsolicited");
  }

  /**
   * A verified answer: hands it on, and ends a single exchange. `unsolicited` for a second one of
   * the same sender or after the end, `tableFull` for one more than answersMax. A sender is an
   * address, or `id` (at most 16 bytes) where it was verified: then no other addresses give anybody
   * more than one answer.
   */
  answered(
    exchange: Exchange<Binding>,
    from: Address,
    answer: Answer,
    id: Uint8Array = from.address,
  ): Outcome<true> {
    const open = this.#open.find((one) => one === exchange);
    if (open === undefined) return drop("unsolicited");
    const known = open.hasAnswerOf(id);
    if (known && open.opening.repeated === true) {
      open.opening.onAnswer(answer, from);
      return COUNTED;
    }
    if (known) return drop("unsolicited"); // check: answer-per-sender
    if (open.answers >= this.#limits.answersMax) return drop("tableFull"); // check: answers-max
    open.senders.set(open.answers, id);
    open.answers++;
    if (!open.many) this.close(open); // check: single-answer
    open.opening.onAnswer(answer, from);
    if (!open.many) open.opening.onDone(open.answers);
    return COUNTED;
  }

  /** Ends an exchange without calling back. */
  close(exchange: Exchange<Binding>): void {
    const at = (this.#open as Exchange<Binding>[]).indexOf(exchange);
    if (at < 0) return;
    const [open] = this.#open.splice(at, 1);
    this.#deadlines?.remove(open);
  }

  /** Forgets everything, cancels the timer, calls nobody back. */
  stop(): void {
    this.#stopped = true;
    this.#open.length = 0;
    this.#deadlines?.clear();
  }

  private end(exchange: Open<Binding, Answer>): void {
    this.close(exchange);
    exchange.opening.onDone(exchange.answers);
  }

  private newToken(): Uint8Array {
    const token = new Uint8Array(TOKEN_BYTES);
    do {
      this.random.fill(token);
    } while (this.#open.some((one) => one.hasToken(token, 0)));
    return token;
  }
}

function isSame(a: Address, b: Address): boolean {
  return a.port === b.port && equalBytes(a.address, b.address);
}
