/**
 * `lumicast doctor`: whether an authority is well, and what mends it where it is not. Looks at
 * everything, changes nothing.
 */
import { accessSync, constants, statfsSync } from "node:fs";
import { Authority } from "./authority.js";
import type { Call, Command, Told } from "./command.js";
import { isKnown, isRunning } from "./control.js";
import { readIdentity } from "./identity.js";

/** Room for what an authority of a thousand devices writes in a year. */
const FREE_BYTES_MIN = 64 * 1024 * 1024;
const PAGE_HINT = "make room, or move --state to another disk";

interface Finding {
  readonly name: string;
  /** What is there; undefined when it is not as it has to be. */
  readonly found: string | undefined;
  readonly mend: string | undefined;
}

type Look = (call: Call) => Promise<string> | string;

const LOOKS: readonly (readonly [string, Look])[] = [
  ["folder", folderOf],
  ["key", ({ state }) => readIdentity(state.key).domain],
  ["disk", ({ state }) => diskOf(state.folder)],
  ["database", databaseOf],
  ["running", async ({ state }) => ((await isRunning(state)) ? "yes" : "no")],
];

function folderOf({ state }: Call): string {
  state.check();
  return state.folder;
}

async function databaseOf(call: Call): Promise<string> {
  const { state, open } = call;
  // Whoever runs has looked at every row when it began; its log is looked at now.
  if (!(await isRunning(state))) {
    const authority = await Authority.open(state, open);
    await authority.close();
  }
  const { ok, count, faults } = await call.work("verifyLog", {});
  if (!ok) throw new Error(`${faults[0]}; see lumicast log --verify, then restore a backup`);
  return `whole, its log too (${count})`;
}

function diskOf(folder: string): string {
  accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const shown = `${Math.floor(free / 2 ** 20)} MB free`;
  if (free < FREE_BYTES_MIN) throw new Error(`only ${shown}; ${PAGE_HINT}`);
  return shown;
}

async function examine(call: Call): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, look] of LOOKS) {
    // What comes after it would say the same again.
    if (findings.some(({ mend }) => mend !== undefined) && name !== "disk") break;
    try {
      findings.push({ name, found: await look(call), mend: undefined });
    } catch (error) {
      if (!isKnown(error) && !isSystem(error)) throw error;
      findings.push({ name, found: undefined, mend: (error as Error).message });
    }
  }
  return findings;
}

function isSystem(error: unknown): boolean {
  return typeof (error as { code?: unknown }).code === "string";
}

export const doctor: Command = {
  words: "doctor",
  usage: "",
  about: "Whether the authority is well: rights, key, disk, clock, every row, its log.",
  help: "",
  options: {},
  operands: [0, 0],
  run: async (call): Promise<Told> => {
    const checks = await examine(call);
    const ok = checks.every(({ mend }) => mend === undefined);
    const lines = checks.map(({ name, found, mend }) => {
      return `  ${mend === undefined ? "ok   " : "ILL  "}${name.padEnd(10)}${found ?? mend}`;
    });
    return { json: { ok, checks }, lines, ok };
  },
};
