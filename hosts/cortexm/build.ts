/**
 * Makes the ROM of the emulated Cortex-M4: code, and behind it the firmware as the engine itself
 * preloaded it. How and why: platforms/cortexm/image.c.
 *
 *   node build/node/hosts/cortexm/build.js          build/firmware/lumicast.xsb -> build/cortexm
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "../root.js";
import { runProgram } from "./emulator.js";
import { RUN } from "./handover.js";

export const PROGRAM = join(ROOT, "build/cortexm/program.elf");
export const FIRMWARE = join(ROOT, "build/cortexm/firmware/lumicast.elf");
const HERE = join(ROOT, "platforms/cortexm");
const BINUTILS = "arm-none-eabi-";

/** What the engine said of the image it made; bytes. */
interface Made {
  readonly room: number;
  readonly size: number;
}

/** The program without an image, brought up to date. */
export function makeProgram(): void {
  command("make", ["-s", "-j2", "-C", HERE]);
}

/** `byteCode` preloaded: FOLDER/lumicast.elf. The program has to be up to date. */
export function makeRom(byteCode: string, folder: string): string {
  const elf = join(folder, "lumicast.elf");
  mkdirSync(folder, { recursive: true });
  const room = makeImage(byteCode, folder, 0).room;
  makeImage(byteCode, folder, room);
  writeFileSync(join(folder, "image.s"), '.section .image,"a"\n.incbin "image.bin"\n');
  command(`${BINUTILS}gcc`, ["-c", "image.s", "-o", "image.o"], folder);
  command("make", ["-s", "-C", HERE, "rom", `IMAGE=${join(folder, "image.o")}`, `ROM=${elf}.new`]);
  requireSameCode(`${elf}.new`, folder);
  renameSync(`${elf}.new`, elf);
  return elf;
}

function makeImage(byteCode: string, folder: string, room: number): Made {
  const said = runProgram(PROGRAM, { run: RUN.makeImage, argument: room }, { byteCode, folder });
  return JSON.parse(said.trim().split("\n").at(-1) as string) as Made;
}

/** The image holds addresses of functions: they have to be those of the ROM it lies in. */
function requireSameCode(elf: string, folder: string): void {
  const code = (file: string, name: string) => {
    const out = join(folder, name);
    const sections = ["-j", ".text", "-j", ".ARM.exidx", "-j", ".data"];
    command(`${BINUTILS}objcopy`, ["-O", "binary", ...sections, file, out]);
    return readFileSync(out);
  };
  if (code(PROGRAM, "maker.bin").equals(code(elf, "rom.bin"))) return;
  throw new Error(
    `the code of ${elf} is not that of ${PROGRAM}, at whose addresses the image lies`,
  );
}

function command(file: string, args: readonly string[], cwd = ROOT): void {
  const done = spawnSync(file, args, { cwd, encoding: "utf8" });
  if (done.error === undefined && done.status === 0) return;
  const why = done.error?.message ?? `exit code ${done.status}`;
  throw new Error(`${file} ${args.join(" ")}: ${why}\n${done.stderr}${done.stdout}`);
}

function main(): void {
  makeProgram();
  makeRom(join(ROOT, "build/firmware/lumicast.xsb"), join(ROOT, "build/cortexm/firmware"));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
