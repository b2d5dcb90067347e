/**
 * The time in which a fresh device lets itself be joined, begun by a press.
 *
 * The problem: who opens it stands on a ladder and makes mistakes; who attacks it has all the time
 * there is. So nothing that comes from the network makes it longer, not even an honest failure, and
 * what looks like a race or like guessing ends it: the person presses again, and sees that he had
 * to. It lives in RAM alone; a restart closes it.
 */
import type { Clock, Timer } from "../ports/clock.js";

export const WINDOW_SECONDS = 180;
/** Proofs that do not hold; the next one finds the window closed. */
export const GUESSES_MAX = 20;

const WINDOW_MICROS = WINDOW_SECONDS * 1_000_000;

/** Why it closed. */
export type Closing = "press" | "time" | "guesses" | "two joiners" | "joined";

export class Window {
  /** Told of each opening (without a reason) and closing. */
  onChange: ((why: Closing | undefined) => void) | undefined = undefined;
  readonly #clock: Clock;
  #timer: Timer | undefined = undefined;
  #failures = 0;
  /** Who showed a proof in this window. */
  #joiner: string | undefined = undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#timer !== undefined;
  }

  /** A press opens what is closed and closes what is open: it never makes it longer. */
  press(): void {
    if (this.isOpen) {
      this.#close("press");
      return;
    }
    this.#failures = 0;
    this.#joiner = undefined;
    this.#timer = this.#clock.after(WINDOW_MICROS, () => this.#close("time"));
    this.onChange?.(undefined);
  }

  /** A proof did not hold. */
  failed(): void {
    this.#failures++;
    const isGuessing = this.#failures >= GUESSES_MAX;
    if (isGuessing) this.#close("guesses"); // check: window-guesses
  }

  /**
   * Whether `joiner`, who showed a proof that holds, may go on. A second one while the first may
   * still be at work is a race that nobody is to win: both are out.
   */
  admits(joiner: string): boolean {
    this.#joiner ??= joiner;
    const isRace = this.#joiner !== joiner;
    if (isRace) this.#close("two joiners"); // check: window-one-joiner
    if (!this.isOpen) return false; // check: window-closed
    return true;
  }

  /** Whoever has it open sees a race, or is done. */
  end(why: Closing): void {
    this.#close(why);
  }

  /** The device belongs to somebody. */
  joined(): void {
    this.#close("joined");
  }

  #close(why: Closing): void {
    if (this.#timer === undefined) return;
    this.#clock.cancel(this.#timer);
    this.#timer = undefined;
    this.onChange?.(why);
  }
}
