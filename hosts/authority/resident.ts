/**
 * Rows at hand, so that a decision waits for nothing it reads: as they are on disk, or as a
 * decision that is not durable yet has left them. Nobody else writes a file that is ours.
 *
 * Keys are sorted for a table that is asked for its keys, and then kept so: a join looks through
 * its group's members, and a sort of everybody's would make the thousandth wait for the others.
 */
import type { Table } from "../../modules/authority/ledger.js";

/** After so many changes a table's keys are sorted anew when somebody asks for them. */
const CHANGES_MAX = 256;
/** Behind every key that begins like this: keys are ASCII. */
const BEHIND = "\uffff";

interface Sorted {
  readonly keys: string[];
  /** Since they were asked for. */
  changes: number;
}

export class Resident {
  readonly #tables = new Map<Table, Map<string, Uint8Array>>();
  readonly #sorted = new Map<Table, Sorted>();

  /** The row itself: not to be written to. */
  get(table: Table, key: string): Uint8Array | undefined {
    return this.#tables.get(table)?.get(key);
  }

  /** Undefined: the row is gone. */
  set(table: Table, key: string, value: Uint8Array | undefined): void {
    let rows = this.#tables.get(table);
    if (rows === undefined) {
      rows = new Map();
      this.#tables.set(table, rows);
    }
    const wasThere = rows.has(key);
    if (value === undefined) rows.delete(key);
    else rows.set(key, value);
    if (wasThere === (value === undefined)) this.#moved(table, key, wasThere);
  }

  /** Keys that begin with `prefix`, ascending. */
  keys(table: Table, prefix: string): string[] {
    const known = this.#sorted.get(table);
    const keys = known?.keys ?? [...(this.#tables.get(table)?.keys() ?? [])].sort();
    if (known === undefined) this.#sorted.set(table, { keys, changes: 0 });
    else known.changes = 0;
    return keys.slice(placeIn(keys, prefix), placeIn(keys, prefix + BEHIND));
  }

  #moved(table: Table, key: string, isGone: boolean): void {
    const sorted = this.#sorted.get(table);
    if (sorted === undefined) return;
    sorted.changes++;
    const at = placeIn(sorted.keys, key);
    if (sorted.changes > CHANGES_MAX) this.#sorted.delete(table);
    else if (isGone) sorted.keys.splice(at, 1);
    else sorted.keys.splice(at, 0, key);
  }
}

/** The first place whose key is not below this one. */
function placeIn(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
