/**
 * What a luminaire takes on a Cortex-M4: counted, not estimated. The bench's byte code
 * (hosts/bench) is preloaded into a ROM of its own and run with every instruction counted; nothing
 * comes in from outside, so two runs give the same figures. Memory is that of the firmware itself,
 * in a room.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { compileForXs } from "../bench/count.js";
import type { Event, Only, Series } from "../bench/path.js";
import { FULL, type Load, makeSetup, ROOM } from "../bench/setup.js";
import { skip } from "../lacks.js";
import { ROOT } from "../root.js";
import { days } from "../size/day.js";
import type { Figure, Figures } from "../size/types.js";
import { FIRMWARE, makeProgram, makeRom } from "./build.js";
import { lacking, runProgram } from "./emulator.js";
import { RUN } from "./handover.js";
import { cortexm } from "./launch.js";
import { memberCount } from "./members.js";

/** -icount shift=0: a nanosecond of the emulator's is an instruction. */
const INSTRUCTIONS_A_MICRO = 1000;
const SAMPLES = 100;
const EVENT_SAMPLES = 4;
const MEMBER_SAMPLES = 48;
/** The messages of a whole series are made beforehand and need room. */
const BENCH_HEAP_BYTES = 2_000_000;
const BENCH_STACK_SLOTS = 1024;

const PATHS: Readonly<Record<string, Figure>> = {
  acceptedSparse: "accepted",
  acceptedBurst: "burst",
  duplicate: "duplicate",
  forged: "forged",
  foreign: "foreign",
  send: "send",
};
const EVENTS: readonly [Event, Figure, Load][] = [
  ["firstBoot", "firstBoot", FULL],
  ["boot", "boot", FULL],
  ["boot", "bootRoom", ROOM],
  ["firstMessage", "firstMessage", FULL],
  ["gc", "gc", FULL],
  ["native", "native", FULL],
  ["ccm24", "ccm", FULL],
];

/** Undefined where it cannot be built; the skip is told. `limits`: the budget. */
export async function measureCortexM(limits: Figures = {}): Promise<Figures | undefined> {
  const missing = lacking();
  if (missing !== undefined) {
    skip("sizes and instructions on an emulated Cortex-M4", missing);
    return undefined;
  }
  makeProgram();
  makeRom(join(ROOT, "build/firmware/small.xsb"), join(ROOT, "build/cortexm/firmware"));
  return { ...sizes(), ...(await counts()), ...(await days(cortexm(), limits)) };
}

/** Instructions of everything on the receive and send path, of booting and collecting. */
export async function counts(): Promise<Figures> {
  const figures: { [figure in Figure]?: number } = {};
  for (const { name, medianMicros } of await series(SAMPLES)) {
    const figure = PATHS[name];
    if (figure !== undefined) figures[figure] = instructions(medianMicros);
  }
  figures.acceptedGroupOscore = await memberCount(MEMBER_SAMPLES);
  for (const [event, figure, load] of EVENTS) {
    const [{ medianMicros }] = await series(EVENT_SAMPLES, event, load);
    figures[figure] = instructions(medianMicros);
  }
  return figures;
}

async function series(samples: number, only?: Only, load: Load = FULL): Promise<Series[]> {
  const byteCode = await compileForXs(makeSetup(load), samples, only);
  const rom = makeRom(byteCode, join(ROOT, "build/cortexm/bench", only ?? "all"));
  const said = runProgram(rom, {
    run: RUN.test,
    heapBytes: BENCH_HEAP_BYTES,
    stackSlots: BENCH_STACK_SLOTS,
  });
  return JSON.parse(said.trim().split("\n").at(-1) as string) as Series[];
}

function instructions(micros: number): number {
  return Math.round(micros * INSTRUCTIONS_A_MICRO);
}

/** Of the firmware's ROM: code and constants, static data, and the ROM as a whole. */
function sizes(): Figures {
  const { stdout } = spawnSync("arm-none-eabi-size", ["-A", FIRMWARE], { encoding: "utf8" });
  const section = (name: string) =>
    Number(new RegExp(`^\\.${name}\\s+(\\d+)`, "m").exec(stdout)?.[1] ?? 0);
  const code = section("text") + section("ARM.exidx");
  const data = section("data");
  return { code, data: data + section("bss"), image: code + data + section("image") };
}
