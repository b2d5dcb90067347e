/**
 * Makes the ROM of the emulated Cortex-M4: the firmware as the engine itself preloaded it, and of
 * the engine what it refers to. How and why: platforms/cortexm/image.c.
 *
 *   node build/node/hosts/cortexm/build.js          build/firmware/small.xsb -> build/cortexm
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "../root.js";
import { runProgram } from "./emulator.js";
import { RUN } from "./handover.js";
import { assembly, symbolsOf } from "./image.js";

export const PROGRAM = join(ROOT, "build/cortexm/program.elf");
export const FIRMWARE = join(ROOT, "build/cortexm/firmware/lumicast.elf");
const HERE = join(ROOT, "platforms/cortexm");
const BINUTILS = "arm-none-eabi-";
/** Beyond any code; only to find out how large the code is. */
const FIRST_IMAGE_AT = 0x50_000;
const IMAGE_ALIGNMENT = 64;

/** The same with libsodium, for signed profiles. */
export const SIGNING_PROGRAM = join(ROOT, "build/cortexm/signing.elf");

/** The same with native help for members' messages, without libsodium: to count. */
export const MEMBERS_PROGRAM = join(ROOT, "build/cortexm/members.elf");

/** Signed profiles want libsodium and help for members' messages, in program and ROM. */
export interface Parts {
  readonly signatures: boolean;
  readonly members?: boolean;
}

const PLAIN: Parts = { signatures: false };

/** The program that makes images, brought up to date. */
export function makeProgram(parts = PLAIN): void {
  command("make", ["-s", "-j2", "-C", HERE, ...variablesOf(parts)]);
}

function variablesOf({ signatures, members }: Parts): string[] {
  if (signatures) return ["SIGNATURES=1"];
  return members ? ["MEMBERS=1"] : [];
}

/** `byteCode` preloaded: FOLDER/lumicast.elf. The program has to be up to date. */
export function makeRom(byteCode: string, folder: string, parts = PLAIN): string {
  const elf = join(folder, "lumicast.elf");
  mkdirSync(folder, { recursive: true });
  const room = makeImage(byteCode, folder, { imageAt: FIRST_IMAGE_AT, room: 0, ...parts });
  link(`${elf}.new`, folder, FIRST_IMAGE_AT, parts);
  const codeEnd = symbolsOf(`${elf}.new`).find(({ name }) => name === "code_end")?.address ?? 0;
  const imageAt = Math.ceil(codeEnd / IMAGE_ALIGNMENT) * IMAGE_ALIGNMENT;
  makeImage(byteCode, folder, { imageAt, room, ...parts });
  link(`${elf}.new`, folder, imageAt, parts);
  renameSync(`${elf}.new`, elf);
  return elf;
}

/** Returns the room its slots and chunks take: with just as much no gap is left. */
function makeImage(
  byteCode: string,
  folder: string,
  { imageAt, room, signatures, members }: { imageAt: number; room: number } & Parts,
): number {
  const program = signatures ? SIGNING_PROGRAM : members ? MEMBERS_PROGRAM : PROGRAM;
  const wanted = { run: RUN.makeImage, imageAt, argument: room };
  const said = runProgram(program, wanted, { byteCode, folder });
  const made = JSON.parse(said.trim().split("\n").at(-1) as string) as { room: number };
  const image = readFileSync(join(folder, "image.bin"));
  const references = readFileSync(join(folder, "references.bin"));
  writeFileSync(join(folder, "image.s"), assembly(image, references, symbolsOf(program)));
  command(`${BINUTILS}gcc`, ["-c", "image.s", "-o", "image.o"], folder);
  return made.room;
}

function link(elf: string, folder: string, imageAt: number, parts: Parts): void {
  const image = join(folder, "image.o");
  const variables = [`IMAGE=${image}`, `IMAGE_AT=${imageAt}`, `ROM=${elf}`, ...variablesOf(parts)];
  command("make", ["-s", "-C", HERE, "rom", ...variables]);
}

export function command(file: string, args: readonly string[], cwd = ROOT): string {
  const done = spawnSync(file, args, { cwd, encoding: "utf8", maxBuffer: 1 << 26 });
  if (done.error === undefined && done.status === 0) return done.stdout;
  const why = done.error?.message ?? `exit code ${done.status}`;
  throw new Error(`${file} ${args.join(" ")}: ${why}\n${done.stderr}${done.stdout}`);
}

function main(): void {
  makeProgram();
  makeRom(join(ROOT, "build/firmware/small.xsb"), join(ROOT, "build/cortexm/firmware"));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
