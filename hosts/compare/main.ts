/**
 * npm run compare [-- --profile NAME] [--x86] [--quick] [--json] [--readme]
 *
 * Every profile on the same commands: bytes and frames on the air, instructions, memory, what a
 * restart does, what a message proves. One run, all counted: the same on any machine with the same
 * compilers. Exit code 1 when a datagram is not as its document says (figures.ts) or a restart lets
 * a recording through.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PROFILES, type Profile } from "../installation/types.js";
import { ROOT } from "../root.js";
import { withPart } from "./readme.js";
import { compare, exitCodeOf, type Report, type Row } from "./report.js";
import { breakdownOf, tableOf, targetLine } from "./table.js";
import { VARIANTS } from "./variants.js";

const SAMPLES = 5;
const USAGE = `usage: npm run compare -- [--profile NAME]... [--x86] [--quick] [--json] [--readme]
  --profile NAME  only this one, or these: ${PROFILES.join(", ")}
  --x86           not on the emulated Cortex-M4
  --quick         everything counted once, for CI
  --json          one JSON object
  --readme        puts the table into README.md, too`;

class UsageError extends Error {}

async function main(): Promise<void> {
  const values = readArgs();
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const report = await compare({
    profiles: chosen(values.profile),
    samples: values.quick ? 1 : SAMPLES,
    x86Only: values.x86,
    progress: (line) => void process.stderr.write(`compare: ${line}\n`),
  });
  if (values.json) console.log(JSON.stringify(report));
  else console.log(`${textOf(report)}\n\n${targetLine(report.targets)}`);
  if (values.readme) putIntoReadme(report);
  for (const words of report.deviations) console.error(`compare: ${words}`);
  process.exitCode = exitCodeOf(report);
}

function readArgs() {
  try {
    const { values } = parseArgs({
      options: {
        profile: { type: "string", multiple: true },
        quick: { type: "boolean", default: false },
        x86: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        readme: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function chosen(names: readonly string[] | undefined): readonly Profile[] {
  const unknown = names?.find((name) => !(PROFILES as readonly string[]).includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no profile ${unknown}`);
  return PROFILES.filter((profile) => names?.includes(profile) ?? true);
}

/** What is missing there would be missed: only whole tables are put there. */
function putIntoReadme(report: Report): void {
  const isWhole = report.rows.length === VARIANTS.length && report.rows.every(isCounted);
  if (!isWhole) throw new Error("README.md keeps its table: not everything was counted");
  const path = join(ROOT, "README.md");
  writeFileSync(path, withPart(readFileSync(path, "utf8"), textOf(report)));
}

function isCounted({ x86, cortexM4 }: Row): boolean {
  return x86 !== undefined && cortexM4 !== undefined;
}

/** For people; in README.md as it is. */
function textOf(report: Report): string {
  const { library } = report;
  const whose = library.cortexM4 ?? library.x86;
  const signatures = whose === undefined ? [] : [`Signatures and key agreement: ${whose}.`];
  return [tableOf(report), ...signatures, breakdownOf(report)].join("\n\n");
}

main().catch((error: unknown) => {
  const isUsage = error instanceof UsageError;
  const words = error instanceof Error ? error.message : String(error);
  console.error(isUsage ? `${words}\n${USAGE}` : words);
  process.exitCode = isUsage ? 2 : 1;
});
