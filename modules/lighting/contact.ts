/**
 * A bouncing contact as clean edges, without waiting for the bounce to end.
 *
 * A contact bounces for up to 10 ms. Waiting until it rests would cost that of every press;
 * instead the first edge counts at once, and what follows within LOCKOUT_MICROS is only
 * remembered. At the end of that time the contact's level is read again: a tap shorter than the
 * lock-out is not lost, only late. The price: a spike from outside counts as a tap, so boards have
 * an RC filter at the pin.
 */
import type { Clock, Timer } from "../ports/clock.js";

const LOCKOUT_MICROS = 15_000;

export class Contact {
  readonly #clock: Clock;
  readonly #onEdge: (down: boolean, atMicros: number) => void;
  #down = false;
  /** The level as of the last raw edge. */
  #raw = false;
  #lockedUntil = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined = undefined;
  readonly #wake = () => this.#onUnlock();

  constructor(ports: { clock: Clock; onEdge: (down: boolean, atMicros: number) => void }) {
    this.#clock = ports.clock;
    this.#onEdge = ports.onEdge;
  }

  get down(): boolean {
    return this.#down;
  }

  /** Every edge of the pin, bounces included, in order of time. */
  edge(down: boolean, atMicros: number): void {
    const locked = atMicros < this.#lockedUntil;
    // Edges may be handled before a timer that is late: what the end of the lock-out would have
    // found is first.
    if (!locked && this.#raw !== this.#down) this.#accept(this.#lockedUntil);
    this.#raw = down;
    if (!locked && down !== this.#down) this.#accept(atMicros);
  }

  #accept(atMicros: number): void {
    this.#down = this.#raw;
    this.#lockedUntil = atMicros + LOCKOUT_MICROS;
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    const delayMicros = Math.max(0, this.#lockedUntil - this.#clock.micros());
    this.#timer = this.#clock.after(delayMicros, this.#wake);
    this.#onEdge(this.#down, atMicros);
  }

  #onUnlock(): void {
    this.#timer = undefined;
    if (this.#raw !== this.#down) this.#accept(this.#lockedUntil);
  }
}
