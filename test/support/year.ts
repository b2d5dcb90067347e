/**
 * A year, or as many days as wanted, of a room without servers (lasting.ts): presses at odd hours,
 * and power that goes at any moment; of one device or of the whole room; also in the middle of a
 * write to flash, of a press, of a row of them, and of a start.
 *
 * Each press is looked at as a person would: within a fifth of a second after the release every
 * lamp that has power shows the same, and the other thing than before. Nothing is skipped: each
 * timer of each device fires, the year round.
 */
import { readUint } from "../../modules/bytes/uint.js";
import { SEQUENCE_MAX } from "../../modules/oscore/option.js";
import { KIND, key } from "../../modules/store/keys.js";
import { FAULTS, PowerCut } from "./flash.js";
import { GROUP } from "./grants.js";
import { BUDGET, LastingRoom, type Resident } from "./lasting.js";
import type { Newcomer } from "./newcomer.js";
import { SeededRandom } from "./random.js";

export interface YearOptions {
  readonly seed: number;
  readonly days: number;
  /** Spread over the days; one may be more than one loss of power. */
  readonly cuts: number;
  readonly lamps: number;
  readonly pressesADay: number;
}

export interface Wear {
  readonly device: number;
  readonly flash: string;
  readonly kilobytes: number;
  /** Of all its sectors, and of the one that was erased most. */
  readonly erases: number;
  readonly most: number;
  /** Until that one has had as many erases as its maker allows. */
  readonly years: number;
}

export interface YearReport {
  readonly days: number;
  readonly lamps: number;
  readonly switches: number;
  presses: number;
  dims: number;
  /** Of those the first after somebody got power. */
  firstPresses: number;
  /** Whose switch had no power, or lost it meanwhile. */
  unpowered: number;
  /** What a lamp with power did not do. */
  readonly missed: string[];
  /** Losses of power: of one device, of the room; of both those that tore a write. */
  cutsOfOne: number;
  cutsOfRoom: number;
  torn: number;
  cutStarts: number;
  /** Protected messages on the air, and the highest number of a sender. */
  messages: number;
  highestNumber: number;
  drops: Record<string, number>;
  /** Of the key's budget, as flash counts it. */
  budgetUsed: number;
  budget: number;
  yearsOfBudget: number;
  /** Until a sender has used its last number. */
  yearsOfNumbers: number;
  wear: Wear[];
}

const SECOND = 1_000_000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const YEAR_DAYS = 365.25;
/** How long a lamp is to last. */
const LASTING_YEARS = 20;
const HOLD = 1_500_000;
const SHORT = 100_000;
/** From the release to the last lamp. */
const SOON = 200_000;
/** Until a press of the same switch is no second half of a double one. */
const APART = 400_000;
const BURST = 8;

/**
 * How the power goes, in turns: of one device, of the room; the same in the middle of a write, and
 * of one within a press; in a start; of the room in a row of presses; three times within a second.
 */
const CUTS = [
  "one",
  "room",
  "tornOne",
  "tornRoom",
  "tornPress",
  "start",
  "burst",
  "flicker",
] as const;

interface Attempt {
  readonly by: Newcomer;
  /** Lamps with power all the time, and what they had heard before. */
  readonly lamps: Map<Newcomer, number>;
  readonly isFirst: boolean;
  readonly isDim: boolean;
}

interface Armed {
  readonly node: Newcomer;
  readonly isRoom: boolean;
}

/** What of a report is no room that lasts. */
export function faultsOf({ missed, yearsOfBudget, yearsOfNumbers, wear }: YearReport): string[] {
  const short = (what: string, years: number) =>
    years > LASTING_YEARS ? [] : [`${what} lasts ${years} years`];
  return [
    ...missed,
    ...short("the key's budget", yearsOfBudget),
    ...short("the senders' numbers", yearsOfNumbers),
    ...wear.flatMap(({ device, years }) => short(`flash of device ${device}`, years)),
  ];
}

