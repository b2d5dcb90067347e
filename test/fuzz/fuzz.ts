import fc from "fast-check";
import { toHex } from "../../modules/bytes/hex.js";
import { damaged } from "./damage.js";
import type { Target } from "./targets.js";

/** An input that a target did not survive, as small as fast-check could make it. */
export interface Finding {
  readonly target: string;
  readonly hex: string;
  readonly error: string;
}

/** Feeds the corpus as it is, then `runs` damaged inputs; the same seed gives the same ones. */
export function fuzz(target: Target, runs: number, seed: number): Finding | undefined {
  for (const bytes of target.corpus) {
    try {
      target.check(bytes);
    } catch (error) {
      return finding(target, bytes, error);
    }
  }
  const property = fc.property(damaged(target.corpus), (bytes) => target.check(bytes));
  const result = fc.check(property, { seed, numRuns: runs });
  if (!result.failed) return undefined;
  return finding(target, result.counterexample?.[0] ?? new Uint8Array(0), result.errorInstance);
}

function finding(target: Target, bytes: Uint8Array, error: unknown): Finding {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { target: target.name, hex: toHex(bytes), error: text };
}
