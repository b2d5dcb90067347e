/**
 * An authority as its page shows it. The ledger is looked at every second while somebody watches,
 * so that what another program decided on the same database is seen, too. What switches say, it
 * knows of groups that it listens to (group create --numbers heard); what lamps show, of none.
 */

import type { Said } from "../../modules/authority/ear.js";
import { roleOf as joinedRole } from "../../modules/authority/grouping.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { groups, membersOf, numberKey, pushes } from "../../modules/authority/records.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { POST, URI_PATH } from "../../modules/coap/options.js";
import { acts, type Command, decodeCommand, turns } from "../../modules/lighting/command.js";
import { ROLE_NAMES } from "../../modules/ports/role.js";
import { Board } from "../web/board.js";
import { percent, type RekeyState, type Role } from "../web/site.js";
import type { Authority } from "./authority.js";
import { type DeviceView, listDevices, nameOfClient } from "./devices.js";
import { floorOf } from "./floor.js";
import { type GroupView, listGroups } from "./groups.js";
import type { LastWords } from "./words.js";

const LOOK_MS = 1000;
const REKEYS_KEPT = 6;
const PRESSES_KEPT = 8;
/** "l" in hex. */
const LIGHT_PATH = "6c";
/** Of a member that does not have a key yet. */
const WAITING = "has not confirmed it yet";

/** A security group: its newest key, and who waits for it. */
interface Keyed {
  readonly epoch: number;
  readonly members: number;
  readonly left: Readonly<Record<string, string>>;
}

export class AuthorityBoard {
  readonly board = new Board();
  readonly #authority: Authority;
  readonly #words: LastWords;
  readonly #epochs = new Map<number, number>();
  /** The newest renewal of each security group that is not over. */
  readonly #underWay = new Map<number, number>();
  /** EUI-64s by client id, in hex both. */
  #clients: ReadonlyMap<string, string> = new Map();
  /** And by what they show. */
  #credentials: ReadonlyMap<string, string> = new Map();
  #rekeys = 0;
  #presses = 0;
  /** When each was heard in a group, by EUI-64. */
  readonly #spoke = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(authority: Authority, words: LastWords) {
    this.#authority = authority;
    this.#words = words;
    this.board.put("facts", "site", {
      ...{ name: authority.name, kind: "authority", openUntil: null, notice: "" },
      ...{ picture: null, pictureMetres: 20 },
    });
  }

  async start(): Promise<void> {
    await this.look();
    // What the disk refuses now is told by the next command.
    const look = () => (this.board.watchers > 0 ? this.look().catch(() => {}) : undefined);
    this.#timer = setInterval(() => void look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Shows what the ledger says now. */
  async look(): Promise<void> {
    const authority = this.#authority;
    const { devices } = await listDevices(authority);
    const { groups: all } = await listGroups(authority);
    const { floor, roles, keyed } = await authority.read((rows) => ({
      floor: floorOf(rows),
      roles: new Map(devices.map(({ eui64 }) => [eui64, joinedAs(rows, eui64)])),
      keyed: new Map(groups.keys(rows).map((key) => keyedOf(rows, Number(key)))),
    }));
    const numbers = new Map(all.map(({ name, number }) => [name, `${number}`]));
    for (const group of all) this.#showGroup(group);
    this.#gone("groups", new Set(numbers.values()));
    for (const device of devices) {
      const { eui64 } = device;
      const { x, y } = floor.get(eui64) ?? { x: null, y: null };
      const state = this.#stateOf(device, numbers);
      const role = roles.get(eui64) ?? state.role;
      this.board.put("devices", eui64, { x, y, ...state, role });
    }
    this.#clients = new Map(devices.map(({ clientId, eui64 }) => [clientId, eui64]));
    this.#credentials = new Map(devices.map(({ credential, eui64 }) => [credential, eui64]));
    this.#gone("devices", new Set(devices.map(({ eui64 }) => eui64)));
    for (const [group, state] of keyed) this.#showKeys(group, state, all);
  }

  /** A member spoke to a group that is listened to. */
  said({ clientId, appGroup, inner }: Said): void {
    const id = this.#clients.get(toHex(clientId));
    if (id === undefined) return;
    const at = Date.now();
    this.board.put("devices", id, { heardAt: at });
    this.#spoke.set(id, at);
    const command = commandIn(inner);
    const isFirst = command !== undefined && acts(command) && command.ageHundredths === undefined;
    if (!isFirst) return;
    const { groups: all, devices } = this.board.site;
    const number = `${appGroup}`;
    this.board.put("devices", id, { touchedAt: at });
    const by = devices[id]?.name ?? id;
    const what = `${by}: ${commandText(command)}`;
    if (all[number] !== undefined) this.board.put("groups", number, { told: what, toldAt: at });
    const lamps = Object.values(devices).filter((device) => {
      return device.role === "luminaire" && device.groups.includes(number);
    }).length;
    const press = ++this.#presses;
    const unknown = { changed: null, firstMs: null, lastMs: null };
    this.board.put("presses", `${press}`, { id: press, what, at, lamps, ...unknown });
    this.board.remove("presses", `${press - PRESSES_KEPT}`);
  }

  /** A lamp's own button: its row lights up. */
  pressed(credential: string): void {
    const id = this.#credentials.get(credential);
    if (id !== undefined) this.board.put("devices", id, { touchedAt: Date.now() });
  }

  #stateOf(device: DeviceView, numbers: ReadonlyMap<string, string>) {
    const { eui64: id, name, lost, grants, credential } = device;
    const own = grants.flatMap(({ group, key }) => {
      const number = numbers.get(group ?? "");
      return number === undefined ? [] : [[number, key] as const];
    });
    const ids = own.map(([number]) => number);
    const { groups: before = ids, touchedAt = null } = this.board.site.devices[id] ?? {};
    const isMoved = before.join() !== ids.join();
    return {
      touchedAt: isMoved ? Date.now() : touchedAt,
      ...{ id, name, role: roleOf(device), isLost: lost, isDark: false, level: null, drops: null },
      pattern: null,
      groups: ids,
      keys: Object.fromEntries(own),
      heardAt: latest(this.#words.of(credential), this.#spoke.get(id) ?? null),
    };
  }

  #showGroup({ name, number, profile, key, waiting }: GroupView): void {
    const id = `${number}`;
    const { told = null, toldAt = null } = this.board.site.groups[id] ?? {};
    const newest = key < 0 ? null : key;
    this.board.put("groups", id, { id, name, profile, key: newest, waiting, told, toldAt });
  }

  #gone(table: "groups" | "devices", known: ReadonlySet<string>): void {
    for (const id of Object.keys(this.board.site[table])) {
      if (!known.has(id)) this.board.remove(table, id);
    }
  }

  /** A newer key than at the last look is one on its way. */
  #showKeys(group: number, { epoch, members, left }: Keyed, all: readonly GroupView[]): void {
    const before = this.#epochs.get(group);
    this.#epochs.set(group, epoch);
    const waiting = Object.keys(left).length;
    if (before !== undefined && epoch > before && members > 0) {
      const id = ++this.#rekeys;
      const { name = `${group}` } = all.find(({ securityGroup }) => securityGroup === group) ?? {};
      const what = `${name}: key ${epoch}`;
      const rekey = { id, what, at: Date.now(), of: members, done: 0, isOver: false, left };
      this.board.put("rekeys", `${id}`, rekey);
      this.board.remove("rekeys", `${id - REKEYS_KEPT}`);
      this.#underWay.set(group, id);
    }
    const id = this.#underWay.get(group);
    if (id === undefined) return;
    const { of = members } = this.board.site.rekeys[`${id}`] ?? {};
    const news: Partial<RekeyState> = {
      done: Math.max(0, of - waiting),
      isOver: waiting === 0,
      left,
    };
    this.board.put("rekeys", `${id}`, news);
    if (waiting === 0) this.#underWay.delete(group);
  }
}