export function lastFor(options: YearOptions): YearReport {
  return new Year(options).run();
}

class Year {
  readonly #options: YearOptions;
  readonly #room: LastingRoom;
  readonly #random: SeededRandom;
  readonly #report: YearReport;
  /** Erases before the year began. */
  readonly #before: Map<Newcomer, number[]>;
  /** What a switch takes the light for; absent: it has started since. */
  readonly #known = new Map<Newcomer, boolean>();
  #attempt: Attempt | undefined = undefined;
  #armed: Armed | undefined = undefined;
  /** Somebody got power since the last press. */
  #isBack = true;

  constructor(options: YearOptions) {
    const { seed, days, lamps } = options;
    this.#options = options;
    this.#random = new SeededRandom(seed);
    this.#room = new LastingRoom(lamps);
    const nodes = this.#room.all.map(({ node }) => node);
    this.#before = new Map(nodes.map((node) => [node, node.flash.wear.slice()]));
    this.#report = {
      ...{ days, lamps, switches: this.#room.switches.length },
      ...{ presses: 0, dims: 0, firstPresses: 0, unpowered: 0, missed: [] },
      ...{ cutsOfOne: 0, cutsOfRoom: 0, torn: 0, cutStarts: 0 },
      ...{ messages: 0, highestNumber: 0, drops: {}, budgetUsed: 0, budget: BUDGET },
      ...{ yearsOfBudget: 0, yearsOfNumbers: 0, wear: [] },
    };
  }

  run(): YearReport {
    const { days, cuts } = this.#options;
    const begin = this.#clock.micros();
    let cut = 0;
    for (let day = 0; day < days; day++) {
      this.#planPresses();
      for (; cut < Math.round(((day + 1) * cuts) / days); cut++) this.#planCut(cut);
      this.#advanceTo(begin + (day + 1) * DAY);
      this.#look();
    }
    this.#restore();
    this.#finish();
    return this.#report;
  }

