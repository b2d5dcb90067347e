/**
 * A luminaire: what it shall show, what it shows, and the way from one to the other.
 *
 * The problem: a command must be visible in the same turn it arrives in, whatever fade it asks
 * for; fades, identification and saving go on for seconds, on a device with 48 KB and one thread;
 * and after packet loss, with several people pressing, all lamps of a group must end up showing
 * the same.
 *
 * Rejected: a chain of "next step" commands (a late timer bends the fade); a timer for each
 * activity (they outlive what started them). Chosen: three shades, `from`, `present` and `target`,
 * and the time the fade runs between; whatever the clock says, the present follows from these. One
 * timer wakes at the next thing that is due.
 *
 * Repeats (ARCHITECTURE, decision 10). A repetition carries the age of its original, so this lamp
 * knows when that was sent, give or take the network's delay. It is obeyed only when its original
 * is newer than the last command obeyed from somebody else, and what is left of its fade is run,
 * not all of it: a lamp that missed the original arrives with the others. Two originals within
 * CROSSING_MICROS may have reached different lamps in different order; of these the repetition
 * decides, and the switches see to it that only one of them repeats (switch.ts).
 *
 * After power-up the lamp does what the setting `power` says before anything else runs; the state
 * it returns to is in flash once it was left alone for SETTLE_MICROS. Where nothing is stored it
 * is on, full: the safe thing in a dark room. wear.ts bounds the writes.
 */
import { equalBytes } from "../bytes/equal.js";
import type { Clock, Timer } from "../ports/clock.js";
import type { Light } from "../ports/light.js";
import { KIND, key } from "../store/keys.js";
import { type Command, decodeScene, encodeCommand, type MutableCommand } from "./command.js";
import type { Records } from "./records.js";
import { CROSSING_MICROS, sentAt } from "./repeater.js";
import { Scenes } from "./scenes.js";
import * as setting from "./settings.js";
import { Shade } from "./shade.js";
import type { WearBudget } from "./wear.js";

/** What became of a command. */
export type Result = "ok" | "failed" | "lampFailure";

/** Target and status of a luminaire, for reports and GET. */
export interface LightState {
  readonly on: boolean;
  /** The target: 0 (off) to 254. */
  readonly level: number;
  readonly mired: number;
  /** CIE xy in 1/65536; undefined while the colour is a temperature. */
  readonly x: number | undefined;
  readonly y: number | undefined;
  /** Until the target is reached; 0 when it is. */
  readonly leftMs: number;
  readonly lampFailure: boolean;
}

/** Sender of what a person does at the luminaire itself, and of tests. */
export const LOCAL_SENDER = -1;

const STEP_MICROS = 20_000;
const TENTH_MICROS = 100_000;
const SETTLE_MICROS = 3_000_000;
const SAVE_RETRY_MICROS = 60_000_000;
const BLINK_MICROS = 500_000;
const LEVEL_FULL = 254;
/** 2700 K: where nobody ever chose a colour. */
const MIRED_INITIAL = 370;
const NEVER = Number.POSITIVE_INFINITY;

export class Luminaire {
  readonly scenes: Scenes;
  /**
   * Fade of a command that names none, in 1/10 s. Not kept over a power cut; the setting `fade`
   * is.
   */
  fadeTenths: number;
  readonly #clock: Clock;
  readonly #light: Light;
  readonly #settings: setting.Settings;
  readonly #records: Records;
  readonly #budget: WearBudget;

  readonly #from = new Shade();
  readonly #present = new Shade();
  readonly #target = new Shade();
  /** What `on` without a level returns to; never 0. */
  #restore = LEVEL_FULL;
  #startMicros = 0;
  #endMicros = 0;
  #stepMicros = STEP_MICROS;

  /** Whose command was obeyed last, and when its original was sent. */
  #lastSender = LOCAL_SENDER;
  #lastMicros = Number.NEGATIVE_INFINITY;

  #identifyStart = 0;
  #identifyEnd = 0;
  #saveMicros = NEVER;
  #timer: Timer | undefined = undefined;
  /** When `#timer` fires. */
  #dueMicros = 0;
  readonly #wake = () => this.onTimer();

