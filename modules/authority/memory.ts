/** A ledger in memory: for tests, and for what an authority tries out before it says yes. */
import { followed, type Rows, type Store, type Table } from "./ledger.js";

export class MemoryLedger implements Store {
  #rows = new Map<string, Uint8Array>();

  transaction<T>(decide: (rows: Rows) => T, last?: (rows: Rows) => void): Promise<T> {
    try {
      return Promise.resolve(this.run(followed(decide, last)));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The same, at once. */
  run<T>(decide: (rows: Rows) => T): T {
    const written = new Map(this.#rows);
    const result = decide(rowsOf(written));
    this.#rows = written;
    return result;
  }
}

function rowsOf(rows: Map<string, Uint8Array>): Rows {
  return {
    get: (table, key) => rows.get(nameOf(table, key)),
    put: (table, key, value) => void rows.set(nameOf(table, key), value.slice()),
    delete: (table, key) => void rows.delete(nameOf(table, key)),
    keys: (table, prefix) => {
      const start = nameOf(table, "");
      const names = [...rows.keys()].filter((name) => name.startsWith(start + prefix));
      return names.map((name) => name.slice(start.length)).sort();
    },
  };
}

function nameOf(table: Table, key: string): string {
  return `${table}/${key}`;
}
