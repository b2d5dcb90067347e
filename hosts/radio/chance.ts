/**
 * The channel's own random numbers: small, seeded, the same on every host. Not for keys.
 *
 * Back-offs come from one stream a node; losses are a pure function of (seed, sender, receiver,
 * number of the frame), so that nothing depends on the order in which the caller handed in
 * frames.
 */

/** A 32-bit mixing step: the finaliser of MurmurHash3 over `state + salt`. */
export function mix(state: number, salt: number): number {
  let x = (state + Math.imul(salt, 0x9e3779b1)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** 0 <= result < 1, fixed by the words. */
export function chance(...words: readonly number[]): number {
  let state = 0x6c756d69;
  for (const word of words) state = mix(mix(state, word), Math.floor(word / 0x1_0000_0000));
  return (state >>> 0) / 0x1_0000_0000;
}

/** A stream of numbers; `next(n)` is a whole number from 0 to n - 1. */
export class Stream {
  readonly #words: readonly number[];
  #drawn = 0;

  constructor(...words: readonly number[]) {
    this.#words = words;
  }

  next(n: number): number {
    this.#drawn += 1;
    return Math.floor(chance(...this.#words, this.#drawn) * n);
  }
}
