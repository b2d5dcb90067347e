/**
 * Clean edges of a contact in, gestures out, each as soon as it can be told what it is. A hold says
 * `hold`, `hold5` and `hold10` on its way, and `released` at its end.
 */
import type { Clock, Timer } from "../ports/clock.js";
import type { Gesture } from "./gestures.js";

const HOLD_MICROS = 500_000;
const DOUBLE_MICROS = 300_000;
const HOLDS: readonly (readonly [number, Gesture])[] = Object.freeze([
  Object.freeze([HOLD_MICROS, "hold"] as const),
  Object.freeze([5_000_000, "hold5"] as const),
  Object.freeze([10_000_000, "hold10"] as const),
]);

export class Press {
  readonly #clock: Clock;
  readonly #told: (gesture: Gesture | "released") => void;
  #pressedMicros = 0;
  #releasedMicros = Number.NEGATIVE_INFINITY;
  /** Holds that were told of this press. */
  #holds = 0;
  /** This press began soon after a short one. */
  #isSecond = false;
  #timer: Timer | undefined = undefined;

  constructor(clock: Clock, told: (gesture: Gesture | "released") => void) {
    this.#clock = clock;
    this.#told = told;
  }

  edge(down: boolean, atMicros: number): void {
    if (down) this.#begin(atMicros);
    else this.#end(atMicros);
  }

  #begin(atMicros: number): void {
    this.#pressedMicros = atMicros;
    this.#holds = 0;
    this.#isSecond = atMicros - this.#releasedMicros < DOUBLE_MICROS;
    this.#await();
  }

  #await(): void {
    const next = HOLDS[this.#holds];
    if (next === undefined) return;
    const delayMicros = this.#pressedMicros + next[0] - this.#clock.micros();
    this.#timer = this.#clock.after(Math.max(0, delayMicros), () => this.#held(next[1]));
  }

  #held(gesture: Gesture): void {
    this.#timer = undefined;
    this.#holds++;
    // A hold behind a short press is one thing, however long it gets.
    if (this.#isSecond) {
      this.#told("longDouble");
      return;
    }
    this.#await();
    this.#told(gesture);
  }

  #end(atMicros: number): void {
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    this.#timer = undefined;
    if (this.#holds > 0) {
      this.#releasedMicros = Number.NEGATIVE_INFINITY;
      this.#told("released");
      return;
    }
    // A third one is a first one again.
    this.#releasedMicros = this.#isSecond ? Number.NEGATIVE_INFINITY : atMicros;
    this.#told(this.#isSecond ? "double" : "short");
  }
}
