/**
 * npm run bench -- --dtls: what one DTLS handshake with a pre-shared key costs each end, in
 * processor time, instructions and memory: on Node, on headless XS (where it has to fit) and, where
 * its tools are installed, on the emulated Cortex-M4.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "../../modules/bytes/hex.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { makeProgram, makeRom } from "../cortexm/build.js";
import { lacking, runProgram } from "../cortexm/emulator.js";
import { RUN } from "../cortexm/handover.js";
import { need, skip } from "../lacks.js";
import { ROOT } from "../root.js";
import { collected, command, HOST } from "./count.js";
import { type HandshakeTimes, type Heard, handshakes, heardInOne } from "./handshake.js";
import type { HandshakeWish } from "./handshake-xs.js";

/** What it may take on headless XS: of one end. */
export const HANDSHAKE_MICROS_MAX = 20_000;
export const HANDSHAKE_HEAP_MAX = 48 * 1024;

const FOLDER = join(ROOT, "build/bench");
export const M32 = join(ROOT, "build/headless/m32/lumicast");
const SIDES = ["client", "server"] as const;
const TIMED = 200;
const COUNTED = 20;
const COUNTED_M4 = 4;
/** -icount shift=0: a nanosecond of the emulator's is an instruction. */
const INSTRUCTIONS_A_MICRO = 1000;
/** Of the value stack, as devices have it. */
const STACK_SLOTS = 640;
const HEAP_STEP_BYTES = 256;
const HEAP_BYTES_MAX = 1 << 20;

export type PerSide = { readonly [side in keyof Heard]: number };

export interface DtlsFigures {
  /** Microseconds, medians. */
  readonly nodeMicros: PerSide;
  readonly xsMicros: PerSide;
  /** The heap one end needs beyond what it needs without a handshake. */
  readonly xsHeapBytes: PerSide;
  /** x86, both ends together; undefined without valgrind. */
  readonly xsInstructions: number | undefined;
  /** Of the 32-bit build, whose slots are those of a device; undefined where there is none. */
  readonly m32HeapBytes: PerSide | undefined;
  /** Thumb-2, on the emulated Cortex-M4; undefined where that cannot be built. */
  readonly cortexmInstructions: PerSide | undefined;
}

export async function dtlsFigures(): Promise<DtlsFigures> {
  const timed = said(command(HOST, ["test", await imageOf({ count: TIMED })]).stdout);
  const withValgrind = need("valgrind", "instructions of a handshake");
  const missing = lacking();
  if (missing !== undefined) skip("a handshake on an emulated Cortex-M4", missing);
  return {
    nodeMicros: medians(handshakes(nodeEngine(), TIMED)),
    xsMicros: medians(timed as HandshakeTimes),
    xsHeapBytes: await handshakeHeap(HOST),
    xsInstructions: withValgrind ? await handshakeInstructions() : undefined,
    m32HeapBytes: existsSync(M32) ? await handshakeHeap(M32) : undefined,
    cortexmInstructions: missing === undefined ? await onCortexM() : undefined,
  };
}

/** What `--dtls` prints. */
export async function reportDtls(asJson: boolean): Promise<void> {
  const figures = await dtlsFigures();
  if (asJson) {
    console.log(JSON.stringify(figures));
    return;
  }
  const line = (where: string, unit: string, sides: PerSide | undefined, limit = "") => {
    const values = SIDES.map((side) => `${side} ${sides?.[side].toFixed(0)}`).join(", ");
    console.log(
      `${where.padEnd(14)}${sides === undefined ? "not measured" : values} ${unit}${limit}`,
    );
  };
  console.log("One DTLS handshake, TLS_PSK_WITH_AES_128_CCM_8, cookie included");
  line("Node", "µs", figures.nodeMicros);
  line("headless XS", "µs", figures.xsMicros, ` of ${HANDSHAKE_MICROS_MAX}`);
  line("", "bytes of heap", figures.xsHeapBytes, ` of ${HANDSHAKE_HEAP_MAX}`);
  console.log(`${"".padEnd(14)}${figures.xsInstructions ?? "not counted:"} x86 instructions, both`);
  line("XS, 32 bits", "bytes of heap", figures.m32HeapBytes);
  line("Cortex-M4", "instructions", figures.cortexmInstructions);
}

/**
 * The least ceiling under which one end does a handshake, less the least under which it does
 * everything else; no time in it, so it is the same each run.
 */
export async function handshakeHeap(host: string): Promise<PerSide> {
  const heard = heardInOne(nodeEngine());
  const least = async (side: keyof Heard, isIdle: boolean) =>
    leastHeap(host, await imageOf({ side, heard: heard[side].map(toHex), isIdle }));
  const extra = async (side: keyof Heard) => (await least(side, false)) - (await least(side, true));
  return { client: await extra("client"), server: await extra("server") };
}

/** x86 instructions of both ends on headless XS. */
export async function handshakeInstructions(): Promise<number> {
  const some = collected(HOST, await imageOf({ count: COUNTED }));
  const twice = collected(HOST, await imageOf({ count: 2 * COUNTED }));
  return Math.round((twice - some) / COUNTED);
}

async function onCortexM(): Promise<PerSide> {
  makeProgram();
  const rom = makeRom(await imageOf({ count: COUNTED_M4 }), join(ROOT, "build/cortexm/dtls"));
  const { client, server } = medians(said(runProgram(rom, { run: RUN.test })) as HandshakeTimes);
  const instructions = (micros: number) => Math.round(micros * INSTRUCTIONS_A_MICRO);
  return { client: instructions(client), server: instructions(server) };
}

async function imageOf(wish: HandshakeWish): Promise<string> {
  const { bundleText } = await import(join(ROOT, "hosts/bundle.mjs"));
  mkdirSync(FOLDER, { recursive: true });
  const kind = "count" in wish ? `${wish.count}` : `${wish.side}${wish.isIdle ? "-idle" : ""}`;
  const name = join(FOLDER, `dtls-${kind}`);
  await bundleText(
    `${name}.js`,
    `import { run } from ${JSON.stringify(join(ROOT, "hosts/bench/handshake-xs.ts"))};
export default function () { return run(${JSON.stringify(wish)}); }
`,
  );
  command(HOST, ["compile", `${name}.js`, `${name}.xsb`]);
  return `${name}.xsb`;
}

function leastHeap(host: string, image: string): number {
  const fits = (bytes: number) => {
    const given = ["--stack", `${STACK_SLOTS}`, "--heap", `${bytes}`];
    return spawnSync(host, ["test", image, ...given], { encoding: "utf8" }).status === 0;
  };
  let [low, high] = [0, HEAP_BYTES_MAX / HEAP_STEP_BYTES];
  if (!fits(HEAP_BYTES_MAX)) throw new Error(`${image} fails on ${host}`);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (fits(middle * HEAP_STEP_BYTES)) high = middle;
    else low = middle;
  }
  return high * HEAP_STEP_BYTES;
}

function said(output: string): unknown {
  return JSON.parse(output.trim().split("\n").at(-1) as string);
}

function nodeEngine() {
  return {
    crypto: new TsCrypto(),
    nowMicros: () => Number(process.hrtime.bigint()) / 1000,
    collect: () => {},
  };
}

function medians({ client, server }: HandshakeTimes): PerSide {
  const median = (values: readonly number[]) =>
    [...values].sort((a, b) => a - b)[values.length >> 1];
  return { client: median(client), server: median(server) };
}
