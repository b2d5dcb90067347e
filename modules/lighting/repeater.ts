/**
 * Says a command again, so that a lamp that missed it catches up (ARCHITECTURE, decision 10).
 *
 * Multicast has no acknowledgements. 0.25 s heals a collision before anybody wonders, 2 s a burst
 * of interference, 30 s a lamp whose router was busy. Every repetition is sent as a command of its
 * own, with a fresh sequence number, and carries the age of the original, by which receivers tell
 * it from a new press.
 */
import type { Clock, Timer } from "../ports/clock.js";
import { AGE_HUNDREDTHS_MAX, type Command, type MutableCommand } from "./command.js";

export const REPEATS_MICROS: readonly number[] = Object.freeze([250_000, 2_000_000, 30_000_000]);

const HUNDREDTH_MICROS = 10_000;
/**
 * Originals sent within this time of each other may have crossed: longer than the network's delay
 * over several hops, shorter than the first repeat.
 */
export const CROSSING_MICROS = 150_000;

export class Repeater {
  readonly #clock: Clock;
  readonly #send: (command: Command) => void;
  #command: Command | undefined = undefined;
  #sentMicros = Number.NEGATIVE_INFINITY;
  /** Repetitions of `#command` already made. */
  #done = 0;
  #timer: Timer | undefined = undefined;
  readonly #wake = () => this.#repeat();

  constructor(ports: { clock: Clock; send: (command: Command) => void }) {
    this.#clock = ports.clock;
    this.#send = ports.send;
  }

  /** When the last original was sent; minus infinity before the first. */
  get sentMicros(): number {
    return this.#sentMicros;
  }

  /**
   * Sends `command` now, and again after 0.25, 2 and 30 s. What was being repeated is forgotten.
   */
  start(command: Command): void {
    this.cancel();
    this.#sentMicros = this.#clock.micros();
    this.#command = command;
    this.#done = 0;
    this.#send(command);
    this.#schedule();
  }

  /** A newer command is in force: nothing is repeated any more. */
  cancel(): void {
    this.#command = undefined;
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Whether a command heard now, whose original was sent at `sentMicros`, is in force rather than
   * ours. `prevails`: of two that crossed in flight, the other one's wins.
   */
  yieldsTo(sentMicros: number, prevails: boolean): boolean {
    const behind = sentMicros - this.#sentMicros;
    if (behind > -CROSSING_MICROS && behind < CROSSING_MICROS) return prevails;
    return behind > 0;
  }

  #schedule(): void {
    // `send` may have led to another command, or to none.
    if (this.#command === undefined || this.#timer !== undefined) return;
    const dueMicros = this.#sentMicros + REPEATS_MICROS[this.#done];
    const delayMicros = Math.max(0, dueMicros - this.#clock.micros());
    this.#timer = this.#clock.after(delayMicros, this.#wake);
  }

  #repeat(): void {
    this.#timer = undefined;
    if (this.#command === undefined) return;
    this.#done++;
    const command = aged(this.#command, this.#clock.micros() - this.#sentMicros);
    if (this.#done === REPEATS_MICROS.length) this.#command = undefined;
    this.#send(command);
    this.#schedule();
  }
}

/** `command` as a repetition so long after it was first sent. It asks for no second report. */
export function aged(command: Command, ageMicros: number): Command {
  const repeat: MutableCommand = { ...command };
  delete repeat.report;
  const hundredths = Math.round(ageMicros / HUNDREDTH_MICROS);
  repeat.ageHundredths = Math.max(1, Math.min(hundredths, AGE_HUNDREDTHS_MAX));
  return repeat;
}

/**
 * When the original of a command heard at `nowMicros` was sent, give or take the network's delay.
 */
export function sentAt(command: Command, nowMicros: number): number {
  return nowMicros - (command.ageHundredths ?? 0) * HUNDREDTH_MICROS;
}
