import type { Clock, Timer } from "../../modules/ports/clock.js";

interface Entry {
  readonly id: number;
  readonly dueMicros: number;
  readonly fire: () => void;
}

/**
 * Time that a test owns: it stands still until `advance` or `advanceTo` moves it, firing what is
 * due on the way, by time and then by age. A timer of 0 set by a timer fires within the same
 * advance.
 */
export class TestClock implements Clock {
  #nowMicros: number;
  #lastId = 0;
  /** Sorted by due time, then by age. */
  readonly #entries: Entry[] = [];

  constructor(startMicros = 0) {
    this.#nowMicros = startMicros;
  }

  micros(): number {
    return this.#nowMicros;
  }

  after(delayMicros: number, fire: () => void): Timer {
    if (!Number.isInteger(delayMicros) || delayMicros < 0) {
      throw new RangeError(`a timer of ${delayMicros} microseconds`);
    }
    const entry = { id: ++this.#lastId, dueMicros: this.#nowMicros + delayMicros, fire };
    let at = this.#entries.length;
    while (at > 0 && this.#entries[at - 1].dueMicros > entry.dueMicros) at--;
    this.#entries.splice(at, 0, entry);
    return entry.id;
  }

  cancel(timer: Timer): void {
    const at = this.#entries.findIndex((entry) => entry.id === timer);
    if (at >= 0) this.#entries.splice(at, 1);
  }

  /** When the earliest timer is due; undefined when none is set. */
  get nextMicros(): number | undefined {
    return this.#entries[0]?.dueMicros;
  }

  /** How many timers are set: a component at rest must not keep any. */
  get pending(): number {
    return this.#entries.length;
  }

  advance(deltaMicros: number): void {
    this.advanceTo(this.#nowMicros + deltaMicros);
  }

  advanceTo(micros: number): void {
    if (micros < this.#nowMicros) throw new RangeError("time goes forward");
    while (this.#entries.length > 0 && this.#entries[0].dueMicros <= micros) {
      const entry = this.#entries.shift() as Entry;
      this.#nowMicros = entry.dueMicros;
      entry.fire();
    }
    this.#nowMicros = micros;
  }
}

/** Timers of a device that lost its power never fire. */
export class PoweredClock implements Clock {
  isOff = false;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  micros(): number {
    return this.#clock.micros();
  }

  after(delayMicros: number, fire: () => void): Timer {
    return this.#clock.after(delayMicros, () => {
      if (!this.isOff) fire();
    });
  }

  cancel(timer: Timer): void {
    this.#clock.cancel(timer);
  }
}
