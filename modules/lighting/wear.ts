/**
 * How often lighting may write to flash.
 *
 * A page lasts 10,000 erases on nRF52. What has to be written before acting (replay bounds, sender
 * numbers) has the first claim on them; a lamp's own state comes last. Rejected: a fixed pause
 * between writes, which either loses what a person set twice in a row or lets a dimming sensor
 * write for 20 years. Chosen: a bucket. 64 writes may come at once (an installer storing scenes),
 * after that one in five minutes: 2.1 million records of 32 bytes in 20 years, 1,030 erases of
 * each page of a 64 KB partition, about 10 % of its life, whoever writes and whatever for.
 */
import type { Clock } from "../ports/clock.js";

const BURST = 64;
const REFILL_MICROS = 300_000_000;

export class WearBudget {
  readonly #clock: Clock;
  #left = BURST;
  /** Up to here refills have been counted. */
  #countedMicros: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#countedMicros = clock.micros();
  }

  /** Takes one write from the budget; false when none is left. */
  take(): boolean {
    this.refill();
    if (this.#left === 0) return false; // check: wear-budget
    this.#left--;
    return true;
  }

  /** How long until there is a write to take; 0 when there is one now. */
  waitMicros(): number {
    this.refill();
    if (this.#left > 0) return 0;
    return this.#countedMicros + REFILL_MICROS - this.#clock.micros();
  }

  private refill(): void {
    const now = this.#clock.micros();
    const refills = Math.floor((now - this.#countedMicros) / REFILL_MICROS);
    if (refills === 0) return;
    this.#countedMicros += refills * REFILL_MICROS;
    this.#left = Math.min(BURST, this.#left + refills);
  }
}
