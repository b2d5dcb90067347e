/**
 * The room without a person: presses the switches in turn, with real contact edges, and measures.
 */
import { DROPS } from "../../modules/bytes/outcome.js";
import { Chance } from "../installation/chance.js";
import type { Installation } from "../installation/types.js";
import { MediumError } from "../medium/error.js";
import { Medium } from "../medium/medium.js";
import type { MediumOptions } from "../medium/types.js";
import { commission, joinedText } from "./commission.js";
import type { Commissioned, CommissionOptions } from "./commissioned.js";
import { shortPress } from "./contact.js";
import { type Measured, Meter, WINDOW_MICROS } from "./meter.js";
import { Readiness } from "./ready.js";
import { type Summary, summarise } from "./summary.js";

const SECOND = 1_000_000;
/** Boot, first records on flash and the idle tidying are over by then. */
const SETTLED_MICROS = 5_000_000;
/** Without an answer for so long, something is wrong. */
const KEYED_MICROS_MAX = 600_000_000;
/** Senders look for lamps that came late; a minute and a quarter on, that is over for a while. */
const KEYED_SETTLED_MICROS = 100_000_000;
/** From one completing edge to the next press: repetitions at 0.25 and 2 s go on in between. */
const GAP_MICROS_MIN = 1_000_000;
const GAP_MICROS_MAX = 4_000_000;

export interface MeasureOptions extends Omit<MediumOptions, "pacing"> {
  readonly presses: number;
  /** After each press: how many are done. */
  readonly onProgress?: (done: number) => void;
  /** Of devices that come without keys: how far they are. */
  readonly onKeys?: (text: string) => void;
  /** Devices are fresh, and are joined first. */
  readonly joining?: CommissionOptions | undefined;
}

export async function measure(options: MeasureOptions): Promise<Summary> {
  const { installation } = options;
  const medium = await Medium.start({ ...options, pacing: "fast" });
  try {
    const meter = new Meter(installation);
    const drops = new Map<string, number>();
    medium.on("light", (event) => meter.light(event));
    const ready = options.authority && new Readiness(installation);
    const end = medium.on("log", (event) => {
      if (ready?.heard(event) === true) options.onKeys?.(ready.text);
    });
    if (ready !== undefined) options.onKeys?.(ready.text);
    const joined = await joinedIn(medium, options);
    if (ready !== undefined) await untilKeyed(medium, ready, installation);
    end();
    const isLate = ready !== undefined || joined !== undefined;
    const from = isLate ? medium.now + KEYED_SETTLED_MICROS : 0;
    medium.on("trace", ({ event, at }) => {
      if (isDrop(event) && at >= from) drops.set(event, (drops.get(event) ?? 0) + 1);
    });
    const presses = await pressAll(medium, meter, { ...options, from: from || SETTLED_MICROS });
    const lamps = installation.devices.filter(({ role }) => role === "luminaire");
    const usage = [];
    for (const lamp of lamps) usage.push(await medium.usage(lamp.name));
    const { engine, engines } = medium;
    const devices = { engine, engines, room: installation, luminaires: lamps.length };
    return summarise({ ...devices, presses, drops, usage, ...(joined && { joined }) });
  } finally {
    await medium.stop();
  }
}

export function isDrop(event: string): boolean {
  return (DROPS as readonly string[]).includes(event);
}

export function switchesOf(room: Installation): string[] {
  return room.devices.filter(({ role }) => role === "switch").map(({ name }) => name);
}

export function isLossy({ network }: Installation): boolean {
  return network.loss > 0 || network.links.some(({ loss }) => loss > 0 && loss < 1);
}

/** Throws MediumError that says who was not joined, and why. */
async function joinedIn(
  medium: Medium,
  { joining, installation, onKeys }: MeasureOptions,
): Promise<Commissioned | undefined> {
  if (joining === undefined) return undefined;
  const done = await commission(medium, installation, joining);
  const { failures } = done;
  onKeys?.(joinedText(done));
  if (failures.length === 0 || isLossy(installation)) return done;
  const lines = failures.map(({ device, step, why }) => `${device} at ${step}: ${why}`);
  throw new MediumError(`not joined: ${lines.join("; ")}`);
}

/** Throws MediumError that names who got no keys. */
export async function untilKeyed(
  medium: Medium,
  ready: Readiness,
  installation: Installation,
): Promise<void> {
  while (!ready.isDone && medium.now < KEYED_MICROS_MAX) {
    await medium.run(medium.now + SECOND);
  }
  // Where frames are lost somebody may have missed all of it; what that does is measured.
  if (ready.isDone || isLossy(installation)) return;
  const minutes = KEYED_MICROS_MAX / 60_000_000;
  throw new MediumError(`no keys or rights within ${minutes} minutes: ${ready.waiting.join(", ")}`);
}

async function pressAll(
  medium: Medium,
  meter: Meter,
  options: MeasureOptions & { readonly from: number },
): Promise<Measured[]> {
  const chance = new Chance(options.seed ?? options.installation.seed, "presses");
  const switches = switchesOf(options.installation);
  const measured: Measured[] = [];
  let at = options.from;
  for (let count = 0; count < options.presses; count++) {
    const name = switches[count % switches.length];
    const completingMicros = await press(medium, meter, { name, at, chance });
    await medium.run(completingMicros + WINDOW_MICROS - 1);
    if (meter.latest !== undefined) measured.push(meter.latest);
    options.onProgress?.(measured.length);
    at = completingMicros + chance.integer(GAP_MICROS_MIN, GAP_MICROS_MAX);
  }
  return measured;
}

/** So many presses of one switch from `from` on, one a second of the medium's time. */
export async function pressEachSecond(
  medium: Medium,
  meter: Meter,
  { name, from, presses, seed }: { name: string; from: number; presses: number; seed: number },
): Promise<Measured[]> {
  const chance = new Chance(seed, "presses");
  const measured: Measured[] = [];
  for (let count = 0; count < presses; count++) {
    const at = from + count * SECOND;
    await press(medium, meter, { name, at, chance });
    await medium.run(at + SECOND - 1);
    if (meter.latest !== undefined) measured.push(meter.latest);
  }
  return measured;
}

/** Up to the moment that makes it a press, which is measured from and returned. */
async function press(
  medium: Medium,
  meter: Meter,
  { name, at, chance }: { name: string; at: number; chance: Chance },
): Promise<number> {
  const { edges, completingMicros } = shortPress(at, chance);
  for (const edge of edges) medium.button(name, edge.down, edge.at);
  await medium.run(completingMicros - 1);
  meter.begin(name, completingMicros);
  return completingMicros;
}
