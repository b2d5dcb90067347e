/**
 * npm run mutants [-- --filter NAME] [--json]
 *
 * Deletes every line that ends in `// check: NAME`, one at a time and never in the tree, and
 * demands that the file still type-checks and that the test test/mutants.txt names for it fails;
 * with the line it has to pass. A `drop:REASON` line demands that its test passes and speaks of
 * that reason. What this shows: no check can be lost without a named test that says so. --filter
 * keeps the names, files and suites that contain NAME.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../../hosts/root.js";
import { stopAll } from "../run/process.js";
import { judgeAll, type Verdict } from "./judge.js";

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      filter: { type: "string", default: "" },
      json: { type: "boolean", default: false },
      // Another repository to look at: the runner's own test plants one.
      root: { type: "string", default: ROOT },
    },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void stopAll(signal).then(() => process.exit(130)));
  }
  const verdicts = await judgeAll(
    resolve(values.root),
    values.filter,
    values.json ? () => {} : tell,
  );
  if (verdicts.length === 0)
    throw new Error(`test/mutants.txt lists nothing like ${values.filter}`);
  return report(verdicts, values.json);
}

function tell(done: number, of: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${of}${done === of ? "\n" : ""}`);
  else if (done % 50 === 0 || done === of) process.stderr.write(`${done} of ${of}\n`);
}

function report(verdicts: Verdict[], json: boolean): number {
  const bad = verdicts.filter(({ complaint }) => complaint !== undefined);
  bad.sort((a, b) => (a.name < b.name ? -1 : 1));
  const guarded = verdicts.length - bad.length;
  if (json) {
    const complaints = Object.fromEntries(bad.map(({ name, complaint }) => [name, complaint]));
    console.log(JSON.stringify({ mutants: verdicts.length, guarded, complaints }, null, 2));
  } else {
    for (const { name, complaint } of bad) console.log(`not ok ${name}: ${complaint}`);
    console.log(`${guarded} passed, ${bad.length} failed, 0 skipped`);
  }
  return bad.length > 0 ? 1 : 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
