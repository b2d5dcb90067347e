/**
 * npm run size [-- --target NAME] [--update] [--json]
 *
 * Problem: flash, RAM and time of a luminaire grow a little with every change, and nobody sees it
 * before a board refuses. Rejected: figures in documents, which are nobody's to keep true. Choice:
 * every figure is measured here by the firmware itself, stands beside the one committed last, and
 * has a limit in budget.json, which cannot be looser than the issue's (issue.ts).
 */
import { parseArgs } from "node:util";
import { measureCortexM } from "../cortexm/measure.js";
import { compare, looserThanIssue, readBudget, writeMeasured } from "./budget.js";
import { measureM32 } from "./m32.js";
import { report, toJson } from "./report.js";
import { CHIPS, measureSdk } from "./sdk.js";
import { type Figures, type PerTarget, TARGETS, type Target } from "./types.js";

const USAGE = `usage: npm run size -- [--target NAME] [--update] [--json]
  --target NAME  measures only that; several may be given: ${Object.keys(TARGETS).join(", ")}
  --update       writes what was measured to hosts/size/budget.json
  --json         one JSON object
exit code: 0 within the budget, 1 over it; a target whose tools are missing is skipped
`;

type Measure = (limits: Figures) => Promise<Figures | undefined>;

const MEASURES: Readonly<Record<Target, Measure>> = {
  m32: measureM32,
  cortexm: measureCortexM,
  esp32c6: () => measureSdk(CHIPS.esp32c6),
  nrf52840: () => measureSdk(CHIPS.nrf52840),
};

class UsageError extends Error {}

async function main(): Promise<void> {
  const { values } = options();
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const budget = readBudget();
  const looser = looserThanIssue(budget);
  if (looser.length > 0) throw new UsageError(`budget.json is too loose: ${looser.join("; ")}`);
  const targets = wanted(values.target);
  const now: { [target in Target]?: Figures } = {};
  for (const target of targets) {
    const figures = await MEASURES[target](budget.limits[target] ?? {});
    if (figures !== undefined) now[target] = figures;
  }
  const rows = compare(budget, now);
  const skipped = targets.filter((target) => now[target] === undefined);
  process.stdout.write(values.json ? toJson(rows, skipped) : report(rows));
  if (values.update) writeMeasured(budget, now as PerTarget);
  if (rows.some(({ over }) => over)) process.exitCode = 1;
}

function options() {
  try {
    return parseArgs({
      options: {
        target: { type: "string", multiple: true, default: [] },
        update: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function wanted(names: readonly string[]): Target[] {
  const all = Object.keys(TARGETS) as Target[];
  const unknown = names.find((name) => !all.some((target) => target === name));
  if (unknown !== undefined) {
    throw new UsageError(`there is no target ${unknown}; there are ${all.join(", ")}`);
  }
  return names.length === 0 ? all : all.filter((target) => names.includes(target));
}

main().catch((error: unknown) => {
  const usage = error instanceof UsageError;
  console.error(usage ? `${error.message}\n${USAGE}` : error);
  process.exitCode = usage ? 2 : 1;
});