  /** Shows the state after power-up before it returns. */
  constructor(ports: {
    clock: Clock;
    light: Light;
    settings: setting.Settings;
    records: Records;
    budget: WearBudget;
  }) {
    this.#clock = ports.clock;
    this.#light = ports.light;
    this.#settings = ports.settings;
    this.#records = ports.records;
    this.#budget = ports.budget;
    this.scenes = new Scenes(ports);
    this.fadeTenths = ports.settings.get(setting.FADE);
    this.powerUp();
  }

  /**
   * Carries out a command; the light has its first new output when this returns. `sender` is a
   * small number that is the same for all commands of one sender.
   */
  apply(command: Command, sender: number): Result {
    const now = this.#clock.micros();
    const age = command.ageHundredths;
    const original = age === undefined ? now : sentAt(command, now);
    if (age !== undefined && this.isSuperseded(original, sender)) {
      return this.result(); // check: repeat-superseded
    }
    const wanted = command.scene === undefined ? command : this.scenes.get(command.scene);
    if (wanted === undefined) return "failed";
    const changed = this.aim(wanted);
    if (changed === undefined) return this.result();
    this.#lastSender = sender;
    this.#lastMicros = original;
    if (age !== undefined && !changed) return this.result(); // check: repeat-restarts-nothing
    let tenths = command.fadeTenths;
    if (tenths === undefined && wanted !== command) tenths = wanted.fadeTenths;
    tenths ??= this.fadeTenths;
    this.start(now, original + tenths * TENTH_MICROS, changed);
    return this.#light.failed ? "lampFailure" : "ok";
  }

  /**
   * Blinks for so many seconds, then shows what it would show; 0 ends it. A new command ends it
   * too.
   */
  identify(seconds: number): void {
    const now = this.#clock.micros();
    this.#identifyStart = now;
    this.#identifyEnd = now + seconds * 1_000_000;
    this.show(now);
    this.schedule(now);
  }

