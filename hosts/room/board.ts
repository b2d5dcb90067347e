/**
 * A room as its page shows it: what the medium sees of every device, as it happens. Times of the
 * medium only rise; how long something took is told by them, and when it was by this computer.
 */
import { toHex } from "../../modules/bytes/hex.js";
import type { PatternName } from "../../modules/ports/indicator.js";
import type { Device, Installation } from "../installation/types.js";
import type { Medium } from "../medium/medium.js";
import type { MediumEvents } from "../medium/types.js";
import { Board } from "../web/board.js";
import type { RekeyState } from "../web/site.js";
import type { PressLine } from "./live.js";
import { isDrop } from "./measure.js";
import { Readiness } from "./ready.js";

/** "rekey 1: lamp-3 done, attempt 2, 3 of 12", as rekeyings.ts says it. */
const PUSHED = /^((?:rekey|lost) \S+): (\S+) (.+?)(?:, attempt \d+)?, (\d+) of (\d+)$/;
const BEGUN = /^((?:rekey|lost) \S+): (\d+) members$/;
const OVER = /^((?:rekey|lost) \S+): over, (\d+) of \d+ in /;
/** "join lamp-3: find: luminaire …", "join lamp-3: failed at find: …", as joins.ts says it. */
const JOINING = /^join (\S+): (?:failed at )?([^:]+): (.*)$/;
const FAILED = /^join \S+: failed at /;
const LAST_STEP = "light";
const KEYED = "keys: resting";
const PRESSES_KEPT = 8;
const REKEYS_KEPT = 6;
/** Everybody talks all the time: the age of a last word need not be exact. */
const HEARD_MS = 1000;

export class RoomBoard {
  readonly board = new Board();
  readonly #room: Installation;
  readonly #ids: ReadonlyMap<string, string>;
  readonly #heard = new Map<string, number>();
  readonly #drops = new Map<string, number>();
  readonly #ready: Readiness | undefined;
  #press: { readonly line: PressLine; readonly id: number } | undefined;
  #presses = 0;
  #rekeys: RekeyState[] = [];

