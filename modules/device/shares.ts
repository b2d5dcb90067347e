import type { Clock } from "../ports/clock.js";
import { RateLimit } from "./rate.js";

/** Peers that are told apart. */
const SHARES_MAX = 8;

/**
 * A bucket of which one peer has half: who talks without end does not keep others from it. By
 * addresses, which can be forged: it helps against who has few.
 */
export class Shares {
  readonly #clock: Clock;
  readonly #all: RateLimit;
  readonly #burst: number;
  readonly #refillMicros: number;
  /** The one that was heard last behind the others. */
  readonly #halves = new Map<string, RateLimit>();

  constructor(clock: Clock, burst: number, refillMicros: number) {
    this.#clock = clock;
    this.#all = new RateLimit(clock, burst, refillMicros);
    this.#burst = Math.floor(burst / 2);
    this.#refillMicros = 2 * refillMicros;
  }

  take(peer: string): boolean {
    const half =
      this.#halves.get(peer) ?? new RateLimit(this.#clock, this.#burst, this.#refillMicros);
    this.#halves.delete(peer);
    const [oldest] = this.#halves.keys();
    if (oldest !== undefined && this.#halves.size >= SHARES_MAX) this.#halves.delete(oldest);
    this.#halves.set(peer, half);
    if (!half.take()) return false; // check: tokens-share
    return this.#all.take();
  }
}
