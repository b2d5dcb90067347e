/** The clock port on Node: real time. */
import type { Clock, Timer } from "../../modules/ports/clock.js";

/** The handle of a timer that fired is never used again. */
export class NodeClock implements Clock {
  readonly #timers = new Map<number, NodeJS.Timeout>();
  #last = 0;

  micros(): number {
    return Math.floor(performance.now() * 1000);
  }

  after(delayMicros: number, fire: () => void): Timer {
    const handle = ++this.#last;
    const timer = setTimeout(() => {
      this.#timers.delete(handle);
      fire();
    }, delayMicros / 1000);
    this.#timers.set(handle, timer);
    return handle;
  }

  cancel(timer: Timer): void {
    clearTimeout(this.#timers.get(timer as number));
    this.#timers.delete(timer as number);
  }

  /** Nothing that was planned happens any more. */
  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
