/**
 * A wall switch: contact edges in, commands out. It knows nothing of CoAP, keys or lamps.
 *
 * The problem: a press must act the moment it can be told what it is, and what is sent must mean
 * the same to every lamp, whichever messages each of them missed. Rejected: to wait 300 ms for a
 * possible second press (every press pays for a rare one), and relative commands ("toggle", "step
 * up"), which leave a lamp that missed one the opposite of its neighbours for good. Chosen:
 *   - a short press acts at its release; a second release within 300 ms recalls the scene on top
 *     of it;
 *   - a press of 500 ms dims: one long fade to the bound at once, and the level reached, as an
 *     absolute level with a short fade, at the release; every hold goes the other way;
 *   - where scenes are stored from here (`onLongDouble`), a press and a hold behind it does that,
 *     of the light there was before the press;
 *   - the switch follows its group, so that it always knows the state it departs from.
 *
 * Not known, after power-up or a scene: whether the light is on (then a press means on) or how
 * bright (then each lamp returns to its own last level).
 *
 * Two switches may send before either hears the other. Both keep repeating, or neither does, and
 * lamps stay apart. So of two commands that crossed in flight one prevails everywhere: `heard` is
 * told which, by an order all devices share (the larger client id). Lamps, for their part, let a
 * repetition decide between originals this close (luminaire.ts).
 */
import type { Clock, Timer } from "../ports/clock.js";
import { acts, type Command, type MutableCommand, turns } from "./command.js";
import { Contact } from "./contact.js";
import { CROSSING_MICROS, Repeater, sentAt } from "./repeater.js";
import { PRESS_SCENE, type Settings } from "./settings.js";

export type Gesture =
  | { readonly does: "toggle" }
  /** Without a number it is the scene of the setting `scene`. */
  | { readonly does: "scene"; readonly scene?: number }
  | { readonly does: "dim"; readonly fullMs: number }
  | { readonly does: "nothing" };

/** What the button means. Data, so that another kind of button needs no other code. */
export interface Gestures {
  /** A release sooner than HOLD_MICROS. */
  readonly short: Gesture;
  /** A second one within DOUBLE_MICROS of the first, which has acted already. */
  readonly double: Gesture;
  /** `dim` acts until the release, anything else once. `fullMs`: from one bound to the other. */
  readonly hold: Gesture;
}

export const GESTURES: Gestures = Object.freeze({
  short: Object.freeze({ does: "toggle" }),
  double: Object.freeze({ does: "scene" }),
  hold: Object.freeze({ does: "dim", fullMs: 4000 }),
});

const HOLD_MICROS = 500_000;
const DOUBLE_MICROS = 300_000;
const TENTH_MS = 100;
const LEVEL_FULL = 254;
/** Dimming never switches off. */
const LEVEL_LEAST = 1;
/** Fade of the level a hold ends with: long enough to hide that lamps are a step apart. */
const SETTLE_TENTHS = 2;

/** A hold in progress. */
interface Dimming {
  readonly from: number;
  /** The level it had, or would have returned to. */
  readonly before: number | undefined;
  readonly bound: number;
  readonly startMicros: number;
  readonly spanMicros: number;
}

export class Switch {
  /** Ask every luminaire for an execution report on each command (not on its repetitions). */
  wantsReports: boolean;
  /** Asked about each edge, without bounces: false keeps a press from being one for light. */
  declare isForLight?: (down: boolean, atMicros: number) => boolean;
  /** A hold right behind a short press, once the light is again what it was before both. */
  declare onLongDouble?: () => void;
  readonly #clock: Clock;
  readonly #settings: Settings;
  readonly #gestures: Gestures;
  readonly #contact: Contact;
  readonly #repeater: Repeater;

  /**
   * What the group shows, as far as this switch knows; the level is the one it has or returns to.
   */
  #on: boolean | undefined = undefined;
  #level: number | undefined = undefined;
  /** When the command that made it so was sent. */
  #sinceMicros = Number.NEGATIVE_INFINITY;

  /** Before the last press. */
  #wasOn: boolean | undefined = undefined;
  #held = false;
  #pressedMicros = 0;
  #releasedMicros = Number.NEGATIVE_INFINITY;
  #upwards = false;
  #dimming: Dimming | undefined = undefined;
  #timer: Timer | undefined = undefined;
  readonly #onHold = () => this.#hold();

  constructor(ports: {
    clock: Clock;
    settings: Settings;
    send: (command: Command) => void;
    gestures?: Gestures;
    wantsReports?: boolean;
  }) {
    this.#clock = ports.clock;
    this.#settings = ports.settings;
    this.#gestures = ports.gestures ?? GESTURES;
    this.wantsReports = ports.wantsReports ?? false;
    this.#repeater = new Repeater(ports);
    const onEdge = (down: boolean, at: number) => {
      if (this.isForLight?.(down, at) === false) return;
      if (down) this.#press(at);
      else this.#release(at);
    };
    this.#contact = new Contact({ clock: ports.clock, onEdge });
  }

  /** True while the button is down (bounce removed). */
  get pressed(): boolean {
    return this.#contact.down;
  }

  /** Every edge of the button, bounces included, in order of time. */
  edge(down: boolean, atMicros: number): void {
    this.#contact.edge(down, atMicros);
  }

