/** In the order of their numbers, which platforms/native/pattern.h has too. */
export const PATTERN_NAMES = Object.freeze([
  ...(["off", "network", "flash", "setup", "fatal"] as const),
  ...(["fresh", "open", "joining", "identify", "in", "out", "armed"] as const),
] as const);

/** What they look like and say: modules/commission/patterns.ts. */
export type PatternName = (typeof PATTERN_NAMES)[number];

/** A status LED, or what stands for one. */
export interface Indicator {
  /** From now on; the board's own faults come before it. */
  show(pattern: PatternName): void;
}
