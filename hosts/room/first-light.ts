/**
 * `npm run bench -- --commissioning`: from the first press of an installer on a fresh device to the
 * last lamp that the switch turns, in the time of the medium: 50 luminaires that are joined by
 * their labels, grouped, given keys and rights, and lit.
 */
import { generate } from "../installation/generate.js";
import { Medium } from "../medium/medium.js";
import { commission } from "./commission.js";
import type { Failure } from "./commissioned.js";
import { fresh, withoutKeys } from "./managed.js";
import { pressEachSecond, untilKeyed } from "./measure.js";
import { Meter } from "./meter.js";
import { Readiness } from "./ready.js";

const SECOND = 1_000_000;
const SEED = 7;
const LUMINAIRES = 50;
const SECONDS_MAX = 60;

export interface FirstLight {
  readonly luminaires: number;
  readonly lossPercent: number;
  readonly failures: readonly Failure[];
  /** Since the first press of an installer: all are joined. */
  readonly joinedSeconds: number;
  /** All have their keys, and know what the switch may do. */
  readonly readySeconds: number;
  /** The last lamp is lit by the first press of the switch. */
  readonly litSeconds: number | undefined;
  /** (press, lamp) pairs of the first two presses, on and off, in which a lamp did not turn. */
  readonly missed: number;
}

export async function measureFirstLight(input: {
  luminaires: number;
  lossPercent: number;
  seed: number;
}): Promise<FirstLight> {
  const { luminaires, lossPercent, seed } = input;
  const size = { luminaires, switches: 1, sensors: 0, hops: 1, loss: lossPercent / 100, seed };
  const room = withoutKeys(generate(size));
  const medium = await Medium.start({ ...fresh(room), pacing: "fast" });
  try {
    const meter = new Meter(room);
    const ready = new Readiness(room);
    let readyMicros = 0;
    medium.on("light", (event) => meter.light(event));
    medium.on("log", (event) => {
      if (ready.heard(event) && ready.isDone) readyMicros = event.at;
    });
    const { beganMicros, seconds, failures } = await commission(medium, room);
    await untilKeyed(medium, ready, room);
    const since = (micros: number) => Number(((micros - beganMicros) / SECOND).toFixed(3));
    const plan = { name: "switch-1", from: medium.now + 1, presses: 2, seed };
    const presses = await pressEachSecond(medium, meter, plan);
    const [first] = presses;
    const isLit = first.missed.length === 0;
    const last = Math.max(...first.reactions.values());
    return {
      ...{ luminaires, lossPercent, failures, joinedSeconds: seconds },
      readySeconds: since(readyMicros),
      litSeconds: isLit ? since(first.at + last) : undefined,
      missed: presses.reduce((sum, { missed }) => sum + missed.length, 0),
    };
  } finally {
    await medium.stop();
  }
}

/** Its exit code: 1 when it takes longer than it may, or somebody stays dark. */
export async function reportFirstLight(isJson: boolean): Promise<number> {
  const rooms = [0, 5].map((lossPercent) => ({ luminaires: LUMINAIRES, lossPercent, seed: SEED }));
  const all: FirstLight[] = [];
  for (const room of rooms) {
    const figures = await measureFirstLight(room);
    all.push(figures);
    if (!isJson) for (const line of linesOf(figures)) console.log(line);
  }
  if (isJson) console.log(JSON.stringify(all));
  return all.every(isInTime) ? 0 : 1;
}

function isInTime({ litSeconds = Number.POSITIVE_INFINITY, failures }: FirstLight): boolean {
  return litSeconds < SECONDS_MAX && failures.length === 0;
}

function linesOf(figures: FirstLight): string[] {
  const { luminaires, lossPercent, joinedSeconds, readySeconds, litSeconds, failures } = figures;
  const lit = litSeconds === undefined ? "not all were lit" : `all lit after ${litSeconds} s`;
  return [
    `${luminaires} fresh luminaires, a switch, ${lossPercent} % frame loss, the medium's time:`,
    `  joined after ${joinedSeconds} s, keys and rights after ${readySeconds} s, ${lit} ` +
      `(wanted: under ${SECONDS_MAX} s)`,
    ...failures.map(({ device, step, why }) => `  ${device} failed at ${step}: ${why}`),
  ];
}
