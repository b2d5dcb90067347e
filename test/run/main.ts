/**
 * Runs stages of tests and sums them up; behind `npm test`, `npm run ci`, `npm run unit` and so on.
 *
 *   node build/node/test/run/main.js test|ci|STAGE [--filter NAME]
 *
 * STAGE also stands for all stages whose name begins with it and a hyphen. --filter keeps the
 * suites whose `stage/suite` contains NAME. The last line reads `N passed, N failed, N skipped`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../hosts/root.js";
import { stopAll } from "./process.js";
import {
  type Finding,
  type Job,
  parseAllowedSkips,
  type Result,
  type Stage,
  strict,
} from "./result.js";
import { ciStages, testStages } from "./stages.js";

interface Sum {
  passed: number;
  readonly failures: Finding[];
  readonly skips: Finding[];
}

async function main(): Promise<void> {
  const { stages, filter } = parseArguments(process.argv.slice(2));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => void stopAll(signal).then(() => process.exit(130)));
  }
  const sum: Sum = { passed: 0, failures: [], skips: [] };
  let ran = 0;
  for (const stage of stages) ran += await runStage(stage, filter, sum);
  if (ran === 0) throw new Error(nothingMatches(filter, stages));
  report(sum);
}

function parseArguments(args: string[]): { stages: Stage[]; filter: string } {
  const [name, ...rest] = args;
  let filter = "";
  while (rest.length > 0) {
    const word = rest.shift();
    if (word === "--filter" && rest.length > 0) filter = rest.shift() as string;
    else throw new Error(`${word} is not understood here; there is only --filter NAME`);
  }
  if (name === "test") return { stages: testStages(), filter };
  const all = ciStages();
  if (name === "ci") return { stages: all, filter };
  const stages = all.filter((stage) => stage.name === name || stage.name.startsWith(`${name}-`));
  if (stages.length > 0) return { stages, filter };
  const names = all.map((stage) => stage.name).join(", ");
  throw new Error(`there is no stage ${name}; there are test, ci, ${names}`);
}

/** Runs the jobs the filter leaves; returns how many those were. */
async function runStage(stage: Stage, filter: string, sum: Sum): Promise<number> {
  const jobs = stage.jobs().filter((job) => `${stage.name}/${job.name}`.includes(filter));
  if (jobs.length === 0) return 0;
  console.log(`\n${stage.name}`);
  const began = performance.now();
  const queue = [...jobs];
  const worker = async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      await runJob(stage, job, sum);
    }
  };
  const parallel = Math.min(stage.parallel ?? 1, jobs.length);
  await Promise.all(Array.from({ length: parallel }, worker));
  if (jobs.length > 1) console.log(`       ${stage.name}: ${seconds(began)}`);
  return jobs.length;
}

async function runJob(stage: Stage, job: Job, sum: Sum): Promise<void> {
  const began = performance.now();
  let result: Result = await job.run();
  if (process.env.CI === "true" || process.env.CI === "1") {
    const text = readFileSync(join(ROOT, "test/skips.txt"), "utf8");
    result = strict(result, parseAllowedSkips(text));
  }
  const { passed, failures, skips } = result;
  const word = failures.length > 0 ? "FAIL" : passed === 0 ? "skip" : "ok";
  const counts = [
    `${passed} passed`,
    ...(failures.length > 0 ? [`${failures.length} failed`] : []),
    ...(skips.length > 0 ? [`${skips.length} skipped`] : []),
  ];
  console.log(`  ${word.padEnd(5)}${job.name.padEnd(28)} ${counts.join(", ")}, ${seconds(began)}`);
  for (const { name, reason } of failures) console.log(indent(`not ok ${name}: ${reason}`));
  const full = ({ name, reason }: Finding) => ({
    name: `${stage.name}/${job.name}: ${name}`,
    reason,
  });
  sum.passed += passed;
  sum.failures.push(...failures.map(full));
  sum.skips.push(...skips.map(full));
}

function report({ passed, failures, skips }: Sum): void {
  console.log("");
  for (const { name, reason } of skips) console.log(`skipped  ${name} (${reason})`);
  for (const { name } of failures) console.log(`failed   ${name}`);
  console.log(`${passed} passed, ${failures.length} failed, ${skips.length} skipped`);
  if (failures.length > 0) process.exitCode = 1;
}

function nothingMatches(filter: string, stages: Stage[]): string {
  const names = stages.flatMap((stage) => stage.jobs().map((job) => `${stage.name}/${job.name}`));
  return `nothing matches ${filter}; there are\n  ${names.join("\n  ")}`;
}

function seconds(began: number): string {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`;
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `       ${line}`)
    .join("\n");
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
