/** Brings the emulated board up to date for its tests, or says what this machine lacks. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../../hosts/root.js";
import { lacks } from "../support/skip.js";

export const skipped = lacks("arm-none-eabi-gcc") || lacks("qemu-system-arm");

export function build(): void {
  if (skipped) return;
  const args = [join(ROOT, "hosts/run.mjs"), "build", "cortexm"];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}
