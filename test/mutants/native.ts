/**
 * The same for the C of platforms/native and of boards: a host of its own, or unit tests of their
 * own, are built from all of it but for one line, and the suites of test/headless or test/boards
 * run on that.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ROOT } from "../../hosts/root.js";
import { type Finished, runProcess, tail } from "../run/process.js";
import type { Line } from "../run/reporter.js";
import { type Cut, without } from "./mutate.js";

/** Suites that run the C parts, compiled by tsc; the others are bundled (mutate.ts). */
export function isNative(suite: string): boolean {
  return suite.startsWith("test/headless/") || suite === boardsSuite;
}

const reporter = new URL("../run/reporter.js", import.meta.url).href;
const folder = join(ROOT, "build/mutants");
/** The suite that runs platforms/headless/unit.c; the others want a host. */
const unitSuite = "test/headless/unit.test.ts";
/** The suite that runs test/boards/unit.c. */
const boardsSuite = "test/boards/unit.test.ts";

/** Runs these tests of a suite; prints as the unit suites do. Throws when it does not compile. */
export async function runNative(
  suite: string,
  tests: readonly string[],
  cut: Cut | undefined,
  limitSeconds: number,
): Promise<Finished> {
  const own = join(
    folder,
    `${process.pid}-${cut === undefined ? basename(suite) : `${basename(cut.file)}-${cut.line}`}`,
  );
  mkdirSync(own, { recursive: true });
  try {
    const env = cut === undefined ? {} : await build(suite, cut, own);
    const compiled = join(ROOT, "build/node", suite.replace(/ts$/, "js"));
    const names = tests.map((name) => `--test-name-pattern=^${escaped(name)}$`);
    const args = ["--test-reporter", reporter, ...names, compiled];
    const finished = await runProcess(process.execPath, args, { limitSeconds, env });
    return { ...finished, output: readable(finished.output) };
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

async function build(suite: string, cut: Cut, own: string): Promise<Record<string, string>> {
  const name = basename(cut.file, ".c");
  const source = join(own, `${name}.c`);
  const isUnit = suite === unitSuite;
  writeFileSync(source, without(readFileSync(join(ROOT, cut.file), "utf8"), cut.line));
  const isBoards = suite === boardsSuite;
  const place = join(ROOT, isBoards ? "test/boards" : "platforms/headless");
  const make = ["-s", "-C", place, isUnit ? "changed-unit" : "changed"];
  const variables = [`FILE=${name}`, `SOURCE=${source}`, `INTO=${own}`];
  const built = await runProcess("make", [...make, ...variables], { limitSeconds: 120 });
  if (built.code !== 0) throw new Error(tail(built.output, 5));
  if (isBoards) return { LUMICAST_BOARDS_UNIT: join(own, "unit") };
  return isUnit ? { LUMICAST_UNIT: join(own, "unit") } : { LUMICAST_HOST: join(own, "lumicast") };
}

/** The reporter's lines as harness.xs.ts writes them. */
function readable(output: string): string {
  const lines = output.split("\n").map((text) => {
    if (!text.startsWith("{") || !text.endsWith("}")) return text;
    const { name, outcome, reason } = JSON.parse(text) as Line;
    if (outcome === "passed") return `ok ${name}`;
    return outcome === "failed" ? `not ok ${name}: ${reason}` : "";
  });
  return `${lines.join("\n")}\n# pass \n`;
}

function escaped(name: string): string {
  return name.replace(/[^\w ,-]/g, "\\$&");
}
