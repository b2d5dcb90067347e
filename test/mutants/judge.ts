import { mkdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import ts from "typescript";
import { runProcess, tail } from "../run/process.js";
import { type Check, checkChecks, findChecks, type Mutant, readMutants } from "../tidy/checks.js";
import { isC, isScript, readTree, type Tree, walk } from "../tidy/tree.js";
import { bundle, type Cut } from "./mutate.js";
import { isNative, runNative } from "./native.js";
import { TypeChecker } from "./types.js";

export interface Verdict {
  readonly name: string;
  /** Undefined when the line is guarded as it has to be. */
  readonly complaint: string | undefined;
}

/** Without its check code may loop for ever; a test that only hangs does not fail. */
const limitSeconds = 30;
/** Native suites start many processes. */
const wholeLimitSeconds = 300;

/** What all judgements of a run share. */
interface Court {
  readonly tree: Tree;
  readonly checks: ReadonlyMap<string, Check>;
  readonly types: TypeChecker;
  /** What each suite prints as it is. */
  readonly whole: Map<string, string>;
}

/**
 * Judges the lines of test/mutants.txt whose name, file or suite contains `filter`; with no filter
 * also what is marked and not listed, or listed and not marked.
 */
export async function judgeAll(
  root: string,
  filter: string,
  tell: (done: number, of: number) => void,
): Promise<Verdict[]> {
  const tree = readTree(root);
  const checks = new Map(findChecks(tree).map((check) => [check.name, check]));
  const mutants = readMutants(tree).mutants.filter(({ name, suite }) =>
    `${name} ${checks.get(name)?.file} ${suite}`.includes(filter),
  );
  mkdirSync(join(root, "build/mutants"), { recursive: true });
  const court = { tree, checks, types: new TypeChecker(root), whole: new Map<string, string>() };
  const suites = [...new Set(mutants.map(({ suite }) => suite))];
  await pool(suites, async (suite) => {
    const named = mutants.filter((mutant) => mutant.suite === suite).map(({ test }) => test);
    const { output } = isNative(suite)
      ? await runNative(suite, [...new Set(named)], undefined, wholeLimitSeconds)
      : await run(tree, suite, suite.replace(/\W/g, "-"));
    court.whole.set(suite, output);
  });
  const faults = filter === "" ? checkChecks(tree) : [];
  const verdicts: Verdict[] = faults.map(({ file, line, message }) => ({
    name: `${file}:${line}`,
    complaint: message,
  }));
  let done = 0;
  await pool(mutants, async (mutant) => {
    verdicts.push({ name: mutant.name, complaint: await judge(court, mutant) });
    tell(++done, mutants.length);
  });
  return verdicts;
}

/** Undefined, or what is wrong. */
async function judge(court: Court, mutant: Mutant): Promise<string | undefined> {
  const { name, suite, test } = mutant;
  const whole = court.whole.get(suite) ?? "";
  const lines = whole.split("\n");
  if (!lines.includes(`ok ${test}`)) {
    const failed = lines.find((line) => line.startsWith(`not ok ${test}: `));
    if (failed !== undefined) return `the test fails with the check in place: ${failed}`;
    const started = lines.some((line) => line.startsWith("# pass "));
    return `${suite} has no test "${test}" that passes${started ? "" : `: ${tail(whole, 5)}`}`;
  }
  if (name.startsWith("drop:")) return whySilent(court.tree, mutant, name.slice(5));
  const check = court.checks.get(name);
  if (check === undefined) return `no line ends in // check: ${name}`;
  const errors = isScript(check.file) ? court.types.errorsWithout(check) : [];
  if (errors.length > 0) return `without it ${check.file} does not compile: ${errors.join("; ")}`;
  return whyAlive(court.tree, mutant, check);
}

async function whyAlive(tree: Tree, mutant: Mutant, check: Check): Promise<string | undefined> {
  const { name, suite, test } = mutant;
  const { output, timedOut } = await run(tree, suite, name, check, test);
  const where = `${check.file}:${check.line}`;
  if (timedOut) return `without ${where} the test runs on and on; it has to fail`;
  if (output.includes(`not ok ${test}: `)) return undefined;
  if (output.includes(`ok ${test}\n`)) return `"${test}" passes without ${where}`;
  return `without ${where} the suite does not come to an end: ${tail(output, 5)}`;
}

async function run(tree: Tree, suite: string, name: string, cut?: Cut, test?: string) {
  if (cut !== undefined && isC(cut.file)) {
    return runNative(suite, test === undefined ? [] : [test], cut, limitSeconds).catch(
      (error: Error) => ({ output: error.message, timedOut: false }),
    );
  }
  const outfile = join(tree.root, `build/mutants/${process.pid}-${name}.mjs`);
  try {
    await bundle({ root: tree.root, suite, outfile, cut });
  } catch (error) {
    return { output: error instanceof Error ? error.message : String(error), timedOut: false };
  }
  const args = ["--max-old-space-size=512", outfile, ...(test === undefined ? [] : [test])];
  const finished = await runProcess(process.execPath, args, { limitSeconds });
  rmSync(outfile, { force: true });
  return finished;
}

/** The named test has to speak of the reason; where its name is composed, its suite has to. */
function whySilent(tree: Tree, { suite, test }: Mutant, reason: string): string | undefined {
  const source = tree.source(suite);
  let text = source.text;
  walk(source, (node) => {
    if (!ts.isCallExpression(node) || node.expression.getText(source) !== "test") return;
    const [first] = node.arguments;
    if (first !== undefined && ts.isStringLiteralLike(first) && first.text === test) {
      text = node.getText(source);
    }
  });
  if (text.includes(`"${reason}"`)) return undefined;
  return `the test "${test}" of ${suite} never says "${reason}"`;
}

/** Works through the items, a few at a time. */
async function pool<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  const workers = Math.max(2, Math.min(availableParallelism(), 8));
  await Promise.all(Array.from({ length: workers }, worker));
}
