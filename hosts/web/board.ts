/** The site as it is now, and who watches it. Changes that come at once are told as one. */
import { both, type Change, merged, NOTHING, type Row, type Site, type Table } from "./site.js";

/** A frame of a screen is 16 ms: sooner is not seen, later is felt. */
const TOGETHER_MS = 10;

type Listener = (change: Change) => void;

export class Board {
  #site: Site = NOTHING;
  #pending: Change | undefined;
  readonly #listeners = new Set<Listener>();

  get site(): Site {
    return this.#site;
  }

  /** Enters a row, or what is new of one. */
  put<T extends Table>(table: T, key: string, row: Partial<Row<T>>): void {
    const before = (this.#site[table] as Readonly<Record<string, object>>)[key];
    const fresh = Object.entries(row).filter(([name, value]) => {
      return before === undefined || !isSame((before as Record<string, unknown>)[name], value);
    });
    if (before !== undefined && fresh.length === 0) return;
    this.#change({ [table]: { [key]: Object.fromEntries(fresh) } });
  }

  remove(table: Table, key: string): void {
    if (key in this.#site[table]) this.#change({ [table]: { [key]: null } });
  }

  /** Returns what ends it. */
  watch(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get watchers(): number {
    return this.#listeners.size;
  }

  #change(change: Change): void {
    this.#site = merged(this.#site, change);
    if (this.#listeners.size === 0) return;
    if (this.#pending === undefined) setTimeout(() => this.#tell(), TOGETHER_MS);
    this.#pending = both(this.#pending ?? {}, change);
  }

  #tell(): void {
    const change = this.#pending ?? {};
    this.#pending = undefined;
    for (const listener of this.#listeners) listener(change);
  }
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
