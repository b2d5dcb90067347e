import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { ROOT } from "../../hosts/root.js";
import { type Finished, runProcess, tail } from "./process.js";
import type { Line } from "./reporter.js";
import { type Finding, failure, type Job, type Result } from "./result.js";

const lumicast = "build/headless/release/lumicast";
const reporter = new URL("./reporter.js", import.meta.url).href;

/** The test files right in a folder, such as test/unit. */
export function suitesIn(folder: string): string[] {
  const path = join(ROOT, folder);
  if (!existsSync(path)) return [];
  const names = readdirSync(path).filter((name) => name.endsWith(".test.ts"));
  return names.sort().map((name) => `${folder}/${name}`);
}

/** Runs a test file with node:test, compiled by tsc. */
export function nodeSuite(file: string, limitSeconds = 600): Job {
  const name = basename(file, ".test.ts");
  return { name, run: () => runOnNode(file, limitSeconds) };
}

async function runOnNode(file: string, limitSeconds: number): Promise<Result> {
  const compiled = join(ROOT, "build/node", file.replace(/ts$/, "js"));
  if (!existsSync(compiled)) return failure(file, "tsc made nothing of it");
  const lines = scratch(`${file.replace(/\W/g, "-")}.lines`);
  const args = ["--enable-source-maps", "--test-reporter", reporter];
  args.push("--test-reporter-destination", lines, compiled);
  const finished = await runProcess(process.execPath, args, { limitSeconds });
  const text = existsSync(lines) ? readFileSync(lines, "utf8") : "";
  rmSync(lines, { force: true });
  const results = text.split("\n").filter((line) => line.endsWith("}"));
  return countNode(
    file,
    results.map((line) => JSON.parse(line) as Line),
    finished,
  );
}

function countNode(file: string, lines: readonly Line[], finished: Finished): Result {
  const by = (outcome: string): Finding[] => {
    const chosen = lines.filter((line) => line.outcome === outcome);
    return chosen.map(({ name, reason }) => ({ name, reason }));
  };
  const failures = by("failed");
  const skips = [...by("skipped"), ...reportedSkips(finished.output)];
  const passed = by("passed").length;
  if (finished.timedOut || (finished.code !== 0 && failures.length === 0)) {
    failures.push({ name: file, reason: endOf(finished) });
  } else if (passed + failures.length + skips.length === 0) {
    failures.push({ name: file, reason: "holds no test" });
  }
  return { passed, failures, skips };
}

/** Runs a unit suite as byte code on the headless XS host. */
export function xsSuite(file: string, limitSeconds = 300): Job {
  const name = basename(file, ".test.ts");
  return { name, run: () => runOnXs(file, limitSeconds) };
}

async function runOnXs(file: string, limitSeconds: number): Promise<Result> {
  const host = join(ROOT, lumicast);
  if (!existsSync(host)) return failure(file, `${lumicast} is missing: npm run build`);
  const bundle = scratch(`${basename(file, ".test.ts")}.xs.js`);
  const image = bundle.replace(/js$/, "xsb");
  const steps: [string, string[]][] = [
    [process.execPath, [join(ROOT, "hosts/bundle.mjs"), "suite", bundle, file]],
    [host, ["compile", bundle, image]],
  ];
  for (const [command, args] of steps) {
    const finished = await runProcess(command, args, { limitSeconds: 60 });
    if (finished.code !== 0) return failure(file, endOf(finished));
  }
  const result = countXs(file, await runProcess(host, ["test", image], { limitSeconds }));
  // What failed stays for a person to look at.
  if (result.failures.length === 0)
    for (const path of [bundle, `${bundle}.map`, image]) rmSync(path);
  return result;
}

/** Reads what harness.xs.ts prints; a reason may go on over lines that are indented. */
export function countXs(file: string, finished: Finished): Result {
  const failures: { name: string; reason: string }[] = [];
  let passed = 0;
  let closing = "";
  for (const line of finished.output.split("\n")) {
    const bad = /^not ok (.*?): (.*)$/.exec(line);
    if (bad !== null) failures.push({ name: bad[1], reason: bad[2] });
    else if (line.startsWith("ok ")) passed++;
    else if (line.startsWith("# pass ")) closing = line;
    else if (failures.length > 0 && line.startsWith(" ")) {
      failures[failures.length - 1].reason += `\n${line}`;
    }
  }
  const complete = closing === `# pass ${passed} fail ${failures.length}`;
  if (!complete || (finished.code === 0) !== (failures.length === 0)) {
    failures.push({ name: file, reason: endOf(finished) });
  }
  return { passed, failures, skips: [] };
}

/**
 * Runs a program that says by its exit code how it went. If it prints `N passed, N failed, N
 * skipped` on a line of its own, that counts; otherwise it counts as one test.
 */
export function program(name: string, command: string, args: string[], limitSeconds = 600): Job {
  const run = async () => {
    const finished = await runProcess(command, args, { limitSeconds });
    const skips = reportedSkips(finished.output);
    const counts = /^(\d+) passed, \d+ failed, \d+ skipped$/m.exec(finished.output);
    if (finished.code === 0) return { passed: Number(counts?.[1] ?? 1), failures: [], skips };
    const failures = [{ name, reason: endOf(finished) }];
    return { passed: Number(counts?.[1] ?? 0), failures, skips };
  };
  return { name, run };
}

/** A program of ours, compiled by tsc. */
export function ownProgram(name: string, file: string, args: string[], limitSeconds?: number): Job {
  const compiled = join(ROOT, "build/node", file.replace(/ts$/, "js"));
  const nodeArgs = ["--enable-source-maps", compiled, ...args];
  const job = program(name, process.execPath, nodeArgs, limitSeconds);
  if (existsSync(compiled)) return job;
  return { name, run: async () => failure(name, `${file} is missing or does not compile`) };
}

/** The lines test/support/skip.ts prints. */
function reportedSkips(output: string): Finding[] {
  const found = output.matchAll(/^# skip (.*?): (.*)$/gm);
  return [...found].map(([, name, reason]) => ({ name, reason }));
}

function endOf({ code, timedOut, output }: Finished): string {
  const how = timedOut ? "took too long and was killed" : `ended with ${code ?? "a signal"}`;
  return `${how}\n${tail(output)}`;
}

/** A path below build/test where a run leaves its intermediate files; nothing old is there. */
function scratch(name: string): string {
  const folder = join(ROOT, "build/test");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${process.pid}-${name}`);
  rmSync(path, { force: true });
  return path;
}
