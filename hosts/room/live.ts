/** The room at a terminal: devices in real time, keys for fingers, and what every press did. */
import type { PatternName } from "../../modules/ports/indicator.js";
import { Chance } from "../installation/chance.js";
import type { Installation, Role } from "../installation/types.js";
import type { Medium } from "../medium/medium.js";
import type { MediumEvents } from "../medium/types.js";
import { type Edge, settle, shortPress } from "./contact.js";
import { isDrop } from "./measure.js";
import { lampsOf, WINDOW_MICROS } from "./meter.js";
import { Readiness } from "./ready.js";
import { clock, millis, render, type View } from "./screen.js";
import { securityOf } from "./summary.js";
import { Terminal } from "./terminal.js";

const REDRAW_MS = 50;
const PRESSES_SHOWN = 6;
const DROPS_SHOWN = 6;
/** Between the two presses of a double press; the firmware takes up to 300 ms between releases. */
const DOUBLE_GAP_MICROS = 40_000;
const MOTION_MICROS = 2_000_000;
/** The contact of a held switch is closed until a key lets it go. */
const HELD = Number.POSITIVE_INFINITY;

/** What a digit key does after `d` or `h`. */
type Mode = "press" | "double" | "hold";

export interface PressLine {
  readonly what: string;
  /** Name of the switch or sensor. */
  readonly by: string;
  readonly at: number;
  /** Those it commands. */
  readonly lamps: readonly string[];
  readonly reactions: Map<string, number>;
}

export class LiveRoom {
  /** Hears of each press; reactions are entered in its line as they come. */
  onPress: ((press: PressLine) => void) | undefined;
  readonly #medium: Medium;
  readonly #room: Installation;
  /** "oscore by unicast". */
  readonly #security: string;
  readonly #chance: Chance;
  readonly #luminaires: readonly string[];
  readonly #switches: readonly string[];
  readonly #sensors: readonly string[];
  readonly #levels = new Map<string, number>();
  readonly #patterns = new Map<string, PatternName>();
  /** By switch or sensor: until when its contact is closed, or it sees motion. */
  readonly #activeUntil = new Map<string, number>();
  readonly #dropCounts = new Map<string, number>();
  /** Newest first. */
  #presses: PressLine[] = [];
  #drops: string[] = [];
  #mode: Mode = "press";
  #notice = "";
  /** What stays on the screen: the page's address. */
  readonly #told: string[] = [];

