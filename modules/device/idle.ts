/**
 * What a device does for its flash while nobody waits for it: bounds that ran ahead are pulled
 * back, old keys retired, full sectors erased.
 *
 * PROBLEM. Tidying holds the device up: an erase for up to 90 ms, a few copies for some. A command
 * that comes meanwhile is late. But where tidying never comes, the log ends, and a lamp that cannot
 * write a replay bound refuses every command: with 64 KB after some ten hours of messages less than
 * two seconds apart.
 *
 * REJECTED. Tidying after every datagram (nearly always just before the next one of a dimming
 * switch). Tidying inside put() (between receive and light). A timer for each datagram (costs more
 * than the datagram's whole lighting).
 *
 * CHOICE. How much quiet a step of tidying asks for depends on the erased sectors left to write to:
 *   two or more   IDLE (2 s) without a datagram; always enough in a building that sleeps at night
 *   one           LULL after the last datagram: an erase begun then is over before the first repeat
 *                 of a press comes, 250 ms after it (lighting/repeater.ts)
 *   none          a turn of its own, whatever comes in between
 * One step a pause, so that what waits is heard; never between receive and light, which are one
 * turn. Only what is genuine counts as traffic, for junk is anybody's.
 */
import type { Keyring } from "../groups/keyring.js";
import type { Recipients } from "../oscore/recipients.js";
import type { Clock } from "../ports/clock.js";
import type { Store } from "../store/store.js";
import { LIMITS } from "./limits.js";

const LULL_MICROS = 100_000;
/** Between two steps of tidying. */
const PAUSE_MICROS = 200_000;
/** With so many erased sectors to write to there is no hurry. */
const SPARE_SECTORS = 2;

export class Idle {
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #recipients: Recipients;
  readonly #keyring: Keyring;
  /** When the last genuine datagram arrived. */
  lastMicros: number;
  /** Whether a look at the flash is due: no need to `watch`. */
  isWaiting = false;

  constructor(parts: {
    clock: Clock;
    store: Store;
    recipients: Recipients;
    keyring: Keyring;
  }) {
    this.#clock = parts.clock;
    this.#store = parts.store;
    this.#recipients = parts.recipients;
    this.#keyring = parts.keyring;
    this.lastMicros = parts.clock.micros();
    this.wait(LIMITS.idleMicros);
  }

  /**
   * Something may have been written. One timer at a time, set when there is none: most datagrams
   * set none.
   */
  watch(): void {
    if (!this.isWaiting) this.wait(LIMITS.idleMicros);
  }

  private wait(delayMicros: number): void {
    this.isWaiting = true;
    this.#clock.after(delayMicros, () => this.check());
  }

  private check(): void {
    this.isWaiting = false;
    const quiet = this.#clock.micros() - this.lastMicros;
    if (quiet < LIMITS.idleMicros) {
      this.hasten(quiet);
      return;
    }
    this.#recipients.idle();
    this.#keyring.retire();
    if (!this.#store.needsTidy) return;
    this.#store.tidy();
    this.wait(PAUSE_MICROS);
  }

  /** There was a datagram a short time ago, and there may be no longer pause for hours. */
  private hasten(quietMicros: number): void {
    const spare = this.#store.spareSectors;
    if (spare >= SPARE_SECTORS || !this.#store.needsTidy) {
      this.wait(LIMITS.idleMicros - quietMicros);
    } else if (spare > 0 && quietMicros < LULL_MICROS) {
      this.wait(LULL_MICROS - quietMicros);
    } else {
      this.#store.tidy();
      this.wait(PAUSE_MICROS);
    }
  }
}
