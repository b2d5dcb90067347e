/**
 * A room of real device processes that one is put out of, said to all the others at once by the
 * group's key tree: how many messages that takes, when each of them has the new key, who missed a
 * press meanwhile, and whether anybody obeys the lost one.
 */

import { generate } from "../installation/generate.js";
import { BORDER } from "../installation/types.js";
import { Medium } from "../medium/medium.js";
import { managed } from "./managed.js";
import { pressEachSecond } from "./measure.js";
import { type Measured, Meter } from "./meter.js";

const SECOND = 1_000_000;
/** By then everybody has a key and knows the switches' rights. */
const TREE_MICROS = 150 * SECOND;
/** And a branch. */
const BEGIN_MICROS = 190 * SECOND;
/** Beside a press under way. */
const LOST_MICROS = BEGIN_MICROS + 1_500_000;
const PRESSES = 20;
const PERCEIVED_MICROS = 200_000;
const LOST = "switch-2";
/** Whoever was not there in time says so at the latest then. */
const PATIENCE_MICROS = 20 * SECOND;

export interface EvictionOptions {
  /** With two switches more, one of which is lost: the members. */
  readonly luminaires: number;
  readonly lossPercent: number;
  readonly seed: number;
  /** A line for whoever waits. */
  readonly say?: (line: string) => void;
}

export interface EvictionFigures {
  /** Before it. */
  readonly members: number;
  readonly lossPercent: number;
  /** Members with a branch of the tree before it began. */
  readonly ready: number;
  /** Of one round; all of it is said three times. */
  readonly messages: number;
  /** The authority's transmissions, repetitions and answers to who asked included, until then. */
  readonly frames: number;
  /** Of the medium, from the command to the last one's new key; undefined: somebody has none. */
  readonly seconds: number | undefined;
  /** Who has it by what was said to all; the others asked, or were pushed it. */
  readonly heard: number;
  readonly lacking: readonly string[];
  readonly presses: number;
  /** (press, lamp) pairs in which the lamp did not turn within a second. */
  readonly missed: number;
  /** Presses that some lamp followed later than it is to (ARCHITECTURE: 200 ms). */
  readonly late: number;
  readonly p99Ms: number;
  readonly worstMs: number;
  /** Lamps that turned when the lost switch was pressed afterwards. */
  readonly obeyedLost: number;
}

export async function measureEviction(options: EvictionOptions): Promise<EvictionFigures> {
  const { luminaires, lossPercent, seed, say = () => {} } = options;
  const size = { luminaires, switches: 2, sensors: 0, hops: 1, loss: lossPercent / 100, seed };
  const room = generate(size);
  const medium = await Medium.start({ ...managed(room), pacing: "fast" });
  try {
    const meter = new Meter(room);
    const watch = new Watch(medium, say);
    medium.on("light", (event) => meter.light(event));
    medium.command("tree 1", TREE_MICROS);
    await medium.run(BEGIN_MICROS - 1);
    const ready = watch.branches;
    medium.command(`lost ${LOST}`, LOST_MICROS);
    const plan = { name: "switch-1", from: BEGIN_MICROS, presses: PRESSES, seed };
    const presses = await pressEachSecond(medium, meter, plan);
    const end = LOST_MICROS + PATIENCE_MICROS;
    await medium.run(end);
    const names = room.devices.map(({ name }) => name).filter((name) => name !== LOST);
    const lacking = names.filter((name) => !watch.renewed.has(name));
    const last = Math.max(...watch.renewed.values());
    const reactions = presses.flatMap((press) => [...press.reactions.values()]);
    reactions.sort((a, b) => a - b);
    return {
      ...{ members: room.devices.length, lossPercent, ready, lacking },
      messages: watch.messages,
      frames: watch.framesUntil(last),
      seconds: lacking.length === 0 ? (last - LOST_MICROS) / SECOND : undefined,
      heard: watch.heard.size,
      presses: presses.length,
      missed: presses.reduce((sum, press) => sum + press.missed.length, 0),
      late: presses.filter(isLate).length,
      p99Ms: reactions[Math.floor(reactions.length * 0.99)] / 1000,
      worstMs: reactions[reactions.length - 1] / 1000,
      obeyedLost: await obeying(medium, end),
    };
  } finally {
    await medium.stop();
  }
}

function isLate({ reactions }: Measured): boolean {
  return [...reactions.values()].some((micros) => micros >= PERCEIVED_MICROS);
}

/** Who has what, by what is said for a person. */
class Watch {
  /** When each had the new key. */
  readonly renewed = new Map<string, number>();
  readonly heard = new Set<string>();
  messages = 0;
  branches = 0;
  readonly #air: number[] = [];

  constructor(medium: Medium, say: (line: string) => void) {
    medium.on("air", ({ device, at }) => {
      if (device === BORDER && at >= LOST_MICROS) this.#air.push(at);
    });
    medium.on("log", ({ device, at, text }) => {
      if (device === BORDER) say(text);
      if (/^tree 1: \S+ done/.test(text)) this.branches++;
      const [, messages] = /^lost .*: said to all, (\d+) messages$/.exec(text) ?? [];
      if (messages !== undefined) this.messages = Number(messages);
      if (at < LOST_MICROS || device === LOST) return;
      const [, node] = /^lost \S+: (\S+) done/.exec(text) ?? [];
      if (text === "keys: said to all") this.heard.add(device);
      // Who asked has it when it rests.
      if (text === "keys: said to all" || text === "keys: resting") this.#note(device, at);
      if (node !== undefined) this.#note(node, at);
    });
  }

  framesUntil(last: number): number {
    return this.#air.filter((at) => at <= last).length;
  }

  #note(device: string, at: number): void {
    if (!this.renewed.has(device)) this.renewed.set(device, at);
  }
}

/** How many lamps turn when the lost switch is pressed, on and off. */
async function obeying(medium: Medium, from: number): Promise<number> {
  const turned = new Set<string>();
  medium.on("light", ({ device }) => void turned.add(device));
  for (const start of [from + SECOND, from + 2 * SECOND]) {
    medium.button(LOST, true, start);
    medium.button(LOST, false, start + 100_000);
  }
  await medium.run(from + 4 * SECOND);
  return turned.size;
}
