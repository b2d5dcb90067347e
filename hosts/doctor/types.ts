/** Whatever a person may want to do here beyond `npm start` and `npm test`. */
export const TARGETS = ["simulator", "test:sdk", "esp32", "nrf52840", "cortexm"] as const;
export type Target = (typeof TARGETS)[number];

/**
 * What something is for: `base` is `npm start` and `npm test`, `suites` are the checks that skip
 * without it.
 */
export type Purpose = "base" | "suites" | Target;

/** One thing that was looked for. */
export interface Check {
  readonly name: string;
  readonly purposes: readonly Purpose[];
  /** What was found; undefined when it is missing. */
  readonly found: string | undefined;
  /** The command, or the hand, that mends it. */
  readonly mend: string;
}
