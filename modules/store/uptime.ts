/**
 * Seconds this device has been running, over all its starts: what a group key's validity is
 * measured in, for a device has no calendar.
 *
 * The store holds a time that counts as used up, an hour ahead when it is written; a write is due
 * when it has passed, and at a start. After a cut the whole hour counts, so no key lives longer
 * than its validity, and one that is cut off n times may live n hours less. Rejected: writing what
 * has passed (a device that is switched off every evening would never age).
 */
import { readUint, uintBytes } from "../bytes/uint.js";
import type { Clock } from "../ports/clock.js";
import { KIND, key } from "./keys.js";
import type { Store } from "./store.js";

const HOUR_SECONDS = 3600;
/** Pause before another attempt when flash refused. */
const RETRY_SECONDS = 60;
const MICROS = 1_000_000;

const RECORD = key(KIND.UPTIME, 0);

export class Uptime {
  readonly #store: Pick<Store, "get" | "put">;
  readonly #clock: Clock;
  readonly #startMicros: number;
  readonly #startSeconds: number;
  /** The next write is due here: up to now everything returned is covered by flash. */
  #dueSeconds: number;

  constructor(store: Pick<Store, "get" | "put">, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#startMicros = clock.micros();
    const record = store.get(RECORD);
    this.#startSeconds = record === undefined ? 0 : readUint(record);
    this.#dueSeconds = this.#startSeconds;
    this.tick();
  }

  /** Whole seconds, never less than before, restarts included. Writes at most once an hour. */
  seconds(): number {
    const ranMicros = this.#clock.micros() - this.#startMicros;
    const now = this.#startSeconds + Math.floor(ranMicros / MICROS);
    if (now >= this.#dueSeconds) this.cover(now);
    return now;
  }

  /** Keeps flash ahead of the time when nobody asks for it; to be called at least every hour. */
  tick(): void {
    this.seconds();
  }

  private cover(now: number): void {
    const limit = now + HOUR_SECONDS;
    const isWritten = this.#store.put(RECORD, uintBytes(limit));
    this.#dueSeconds = isWritten ? limit : now + RETRY_SECONDS;
  }
}
