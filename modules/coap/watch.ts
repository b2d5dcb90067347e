/**
 * Observing resources, the client's side (RFC 7641 §3): which of two notifications is newer, and
 * when to ask again.
 */
import type { Clock, Timer } from "../ports/clock.js";
import type { Random } from "../ports/random.js";
import { upTo } from "./chance.js";
import type { Inner } from "./message.js";
import { codeClass, findUint, MAX_AGE, OBSERVE } from "./options.js";

/** RFC 7252 §5.10.5: where an answer does not say. */
const MAX_AGE_DEFAULT_SECONDS = 60;
/** RFC 7641 §3.3.1: so long after Max-Age, so that not all clients ask at once. */
const LEAST_MICROS = 5_000_000;
const SPREAD_MICROS = 10_000_000;
/** RFC 7641 §3.4: after so long every number is newer. */
const ORDER_MICROS = 128_000_000;
const HALF = 0x80_0000;
/** A day: longer ones are asked for again all the same. */
const MAX_AGE_MOST_SECONDS = 86_400;

/** When a notification came, and what it says of its order. */
export interface Mark {
  /** The Observe option's value; under OSCORE the sequence number of the sender (`absolute`). */
  readonly number: number;
  readonly atMicros: number;
}

/** Whether `next` is newer than `last` (RFC 7641 §3.4). */
export function isNewer(last: Mark, next: Mark): boolean {
  if (next.atMicros > last.atMicros + ORDER_MICROS) return true;
  const ahead = next.number - last.number;
  if (ahead > 0) return ahead < HALF;
  return -ahead > HALF;
}

/**
 * `fresh`: the newest state so far. `stale`: an older one that was overtaken. `ended`: an answer
 * that is no notification; there will be no more of them.
 */
export type News = "fresh" | "stale" | "ended";

/** One observation of ours. */
export class Watch {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ask: () => void;
  #last: Mark | undefined = undefined;
  #lastNumber = -1;
  #timer: Timer | undefined = undefined;
  #over = false;

  /** `ask` sends the GET with Observe 0 again, under the same token; it is not called at once. */
  constructor(parts: { clock: Clock; random: Random; ask: () => void }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#ask = parts.ask;
    this.#await(MAX_AGE_DEFAULT_SECONDS);
  }

  /**
   * An answer with our token, verified. `sequence` is the number its protection shows, which then
   * tells the order (RFC 8613 §7.4.1); without one the Observe option does.
   */
  heard(answer: Inner, sequence?: number): News {
    if (this.#over) return "ended";
    const observe = findUint(answer.options, OBSERVE);
    if (observe === undefined || codeClass(answer.code) !== 2) {
      this.stop();
      return "ended";
    }
    if (!this.#advance(observe, sequence)) return "stale"; // check: watch-order
    const seconds = findUint(answer.options, MAX_AGE) ?? MAX_AGE_DEFAULT_SECONDS;
    this.#await(Math.min(seconds, MAX_AGE_MOST_SECONDS));
    return "fresh";
  }

  /** No more asking; to tell the server is the caller's part (Observe 1, or a Reset). */
  stop(): void {
    this.#over = true;
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    this.#timer = undefined;
  }

  #advance(observe: number, sequence: number | undefined): boolean {
    if (sequence !== undefined) {
      if (sequence <= this.#lastNumber) return false;
      this.#lastNumber = sequence;
      return true;
    }
    const next = { number: observe, atMicros: this.#clock.micros() };
    if (this.#last !== undefined && !isNewer(this.#last, next)) return false;
    this.#last = next;
    return true;
  }

  #await(seconds: number): void {
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    const spread = LEAST_MICROS + upTo(this.#random, SPREAD_MICROS);
    this.#timer = this.#clock.after(seconds * 1_000_000 + spread, () => {
      this.#timer = undefined;
      this.#ask();
      this.#await(MAX_AGE_DEFAULT_SECONDS);
    });
  }
}
