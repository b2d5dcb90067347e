/**
 * The one way a test says that this machine lacks what it needs. `npm test` asks for Node, a C
 * compiler and make only; whatever wants more skips, and says what to install:
 *
 *   test("counts instructions", { skip: lacks("valgrind") }, () => { ... });
 *
 * A program that is no node:test suite (vectors, bench) names what it leaves out:
 *
 *   if (need("valgrind", "instruction counts of the receive path")) { ... }
 *
 * which prints `# skip instruction counts of the receive path: needs valgrind: sudo apt-get
 * ...` on standard error. test/run collects both. In CI (CI=true) a skip is a failure unless the
 * test's name stands in test/skips.txt. For tests on Node only. What there is, and how it is found:
 * tools.ts.
 */
import { type ToolName, tools } from "./tools.js";

export { type ToolName, thirdPartyVectors } from "./tools.js";

const found = new Map<ToolName, boolean>();

/** For node:test's `skip` option: false when `tool` is here, else the reason and what mends it. */
export function lacks(tool: ToolName): string | false {
  let present = found.get(tool);
  if (present === undefined) {
    present = tools[tool].find() !== undefined;
    found.set(tool, present);
  }
  return present ? false : `needs ${tool}: ${tools[tool].mend}`;
}

/** Whether `tool` is here; if not, reports that `what` is skipped. */
export function need(tool: ToolName, what: string): boolean {
  const reason = lacks(tool);
  if (reason !== false) skip(what, reason);
  return reason === false;
}

/** Reports that `what` is skipped for a reason of its own, such as files that are not there. */
export function skip(what: string, reason: string): void {
  process.stderr.write(`# skip ${what}: ${reason}\n`);
}