  /**
   * A genuine command of another sender to this switch's group. `prevails`: of two that crossed in
   * flight, the other one's wins.
   */
  heard(command: Command, prevails: boolean): void {
    if (!acts(command)) return;
    const sent = sentAt(command, this.#clock.micros());
    if (!this.#repeater.yieldsTo(sent, prevails)) return; // check: switch-crossing
    // A repetition of something older than what another sender said since.
    if (sent + CROSSING_MICROS < this.#sinceMicros) return; // check: switch-follows-newest
    this.#repeater.cancel();
    this.#dimming = undefined;
    this.#follow(command, sent);
  }

  #press(atMicros: number): void {
    this.#held = false;
    this.#pressedMicros = atMicros;
    const delayMicros = Math.max(0, atMicros + HOLD_MICROS - this.#clock.micros());
    this.#timer = this.#clock.after(delayMicros, this.#onHold);
  }

  #release(atMicros: number): void {
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    this.#timer = undefined;
    if (this.#held) {
      if (this.#dimming !== undefined) this.#settle(this.#dimming, atMicros);
      return;
    }
    const second =
      this.#gestures.double.does !== "nothing" && atMicros - this.#releasedMicros <= DOUBLE_MICROS;
    this.#releasedMicros = second ? Number.NEGATIVE_INFINITY : atMicros;
    this.#act(second ? this.#gestures.double : this.#gestures.short);
  }

  #hold(): void {
    this.#timer = undefined;
    this.#held = true;
    const isSecond = this.#pressedMicros - this.#releasedMicros < DOUBLE_MICROS;
    this.#releasedMicros = Number.NEGATIVE_INFINITY;
    if (isSecond && this.onLongDouble !== undefined) {
      this.#undoToggle();
      this.onLongDouble();
      return;
    }
    this.#act(this.#gestures.hold);
  }

  #undoToggle(): void {
    if (this.#wasOn === undefined || this.#wasOn === this.#on) return;
    if (this.#wasOn) this.#toggle();
    else this.#send({ on: false });
  }

  /** The hold turns out to be another gesture: the light is what it was before it dimmed. */
  takeBack(): void {
    const dimming = this.#dimming;
    if (dimming === undefined) return;
    this.#dimming = undefined;
    this.#upwards = !this.#upwards;
    const { from, before } = dimming;
    if (from > 0) this.#send({ on: true, level: from, fadeTenths: SETTLE_TENTHS });
    // Dark, and the level it returns to the one of before, where that is known.
    else if (before === undefined) this.#send({ on: false, fadeTenths: SETTLE_TENTHS });
    else this.#send({ on: false, level: before, fadeTenths: SETTLE_TENTHS });
  }

  #act(gesture: Gesture): void {
    if (gesture.does === "toggle") this.#toggle();
    else if (gesture.does === "scene") this.#recall(gesture.scene);
    else if (gesture.does === "dim") this.#dim(gesture.fullMs);
  }

  #recall(scene: number | undefined): void {
    this.#send({ scene: scene ?? this.#settings.get(PRESS_SCENE) });
  }

  #toggle(): void {
    this.#wasOn = this.#on;
    if (this.#on === true) this.#send({ on: false });
    else if (this.#level === undefined) this.#send({ on: true });
    else this.#send({ on: true, level: this.#level });
  }

  /** Starts towards the bound that lies the other way than last time, or the only one there is. */
  #dim(fullMs: number): void {
    const from = this.#on === false ? 0 : (this.#level ?? LEVEL_FULL);
    this.#upwards = !this.#upwards;
    if (from <= LEVEL_LEAST) this.#upwards = true;
    if (from === LEVEL_FULL) this.#upwards = false;
    const bound = this.#upwards ? LEVEL_FULL : LEVEL_LEAST;
    // In whole tenths: what the lamps are told is what the level at the release is computed from.
    const spanMs = (Math.abs(bound - from) * fullMs) / LEVEL_FULL;
    const fadeTenths = Math.max(1, Math.round(spanMs / TENTH_MS));
    const startMicros = this.#clock.micros();
    const before = this.#level;
    this.#send({ on: true, level: bound, fadeTenths });
    const spanMicros = fadeTenths * TENTH_MS * 1000;
    this.#dimming = { from, before, bound, startMicros, spanMicros };
  }

  /** The level the fade has reached by now, for all to agree on. */
  #settle(dimming: Dimming, atMicros: number): void {
    const { from, bound, startMicros, spanMicros } = dimming;
    this.#dimming = undefined;
    const elapsed = Math.min(spanMicros, Math.max(0, atMicros - startMicros));
    const level = from + Math.round(((bound - from) * elapsed) / spanMicros);
    this.#send({ on: true, level: Math.max(LEVEL_LEAST, level), fadeTenths: SETTLE_TENTHS });
  }

  #send(wanted: Command): void {
    const command: MutableCommand = { ...wanted };
    if (this.wantsReports) command.report = true;
    this.#follow(command, this.#clock.micros());
    this.#repeater.start(command);
  }

  #follow(command: Command, sentMicros: number): void {
    this.#sinceMicros = sentMicros;
    const on = turns(command);
    if (on === undefined) return;
    this.#on = on;
    // Each lamp has its own level in a scene: the group has none.
    if (command.scene !== undefined) this.#level = undefined;
    else if (command.level !== undefined && command.level > 0) this.#level = command.level;
  }
}
