/**
 * A room of real device processes for the simulation suites, and everything that can be seen of it.
 */
import assert from "node:assert/strict";
import { Chance } from "../../hosts/installation/chance.js";
import { type GenerateOptions, generate } from "../../hosts/installation/generate.js";
import type { SynchronisationPolicy } from "../../hosts/installation/types.js";
import { Medium } from "../../hosts/medium/medium.js";
import type { MediumEvents, MediumOptions } from "../../hosts/medium/types.js";
import { shortPress } from "../../hosts/room/contact.js";
import { managed, type Terms } from "../../hosts/room/managed.js";
import { isDrop } from "../../hosts/room/measure.js";

export const SECOND = 1_000_000;

export interface RoomOptions extends Omit<MediumOptions, "installation" | "pacing"> {
  readonly room?: Partial<GenerateOptions>;
  /** False: no lamp passes on what it hears. */
  readonly forwarders?: boolean;
  /** How its groups get into step with a sender. */
  readonly synchronisation?: SynchronisationPolicy;
  /** Devices begin without keys; an authority on the medium gives them. */
  readonly keeper?: Terms;
}

export class TestRoom {
  readonly medium: Medium;
  readonly lights: MediumEvents["light"][] = [];
  readonly drops: MediumEvents["trace"][] = [];
  readonly air: MediumEvents["air"][] = [];
  readonly logs: MediumEvents["log"][] = [];
  readonly #levels = new Map<string, number>();
  readonly #lamps: readonly string[];
  readonly #chance: Chance;

  constructor(medium: Medium, lamps: readonly string[], seed: number) {
    this.medium = medium;
    this.#lamps = lamps;
    this.#chance = new Chance(seed, "test");
    medium.on("light", (event) => {
      this.lights.push(event);
      this.#levels.set(event.device, event.light.level);
    });
    medium.on("trace", (event) => {
      if (isDrop(event.event)) this.drops.push(event);
    });
    medium.on("air", (event) => this.air.push(event));
    medium.on("log", (event) => this.logs.push(event));
  }

  /** Plans a short press; returns its completing edge. */
  press(name: string, at: number): number {
    const { edges, completingMicros } = shortPress(at, this.#chance);
    for (const edge of edges) this.medium.button(name, edge.down, edge.at);
    return completingMicros;
  }

  run(untilMicros: number): Promise<void> {
    return this.medium.run(untilMicros);
  }

  /** One level a lamp, in the order of the installation; 0 for one that showed nothing yet. */
  get levels(): number[] {
    return this.#lamps.map((lamp) => this.#levels.get(lamp) ?? 0);
  }

  /** What devices dropped since `fromMicros`, by reason. */
  dropsSince(fromMicros: number): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { at, event } of this.drops) {
      if (at >= fromMicros) counts[event] = (counts[event] ?? 0) + 1;
    }
    return counts;
  }

  /** Nothing moved at any light port since `fromMicros`. */
  assertDark(fromMicros: number): void {
    assert.deepEqual(
      this.lights.filter(({ at }) => at >= fromMicros),
      [],
    );
  }
}

/** Starts a room (4 lamps, 2 switches, seed 7 unless told otherwise), hands it out, ends it. */
export async function withRoom(
  options: RoomOptions,
  use: (room: TestRoom) => Promise<void>,
): Promise<void> {
  const { room, forwarders, synchronisation, keeper, ...rest } = options;
  const seed = options.seed ?? 7;
  const size = { luminaires: 4, switches: 2, sensors: 0, hops: 1, loss: 0, seed };
  const made = generate({ ...size, ...room });
  const devices = made.devices.map((device) => {
    return { ...device, router: device.router && forwarders !== false };
  });
  const securityGroups = made.securityGroups.map((group) => {
    if (synchronisation === undefined || group.profile === "lowlatency") return group;
    return { ...group, policies: { ...group.policies, synchronisation } };
  });
  const installation = { ...made, devices, securityGroups };
  const kept = keeper === undefined ? { installation } : managed(installation, keeper);
  const medium = await Medium.start({ ...rest, ...kept });
  const lamps = installation.devices.filter(({ role }) => role === "luminaire");
  try {
    await use(
      new TestRoom(
        medium,
        lamps.map(({ name }) => name),
        seed,
      ),
    );
  } finally {
    await medium.stop();
  }
}
