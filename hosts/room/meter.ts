/**
 * Watches the light ports and says of each press when each lamp obeyed. It sees what a person in
 * the room sees, and knows only what a switch promises (modules/lighting/switch.ts): a press turns
 * its group the other way than the last press did, and the first one says on.
 */
import type { Installation } from "../installation/types.js";
import type { MediumEvents } from "../medium/types.js";

/** A lamp that has not turned by then missed the press. */
export const WINDOW_MICROS = 1_000_000;

export interface Measured {
  readonly switch: string;
  /** When the press was complete. */
  readonly at: number;
  /** What the lamps had to show. */
  readonly on: boolean;
  /** By lamp: microseconds from the completing edge to the first step the right way. */
  readonly reactions: ReadonlyMap<string, number>;
  /** Lamps that neither turned nor showed the commanded state already. */
  readonly missed: readonly string[];
}

interface Running {
  readonly switch: string;
  readonly group: number;
  readonly at: number;
  readonly on: boolean;
  readonly lamps: readonly string[];
  readonly already: ReadonlySet<string>;
  readonly reactions: Map<string, number>;
}

export class Meter {
  readonly #room: Installation;
  readonly #levels = new Map<string, number>();
  /** By application group: what its last press commanded. */
  readonly #commanded = new Map<number, boolean>();
  #running: Running | undefined;

  constructor(room: Installation) {
    this.#room = room;
  }

  /** 0 to 254; 0 for a lamp that showed nothing yet. */
  level(lamp: string): number {
    return this.#levels.get(lamp) ?? 0;
  }

  /** A press of `name` is complete at `at`; what the lamps do from then on counts. */
  begin(name: string, at: number): void {
    this.#correct();
    const lamps = lampsOf(this.#room, name);
    const group = targetOf(this.#room, name);
    const on = !(this.#commanded.get(group) ?? false);
    this.#commanded.set(group, on);
    const already = new Set(lamps.filter((lamp) => this.level(lamp) > 0 === on));
    this.#running = { switch: name, group, at, on, lamps, already, reactions: new Map() };
  }

  /**
   * Where not one lamp obeyed, the switch had missed what another commanded (frames are lost) and
   * said the same again: the next press turns the other way.
   */
  #correct(): void {
    const running = this.#running;
    if (running === undefined || this.latest?.missed.length !== running.lamps.length) return;
    this.#commanded.set(running.group, !running.on);
  }

  /** Every light event, in order of time. True when it is a lamp's answer to the press. */
  light({ device, at, light }: MediumEvents["light"]): boolean {
    const before = this.level(device);
    this.#levels.set(device, light.level);
    const running = this.#running;
    if (running === undefined || at < running.at || !running.lamps.includes(device)) return false;
    const right = running.on ? light.level > before : light.level < before;
    if (!right || running.reactions.has(device)) return false;
    running.reactions.set(device, at - running.at);
    return true;
  }

  /** So far; undefined before the first press. */
  get latest(): Measured | undefined {
    const running = this.#running;
    if (running === undefined) return undefined;
    const { lamps, already, reactions, on } = running;
    const shows = (lamp: string) => already.has(lamp) && this.level(lamp) > 0 === on;
    const missed = lamps.filter((lamp) => !reactions.has(lamp) && !shows(lamp));
    return { switch: running.switch, at: running.at, on, reactions, missed };
  }
}

/** The lamps a switch or sensor commands. */
export function lampsOf(room: Installation, commander: string): string[] {
  const target = targetOf(room, commander);
  return room.devices
    .filter(({ role, groups }) => role === "luminaire" && groups.includes(target))
    .map((device) => device.name);
}

/** -1 for a device that commands nobody. */
function targetOf(room: Installation, name: string): number {
  return room.devices.find((device) => device.name === name)?.target ?? -1;
}
