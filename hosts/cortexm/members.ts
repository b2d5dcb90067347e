/**
 * Instructions of an accepted command under `group-oscore` on the emulated Cortex-M4, from the
 * datagram to the light port; its signature waits (hosts/bench/member.ts). In a ROM of its own: the
 * firmware's holds neither the scheme nor its native help.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { command, HOST } from "../bench/count.js";
import { makeMemberSetup } from "../bench/member-setup.js";
import { ROOT } from "../root.js";
import { makeProgram, makeRom } from "./build.js";
import { runProgram } from "./emulator.js";
import { RUN } from "./handover.js";

const FOLDER = join(ROOT, "build/cortexm/members");
const HEAP_BYTES = 2_000_000;
const STACK_SLOTS = 1024;

/** `isNative`: with native help for members' messages, as an image with them has it. */
export async function memberCount(samples: number, isNative = true): Promise<number> {
  const { bundleText } = await import(join(ROOT, "hosts/bundle.mjs"));
  const parts = { signatures: false, members: true };
  makeProgram(parts);
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, "counted.js");
  const wish = [makeMemberSetup(), samples, isNative].map((one) => JSON.stringify(one)).join(", ");
  await bundleText(
    file,
    `import { run } from ${JSON.stringify(join(ROOT, "hosts/bench/member-xs.ts"))};
export default function () { return run(${wish}); }
`,
  );
  command(HOST, ["compile", file, `${file}.xsb`]);
  const rom = makeRom(`${file}.xsb`, FOLDER, parts);
  const said = runProgram(rom, { run: RUN.test, heapBytes: HEAP_BYTES, stackSlots: STACK_SLOTS });
  const { micros } = JSON.parse(said.trim().split("\n").at(-1) as string) as { micros: number };
  // -icount shift=0: a nanosecond of the emulator's is an instruction.
  return Math.round(micros * 1000);
}
