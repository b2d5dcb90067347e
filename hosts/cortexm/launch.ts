/**
 * A luminaire of a room as an emulated microcontroller: to the medium one more process, whose
 * control socket is the board's UART 0.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { parseArgs } from "node:util";
import { fromHex } from "../../modules/bytes/hex.js";
import type { Installation } from "../installation/types.js";
import { MediumError } from "../medium/error.js";
import type { CommandOf } from "../medium/launch.js";
import type { Command } from "../medium/process.js";
import { FIRMWARE } from "./build.js";
import { emulate, QEMU, quote } from "./emulator.js";
import { encodeHandover, RUN } from "./handover.js";

/** As a device has it: slots, chunks, stack, key tables and AES keys. */
const HEAP_BYTES = 65_536;
/** The board's PSRAM, which is the flash file; sparse, for a partition takes 64 KB of it. */
const PSRAM_BYTES = 16 << 20;
const OWNER_ONLY = 0o600;

/** The options `lumicast run` gets (hosts/medium/launch.ts), in an emulator's words. */
export function cortexm(firmware = FIRMWARE): CommandOf {
  if (!existsSync(firmware)) {
    throw new MediumError(`${firmware} is missing; make it: npm run build cortexm`);
  }
  return (args) => commandOf(readArgs(args), firmware);
}

/** The first `count` luminaires are emulated; all other devices are started by `others`. */
export function someOnCortexM(room: Installation, count: number, others: CommandOf): CommandOf {
  const lamps = room.devices.filter(({ role }) => role === "luminaire").slice(0, count);
  const emulated = new Set(lamps.map(({ name }) => name));
  const board = cortexm();
  return (args, device) => (emulated.has(device.name) ? board : others)(args, device);
}

interface Wanted {
  readonly control: string;
  readonly provision: string;
  readonly flash: string;
  readonly "flash-size": string;
  readonly program: string;
  readonly seed: string;
  readonly eui64: string;
  readonly heap?: string;
  readonly stack?: string;
  readonly fault?: string[];
}

function readArgs(args: readonly string[]): Wanted {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      control: text,
      provision: text,
      flash: text,
      "flash-size": text,
      program: text,
      seed: text,
      eui64: text,
      heap: text,
      stack: text,
      fault: { type: "string", multiple: true },
    },
  });
  return values as unknown as Wanted;
}

function commandOf(wanted: Wanted, firmware: string): Command {
  const handover = `${wanted.provision}.handover`;
  const flash = `${wanted.flash}.cortexm`;
  const bytes = encodeHandover({
    run: RUN.device,
    flashBytes: Number(wanted["flash-size"]),
    programBytes: Number(wanted.program),
    seed: BigInt(wanted.seed),
    eui64: fromHex(wanted.eui64),
    heapBytes: Number(wanted.heap ?? HEAP_BYTES),
    stackSlots: Number(wanted.stack ?? 0),
    provisioning: readFileSync(wanted.provision),
    faults: wanted.fault ?? [],
  });
  writeFileSync(handover, bytes, { mode: OWNER_ONLY });
  makePsram(flash);
  const board = [
    ...emulate(firmware, { handover, clock: "room" }),
    ...["-chardev", `socket,id=radio,path=${quote(wanted.control)}`, "-serial", "chardev:radio"],
    "-object",
    `memory-backend-file,id=psram,size=${PSRAM_BYTES},mem-path=${quote(flash)},share=on`,
    ...["-machine", "memory-backend=psram"],
  ];
  // QEMU does not end with its UART's other end, and a medium that is killed ends nobody itself.
  return { file: "setpriv", args: ["--pdeathsig", "KILL", QEMU, ...board] };
}

/** The file keeps the device's keys. */
function makePsram(path: string): void {
  const file = openSync(path, "a", OWNER_ONLY);
  try {
    ftruncateSync(file, PSRAM_BYTES);
  } finally {
    closeSync(file);
  }
}
