/**
 * A finger on a switch: edges of a contact that bounces. Bounce lasts up to 8 ms (small mechanical
 * switches: typically below 5 ms, rarely above 10); every spike of it is an edge the firmware has
 * to bear.
 */
import type { Chance } from "../installation/chance.js";

export interface Edge {
  readonly at: number;
  /** The contact closes. */
  readonly down: boolean;
}

export interface Press {
  readonly edges: readonly Edge[];
  /** The first opening of the release: what a latency is measured from. */
  readonly completingMicros: number;
}

const SPIKES_MAX = 4;
const SPIKE_MICROS_MIN = 50;
const SPIKE_MICROS_MAX = 1_000;
/** Shorter than a hold (500 ms), longer than both bounces together. */
const PRESS_MICROS_MIN = 60_000;
const PRESS_MICROS_MAX = 180_000;

/** The contact goes to `down` at `at` and comes to rest there after some spikes. */
export function settle(down: boolean, at: number, chance: Chance): Edge[] {
  const edges: Edge[] = [{ at, down }];
  let time = at;
  for (let spike = chance.integer(0, SPIKES_MAX); spike > 0; spike--) {
    for (const level of [!down, down]) {
      time += chance.integer(SPIKE_MICROS_MIN, SPIKE_MICROS_MAX);
      edges.push({ at: time, down: level });
    }
  }
  return edges;
}

/** A short press that begins at `at`. */
export function shortPress(at: number, chance: Chance): Press {
  const completingMicros = at + chance.integer(PRESS_MICROS_MIN, PRESS_MICROS_MAX);
  const edges = [...settle(true, at, chance), ...settle(false, completingMicros, chance)];
  return { edges, completingMicros };
}