  state(): LightState {
    const target = this.#target;
    const leftMicros = Math.max(0, this.#endMicros - this.#clock.micros());
    return {
      on: target.level > 0,
      level: target.level,
      mired: target.mired,
      x: target.x,
      y: target.y,
      leftMs: Math.ceil(leftMicros / 1000),
      lampFailure: this.#light.failed,
    };
  }

  /** The target as a command: what `/scn` stores when it is told to keep the present light. */
  asScene(): Command {
    const target = this.#target;
    const scene: MutableCommand = { on: target.level > 0, level: this.#restore };
    if (target.x === undefined || target.y === undefined) {
      scene.mired = target.mired;
    } else {
      scene.x = target.x;
      scene.y = target.y;
    }
    return scene;
  }

  private result(): Result {
    return this.#light.failed ? "lampFailure" : "ok";
  }

  private isSuperseded(original: number, sender: number): boolean {
    return sender !== this.#lastSender && original + CROSSING_MICROS < this.#lastMicros;
  }

  /**
   * Moves the target; undefined when the command asks for nothing, else whether the target is new.
   */
  private aim(command: Command): boolean | undefined {
    const on = command.on;
    const level = command.level;
    const coloured = command.mired !== undefined || command.x !== undefined;
    const target = this.#target;
    let aim = target.level;
    if (level !== undefined) {
      aim = level === 0 ? 0 : this.#settings.clampLevel(level);
      if (level > 0) this.#restore = aim;
    } else if (on === true) {
      aim = this.#settings.clampLevel(this.#restore);
    } else if (on === undefined && !coloured) {
      return undefined;
    }
    if (on === false) aim = 0;
    const changed = aim !== target.level;
    target.level = aim;
    return (coloured && target.colour(command)) || changed;
  }

  /** From what is shown now to the target, there at `end`. */
  private start(now: number, end: number, changed: boolean): void {
    if (changed) {
      this.#identifyEnd = 0;
      this.#saveMicros = now + SETTLE_MICROS;
    }
    this.#endMicros = end;
    if (end > now) {
      this.fade(now);
      this.move(now);
    } else {
      this.#present.copy(this.#target);
    }
    if (changed) this.#light.show(this.#present);
    else this.show(now);
    // A timer that fires before anything new is due asks again.
    const isAwake = end <= now && this.#timer !== undefined && this.#dueMicros <= this.#saveMicros;
    if (!isAwake) this.schedule(now);
  }

  private fade(now: number): void {
    const from = this.#from;
    from.copy(this.#present);
    if (from.level === 0) {
      // What is dark has no colour to fade from.
      from.copy(this.#target);
      from.level = 0;
    }
    this.#startMicros = now;
    const steps = from.stepsTo(this.#target);
    if (steps === 0) this.#endMicros = now;
    else this.#stepMicros = Math.max(STEP_MICROS, Math.floor((this.#endMicros - now) / steps));
  }

  /** Brings the present up to `now`. */
  private move(now: number): void {
    if (now >= this.#endMicros) {
      this.#present.copy(this.#target);
      return;
    }
    const duration = this.#endMicros - this.#startMicros;
    this.#present.between(this.#from, this.#target, now - this.#startMicros, duration);
  }

  private show(now: number): void {
    const present = this.#present;
    if (now >= this.#identifyEnd) {
      this.#light.show(present);
      return;
    }
    const blinks = Math.floor((now - this.#identifyStart) / BLINK_MICROS);
    // The first blink is the opposite of what is there: seen at once, in a dark room as in a
    // bright one.
    const bright = present.level <= LEVEL_FULL / 2 === (blinks % 2 === 0);
    const { mired, x, y } = present;
    this.#light.show({ level: bright ? LEVEL_FULL : 0, mired, x, y });
  }

  private onTimer(): void {
    this.#timer = undefined;
    const now = this.#clock.micros();
    const blinking = this.#identifyEnd > this.#identifyStart;
    const { level, mired, x, y } = this.#present;
    this.move(now);
    if (blinking || !this.#present.is(level, mired, x, y)) this.show(now);
    if (now >= this.#identifyEnd) this.#identifyEnd = this.#identifyStart;
    if (now >= this.#saveMicros && now >= this.#endMicros) this.save(now);
    this.schedule(now);
  }

  /** Sees to it that the timer fires when the next thing is due, or earlier: then it asks again. */
  private schedule(now: number): void {
    let due = this.#saveMicros;
    if (due < this.#endMicros) due = this.#endMicros;
    if (now < this.#endMicros) {
      const step = Math.floor((now - this.#startMicros) / this.#stepMicros) + 1;
      due = Math.min(this.#endMicros, this.#startMicros + step * this.#stepMicros);
    }
    if (now < this.#identifyEnd) {
      const blink = Math.floor((now - this.#identifyStart) / BLINK_MICROS) + 1;
      due = Math.min(due, this.#identifyEnd, this.#identifyStart + blink * BLINK_MICROS);
    }
    if (this.#timer !== undefined) {
      if (this.#dueMicros <= due) return;
      this.#clock.cancel(this.#timer);
    }
    this.#dueMicros = due;
    const delay = due > now ? due - now : 0;
    this.#timer = due === NEVER ? undefined : this.#clock.after(delay, this.#wake);
  }

  private save(now: number): void {
    this.#saveMicros = NEVER;
    const at = key(KIND.LIGHT, 0);
    const state = encodeCommand(this.asScene());
    const stored = this.#records.get(at);
    if (stored !== undefined && equalBytes(stored, state)) return;
    if (!this.#budget.take()) this.#saveMicros = now + this.#budget.waitMicros();
    else if (!this.#records.put(at, state)) this.#saveMicros = now + SAVE_RETRY_MICROS;
  }

  private powerUp(): void {
    const target = this.#target;
    target.mired = MIRED_INITIAL;
    this.#restore = this.#settings.clampLevel(LEVEL_FULL);
    target.level = this.#restore;
    const stored = this.#records.get(key(KIND.LIGHT, 0));
    const decoded = stored === undefined ? undefined : decodeScene(stored);
    if (decoded?.ok) this.aim(decoded.value);
    const power = this.#settings.get(setting.POWER_ON);
    if (power === setting.POWER_ON_OFF) target.level = 0;
    else if (power === setting.POWER_ON_FULL) target.level = this.#settings.clampLevel(LEVEL_FULL);
    this.#present.copy(target);
    this.#light.show(target);
  }
}
