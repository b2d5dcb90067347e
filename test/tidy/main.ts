/**
 * The house rules of test/tidy/rules.ts, applied to the tree: `npm run tidy`, or with another
 * folder as argument. One line for each finding, `file:line: what is wrong; what to do`. Exit 1 if
 * there is any.
 */
import { resolve } from "node:path";
import { ROOT } from "../../hosts/root.js";
import { tidy } from "./tidy.js";

const results = tidy(resolve(process.argv[2] ?? ROOT));
let failed = 0;
for (const { findings } of results) {
  if (findings.length > 0) failed++;
  for (const { file, line, message } of findings) console.log(`${file}:${line}: ${message}`);
}
console.log(`${results.length - failed} passed, ${failed} failed, 0 skipped`);
if (failed > 0) process.exitCode = 1;
