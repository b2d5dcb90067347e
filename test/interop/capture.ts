/** What passes on a Lan, as tshark reads it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import type { Lan } from "./lan.js";
import { Program } from "./programs.js";

/** Captures all of CoAP's port while `talk` lasts, into the file; returns its name. */
export async function captured(lan: Lan, path: string, talk: () => Promise<void>): Promise<string> {
  const words = ["-i", "bridge", "-n", "-q", "-w", path, "-f", "udp port 5683"];
  const tshark = new Program(lan.hub.command, "tshark", ...words);
  for (let waited = 0; !tshark.errors.includes("Capture started"); waited++) {
    if (waited > 200) throw new Error(`tshark does not begin: ${tshark.errors}`);
    await pause(50);
  }
  try {
    await talk();
    // What it read is written when its buffer's time is over.
    await pause(1500);
  } finally {
    tshark.stop("SIGINT");
    await tshark.over();
  }
  return path;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** One line a frame: the values of the fields, in order; `more` are further words. */
export function fields(
  path: string,
  names: readonly string[],
  ...more: readonly string[]
): string[][] {
  const wanted = names.flatMap((name) => ["-e", name]);
  const args = ["-r", path, "-T", "fields", ...wanted, ...more];
  const text = execFileSync("tshark", args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
}

/** What catches an expert's eye; nothing may be malformed. */
export function remarks(path: string, ...more: readonly string[]): string[] {
  const names = ["_ws.malformed", "_ws.expert.message", "frame.number"];
  const lines = fields(path, names, ...more);
  for (const [malformed] of lines) assert.equal(malformed, "");
  return lines.map(([, remark]) => remark).filter((remark) => remark !== "");
}

/** Nothing in it is malformed, and nothing is remarked. */
export function faultless(path: string, ...more: readonly string[]): void {
  assert.deepEqual(remarks(path, ...more), []);
}
