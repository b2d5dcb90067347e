/** From single presses to the figures `npm start` prints. */
import type { Installation } from "../installation/types.js";
import type { Usage } from "../medium/protocol.js";
import type { Measured } from "./meter.js";

export type Delivery = "multicast" | "unicast" | "multicast and unicast";

/** What the keys of the room say about its commands. */
export function securityOf(room: Installation): { profile: string; delivery: Delivery } {
  const profiles = new Set(room.securityGroups.map(({ profile }) => profile));
  const { applicationGroups, unicastGroups } = room;
  const delivery = [
    ...(applicationGroups.length > 0 ? ["multicast"] : []),
    ...(unicastGroups.length > 0 ? ["unicast"] : []),
  ].join(" and ");
  return { profile: [...profiles].join(", "), delivery: delivery as Delivery };
}

export interface Summary {
  /** Of the first device. */
  readonly engine: string;
  /** How many devices run on each. */
  readonly engines: Readonly<Record<string, number>>;
  /** What secures the commands; of a file with several, all of them. */
  readonly profile: string;
  /** `unicast`: each lamp gets a datagram of its own, one after the other. */
  readonly delivery: Delivery;
  readonly luminaires: number;
  readonly presses: number;
  /** (press, lamp) pairs without the commanded state in time. */
  readonly missed: number;
  /** Completing edge to the last lamp. */
  readonly latencyMs: Record<"p50" | "p95" | "p99" | "max", number | null>;
  readonly firstToLastMs: Record<"p50" | "max", number | null>;
  readonly drops: Record<string, number>;
  /** Of a room that was commissioned first. */
  readonly joined?: { readonly devices: number; readonly seconds: number };
  readonly heapBytes: { readonly luminaire: { readonly live: number; readonly peak: number } };
}

export function summarise(input: {
  engine: string;
  engines: Readonly<Record<string, number>>;
  room: Installation;
  luminaires: number;
  presses: readonly Measured[];
  drops: ReadonlyMap<string, number>;
  usage: readonly Usage[];
  joined?: { readonly joined: number; readonly seconds: number };
}): Summary {
  const { presses, drops, usage } = input;
  const obeyed = presses.map(({ reactions }) => [...reactions.values()]);
  const spans = obeyed.filter((times) => times.length > 0);
  const last = spans.map((times) => Math.max(...times));
  const spread = spans.map((times) => Math.max(...times) - Math.min(...times));
  return {
    engine: input.engine,
    engines: input.engines,
    ...securityOf(input.room),
    luminaires: input.luminaires,
    presses: presses.length,
    missed: presses.reduce((sum, { missed }) => sum + missed.length, 0),
    latencyMs: {
      p50: ms(percentile(last, 50)),
      p95: ms(percentile(last, 95)),
      p99: ms(percentile(last, 99)),
      max: ms(percentile(last, 100)),
    },
    firstToLastMs: { p50: ms(percentile(spread, 50)), max: ms(percentile(spread, 100)) },
    drops: Object.fromEntries([...drops].sort(([a], [b]) => (a < b ? -1 : 1))),
    ...(input.joined && {
      joined: { devices: input.joined.joined, seconds: input.joined.seconds },
    }),
    heapBytes: {
      luminaire: {
        live: Math.max(0, ...usage.map(({ liveBytes }) => liveBytes)),
        peak: Math.max(0, ...usage.map(({ peakBytes }) => peakBytes)),
      },
    },
  };
}

/** Nearest rank: the least value that `percent` of all do not exceed. Undefined without values. */
export function percentile(values: readonly number[], percent: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.ceil((percent / 100) * sorted.length);
  return sorted[Math.max(0, rank - 1)];
}

function ms(micros: number | undefined): number | null {
  return micros === undefined ? null : micros / 1000;
}
