/**
 * Ten minutes of a luminaire's life with everybody it is made for: ten groups, fifty senders. Each
 * presses, holds, presses twice or sees motion, about twice in the ten minutes. Lived through
 * twice: as installed, and with execution reports wanted for every command. The same on every
 * target: only the lamp runs on what is measured, the senders run on the headless host, time is
 * virtual and the seed is fixed.
 *
 * A collector uses what it is given, so the memory a device takes says little unless it is short:
 * the lamp lives under a hard ceiling, its budget. Where that is not enough it gets more, step by
 * step, and is over budget.
 */
import { Chance } from "../installation/chance.js";
import { generate } from "../installation/generate.js";
import type { Installation } from "../installation/types.js";
import { MediumError } from "../medium/error.js";
import type { CommandOf, DeviceOptions } from "../medium/launch.js";
import { headless } from "../medium/launch.js";
import { Medium } from "../medium/medium.js";
import type { Usage } from "../medium/protocol.js";
import { shortPress } from "../room/contact.js";
import type { Figures } from "./types.js";

export const GROUPS = 10;
export const SENDERS = 50;
const SENSORS = 4;
const SEED = 48;
const SECOND = 1_000_000;
/** Boot, first records on flash and the idle tidying are over by then. */
const BOOTED = 3 * SECOND;
const DAY = 600 * SECOND;
/** Where the budget says nothing. */
const CEILING = 65_536;
const CEILING_STEP = 1024;
const STEP = 5 * SECOND;
const HOLD = 1_500_000;
const DOUBLE_GAP = 40_000;
const MOTION = 20 * SECOND;

/** The memory of the lamp, and what it came through. */
export interface Day {
  readonly boot: Usage;
  readonly end: Usage;
  readonly accepted: number;
}

/** `lamp` starts the process that is measured. `limits` are its budget. */
export async function days(lamp: CommandOf, limits: Figures): Promise<Figures> {
  const plain = await underCeiling(lamp, { reports: 0, ceiling: limits.ramDay ?? CEILING });
  const reports = await underCeiling(lamp, { reports: 1, ceiling: limits.ramReports ?? CEILING });
  const { boot, end } = plain;
  return {
    byteCode: end.codeBytes,
    preload: end.rootBytes,
    heapBoot: boot.liveBytes,
    heapDay: end.liveBytes,
    ramDay: end.reservedBytes,
    ramReports: reports.end.reservedBytes,
    gcOnPath: end.gcOnPath + reports.end.gcOnPath,
    stackPeak: Math.max(end.stackPeak, reports.end.stackPeak),
  };
}

/** The day under `ceiling`, or under the least one above it that does. */
async function underCeiling(
  lamp: CommandOf,
  { reports, ceiling }: { reports: number; ceiling: number },
): Promise<Day> {
  for (let heapBytes = ceiling; ; heapBytes += CEILING_STEP) {
    try {
      return await liveThrough(lamp, { reports, options: { heapBytes } });
    } catch (error) {
      const short = error instanceof MediumError && /out of memory/.test(error.message);
      if (!short || heapBytes > 2 * ceiling) throw error;
      process.stderr.write(`size: ${error.message.split("\n")[0]}\n`);
    }
  }
}

/** One day; throws a MediumError when the lamp dies of it. */
export async function liveThrough(
  lamp: CommandOf,
  { reports, options }: { reports: number; options: DeviceOptions },
): Promise<Day> {
  const { installation, name } = room(reports);
  const senders = headless("release");
  const medium = await Medium.start({
    installation,
    command: (args, device) => (device.name === name ? lamp : senders)(args, device),
    devices: { [name]: options },
  });
  try {
    let accepted = 0;
    medium.on("trace", ({ device, event }) => {
      if (device === name && event === "accepted") accepted++;
    });
    await medium.run(BOOTED);
    const boot = await medium.usage(name);
    plan(medium, installation);
    await medium.run(DAY);
    return { boot, end: await medium.usage(name), accepted };
  } finally {
    await medium.stop();
  }
}

/** One lamp that listens to every group, and all who command one. */
function room(reports: number): { installation: Installation; name: string } {
  const made = generate({
    luminaires: 1,
    switches: SENDERS - SENSORS,
    sensors: SENSORS,
    hops: 1,
    loss: 0,
    seed: SEED,
    groups: GROUPS,
  });
  const groups = made.applicationGroups.map(({ id }) => id);
  const devices = made.devices.map((device) =>
    device.role === "luminaire" ? { ...device, groups } : device,
  );
  const settings = { fadeSeconds: 1, powerOn: "last", holdSeconds: 60, reports } as const;
  return { installation: { ...made, devices, settings }, name: devices[0].name };
}

/** Everybody in turn, so that nobody stays unheard; what he does is drawn. */
function plan(medium: Medium, { devices }: Installation): void {
  const chance = new Chance(SEED, "day");
  const senders = devices.filter(({ role }) => role !== "luminaire");
  for (let at = BOOTED + STEP, turn = 0; at < DAY - MOTION; at += STEP, turn++) {
    const { name, role } = senders[turn % senders.length];
    const start = at + chance.integer(0, SECOND);
    if (role === "presence") {
      medium.motion(name, true, start);
      medium.motion(name, false, start + MOTION);
    } else {
      use(medium, name, start, chance);
    }
  }
}

/** Half of all are short presses, a quarter dims, a quarter asks for the scene. */
function use(medium: Medium, name: string, start: number, chance: Chance): void {
  const kind = chance.integer(0, 3);
  if (kind === 0) {
    medium.button(name, true, start);
    medium.button(name, false, start + HOLD);
    return;
  }
  const first = shortPress(start, chance);
  const presses = [first];
  if (kind === 1) presses.push(shortPress(first.completingMicros + DOUBLE_GAP, chance));
  for (const { edges } of presses) {
    for (const edge of edges) medium.button(name, edge.down, edge.at);
  }
}
