/** Time, handed in. Monotonic microseconds since boot; virtual under test and on the medium. */
export interface Clock {
  /** Microseconds since boot, monotonic, a whole number. */
  micros(): number;
  /** Calls `fire` once, `delayMicros` from now (0 = next turn). Returns a handle for `cancel`. */
  after(delayMicros: number, fire: () => void): Timer;
  /** No effect when the timer has fired or was cancelled. */
  cancel(timer: Timer): void;
}

/** Opaque handle of a pending timer. */
export type Timer = { readonly __timer?: never } | number;
