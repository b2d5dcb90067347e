import type { Random } from "../../modules/ports/random.js";

/**
 * Repeatable chance: Marsaglia's xorshift32 with a multiplied output. For tests, never for keys.
 */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed = 1) {
    this.#state = Math.imul(seed, 0x9e3779b1) | 0 || 0x1234567;
    for (let i = 0; i < 8; i++) this.u32();
  }

  /** 0 to 2^32 - 1. */
  u32(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return Math.imul(x, 0x2c1b3c6d) >>> 0;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor((this.u32() / 0x100000000) * limit);
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.u32() < p * 0x100000000;
  }

  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.u32() >>> 24;
  }
}
