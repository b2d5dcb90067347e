import type { Random } from "../ports/random.js";

/** A whole number from 0 to `most`, both included, all equally likely; `most` below 2^32. */
export function upTo(random: Random, most: number): number {
  const bytes = new Uint8Array(4);
  random.fill(bytes);
  const value = ((bytes[0] * 256 + bytes[1]) * 256 + bytes[2]) * 256 + bytes[3];
  return Math.floor((value / 0x100000000) * (most + 1));
}
