/** How virtual time follows the wall clock: not at all, or never ahead of it. */

export interface Pace {
  /** Virtual time may not go beyond this now. */
  limit(): number;
  /** True when virtual time may go to `micros`; false when it was woken before that. */
  reach(micros: number): Promise<boolean>;
  /** Something happened that may come before what `reach` waits for. */
  wake(): void;
}

/** As fast as the machine can. */
export class FastPace implements Pace {
  limit(): number {
    return Number.POSITIVE_INFINITY;
  }

  reach(): Promise<boolean> {
    return Promise.resolve(true);
  }

  wake(): void {}
}

const SLEEP_MS_MAX = 60_000;

/** Virtual microseconds since `originMicros` are wall microseconds since the construction. */
export class RealPace implements Pace {
  readonly #startMs = performance.now();
  readonly #originMicros: number;
  #wake: (() => void) | undefined;

  constructor(originMicros: number) {
    this.#originMicros = originMicros;
  }

  limit(): number {
    return this.#originMicros + Math.floor((performance.now() - this.#startMs) * 1000);
  }

  reach(micros: number): Promise<boolean> {
    const aheadMs = (micros - this.limit()) / 1000;
    if (aheadMs <= 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve(this.limit() >= micros);
      };
      const timer = setTimeout(finish, Math.min(Math.ceil(aheadMs), SLEEP_MS_MAX));
      this.#wake = finish;
    });
  }

  wake(): void {
    this.#wake?.();
  }
}