  /** `isManaged`: its devices get their keys from an authority. */
  constructor(medium: Medium, room: Installation, isManaged: boolean) {
    this.#room = room;
    this.#ids = new Map(room.devices.map(({ name, eui64 }) => [name, toHex(eui64)]));
    this.#ready = isManaged ? new Readiness(room) : undefined;
    this.#furnish(isManaged);
    medium.on("light", (event) => this.#onLight(event));
    medium.on("trace", (event) => this.#onTrace(event));
    medium.on("log", (event) => this.#onLog(event));
    medium.on("indicator", ({ device, pattern }) => this.#says(device, pattern));
    medium.on("air", ({ device }) => this.#word(device));
    medium.on("power", ({ device, on }) => {
      const id = this.#ids.get(device);
      if (id !== undefined) this.board.put("devices", id, { isDark: !on, pattern: "off" });
    });
  }

  /** EUI-64 in hex -> name. */
  nameOf(id: string): string {
    const name = this.#room.devices.find((device) => toHex(device.eui64) === id)?.name;
    if (name === undefined) throw new Error(`there is no device ${id}`);
    return name;
  }

  /** A press is planned or complete; who obeys it is entered in `line` by whoever began it. */
  pressed(line: PressLine): void {
    const id = ++this.#presses;
    this.#press = { line, id };
    this.#showPress();
    this.board.remove("presses", `${id - PRESSES_KEPT}`);
    const by = this.#ids.get(line.by);
    if (by !== undefined) this.board.put("devices", by, { touchedAt: Date.now() });
  }

  #furnish(isManaged: boolean): void {
    const { name, devices, securityGroups, applicationGroups } = this.#room;
    this.board.put("facts", "site", {
      ...{ name, kind: "room", openUntil: null, notice: this.#ready?.text ?? "" },
      ...{ picture: null, pictureMetres: 0 },
    });
    const told = { waiting: 0, told: null, toldAt: null };
    for (const { id, name: group, securityGroup } of applicationGroups) {
      const of = securityGroups.find((one) => one.id === securityGroup);
      const key = isManaged ? null : (of?.keys.length ?? null);
      const facts = { id: `${id}`, name: group, profile: of?.profile ?? "", key, ...told };
      this.board.put("groups", `${id}`, facts);
    }
    for (const device of devices) this.#enter(device, isManaged);
  }

  #enter({ eui64, name, role, position, groups, target }: Device, isManaged: boolean): void {
    const id = toHex(eui64);
    const own = target === undefined ? groups : [...groups, target];
    const isGroup = (one: number) => this.#room.applicationGroups.some((group) => group.id === one);
    const ids = [...new Set(own)].filter(isGroup).map(String);
    const keys = Object.fromEntries(
      ids.map((group) => [group, isManaged ? null : (this.board.site.groups[group]?.key ?? null)]),
    );
    this.board.put("devices", id, {
      ...{ id, name, role, x: position[0], y: position[1], groups: ids, keys },
      ...{ level: role === "luminaire" ? 0 : null, heardAt: null, drops: 0 },
      ...{ touchedAt: null, isLost: false, isDark: false, pattern: "off" as const },
    });
  }

  #onLight({ device, light }: MediumEvents["light"]): void {
    const id = this.#ids.get(device);
    if (id === undefined) return;
    this.board.put("devices", id, { level: light.level });
    this.#word(device);
    // It is LiveRoom that says which lamps obeyed: it hears of this first.
    this.#showPress();
  }

  #showPress(): void {
    if (this.#press === undefined) return;
    const { line, id } = this.#press;
    const times = [...line.reactions.values()].map((micros) => micros / 1000);
    const at = this.board.site.presses[`${id}`]?.at ?? Date.now();
    this.board.put("presses", `${id}`, {
      ...{ id, what: line.what, at, lamps: line.lamps.length, changed: times.length },
      firstMs: times.length === 0 ? null : Math.min(...times),
      lastMs: times.length === 0 ? null : Math.max(...times),
    });
  }

  #onTrace({ device, event }: MediumEvents["trace"]): void {
    if (!isDrop(event)) return;
    const count = (this.board.site.drops[event]?.count ?? 0) + 1;
    this.board.put("drops", event, { reason: event, count, at: Date.now(), device });
    const id = this.#ids.get(device);
    if (id === undefined) return;
    const drops = (this.#drops.get(id) ?? 0) + 1;
    this.#drops.set(id, drops);
    this.board.put("devices", id, { drops });
  }

  #says(device: string, pattern: PatternName): void {
    const id = this.#ids.get(device);
    if (id !== undefined) this.board.put("devices", id, { pattern });
  }

  #word(device: string | undefined): void {
    const id = this.#ids.get(device ?? "");
    const now = Date.now();
    if (id === undefined || now - (this.#heard.get(id) ?? 0) < HEARD_MS) return;
    this.#heard.set(id, now);
    this.board.put("devices", id, { heardAt: now });
  }

  #onLog({ device, text }: MediumEvents["log"]): void {
    if (this.#ready?.heard({ device, text }) === true) {
      this.board.put("facts", "site", { notice: this.#ready.isDone ? "" : this.#ready.text });
    }
    const id = this.#ids.get(device);
    if (id === undefined) this.#onKeeper(text);
    else if (text === KEYED) this.#keyed(id);
  }

  #keyed(id: string): void {
    const { keys = {} } = this.board.site.devices[id] ?? {};
    if (Object.values(keys).every((key) => key !== null)) return;
    const first = Object.keys(keys).map((group) => {
      const newest = this.board.site.groups[group]?.key ?? 1;
      this.board.put("groups", group, { key: newest });
      return [group, newest];
    });
    this.board.put("devices", id, { keys: Object.fromEntries(first) });
  }

  /** What the authority says of new keys on their way. */
  #onKeeper(text: string): void {
    const [, begun, of] = BEGUN.exec(text) ?? [];
    const [, over, had] = OVER.exec(text) ?? [];
    const [, what, name, result, done] = PUSHED.exec(text) ?? [];
    if (this.#onJoin(text)) return;
    if (begun !== undefined) this.#begin(begun, Number(of));
    else if (over !== undefined) this.#progress(over, { isOver: true, done: Number(had) });
    else if (what !== undefined) this.#pushed(what, { name, result, done: Number(done) });
  }

  /** A device on its way in; true for a line about one. */
  #onJoin(text: string): boolean {
    const [, name = "", step, said] = JOINING.exec(text) ?? [];
    const device = this.#room.devices.find((one) => one.name === name);
    if (device === undefined) return false;
    const id = toHex(device.eui64);
    const failure = FAILED.test(text) ? said : null;
    if (step === LAST_STEP && failure === null) this.board.remove("joins", id);
    else {
      const { role } = device;
      const told = failure === null ? `${step}: ${said}` : `${step}:`;
      this.board.put("joins", id, { id, role, step: told, asks: false, failure });
    }
    return true;
  }

  #pushed(
    what: string,
    { name, result, done }: { name: string; result: string; done: number },
  ): void {
    const before = this.#rekeys.find((rekey) => rekey.what === what && !rekey.isOver);
    const { [name]: _, ...left } = before?.left ?? {};
    if (result !== "done") {
      this.#progress(what, { left: { ...left, [name]: result } });
      return;
    }
    this.#progress(what, { done, left });
    const id = this.#ids.get(name) ?? "";
    const { keys = {} } = this.board.site.devices[id] ?? {};
    const { groups } = this.board.site;
    const newest = Object.keys(keys).map((group) => [group, groups[group]?.key ?? null]);
    if (id !== "") this.board.put("devices", id, { keys: Object.fromEntries(newest) });
  }

  #begin(what: string, of: number): void {
    const [word, whose] = what.split(" ");
    const id = (this.#rekeys.at(-1)?.id ?? 0) + 1;
    const rekey = { id, what, at: Date.now(), of, done: 0, isOver: of === 0, left: {} };
    this.#rekeys = [...this.#rekeys, rekey].slice(-REKEYS_KEPT);
    this.board.put("rekeys", `${id}`, rekey);
    this.board.remove("rekeys", `${id - REKEYS_KEPT}`);
    const lost = this.#ids.get(whose);
    if (word === "lost" && lost !== undefined) this.board.put("devices", lost, { isLost: true });
    const { applicationGroups, devices } = this.#room;
    const left = devices.find(({ name }) => name === whose);
    for (const group of applicationGroups) {
      const isOf = word === "rekey" ? `${group.securityGroup}` === whose : isIn(left, group.id);
      const { key = null } = this.board.site.groups[`${group.id}`] ?? {};
      if (isOf) this.board.put("groups", `${group.id}`, { key: (key ?? 1) + 1 });
    }
  }

  #progress(what: string, news: Partial<RekeyState>): void {
    this.#rekeys = this.#rekeys.map((rekey) => {
      if (rekey.what !== what || rekey.isOver) return rekey;
      this.board.put("rekeys", `${rekey.id}`, news);
      return { ...rekey, ...news };
    });
  }
}

function isIn(device: Device | undefined, group: number): boolean {
  return device !== undefined && (device.groups.includes(group) || device.target === group);
}
