import type { Clock } from "../ports/clock.js";

/** A bucket of `burst` that refills by one every `refillMicros`. */
export class RateLimit {
  #left: number;
  #countedMicros: number;
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #refillMicros: number;

  constructor(clock: Clock, burst: number, refillMicros: number) {
    this.#clock = clock;
    this.#burst = burst;
    this.#left = burst;
    this.#refillMicros = refillMicros;
    this.#countedMicros = clock.micros();
  }

  /** Takes one; false when there is none. */
  take(): boolean {
    const now = this.#clock.micros();
    const refills = Math.floor((now - this.#countedMicros) / this.#refillMicros);
    this.#countedMicros += refills * this.#refillMicros;
    this.#left = Math.min(this.#burst, this.#left + refills);
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }
}
