/**
 * An installer in a simulated room: presses the button of each device, and has the authority join
 * it (joins.ts). Fast: all at once. Step by step: one after the other, with what there is to see.
 */
import { PATTERNS } from "../../modules/commission/patterns.js";
import { Chance } from "../installation/chance.js";
import type { Installation } from "../installation/types.js";
import type { Medium } from "../medium/medium.js";
import type { MediumEvents } from "../medium/types.js";
import { foundRoom } from "./alone.js";
import type { Commissioned, CommissionOptions, Failure } from "./commissioned.js";
import { shortPress } from "./contact.js";
import { clock } from "./screen.js";

const SECOND = 1_000_000;
/** They have started by then. */
const BEGIN_MICROS = SECOND;
/** From one button to the next. */
const WALK_MICROS = 20_000;
/** A press is over by then. */
const LET_GO_MICROS = 400_000;
const LOOK_MICROS = 250_000;
const ROUNDS = 3;
/** A join ends by itself, one way or the other; three times the longest. */
const PATIENCE_MICROS = 600 * SECOND;
const ENDED = /^join (\S+): light: /;
const FAILED = /^join (\S+): failed at ([^:]+): (.*)$/;

export async function commission(
  medium: Medium,
  room: Installation,
  options: CommissionOptions = {},
): Promise<Commissioned> {
  if (options.isAlone === true) return foundRoom(medium, room, options);
  const installer = new Installer(medium, room, options);
  try {
    if (options.say === undefined) await installer.joinAll();
    else await installer.joinEach(options.say);
    return installer.result;
  } finally {
    installer.close();
  }
}

export function joinedText({ joined, devices, seconds }: Commissioned): string {
  return `${joined} of ${devices} devices are joined, after ${seconds} s of the medium's time`;
}

class Installer {
  readonly #medium: Medium;
  readonly #room: Installation;
  readonly #options: CommissionOptions;
  readonly #chance: Chance;
  readonly #joined = new Set<string>();
  readonly #failures = new Map<string, Failure>();
  /** Whose window is. */
  readonly #open = new Set<string>();
  readonly #ends: (() => void)[] = [];
  #lastMicros = 0;

  constructor(medium: Medium, room: Installation, options: CommissionOptions) {
    this.#medium = medium;
    this.#room = room;
    this.#options = options;
    this.#chance = new Chance(room.seed, "installer");
    this.#ends.push(medium.on("log", (event) => this.#heard(event)));
  }

  get result(): Commissioned {
    const seconds = Math.max(0, this.#lastMicros - BEGIN_MICROS) / SECOND;
    const { size: joined } = this.#joined;
    return {
      ...{ devices: this.#room.devices.length, joined, seconds: Number(seconds.toFixed(3)) },
      ...{ beganMicros: BEGIN_MICROS, failures: [...this.#failures.values()] },
    };
  }

  close(): void {
    for (const end of this.#ends) end();
  }

  async joinAll(): Promise<void> {
    const names = this.#room.devices.map(({ name }) => name);
    names.forEach((name, index) => {
      this.#press(name, BEGIN_MICROS + index * WALK_MICROS);
    });
    this.#medium.command("join all", BEGIN_MICROS + LET_GO_MICROS);
    await this.#until(names);
    for (let round = 1; round < ROUNDS; round++) await this.#again();
  }

  /** Where frames are lost, some have to be joined once more; nothing of the first time is lost. */
  async #again(): Promise<void> {
    const failed = [...this.#failures.keys()];
    const at = this.#medium.now + 1;
    failed.forEach((name, index) => {
      this.#failures.delete(name);
      // A press would close it.
      if (!this.#open.has(name)) this.#press(name, at + index * WALK_MICROS);
      this.#medium.command(`join ${name}`, at + LET_GO_MICROS);
    });
    await this.#until(failed);
  }

  /** What is pressed, what is seen, and what the authority says, line by line. */
  async joinEach(say: (line: string) => void): Promise<void> {
    const medium = this.#medium;
    let name = "";
    const told = (at: number, line: string) => say(`${clock(at)}  ${line}`);
    this.#ends.push(
      medium.on("indicator", ({ device, at, pattern }) => {
        const { looks, says } = PATTERNS[pattern];
        if (device === name) told(at, `  ${name} ${looks}: ${says}`);
      }),
      medium.on("log", ({ at, text }) => {
        if (text.startsWith(`join ${name}: `)) told(at, `  ${text.slice(name.length + 7)}`);
      }),
    );
    await medium.run(BEGIN_MICROS);
    const { looks, says, todo } = PATTERNS.fresh;
    say(`${this.#room.devices.length} devices. What each shows: it ${looks}; it ${says}.`);
    say(`What to do: ${todo}.`);
    for (const device of this.#room.devices) {
      name = device.name;
      const at = medium.now + 1;
      told(at, `press ${name} (${device.role})`);
      this.#press(name, at);
      medium.command(`join ${name}`, at + LET_GO_MICROS);
      await this.#until([name]);
      if (!this.#joined.has(name))
        say(`          ${name} is not joined; it goes on with the others`);
    }
  }

  #press(name: string, at: number): void {
    const { edges } = shortPress(at, this.#chance);
    for (const edge of edges) this.#medium.button(name, edge.down, edge.at);
  }

  async #until(names: readonly string[]): Promise<void> {
    const end = this.#medium.now + PATIENCE_MICROS;
    const isOver = (name: string) => this.#joined.has(name) || this.#failures.has(name);
    while (!names.every(isOver) && this.#medium.now < end) {
      await this.#medium.run(this.#medium.now + LOOK_MICROS);
    }
    for (const name of names.filter((one) => !isOver(one))) {
      const why = "nothing was heard of it any more; start anew";
      this.#failures.set(name, { device: name, step: "find", why });
    }
  }

  #heard({ device, at, text }: MediumEvents["log"]): void {
    if (text === "fresh: may be joined") this.#open.add(device);
    else if (text.startsWith("fresh: may not be joined")) this.#open.delete(device);
    const [, joined] = ENDED.exec(text) ?? [];
    const [, failed, step, why] = FAILED.exec(text) ?? [];
    if (joined === undefined && failed === undefined) return;
    this.#lastMicros = at;
    if (joined !== undefined) this.#joined.add(joined);
    if (failed !== undefined) this.#failures.set(failed, { device: failed, step, why });
    this.#options.onProgress?.(this.#joined.size, this.#room.devices.length);
  }
}
