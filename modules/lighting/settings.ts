/**
 * The numbers a person may set on a device: one table, read by the behaviour and by `/par/…`
 * alike.
 *
 * A setting is a whole number between bounds. What was never set has the initial value below, or
 * the one the installation file gives.
 */
import { coapUint, readUint } from "../bytes/uint.js";
import { KIND, key } from "../store/keys.js";
import type { Records } from "./records.js";
import type { WearBudget } from "./wear.js";

/** Fade of a command that names none, after power-up; 1/10 s. */
export const FADE = 0;
/** What a luminaire shows after power-up: see POWER_ON_…. */
export const POWER_ON = 1;
/** How long a presence sensor keeps the light on after the last motion; seconds. */
export const HOLD = 2;
/** A daylight sensor switches on below this; lux. */
export const LUX_LOW = 3;
/** A daylight sensor switches off above this; lux. */
export const LUX_HIGH = 4;
/** Answers to a group request are spread over this time (RFC 7252 §8.2); milliseconds. */
export const LEISURE = 5;
/** Least level of a lamp that is on. */
export const LEVEL_MIN = 6;
/** Greatest level of a lamp. */
export const LEVEL_MAX = 7;
/** Level a sensor switches to; 0 is the level each lamp had last. */
export const SENSOR_LEVEL = 8;
/** Scene that a double press recalls. */
export const PRESS_SCENE = 9;
/** 1: a switch asks every luminaire for an execution report on each command. */
export const REPORTS = 10;

export const POWER_ON_OFF = 0;
export const POWER_ON_FULL = 1;
export const POWER_ON_PREVIOUS = 2;

export interface Parameter {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly initial: number;
}

/** By number. The numbers are those of the installation file and of the store: never reused. */
export const PARAMETERS: readonly Parameter[] = Object.freeze([
  { name: "fade", least: 0, most: 65535, initial: 5 },
  { name: "power", least: 0, most: 2, initial: POWER_ON_PREVIOUS },
  { name: "hold", least: 1, most: 65535, initial: 600 },
  { name: "low", least: 0, most: 100_000, initial: 200 },
  { name: "high", least: 0, most: 100_000, initial: 500 },
  { name: "leisure", least: 0, most: 60_000, initial: 5000 },
  { name: "min", least: 1, most: 254, initial: 1 },
  { name: "max", least: 1, most: 254, initial: 254 },
  { name: "level", least: 0, most: 254, initial: 0 },
  { name: "scene", least: 0, most: 254, initial: 1 },
  { name: "reports", least: 0, most: 1, initial: 0 },
]);

export class Settings {
  readonly #records: Records;
  readonly #budget: WearBudget;
  readonly #values: number[];

  /**
   * `initial` is the installation file's part (number -> value). Throws an Error that names the
   * setting when it, or what is stored, is out of bounds.
   */
  constructor(ports: {
    records: Records;
    budget: WearBudget;
    initial?: ReadonlyMap<number, number> | undefined;
  }) {
    this.#records = ports.records;
    this.#budget = ports.budget;
    this.#values = PARAMETERS.map((parameter) => parameter.initial);
    if (ports.initial !== undefined) {
      for (const [id, value] of ports.initial) this.begin("installation", id, value);
    }
    for (let id = 0; id < PARAMETERS.length; id++) {
      const stored = ports.records.get(key(KIND.SETTING, id));
      if (stored !== undefined) this.begin("store", id, stored.length > 4 ? -1 : readUint(stored));
    }
  }

  get(id: number): number {
    return this.#values[id];
  }

  /**
   * A level within the lamp's limits. Where these contradict each other the lower one holds: a lamp
   * that is on is seen.
   */
  clampLevel(level: number): number {
    const values = this.#values;
    const least = values[LEVEL_MIN];
    if (level < least) return least;
    const most = values[LEVEL_MAX];
    return level <= most ? level : Math.max(least, most);
  }

  /** True when `value` is one that `set` takes. */
  fits(id: number, value: number): boolean {
    const parameter = PARAMETERS[id];
    return (
      parameter !== undefined &&
      Number.isInteger(value) &&
      value >= parameter.least &&
      value <= parameter.most
    );
  }

  /**
   * Durable when true; false, and nothing changed, when flash refused or enough was written lately.
   * Throws RangeError when the value does not fit (our bug: ask `fits`).
   */
  set(id: number, value: number): boolean {
    if (!this.fits(id, value)) throw new RangeError(`setting ${id} = ${value}`);
    if (this.#values[id] === value) return true;
    if (!this.#budget.take()) return false;
    if (!this.#records.put(key(KIND.SETTING, id), coapUint(value))) return false;
    this.#values[id] = value;
    return true;
  }

  private begin(origin: string, id: number, value: number): void {
    const parameter = PARAMETERS[id];
    if (parameter === undefined) throw new Error(`${origin}: there is no setting ${id}`);
    if (!this.fits(id, value)) {
      const { name, least, most } = parameter;
      throw new Error(`${origin}: setting ${name} is ${value}, expected ${least} to ${most}`);
    }
    this.#values[id] = value;
  }
}
