/**
 * Brings what the interop suites talk to and npm does not: aiocoap in a Python environment, and
 * Californium where Maven is. Both lie in build/. What cannot be brought is a skip that names the
 * command.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { lacks, skip } from "../../../hosts/lacks.js";
import { ROOT } from "../../../hosts/root.js";
import { type ToolName, tools } from "../../../hosts/tools.js";

const LIMIT_MILLIS = 600_000;

/** Runs the very command that a person would be told. */
function bring(tool: ToolName, needed: string): void {
  const { find, mend } = tools[tool];
  if (find() !== undefined) return;
  const present = spawnSync("sh", ["-c", needed], { stdio: "ignore" }).status === 0;
  if (present) {
    console.error(`# ${mend}`);
    spawnSync("sh", ["-c", mend], { cwd: ROOT, stdio: "inherit", timeout: LIMIT_MILLIS });
  }
  if (find() === undefined) skip(`the peer ${tool}`, lacks(tool) || `needs ${tool}: ${mend}`);
}

mkdirSync(`${ROOT}/build/interop`, { recursive: true });
bring("aiocoap", "python3 -c 'import venv, ensurepip'");
bring("Californium", "command -v mvn && command -v java");
