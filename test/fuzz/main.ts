/**
 * npm run fuzz -- [--runs N] [--seed S] [--target NAME]
 *
 * Feeds every parser with damaged input until something breaks, or N inputs a target are over. Exit
 * 1 on a finding: put its hex into test/fuzz/corpus and mend the parser. Without --seed each run
 * takes another one and prints it.
 */
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.js";
import { targets } from "./targets.js";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "200000" },
    seed: { type: "string" },
    target: { type: "string" },
  },
});
const runs = whole("runs", values.runs);
const seed = whole("seed", values.seed ?? String(Date.now() % 0x7fffffff));
const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target);
if (chosen.length === 0) {
  console.error(
    `there is no target ${values.target}: ${targets.map(({ name }) => name).join(", ")}`,
  );
  process.exit(2);
}
console.log(`seed ${seed}, ${runs} inputs a target`);
for (const target of chosen) {
  const start = performance.now();
  const found = fuzz(target, runs, seed);
  const seconds = (performance.now() - start) / 1000;
  if (found === undefined) {
    console.log(`ok      ${target.name.padEnd(16)}${seconds.toFixed(1)} s`);
  } else {
    console.log(`broken  ${found.target}\n  ${found.hex}\n  ${found.error}`);
    process.exitCode = 1;
  }
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`--${name} is a whole number, not ${text}`);
  return process.exit(2);
}
