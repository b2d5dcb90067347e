/**
 * Brings what the interop suites talk to and npm does not: aiocoap in a Python environment,
 * Californium where Maven is, pion where Go is. All lie in build/. What cannot be brought is a skip
 * that names the command.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
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

/** Our own program for Californium changed: it is made again. */
function forgetOlder(made: string, source: string): void {
  const [built, from] = [join(ROOT, made), join(ROOT, source)];
  if (existsSync(built) && statSync(from).mtimeMs > statSync(built).mtimeMs) rmSync(built);
}

mkdirSync(join(ROOT, "build/interop"), { recursive: true });
forgetOlder("build/interop/californium/classpath", "test/interop/californium/Peer.java");
forgetOlder("build/interop/pion/pion", "test/interop/pion/main.go");
bring("aiocoap", "python3 -c 'import venv, ensurepip'");
bring("Californium", "command -v mvn && command -v java");
bring("pion", "command -v go");
