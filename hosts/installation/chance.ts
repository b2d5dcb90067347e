/**
 * Chance that repeats: everything random in a simulated run is drawn from streams named by the
 * run's seed and a label ("keys", "bounce", a device's name), so that one more draw in one place
 * moves no other.
 */
import { createHash } from "node:crypto";

/** 32 bytes that follow from the seed and the labels; distinct for distinct lists of labels. */
export function derive(seed: number, ...labels: readonly (string | number)[]): Uint8Array {
  const text = JSON.stringify(["lumicast", seed, ...labels]);
  return new Uint8Array(createHash("sha256").update(text).digest());
}

/** 0 to 2^32 - 1. */
export function deriveSeed(seed: number, ...labels: readonly (string | number)[]): number {
  const [a, b, c, d] = derive(seed, ...labels);
  return a * 0x100_0000 + b * 0x1_0000 + c * 0x100 + d;
}

/**
 * A stream of numbers: SHA-256 in counter mode. Slow and good enough for hosts, the same on every
 * machine.
 */
export class Chance {
  readonly #seed: number;
  readonly #labels: readonly (string | number)[];
  #count = 0;

  constructor(seed: number, ...labels: readonly (string | number)[]) {
    this.#seed = seed;
    this.#labels = labels;
  }

  /** A whole number from `min` to `max`, both included; `max - min` below 2^32. */
  integer(min: number, max: number): number {
    const draw = deriveSeed(this.#seed, ...this.#labels, this.#count++);
    return min + Math.floor((draw / 2 ** 32) * (max - min + 1));
  }
}
