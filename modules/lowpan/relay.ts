/**
 * When MPL messages go on air (RFC 7731 §10.3, proactive, with OpenThread's parameters): the
 * interval is 64 ms and never grows, every message goes out twice, nothing is suppressed (k
 * infinite).
 *
 *     seed:       at once, again after U[0, 64) ms
 *     forwarder:  after U[0, 64) ms, again at 64 + U[0, 64) ms
 */
import type { Clock } from "../ports/clock.js";
import type { Random } from "../ports/random.js";
import { MPL_INTERVAL_MICROS } from "./limits.js";
import type { TransmitQueue } from "./transmit.js";

export class Relay {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #queue: Pick<TransmitQueue, "push">;
  readonly #most: number;
  readonly #dice = new Uint8Array(2);
  #held = 0;
  /** Transmissions for which the queue had no room: copies are on the air. */
  lost = 0;

  constructor(input: {
    clock: Clock;
    random: Random;
    most: number;
    queue: Pick<TransmitQueue, "push">;
  }) {
    this.#clock = input.clock;
    this.#random = input.random;
    this.#most = input.most;
    this.#queue = input.queue;
  }

  /** Messages that have transmissions to come. */
  get held(): number {
    return this.#held;
  }

  /**
   * The second transmission of an own message, whose first is queued. False when there is no
   * room.
   */
  seed(frames: readonly Uint8Array[]): boolean {
    if (this.#held >= this.#most) return false;
    this.#held += 1;
    this.#clock.after(this.jitterMicros(), () => this.last(frames));
    return true;
  }

  /** Both transmissions of somebody else's message. False when there is no room. */
  forward(frames: readonly Uint8Array[]): boolean {
    if (this.#held >= this.#most) return false; // check: mpl-held-bounded
    this.#held += 1;
    const firstMicros = this.jitterMicros();
    this.#clock.after(firstMicros, () => {
      this.transmit(frames);
      const restMicros = MPL_INTERVAL_MICROS - firstMicros;
      this.#clock.after(restMicros + this.jitterMicros(), () => this.last(frames));
    });
    return true;
  }

  private last(frames: readonly Uint8Array[]): void {
    this.#held -= 1;
    this.transmit(frames);
  }

  private transmit(frames: readonly Uint8Array[]): void {
    if (!this.#queue.push({ frames, wantsAck: false })) this.lost += 1;
  }

  private jitterMicros(): number {
    this.#random.fill(this.#dice);
    const value = this.#dice[0] * 256 + this.#dice[1];
    return Math.floor((value * MPL_INTERVAL_MICROS) / 65536);
  }
}
