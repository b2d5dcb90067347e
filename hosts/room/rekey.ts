/**
 * A room of real device processes whose authority renews their key while somebody presses the
 * switch once a second: how long it takes in the time of the medium, and who missed a press.
 */
import { generate } from "../installation/generate.js";
import { Medium } from "../medium/medium.js";
import { managed } from "./managed.js";
import { pressEachSecond } from "./measure.js";
import { Meter } from "./meter.js";

const SECOND = 1_000_000;
/** The first press; by then everybody has a key and knows the switch's rights. */
const BEGIN_MICROS = 150 * SECOND;
/** Beside a press under way. */
const REKEY_MICROS = BEGIN_MICROS + 1_500_000;
const PRESSES = 20;

export interface RekeyOptions {
  /** With one switch more: the members. */
  readonly luminaires: number;
  readonly lossPercent: number;
  readonly seed: number;
  readonly hops?: number;
  /** A line for whoever waits. */
  readonly say?: (line: string) => void;
}

export interface RekeyFigures {
  readonly members: number;
  readonly lossPercent: number;
  /** Sessions open, keys in flash, before it began. */
  readonly ready: number;
  /** Of the medium, from the command to the last confirmation; undefined: it is not over. */
  readonly seconds: number | undefined;
  /** The last attempt at each node: `done`, or why not. */
  readonly nodes: Readonly<Record<string, string>>;
  readonly presses: number;
  /** (press, lamp) pairs in which the lamp did not turn within a second. */
  readonly missed: number;
  /** From a press's completing edge to a lamp, all but one in a hundred; and the last of all. */
  readonly p99Ms: number;
  readonly worstMs: number;
}

export async function measureRekey(options: RekeyOptions): Promise<RekeyFigures> {
  const { luminaires, lossPercent, seed, hops = 1, say = () => {} } = options;
  const size = { luminaires, switches: 1, sensors: 0, hops, loss: lossPercent / 100, seed };
  const room = generate(size);
  const medium = await Medium.start({ ...managed(room), pacing: "fast" });
  try {
    const meter = new Meter(room);
    const states = new Map<string, string>();
    const nodes: Record<string, string> = {};
    let seconds: number | undefined;
    medium.on("light", (event) => meter.light(event));
    medium.on("log", ({ device, text }) => {
      const [, state] = /^keys: (.*)$/.exec(text) ?? [];
      if (state !== undefined) states.set(device, state);
      const [, node, result] = /^rekey 1: (\S+) (.*), \d+ of \d+$/.exec(text) ?? [];
      if (node !== undefined) nodes[node] = result;
      const [, took] = /^rekey 1: over, .* in (\S+) s$/.exec(text) ?? [];
      if (took !== undefined) seconds = Number(took);
      if (text.startsWith("rekey")) say(text);
    });
    await medium.run(BEGIN_MICROS - 1);
    const ready = [...states.values()].filter((state) => state === "resting").length;
    medium.command("rekey 1", REKEY_MICROS);
    const from = BEGIN_MICROS;
    const plan = { name: "switch-1", from, presses: PRESSES, seed };
    const presses = await pressEachSecond(medium, meter, plan);
    const reactions = presses.flatMap((press) => [...press.reactions.values()]);
    reactions.sort((a, b) => a - b);
    return {
      ...{ members: luminaires + 1, lossPercent, ready, seconds, nodes },
      presses: presses.length,
      missed: presses.reduce((sum, press) => sum + press.missed.length, 0),
      p99Ms: reactions[Math.floor(reactions.length * 0.99)] / 1000,
      worstMs: reactions[reactions.length - 1] / 1000,
    };
  } finally {
    await medium.stop();
  }
}
