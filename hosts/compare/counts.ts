/**
 * Instructions and heap of work.ts: on the headless host, where callgrind counts, and on an
 * emulated Cortex-M4, where the clock does. Neither depends on what else this machine does.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { command, HOST } from "../bench/count.js";
import { makeProgram, makeRom } from "../cortexm/build.js";
import { lacking, runProgram } from "../cortexm/emulator.js";
import { RUN } from "../cortexm/handover.js";
import { need, skip } from "../lacks.js";
import { ROOT } from "../root.js";
import type { What } from "./measured.js";
import type { RingWish } from "./ring-work.js";
import type { Heap, Wish, Worked } from "./work.js";

/** Instructions, by what was done. */
export type Costs = { readonly [what in What]?: number };

export interface Counts {
  /** Whose signatures these are. */
  readonly library: string | undefined;
  /** By the name of the variant; `ring` by the profile's. */
  readonly costs: Readonly<Record<string, Costs>>;
  readonly heap: readonly Heap[];
}

const WORK = join(ROOT, "build/compare");
const HEAP_BYTES = 2_000_000;
const STACK_SLOTS = 2048;
/** XS's C function behind Reflect.apply: work.ts calls what is measured by way of it. */
const MARK = "fx_Reflect_apply";
/** The same of Reflect.isExtensible: where what is measured in two begins its second part. */
const MIDDLE = "fx_Reflect_isExtensible";

/** A program of this folder that exports `run`, and what it is given. */
export interface Work {
  readonly program: "work" | "ring-work";
  readonly wish: Wish | RingWish;
  readonly signatures: boolean;
}

/** x86 instructions; undefined where callgrind is missing. */
export async function countX86(work: Work): Promise<Counts | undefined> {
  const what = "x86 instructions of the comparison";
  if (!need("valgrind", what) || !need("libsodium-dev", what)) return undefined;
  const image = await compiled(work, "x86");
  const folder = mkdtempSync(join(WORK, "callgrind-"));
  try {
    const profile = ["--tool=callgrind", `--callgrind-out-file=${join(folder, "out")}`];
    const marks = [`--toggle-collect=${MARK}`, `--dump-after=${MARK}`, `--dump-before=${MIDDLE}`];
    const { stdout } = command("valgrind", [...profile, ...marks, HOST, "test", image]);
    return countsOf(workedOf(stdout), dumps(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Cortex-M4 instructions and heap; undefined where the emulator cannot be had. */
export async function countCortexM(work: Work): Promise<Counts | undefined> {
  const missing = lacking();
  const what = "Cortex-M4 instructions and heap of the comparison";
  if (missing !== undefined) {
    skip(what, missing);
    return undefined;
  }
  const { signatures } = work;
  if (signatures && !need("dpkg-dev", `${what}, with libsodium's source`)) return undefined;
  makeProgram({ signatures });
  const folder = join(WORK, `cortexm-${work.program}`);
  const rom = makeRom(await compiled(work, "cortexm"), folder, { signatures });
  const run = { run: RUN.test, heapBytes: HEAP_BYTES, stackSlots: STACK_SLOTS };
  const worked = workedOf(runProgram(rom, run));
  // -icount shift=0: a nanosecond of the emulator's is an instruction.
  return countsOf(
    worked,
    worked.counted.map(({ nanos }) => nanos),
  );
}

async function compiled({ program, wish }: Work, name: string): Promise<string> {
  const { bundleText } = await import(join(ROOT, "hosts/bundle.mjs"));
  mkdirSync(WORK, { recursive: true });
  const file = join(WORK, `${name}-${program}.js`);
  await bundleText(
    file,
    `import { run } from ${JSON.stringify(join(ROOT, "hosts/compare", `${program}.ts`))};
export default function () { return run(${JSON.stringify(wish)}); }
`,
  );
  command(HOST, ["compile", file, `${file}.xsb`]);
  return `${file}.xsb`;
}

function workedOf(said: string): Worked {
  return JSON.parse(said.trim().split("\n").at(-1) as string) as Worked;
}

/** What each of callgrind's dumps collected, in their order; what comes after the last is none. */
function dumps(folder: string): number[] {
  const numbered = readdirSync(folder).flatMap((name) => {
    const number = /^out\.(\d+)$/.exec(name)?.[1];
    return number === undefined ? [] : [{ name, number: Number(number) }];
  });
  numbered.sort((a, b) => a.number - b.number);
  return numbered.map(({ name }) => {
    const text = readFileSync(join(folder, name), "utf8");
    return Number(/^(?:summary|totals): (\d+)/m.exec(text)?.[1] ?? 0);
  });
}

/** Medians, less what the measuring itself takes. */
function countsOf({ provider, counted, heap }: Worked, instructions: readonly number[]): Counts {
  if (instructions.length < counted.length) {
    throw new Error(`${counted.length} measured, ${instructions.length} counted`);
  }
  const series = new Map<string, number[]>();
  counted.forEach(({ of, what }, at) => {
    const name = `${of}/${what}`;
    series.set(name, [...(series.get(name) ?? []), instructions[at]]);
  });
  const nothing = median(series.get("/nothing") ?? [0]);
  const costs: Record<string, Record<string, number>> = {};
  for (const { of, what } of counted) {
    if (what === "nothing") continue;
    costs[of] = { ...costs[of], [what]: median(series.get(`${of}/${what}`) ?? []) - nothing };
  }
  return { library: provider, costs, heap };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
