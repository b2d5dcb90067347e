/**
 * An authority as its page shows it. The ledger is looked at every second while somebody watches,
 * so that what another program decided on the same database is seen, too. What lamps show, this
 * program does not know; the page says so.
 */
import type { Rows } from "../../modules/authority/ledger.js";
import { groups, membersOf, numberKey, pushes } from "../../modules/authority/records.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { Board } from "../web/board.js";
import type { RekeyState, Role } from "../web/site.js";
import type { Authority } from "./authority.js";
import { type DeviceView, listDevices, nameOfClient } from "./devices.js";
import { floorOf } from "./floor.js";
import { type GroupView, listGroups } from "./groups.js";
import type { LastWords } from "./words.js";

const LOOK_MS = 1000;
const REKEYS_KEPT = 6;
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
  #rekeys = 0;
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
    const { floor, keyed } = await authority.read((rows) => ({
      floor: floorOf(rows),
      keyed: new Map(groups.keys(rows).map((key) => keyedOf(rows, Number(key)))),
    }));
    const numbers = new Map(all.map(({ name, number }) => [name, `${number}`]));
    for (const group of all) this.#showGroup(group);
    this.#gone("groups", new Set(numbers.values()));
    for (const device of devices) {
      const { eui64 } = device;
      const { x, y } = floor.get(eui64) ?? { x: null, y: null };
      this.board.put("devices", eui64, { x, y, ...this.#stateOf(device, numbers) });
    }
    this.#gone("devices", new Set(devices.map(({ eui64 }) => eui64)));
    for (const [group, state] of keyed) this.#showKeys(group, state, all);
  }

  #stateOf(device: DeviceView, numbers: ReadonlyMap<string, string>) {
    const { eui64: id, name, lost, grants, credential } = device;
    const own = grants.flatMap(({ group, key }) => {
      const number = numbers.get(group ?? "");
      return number === undefined ? [] : [[number, key] as const];
    });
    return {
      ...{ id, name, role: roleOf(device), isLost: lost, isDark: false, level: null, drops: null },
      groups: own.map(([number]) => number),
      keys: Object.fromEntries(own),
      heardAt: this.#words.of(credential),
    };
  }

  #showGroup({ name, number, profile, key, waiting }: GroupView): void {
    const id = `${number}`;
    this.board.put("groups", id, { id, name, profile, key: key < 0 ? null : key, waiting });
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

/** As far as rights tell: who only listens is a lamp. */
function roleOf({ grants }: DeviceView): Role {
  const roles = new Set(grants.map((grant) => grant.roles));
  if (roles.has("sender")) return "sender";
  return roles.has("receiver") || roles.has("both") ? "luminaire" : "unknown";
}
