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
 * test's name stands in test/skips.txt. For tests on Node only.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./root.js";

/**
 * Vectors of others: they stay in the shared folder, beside the repository unless told otherwise.
 */
export const thirdPartyVectors = join(
  process.env.LUMICAST_VECTORS ?? join(ROOT, "../shared/vectors"),
  "third-party",
);

interface Tool {
  readonly present: () => boolean;
  /** The line that mends it. */
  readonly mend: string;
}

const tools = {
  valgrind: { present: () => runs("valgrind", ["--version"]), mend: apt("valgrind") },
  tshark: { present: () => runs("tshark", ["--version"]), mend: apt("tshark") },
  "gcc-multilib": { present: () => compiles(["-m32"], "stdio.h"), mend: apt("gcc-multilib") },
  "libmbedtls-dev": {
    present: () => compiles(["-lmbedcrypto"], "mbedtls/ccm.h"),
    mend: apt("libmbedtls-dev"),
  },
  "the Moddable SDK": {
    present: () => process.env.MODDABLE !== undefined && existsSync(process.env.MODDABLE),
    mend: "install it from github.com/Moddable-OpenSource/moddable and set $MODDABLE",
  },
  "third-party vectors": {
    present: () => existsSync(thirdPartyVectors),
    mend: "set $LUMICAST_VECTORS to the shared folder's vectors",
  },
} satisfies Record<string, Tool>;

export type ToolName = keyof typeof tools;

const found = new Map<ToolName, boolean>();

/** For node:test's `skip` option: false when `tool` is here, else the reason and what mends it. */
export function lacks(tool: ToolName): string | false {
  let present = found.get(tool);
  if (present === undefined) {
    present = tools[tool].present();
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

function apt(name: string): string {
  return `sudo apt-get install -y ${name}`;
}

function runs(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** Whether a program that includes `header` compiles and links with `flags`. */
function compiles(flags: string[], header: string): boolean {
  const args = ["-xc", "-", "-o", "/dev/null", ...flags];
  const input = `#include <${header}>\nint main(void) { return 0; }\n`;
  return spawnSync(process.env.CC ?? "cc", args, { input, stdio: "pipe" }).status === 0;
}
