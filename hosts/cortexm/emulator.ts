/**
 * QEMU as the board: its command line, and the run of a program that ends by itself.
 *
 * -icount ties the emulator's clock to instructions, so that what a program measures is what it
 * did, not what this machine was busy with: 1024 ns each in rooms (platforms/cortexm/clock.c says
 * why), 1 ns when counting.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tools } from "../tools.js";
import { encodeHandover, type Handover } from "./handover.js";

export const QEMU = "qemu-system-arm";
const HANDOVER_AT = 0x2030_0000;
const BYTE_CODE_AT = 0x2180_0000;
const SHIFT = { room: 10, counting: 0 } as const;
/** A wedged program is ended; the longest one takes some 20 s on a slow machine. */
const PATIENCE_MS = 300_000;

/** What this machine lacks for the emulated board, with the command that mends it. */
export function lacking(): string | undefined {
  const needed = ["arm-none-eabi-gcc", "qemu-system-arm"] as const;
  const missing = needed.filter((name) => tools[name].find() === undefined);
  if (missing.length === 0) return undefined;
  return `the emulated Cortex-M4 needs ${missing.join(" and ")}:
  sudo apt-get install -y gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm`;
}

/** Without a serial line and a flash file: the caller adds what it has. */
export function emulate(
  elf: string,
  input: { handover: string; byteCode?: string | undefined; clock: keyof typeof SHIFT },
): string[] {
  const load = (file: string, address: number) => [
    "-device",
    `loader,file=${quote(file)},addr=0x${address.toString(16)},force-raw=on`,
  ];
  return [
    ...["-M", "mps2-an386", "-display", "none", "-monitor", "none"],
    // Its network chip wants a peer; this one leads nowhere.
    ...["-nic", "user,restrict=on"],
    ...["-semihosting-config", "enable=on,target=native"],
    ...["-icount", `shift=${SHIFT[input.clock]}`],
    ...["-kernel", elf],
    ...load(input.handover, HANDOVER_AT),
    ...(input.byteCode === undefined ? [] : load(input.byteCode, BYTE_CODE_AT)),
  ];
}

/** In QEMU's options a comma separates; doubled it is one. */
export function quote(path: string): string {
  return path.replaceAll(",", ",,");
}

/**
 * Runs a program that needs no radio, counting; returns what it printed. Its files come to be in
 * `folder`. Throws an Error with what it said when it fails.
 */
export function runProgram(
  elf: string,
  handover: Handover,
  { byteCode, folder }: { byteCode?: string; folder?: string } = {},
): string {
  const work = mkdtempSync(join(tmpdir(), "lumicast-"));
  try {
    const file = join(work, "handover");
    const byteCodeBytes = byteCode === undefined ? 0 : statSync(byteCode).size;
    writeFileSync(file, encodeHandover({ ...handover, byteCodeBytes }));
    const args = [
      ...emulate(elf, { handover: file, byteCode, clock: "counting" }),
      ...["-serial", "none"],
    ];
    const done = spawnSync(QEMU, args, {
      cwd: folder ?? work,
      encoding: "utf8",
      maxBuffer: 1 << 26,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: PATIENCE_MS,
    });
    // What the board prints comes out on QEMU's standard error.
    if (done.status === 0) return done.stderr;
    const how = done.error?.message ?? `exit code ${done.status}`;
    throw new Error(`the emulated board: ${how}\n${done.stderr}${done.stdout}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
