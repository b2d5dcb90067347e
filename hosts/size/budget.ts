/** The committed budget: what each figure may be at most, and what it was when last written. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../root.js";
import { ISSUE_LIMITS } from "./issue.js";
import type { Figure, Figures, PerTarget, Target } from "./types.js";

export interface Budget {
  readonly limits: PerTarget;
  readonly measured: PerTarget;
}

export interface Row {
  readonly target: Target;
  readonly figure: Figure;
  readonly limit: number | undefined;
  readonly before: number | undefined;
  /** Undefined: measured before, and not now. */
  readonly now: number | undefined;
  readonly over: boolean;
}

const FILE = join(ROOT, "hosts/size/budget.json");

export function readBudget(file = FILE): Budget {
  return JSON.parse(readFileSync(file, "utf8")) as Budget;
}

/** Each limit that is missing or looser than the issue's, as a line for people. */
export function looserThanIssue({ limits }: Budget): string[] {
  const targets = Object.entries(ISSUE_LIMITS) as [Target, Figures][];
  return targets.flatMap(([target, figures]) =>
    entries(figures).flatMap(([figure, most]) => {
      const limit = limits[target]?.[figure];
      if (limit !== undefined && limit <= most) return [];
      return [`${target} ${figure}: ${limit ?? "no limit"}, the issue allows ${most} at most`];
    }),
  );
}

/** Old and new side by side. A limit on what a measured target does not tell is missed. */
export function compare(budget: Budget, now: PerTarget): Row[] {
  return (Object.keys(now) as Target[]).flatMap((target) => {
    const [limits, before, figures] = [budget.limits, budget.measured, now].map((column) => {
      return column[target] ?? {};
    });
    const names = new Set([...entries(figures), ...entries(limits)].map(([figure]) => figure));
    return [...names].map((figure) => {
      const [limit, value] = [limits[figure], figures[figure]];
      const over = limit !== undefined && (value === undefined || value > limit);
      return { target, figure, limit, before: before[figure], now: value, over };
    });
  });
}

/** Keeps what this run did not measure. */
export function writeMeasured(budget: Budget, now: PerTarget, file = FILE): void {
  const written = { ...budget, measured: { ...budget.measured, ...now } };
  writeFileSync(file, `${JSON.stringify(written, undefined, 2)}\n`);
}

function entries(figures: Figures): [Figure, number][] {
  return Object.entries(figures) as [Figure, number][];
}