  get #clock() {
    return this.#room.place.room.clock;
  }

  get #nodes(): Newcomer[] {
    return this.#room.all.map(({ node }) => node);
  }

  #after(micros: number, act: () => void): void {
    this.#clock.after(Math.floor(micros), act);
  }

  #one<T>(of: readonly T[]): T {
    return of[this.#random.below(of.length)];
  }

  /** Microseconds, all orders of magnitude alike. */
  #spell(least: number, most: number): number {
    const share = this.#random.u32() / 2 ** 32;
    return Math.floor(least * (most / least) ** share);
  }

  #advanceTo(micros: number): void {
    for (;;) {
      try {
        this.#clock.advanceTo(micros);
        return;
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
        this.#tear();
      }
    }
  }

  // Presses.

  #planPresses(): void {
    const { pressesADay } = this.#options;
    const presses = this.#random.below(2 * pressesADay + 1);
    for (let press = 0; press < presses; press++) {
      const isDim = this.#random.chance(0.15);
      this.#after(this.#random.below(DAY), () => this.#press(isDim));
    }
  }

  #press(isDim = false): void {
    if (this.#attempt !== undefined) {
      this.#after(APART, () => this.#press(isDim));
      return;
    }
    const { node: by } = this.#one(this.#room.switches);
    const on = this.#room.lamps.filter(({ node }) => node.isOn);
    const lamps = new Map(on.map(({ node }) => [node, node.count("accepted")]));
    this.#attempt = { by, lamps, isDim, isFirst: this.#isBack };
    this.#edge(by, true);
    const span = isDim ? HOLD : SHORT;
    this.#after(span, () => this.#edge(by, false));
    this.#after(span + SOON, () => this.#judge());
    this.#after(span + APART, () => {
      this.#attempt = undefined;
    });
  }

  #edge(by: Newcomer, isDown: boolean): void {
    if (by.isOn) by.button.onEdge?.(isDown, this.#clock.micros());
  }

  /** Switches that had power all the time take the light for what the lamps show. */
  #judge(): void {
    const report = this.#report;
    const attempt = this.#attempt as Attempt;
    const { by, lamps, isDim, isFirst } = attempt;
    if (lamps.has(by) || !by.isOn) {
      report.unpowered++;
      this.#known.clear();
      return;
    }
    report.presses++;
    if (isDim) report.dims++;
    if (isFirst) report.firstPresses++;
    this.#isBack = false;
    const before = this.#known.get(by);
    this.#known.clear();
    if (lamps.size === 0) return;
    const deaf = [...lamps].filter(([node, heard]) => node.count("accepted") === heard);
    const levels = [...lamps.keys()].map((node) => levelOf(node));
    const isOn = levels[0] > 0;
    const isWanted = isDim ? isOn : isOn !== before;
    const isOne = levels.every((level) => (isDim ? level === levels[0] : level > 0 === isOn));
    for (const { node } of this.#room.switches) if (node.isOn) this.#known.set(node, isOn);
    if (deaf.length === 0 && isOne && isWanted) return;
    const unheard = deaf.map(([node]) => node.number).join();
    const days = (this.#clock.micros() / DAY).toFixed(4);
    const what = `${isDim ? "dim" : "press"} of ${by.number}, light was ${before ?? "unknown"}`;
    report.missed.push(`day ${days}: ${what}: levels ${levels}; unheard by ${unheard || "nobody"}`);
  }

  // Power.

  #planCut(index: number): void {
    const how = CUTS[index % CUTS.length];
    this.#after(this.#random.below(DAY), () => this.#cut(how));
  }

  #cut(how: (typeof CUTS)[number]): void {
    const on = this.#nodes.filter((node) => node.isOn);
    if (on.length === 0) {
      this.#after(HOUR, () => this.#cut(how));
      return;
    }
    const node = this.#one(on);
    if (how === "one") this.#lose(node);
    else if (how === "room") this.#loseAll();
    else if (how === "start") this.#cutStart(node);
    else if (how === "flicker") this.#flicker(3);
    else if (how === "burst") this.#cutBurst();
    else this.#arm({ node, isRoom: how === "tornRoom" }, how === "tornPress");
  }

  /** The power goes in the middle of one of the next writes of this one. */
  #arm(armed: Armed, atPress: boolean): void {
    if (this.#armed !== undefined) this.#tear();
    const { node } = armed;
    if (!node.isOn) return;
    this.#armed = armed;
    const fault = this.#one(FAULTS);
    node.flash.cutAt(node.flash.operations + 1 + this.#random.below(6), fault);
    if (atPress) this.#after(0, () => this.#press());
  }

  /** It went. */
  #tear(): void {
    const armed = this.#armed;
    if (armed === undefined) throw new Error("a device without power goes on");
    this.#armed = undefined;
    this.#report.torn++;
    if (armed.isRoom) this.#loseAll();
    else this.#lose(armed.node);
  }

  /** Row after row, so that bounds run ahead; then the room is dark, and somebody tries at once. */
  #cutBurst(): void {
    for (let press = 0; press < BURST; press++) this.#after(press * 1_100_000, () => this.#press());
    const last = this.#random.below(BURST * 1_100_000);
    this.#after(last, () => this.#loseAll(this.#spell(SECOND / 10, 60 * SECOND)));
  }

  #flicker(times: number): void {
    this.#loseAll(80_000);
    if (times > 1) this.#after(220_000, () => this.#flicker(times - 1));
  }

  /** While it starts. */
  #cutStart(node: Newcomer): void {
    this.#off(node);
    this.#report.cutStarts++;
    this.#report.cutsOfOne++;
    this.#after(this.#spell(SECOND / 10, HOUR), () => {
      if (this.#armed !== undefined) this.#tear();
      this.#armed = { node, isRoom: false };
      node.flash.cutAt(node.flash.operations + 1 + this.#random.below(8), this.#one(FAULTS));
      this.#on(node);
    });
  }

  #lose(node: Newcomer, micros = this.#spell(SECOND / 20, 40 * HOUR)): void {
    if (!node.isOn) return;
    this.#report.cutsOfOne++;
    this.#off(node);
    this.#back([node], micros);
  }

  #loseAll(micros = this.#spell(SECOND / 20, 12 * HOUR)): void {
    const nodes = this.#nodes.filter((node) => node.isOn);
    this.#report.cutsOfRoom++;
    for (const node of nodes) this.#off(node);
    this.#back(nodes, micros);
  }

  /** At once, or somewhat later, somebody presses. */
  #back(nodes: readonly Newcomer[], micros: number): void {
    for (const node of nodes) this.#after(micros, () => this.#on(node));
    const soon = this.#random.chance(0.7) ? this.#spell(SECOND / 50, 60 * SECOND) : undefined;
    if (soon !== undefined) this.#after(micros + soon, () => this.#press());
  }

  #off(node: Newcomer): void {
    node.off();
    this.#known.delete(node);
    // Whose power goes meanwhile is no lamp that misses, and no switch that is pressed.
    const attempt = this.#attempt;
    attempt?.lamps.delete(node);
    if (attempt?.by === node) attempt.lamps.set(node, 0);
  }

  #on(node: Newcomer): void {
    if (node.isOn) return;
    if (this.#armed?.node !== node) node.flash.restart();
    this.#isBack = true;
    this.#known.delete(node);
    node.on();
  }

  /** Everybody has power again, and nothing waits to be torn. */
  #restore(): void {
    this.#armed?.node.flash.restart();
    this.#armed = undefined;
    for (const node of this.#nodes) this.#on(node);
    this.#advanceTo(this.#clock.micros() + 60 * SECOND);
    this.#press();
    this.#advanceTo(this.#clock.micros() + 60 * SECOND);
    this.#look();
  }

  // What came of it.

  #look(): void {
    this.#room.air.look();
    const { drops } = this.#report;
    for (const node of this.#nodes) {
      for (const event of node.events) drops[event] = (drops[event] ?? 0) + 1;
      for (const list of [node.events, node.shown, node.log, node.restarts]) list.length = 0;
    }
  }

  #finish(): void {
    const report = this.#report;
    const { air, all } = this.#room;
    report.messages = air.count;
    report.highestNumber = air.highest;
    for (const { node } of all) {
      report.budgetUsed = Math.max(report.budgetUsed, budgetUsed(node));
    }
    report.yearsOfBudget = yearsUntil(report.budgetUsed, report.days, BUDGET);
    report.yearsOfNumbers = yearsUntil(report.highestNumber, report.days, SEQUENCE_MAX);
    report.wear = all.map((one) => this.#wearOf(one));
  }

  #wearOf({ node, kind }: Resident): Wear {
    const before = this.#before.get(node) as number[];
    const worn = node.flash.wear.map((count, sector) => count - before[sector]);
    const erases = worn.reduce((sum, count) => sum + count, 0);
    const most = Math.max(...worn);
    const { name: flash, size } = kind;
    // One more than was seen: what was not erased in a few days may be on the next.
    const years = yearsUntil(most + 1, this.#report.days, kind.endurance);
    return { device: node.number, flash, kilobytes: size / 1024, erases, most, years };
  }
}

/** Whole years until so much is used, at this rate. */
function yearsUntil(used: number, days: number, most: number): number {
  const perYear = (Math.max(1, used) * YEAR_DAYS) / days;
  return Math.floor(most / perYear);
}

function levelOf({ device }: Newcomer): number {
  return device?.role.face.luminaire?.state().level ?? -1;
}

function budgetUsed({ device }: Newcomer): number {
  const current = device?.groups.directory.security(GROUP)?.associations.at(-1);
  const record = current && device?.store.get(key(KIND.KEY_USE, current.index));
  return record === undefined ? 0 : readUint(record);
}
