/**
 * A room without any computer: its first switch is held for ten seconds and is its authority from
 * then on (modules/commission/standalone.ts); each luminaire comes in by a press at itself and one
 * at the switch, whose window was opened by a hold of five seconds.
 */
import { toHex } from "../../modules/bytes/hex.js";
import { emitFactory } from "../../modules/commission/factory.js";
import { ROLE_NAMES } from "../../modules/ports/role.js";
import { Chance } from "../installation/chance.js";
import type { Installation } from "../installation/types.js";
import type { Medium } from "../medium/medium.js";
import type { MediumOptions } from "../medium/types.js";
import type { Commissioned, CommissionOptions, Failure } from "./commissioned.js";
import { clock } from "./screen.js";

const KEY_BYTES = 32;
const SECOND = 1_000_000;
const BEGIN_MICROS = SECOND;
const PRESS_MICROS = 100_000;
const FOUND_MICROS = 10.5 * SECOND;
const OPEN_MICROS = 5.5 * SECOND;
const LOOK_MICROS = SECOND / 4;
/** From one to the other, with a ladder. */
const WALK_MICROS = SECOND / 2;
/** Discovery, a signature or two, and its first start. */
const PATIENCE_MICROS = 30 * SECOND;

/** Devices with a key of their factory's and no label, who may be joined by a press alone. */
export function pressable(room: Installation): NonNullable<MediumOptions["blobOf"]> {
  return (blob, { name }) => {
    const device = room.devices.find((one) => one.name === name);
    if (device === undefined) return blob;
    const chance = new Chance(room.seed, `factory ${name}`);
    const rawKey = Uint8Array.from({ length: KEY_BYTES }, () => chance.integer(0, 255));
    // Below the order of P-256, whatever was drawn.
    rawKey[0] &= 0x7f;
    const role = ROLE_NAMES.indexOf(device.role) + 1;
    const more = { n: 0, label: undefined, rawKey, trustOnPress: true };
    return emitFactory({ eui64: device.eui64, role, ...more });
  };
}

/** What hands do; `say` is told each of it, and what devices log. */
export async function foundRoom(
  medium: Medium,
  room: Installation,
  { say, onProgress }: CommissionOptions,
): Promise<Commissioned> {
  const hands = new Hands(medium, say);
  const lamps = room.devices.filter(({ role }) => role === "luminaire");
  const wall = room.devices.find(({ role }) => role === "switch")?.name ?? "";
  const failures: Failure[] = [];
  try {
    await medium.run(BEGIN_MICROS);
    const step = "found";
    await hands.hold(wall, FOUND_MICROS, "for ten seconds");
    if (!(await hands.heard(wall, "keys: resting"))) {
      failures.push({ device: wall, step, why: "it is no authority" });
    }
    for (const { name, eui64 } of lamps) {
      if (failures.some(({ device }) => device === wall)) break;
      const why = await admit(hands, { wall, name, eui64: toHex(eui64) });
      if (why !== undefined) failures.push({ device: name, step: "join", why });
      else hands.joined++;
      onProgress?.(hands.joined, lamps.length);
    }
    const seconds = (medium.now - BEGIN_MICROS) / SECOND;
    if (hands.isOpen) await hands.hold(wall, PRESS_MICROS, "to close it");
    // A lamp that has just come in is lit, as one is after a power cut.
    if (hands.isLit) await hands.hold(wall, PRESS_MICROS, "for the light");
    const joined = hands.joined + (failures.some(({ device }) => device === wall) ? 0 : 1);
    return {
      ...{ devices: lamps.length + 1, joined, beganMicros: BEGIN_MICROS, failures },
      seconds: Number(seconds.toFixed(3)),
    };
  } finally {
    hands.close();
  }
}

/** Why not; undefined when it has its keys, and knows what the switch may do. */
async function admit(
  hands: Hands,
  { wall, name, eui64 }: { wall: string; name: string; eui64: string },
): Promise<string | undefined> {
  if (!hands.isOpen) await hands.hold(wall, OPEN_MICROS, "for five seconds");
  if (!(await hands.heard(wall, "room: open for lamps"))) return `${wall} does not open`;
  await hands.hold(name, PRESS_MICROS, "");
  if (!(await hands.heard(wall, `room: ${eui64} blinks`))) return `${wall} does not find it`;
  await hands.hold(wall, PRESS_MICROS, `for ${name} blinks`);
  if (!(await hands.heard(wall, `room: ${eui64} has joined`))) return "it was not joined";
  return (await hands.heard(name, "rights of ")) ? undefined : "it has no keys yet";
}

class Hands {
  joined = 0;
  isOpen = false;
  readonly #medium: Medium;
  readonly #say: ((line: string) => void) | undefined;
  /** Lines of all, each behind its device's name. */
  readonly #lines: string[] = [];
  readonly #lit = new Set<string>();
  readonly #ends: (() => void)[];

  constructor(medium: Medium, say: ((line: string) => void) | undefined) {
    this.#medium = medium;
    this.#say = say;
    const log = medium.on("log", ({ device, at, text }) => {
      this.#lines.push(`${device} ${text}`);
      if (text.startsWith("room: open")) this.isOpen = true;
      if (text.startsWith("room: closed")) this.isOpen = false;
      say?.(`${clock(at)}    ${device}: ${text}`);
    });
    const light = medium.on("light", ({ device, light: { level } }) => {
      if (level > 0) this.#lit.add(device);
      else this.#lit.delete(device);
    });
    this.#ends = [log, light];
  }

  close(): void {
    for (const end of this.#ends) end();
  }

  get isLit(): boolean {
    return this.#lit.size > 0;
  }

  /** Presses, or holds for so long, and lets go. */
  async hold(name: string, micros: number, why: string): Promise<void> {
    const at = this.#medium.now + WALK_MICROS;
    this.#say?.(`${clock(at)}  press ${[name, why].join(" ").trimEnd()}`);
    this.#medium.button(name, true, at);
    this.#medium.button(name, false, at + micros);
    await this.#medium.run(at + micros + WALK_MICROS);
  }

  /** Whether it says, or has said, something that begins so. */
  async heard(name: string, text: string): Promise<boolean> {
    const end = this.#medium.now + PATIENCE_MICROS;
    const isSaid = () => this.#lines.some((line) => line.startsWith(`${name} ${text}`));
    while (!isSaid() && this.#medium.now < end) {
      await this.#medium.run(this.#medium.now + LOOK_MICROS);
    }
    return isSaid();
  }
}