  /** `ready`: of a room whose devices come without keys. */
  constructor(medium: Medium, room: Installation, ready?: Readiness) {
    this.#medium = medium;
    this.#room = room;
    const { profile, delivery } = securityOf(room);
    this.#security = `${profile} by ${delivery}`;
    this.#chance = new Chance(room.seed, "fingers");
    this.#luminaires = namesOf(room, "luminaire");
    this.#switches = namesOf(room, "switch");
    this.#sensors = namesOf(room, "presence");
    medium.on("light", (event) => this.#onLight(event));
    medium.on("indicator", ({ device, pattern }) => this.#patterns.set(device, pattern));
    // Without power, and at a start, nothing is said.
    medium.on("power", ({ device }) => this.#patterns.delete(device));
    medium.on("trace", (event) => this.#onTrace(event));
    medium.on("log", ({ device, text }) => {
      ready?.heard({ device, text });
      if (ready?.isDone === false) this.#notice = ready.text;
      else if (Readiness.isMeant(text)) this.#notice = "";
      else this.#notice = `${device}: ${text}`;
    });
  }

  async run(): Promise<void> {
    const terminal = new Terminal({
      stdin: process.stdin,
      stdout: process.stdout,
      onKey: (key) => this.key(key),
      onResize: () => draw(),
    });
    const draw = () => terminal.draw(render(this.view(), terminal.size, terminal.colours));
    const timer = setInterval(draw, REDRAW_MS);
    try {
      draw();
      await this.#medium.run(Number.POSITIVE_INFINITY);
    } finally {
      clearInterval(timer);
      terminal.close();
    }
  }

  view(): View {
    const { engine, now } = this.#medium;
    const latest = this.#latest(now);
    const lamps = this.#luminaires.map((name) => {
      const latencyMicros = latest?.reactions.get(name);
      return { name, level: this.#level(name), latencyMicros, pattern: this.#pattern(name) };
    });
    const commanders = (names: readonly string[]) => {
      return names.map((name) => {
        return { name, active: now < this.#busyUntil(name), pattern: this.#pattern(name) };
      });
    };
    return {
      title: [`Lumicast · ${this.#room.name} · ${this.#security} · ${engine}`, ...this.#told].join(
        " · ",
      ),
      nowMicros: now,
      lamps,
      switches: commanders(this.#switches),
      sensors: commanders(this.#sensors),
      presses: this.#presses.map(pressText),
      drops: this.#drops,
      dropCounts: this.#dropCounts,
      help: this.#help(),
    };
  }

  /** What a key does. */
  key(key: string): void {
    // Raw mode: Ctrl-C and Ctrl-D arrive as characters.
    if (key === "q" || key === "\x03" || key === "\x04") void this.#medium.stop();
    else if (key === "d") this.#mode = "double";
    else if (key === "h") this.#mode = "hold";
    else if (key === "m") this.#move();
    else {
      const name = this.#switches[Number(key) - 1];
      if (name !== undefined) this.#use(name, this.#mode);
      this.#mode = "press";
    }
  }

  /** A finger on a switch, as by its key. Throws an Error for what is none. */
  press(name: string): void {
    if (!this.#switches.includes(name)) throw new Error(`${name} is no switch`);
    this.#use(name, "press");
  }

  /** Of each kind ("page: ...", "code to log in: ...") the latest. */
  tell(line: string): void {
    const [kind] = line.split(":");
    const before = this.#told.findIndex((told) => told.startsWith(`${kind}:`));
    this.#told.splice(before < 0 ? this.#told.length : before, 1, line);
  }

  #help(): string {
    const digits = this.#switches.map((_, index) => index + 1).join(" ");
    if (this.#mode === "double") return `double press of which switch? ${digits}`;
    if (this.#mode === "hold") return `hold which switch, or let it go? ${digits}`;
    const presses = `${digits} press · d then ${digits} double press · h then ${digits} hold`;
    const keys = this.#switches.length > 0 ? `${presses}, again to let go · ` : "";
    const motion = this.#sensors.length > 0 ? "m motion · " : "";
    const notice = this.#notice === "" ? "" : `   ${this.#notice}`;
    return `${keys}${motion}q quit${notice}`;
  }

  #use(name: string, mode: Mode): void {
    const at = this.#medium.now;
    const busyUntil = this.#busyUntil(name);
    if (busyUntil === HELD) this.#letGo(name, at);
    else if (at < busyUntil) return;
    else if (mode === "hold") this.#close(name, settle(true, at, this.#chance), HELD);
    else this.#press(name, at, mode);
  }

  #press(name: string, at: number, mode: Mode): void {
    const first = shortPress(at, this.#chance);
    this.#close(name, first.edges, first.completingMicros);
    this.#watch(`${name} press`, name, first.completingMicros);
    if (mode === "press") return;
    const second = shortPress(first.completingMicros + DOUBLE_GAP_MICROS, this.#chance);
    this.#close(name, second.edges, second.completingMicros);
    this.#watch(`${name} second press`, name, second.completingMicros);
  }

  #letGo(name: string, at: number): void {
    this.#close(name, settle(false, at, this.#chance), at);
    this.#watch(`${name} let go`, name, at);
  }

  #close(name: string, edges: readonly Edge[], untilMicros: number): void {
    for (const { at, down } of edges) this.#medium.button(name, down, at);
    this.#activeUntil.set(name, untilMicros);
  }

  #move(): void {
    const at = this.#medium.now;
    for (const sensor of this.#sensors) {
      if (at < this.#busyUntil(sensor)) continue;
      this.#medium.motion(sensor, true, at);
      this.#medium.motion(sensor, false, at + MOTION_MICROS);
      this.#activeUntil.set(sensor, at + MOTION_MICROS);
      this.#watch(`${sensor} motion`, sensor, at);
    }
  }

  #watch(what: string, name: string, at: number): void {
    const lamps = lampsOf(this.#room, name);
    const press: PressLine = { what, by: name, at, lamps, reactions: new Map() };
    this.#presses = [press, ...this.#presses].slice(0, PRESSES_SHOWN);
    this.onPress?.(press);
  }

  /** The press that was complete last; a double press is planned ahead. */
  #latest(now: number): PressLine | undefined {
    return this.#presses.find((press) => press.at <= now);
  }

  #level(name: string): number {
    return this.#levels.get(name) ?? 0;
  }

  #pattern(name: string): PatternName {
    return this.#patterns.get(name) ?? "off";
  }

  #busyUntil(name: string): number {
    return this.#activeUntil.get(name) ?? 0;
  }

  #onLight({ device, at, light }: MediumEvents["light"]): void {
    const changed = light.level !== this.#level(device);
    this.#levels.set(device, light.level);
    const press = this.#latest(at);
    if (!changed || press === undefined || !press.lamps.includes(device)) return;
    const after = at - press.at;
    if (after < WINDOW_MICROS && !press.reactions.has(device)) press.reactions.set(device, after);
  }

  #onTrace({ device, at, event }: MediumEvents["trace"]): void {
    if (!isDrop(event)) return;
    this.#dropCounts.set(event, (this.#dropCounts.get(event) ?? 0) + 1);
    this.#drops = [`${clock(at)} ${device}: ${event}`, ...this.#drops].slice(0, DROPS_SHOWN);
  }
}

function namesOf(room: Installation, role: Role): string[] {
  return room.devices.filter((device) => device.role === role).map(({ name }) => name);
}

function pressText({ what, at, lamps, reactions }: PressLine): string {
  const times = [...reactions.values()];
  const start = `${clock(at)} ${what}: ${times.length} of ${lamps.length} lamps changed`;
  if (times.length === 0) return start;
  return `${start}, first ${millis(Math.min(...times))}, last ${millis(Math.max(...times))}`;
}
