/**
 * Who may do what here: (client, scope) -> level, kept in the store.
 *
 * Every accepted message asks once, between its check and the lamp, so the answer must come
 * without allocation and without walking a hundred rows: typed columns and an index by hash with
 * open addressing, never more than half full. Rejected: a Map keyed by hex text (a string for each
 * message, 20 slots for each row). A client id is an integer of up to 8 bytes (WIRE.md: uniqueness
 * is of the integer), looked up by its two 32-bit halves, which loses nothing.
 *
 * A full table refuses the newcomer; nobody is evicted (ARCHITECTURE, decision 7).
 */
import { Id64 } from "../bytes/id64.js";
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { indexOf, KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import { DISCOVERY, isLevel, type Level } from "./level.js";

/** What this folder needs of modules/store. */
export type RightsStore = Pick<Store, "get" | "put" | "delete" | "keys"> &
  Partial<Pick<Store, "load">>;

export interface Right {
  /** 1 to 8 bytes, big-endian, as in the message. */
  readonly client: Uint8Array;
  /** An application group; null is this device itself, over a secure channel of its own. */
  readonly appGroup: number | null;
  readonly level: Level;
}

const CLIENT_BYTES_MAX = 8;
const APP_GROUP_MAX = 0xffffffff;
/** Rows are numbered in a byte of the hash index, 0 meaning none. */
const CAPACITY_MAX = 254;

// Columns of a row.
const LOW = 0;
const HIGH = 1;
const GROUP = 2;
const COLUMNS = 3;

/** Set beside the level when the right is for the device itself. */
const DEVICE = 0x08;
const LEVEL_BITS = 0x07;
const FREE = 0xff;

// A stored right: level | DEVICE, application group (4 bytes, 0 for the device), client id.
const HEAD_BYTES = 5;

export class Rights {
  /** All columns, for native help: rows, levels, index (platforms/native/intake.c). */
  readonly columns: ArrayBuffer;
  readonly capacity: number;
  readonly #store: RightsStore;
  readonly #rows: Int32Array;
  readonly #levels: Uint8Array;
  /** Hash -> row + 1. */
  readonly #index: Uint8Array;
  #count = 0;

  /**
   * Reads what is stored. Throws an Error that names the record when one is damaged or there are
   * more than `capacity` (at most 254): a device with half its rights would look like a radio
   * problem.
   */
  constructor(store: RightsStore, capacity: number) {
    if (!(capacity >= 1 && capacity <= CAPACITY_MAX)) throw new RangeError(`${capacity} rights`);
    this.#store = store;
    let slots = 4;
    while (slots < capacity * 2) slots *= 2;
    // One buffer for all columns: on XS another one takes 60 bytes more than its view.
    const rowsBytes = capacity * COLUMNS * 4;
    const buffer = new ArrayBuffer(rowsBytes + capacity + slots);
    this.columns = buffer;
    this.capacity = capacity;
    this.#rows = new Int32Array(buffer, 0, capacity * COLUMNS);
    this.#levels = new Uint8Array(buffer, rowsBytes, capacity);
    this.#index = new Uint8Array(buffer, rowsBytes + capacity, slots);
    const loaded = store.load?.(KIND.RIGHT, buffer, capacity) ?? -1;
    if (loaded < 0) this.loadAll();
    else this.#count = loaded;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * The level granted to a client within an application group or (null) for this device itself; 0
   * when nothing was granted. Allocates nothing.
   */
  level(appGroup: number | null, client: Id64): Level {
    const row = this.find(appGroup, client);
    return row < 0 ? DISCOVERY : ((this.#levels[row] & LEVEL_BITS) as Level);
  }

  /**
   * Grants, or changes, a right; durable when ok. `tableFull` when there is no room for another
   * one, `storeFailed` when flash refused. Throws RangeError on what no right can be (our bug).
   */
  grant(right: Right): Outcome<Level> {
    const { client, appGroup, level } = right;
    if (!isLevel(level)) throw new RangeError(`access level ${String(level)}`);
    if (!isClient(client)) throw new RangeError("a client id has 1 to 8 bytes, no leading zero");
    if (!(appGroup === null || isAppGroup(appGroup))) {
      throw new RangeError(`application group ${appGroup}`);
    }
    let row = this.find(appGroup, idOf(client));
    const known = row >= 0;
    if (!known) row = this.#levels.indexOf(FREE);
    if (row < 0) return drop("tableFull"); // check: rights-full
    if (!this.#store.put(key(KIND.RIGHT, row), encode(right))) {
      return drop("storeFailed"); // check: rights-durable
    }
    if (known) this.#levels[row] = (this.#levels[row] & DEVICE) | level;
    else this.enter(row, right);
    return ok(level);
  }

  /**
   * Takes rights of a client, all where nothing else is said; false when flash refused (then some
   * may be left).
   */
  revoke(client: Uint8Array, isMeant?: (appGroup: number | null) => boolean): boolean {
    const { low, high } = idOf(client);
    let done = true;
    for (let row = 0; row < this.#levels.length; row++) {
      if (this.#levels[row] === FREE) continue;
      const at = row * COLUMNS;
      if (this.#rows[at + LOW] !== low || this.#rows[at + HIGH] !== high) continue;
      const isDevice = (this.#levels[row] & DEVICE) !== 0;
      const appGroup = isDevice ? null : this.#rows[at + GROUP] >>> 0;
      if (isMeant?.(appGroup) === false) continue; // check: rights-meant
      if (this.#store.delete(key(KIND.RIGHT, row))) {
        this.#levels[row] = FREE;
        this.#count--;
      } else {
        done = false;
      }
    }
    this.reindex();
    return done;
  }

  /** What native help does (platforms/native/rows.c). */
  private loadAll(): void {
    const store = this.#store;
    this.#levels.fill(FREE);
    for (const stored of store.keys(KIND.RIGHT)) this.load(indexOf(stored), store.get(stored));
  }

  private load(row: number, value: Uint8Array | undefined): void {
    const right = value === undefined ? undefined : decode(value);
    if (right === undefined) {
      throw new Error(`store: right ${row} is damaged; provision the device again`);
    }
    if (row >= this.#levels.length) {
      throw new Error(`store: right ${row}, but this firmware has room for ${this.#levels.length}`);
    }
    this.enter(row, right);
  }

  private enter(row: number, { client, appGroup, level }: Right): void {
    const at = row * COLUMNS;
    const { low, high } = idOf(client);
    this.#rows[at + LOW] = low;
    this.#rows[at + HIGH] = high;
    this.#rows[at + GROUP] = (appGroup ?? 0) | 0;
    this.#levels[row] = appGroup === null ? level | DEVICE : level;
    this.#count++;
    this.link(row);
  }

  private find(appGroup: number | null, client: Id64): number {
    const { length, high, low } = client;
    if (!(length >= 1 && length <= CLIENT_BYTES_MAX)) return -1;
    const group = (appGroup ?? 0) | 0;
    const kind = appGroup === null ? DEVICE : 0;
    const index = this.#index;
    const rows = this.#rows;
    const slots = index.length;
    for (let i = home(low, high, group, slots); ; i = (i + 1) & (slots - 1)) {
      const row = index[i] - 1;
      if (row < 0) return -1;
      const at = row * COLUMNS;
      if (rows[at + LOW] !== low) continue; // check: rights-client
      if (rows[at + HIGH] !== high) continue; // check: rights-client-high
      if (rows[at + GROUP] !== group) continue; // check: rights-group
      if ((this.#levels[row] & DEVICE) !== kind) continue; // check: rights-device
      return row;
    }
  }

  private link(row: number): void {
    const at = row * COLUMNS;
    const rows = this.#rows;
    const index = this.#index;
    const slots = index.length;
    let i = home(rows[at + LOW], rows[at + HIGH], rows[at + GROUP], slots);
    while (index[i] !== 0) i = (i + 1) & (slots - 1);
    index[i] = row + 1;
  }

  /** After a deletion: with open addressing a hole would hide what was placed behind it. */
  private reindex(): void {
    this.#index.fill(0);
    for (let row = 0; row < this.#levels.length; row++) {
      if (this.#levels[row] !== FREE) this.link(row);
    }
  }
}

function idOf(client: Uint8Array): Id64 {
  return new Id64().read(client, 0, client.length);
}

/**
 * Where to begin among a power of two of slots: spreads small consecutive ids and groups by
 * products that stay within 31 bits, which XS multiplies fastest.
 */
function home(low: number, high: number, group: number, slots: number): number {
  const folded = (low ^ (low >> 16) ^ high ^ (high >> 16)) & 0x7fff;
  return (((folded * 40503 + (group & 0x7fff) * 997) & 0xffff) * slots) >> 16;
}

function isClient(client: Uint8Array): boolean {
  const { length } = client;
  return length >= 1 && length <= CLIENT_BYTES_MAX && (length === 1 || client[0] !== 0);
}

function isAppGroup(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= APP_GROUP_MAX;
}

function encode({ client, appGroup, level }: Right): Uint8Array {
  const value = new Uint8Array(HEAD_BYTES + client.length);
  value[0] = appGroup === null ? level | DEVICE : level;
  let rest = appGroup ?? 0;
  for (let i = HEAD_BYTES - 1; i >= 1; i--) {
    value[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  value.set(client, HEAD_BYTES);
  return value;
}

function decode(value: Uint8Array): Right | undefined {
  if (value.length <= HEAD_BYTES) return undefined;
  const head = value[0];
  const level = head & ~DEVICE;
  const client = value.slice(HEAD_BYTES);
  if (!isLevel(level) || !isClient(client)) return undefined;
  let group = 0;
  for (let i = 1; i < HEAD_BYTES; i++) group = group * 256 + value[i];
  return { client, appGroup: (head & DEVICE) === 0 ? group : null, level };
}