function keyedOf(rows: Rows, group: number): [number, Keyed] {
  const { epoch } = groups.need(rows, numberKey(group));
  const prefix = `${numberKey(group)}/`;
  const left = pushes.keys(rows, prefix).map((key) => {
    return [nameOfClient(rows, fromHex(key.slice(prefix.length))), WAITING] as const;
  });
  const members = membersOf(rows, group).length;
  return [group, { epoch, members, left: Object.fromEntries(left) }];
}

function latest(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}

/** Of POST /l. */
function commandIn({ code, options, payload }: Said["inner"]): Command | undefined {
  const path = options.filter(({ number }) => number === URI_PATH).map(({ value }) => toHex(value));
  const isLight = code === POST && path.length === 1 && path[0] === LIGHT_PATH;
  return isLight && payload !== undefined ? decodeCommand(payload) : undefined;
}

function commandText(command: Command): string {
  const { level, scene } = command;
  if (scene !== undefined) return `scene ${scene}`;
  if (turns(command) === false) return "off";
  if (level !== undefined) return percent(level);
  return turns(command) === true ? "on" : "colour";
}

/** Of a device that was joined here: it said so itself. */
function joinedAs(rows: Rows, eui64: string): Role | undefined {
  const role = joinedRole(rows, eui64);
  return role === undefined ? undefined : ROLE_NAMES[role - 1];
}

/** As far as rights tell: who only listens is a lamp. */
function roleOf({ grants }: DeviceView): Role {
  const roles = new Set(grants.map((grant) => grant.roles));
  if (roles.has("sender")) return "sender";
  return roles.has("receiver") || roles.has("both") ? "luminaire" : "unknown";
}
