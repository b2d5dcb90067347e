/**
 * A presence sensor: light when somebody comes, dark some time after the last one left.
 *
 * The problem is not one sensor but several on one group, and people. Each sensor sees its own
 * corner; the light may go out only when all corners are empty, and what a person did at a switch
 * must stand. Rejected: a master sensor (the light fails with it), and repeating "on" (it would
 * undo what the person did). Chosen:
 *   - motion in an empty corner switches the group on, unless it is on already;
 *   - while a corner is occupied, its sensor sends a keep-alive every quarter of the hold time: a
 *     *repetition* of the command the light is on by. Lamps that obeyed it or anything newer
 *     ignore it (luminaire.ts); the other sensors learn that somebody is here, and wait;
 *   - off is sent when the own corner was empty for the hold time and nobody else said anything
 *     for as long;
 *   - who switches off by hand while the corner is occupied is obeyed: the sensor does not switch
 *     on again before the corner was empty for the hold time. Who switches on or dims by hand
 *     counts as present, and the level stands until everybody left.
 * The sensors of a group are to be given the same hold time.
 */
import type { Clock, Timer } from "../ports/clock.js";
import { acts, type Command, turns } from "./command.js";
import { aged, CROSSING_MICROS, Repeater, sentAt } from "./repeater.js";
import * as setting from "./settings.js";

const SECOND_MICROS = 1_000_000;
/** In each hold time: two of them may be lost, and the third still comes in time. */
const KEEP_ALIVES = 4;
/** Makes a keep-alive older than the command of another sender that it stands in for. */
const OLDER_MICROS = 1_000_000;
const NEVER = Number.POSITIVE_INFINITY;

export class PresenceSensor {
  readonly #clock: Clock;
  readonly #settings: setting.Settings;
  readonly #send: (command: Command) => void;
  readonly #repeater: Repeater;

  #motion = false;
  /** The own corner counts as occupied until then (or as long as there is motion). */
  #ownUntil = Number.NEGATIVE_INFINITY;
  /** Somebody else was here until then. */
  #othersUntil = Number.NEGATIVE_INFINITY;
  /** The group is on, as far as this sensor knows, and since when it is as it is. */
  #lit = false;
  #sinceMicros = Number.NEGATIVE_INFINITY;
  /** The command of our own that lit it; undefined when it was somebody else's. */
  #own: Command | undefined = undefined;
  #keepMicros = NEVER;
  #timer: Timer | undefined = undefined;
  readonly #wake = () => this.#onTimer();

  constructor(ports: {
    clock: Clock;
    settings: setting.Settings;
    send: (command: Command) => void;
  }) {
    this.#clock = ports.clock;
    this.#settings = ports.settings;
    this.#send = ports.send;
    this.#repeater = new Repeater(ports);
  }

  /** What the detector sees now. */
  get motion(): boolean {
    return this.#motion;
  }

  /** The detector's output changed, or fired again. */
  onMotion(motion: boolean): void {
    const now = this.#clock.micros();
    const came = motion && !this.#isOccupied(now);
    this.#motion = motion;
    this.#ownUntil = now + this.#holdMicros();
    if (came && !this.#lit) this.#light(now);
    this.#schedule(now);
  }

  /** A genuine command of another sender to this sensor's group; `prevails` as for a switch. */
  heard(command: Command, prevails: boolean): void {
    if (!acts(command)) return;
    const now = this.#clock.micros();
    const on = turns(command);
    if (on !== false) this.#othersUntil = now + this.#holdMicros();
    const sent = sentAt(command, now);
    const newer = sent + CROSSING_MICROS >= this.#sinceMicros;
    if (newer && this.#repeater.yieldsTo(sent, prevails)) {
      this.#repeater.cancel();
      this.#own = undefined;
      this.#sinceMicros = sent;
      if (on !== undefined) this.#lit = on;
    }
    this.#schedule(now);
  }

  #isOccupied(now: number): boolean {
    return this.#motion || now < this.#ownUntil;
  }

  #holdMicros(): number {
    return this.#settings.get(setting.HOLD) * SECOND_MICROS;
  }

  #light(now: number): void {
    const level = this.#settings.get(setting.SENSOR_LEVEL);
    this.#own = level === 0 ? { on: true } : { on: true, level };
    this.#lit = true;
    this.#sinceMicros = now;
    this.#repeater.start(this.#own);
  }

  #darken(now: number): void {
    this.#own = undefined;
    this.#lit = false;
    this.#sinceMicros = now;
    this.#repeater.start({ on: false });
  }

  #keepAlive(now: number): void {
    const sinceMicros = now - this.#sinceMicros;
    if (this.#own === undefined) this.#send(aged({ on: true }, sinceMicros + OLDER_MICROS));
    else this.#send(aged(this.#own, sinceMicros));
  }

  #onTimer(): void {
    this.#timer = undefined;
    const now = this.#clock.micros();
    if (this.#lit && now >= this.#darkDue()) this.#darken(now);
    if (now >= this.#keepMicros) {
      this.#keepMicros = NEVER;
      if (this.#lit && this.#isOccupied(now)) this.#keepAlive(now);
    }
    this.#schedule(now);
  }

  #darkDue(): number {
    return this.#motion ? NEVER : Math.max(this.#ownUntil, this.#othersUntil);
  }

  #schedule(now: number): void {
    if (!(this.#lit && this.#isOccupied(now))) this.#keepMicros = NEVER;
    else if (this.#keepMicros === NEVER) {
      this.#keepMicros = now + Math.floor(this.#holdMicros() / KEEP_ALIVES);
    }
    const due = Math.min(this.#keepMicros, this.#lit ? this.#darkDue() : NEVER);
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    this.#timer = due === NEVER ? undefined : this.#clock.after(Math.max(0, due - now), this.#wake);
  }
}
