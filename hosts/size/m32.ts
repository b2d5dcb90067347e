/**
 * The headless host in 32 bits: slots, pointers and heap as a device has them, on any machine with
 * gcc-multilib.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { instructionCounts } from "../bench/count.js";
import type { Only } from "../bench/path.js";
import { makeSetup, ROOM } from "../bench/setup.js";
import { need } from "../lacks.js";
import { headless } from "../medium/launch.js";
import { ROOT } from "../root.js";
import { days } from "./day.js";
import type { Figure, Figures } from "./types.js";

const HOST = join(ROOT, "build/headless/m32/lumicast");

const COUNTED: readonly [Figure, Only][] = [
  ["firstBoot", "firstBoot"],
  ["boot", "boot"],
  ["accepted", "acceptedSparse"],
  ["burst", "acceptedBurst"],
  ["duplicate", "duplicate"],
  ["forged", "forged"],
  ["foreign", "foreign"],
  ["send", "send"],
  ["ccm", "ccm24"],
  ["gc", "gc"],
];

/** Undefined where it cannot be built; the skip is told. */
export async function measureM32(limits: Figures): Promise<Figures | undefined> {
  if (!need("gcc-multilib", "sizes of the 32-bit host")) return undefined;
  const make = ["-s", "-j2", "-C", join(ROOT, "platforms/headless"), "m32"];
  const made = spawnSync("make", make, { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`make m32: ${made.stderr}${made.stdout}`);
  const { code, data } = sections(HOST);
  const memory = await days(headless("m32"), limits);
  return { code, data, ...memory, ...(await counts()) };
}

async function counts(): Promise<Figures> {
  if (!need("valgrind", "x86 instruction counts of the 32-bit host")) return {};
  const paths = COUNTED.map(([, only]) => only);
  const counted = await instructionCounts(HOST, paths, makeSetup());
  const figures = Object.fromEntries(COUNTED.map(([figure, only]) => [figure, counted.get(only)]));
  const room = await instructionCounts(HOST, ["boot"], makeSetup(ROOM));
  return { ...figures, bootRoom: room.get("boot") as number };
}

/** As `size` of the binutils tells, which come with every gcc. */
export function sections(file: string, tool = "size"): { code: number; data: number } {
  const { stdout, stderr } = spawnSync(tool, [file], { encoding: "utf8" });
  const numbers = /^\s*(\d+)\s+(\d+)\s+(\d+)/m.exec(stdout ?? "");
  if (numbers === null) throw new Error(`${tool} ${file} says no sizes: ${stderr}${stdout}`);
  const [text, data, bss] = numbers.slice(1).map(Number);
  return { code: text, data: data + bss };
}
