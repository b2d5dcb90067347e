/**
 * The ledger in one SQLite file.
 *
 * Every row carries a checksum of its table, key and value, looked at when it is read from the
 * file, and all of them when that is opened: SQLite notices damage to its own structure, not to
 * what is in it. A file that is damaged, or made by a newer program, or missing where there was
 * one, is refused with what to do; it is never begun anew, because what was in it (numbers given,
 * keys given) must not be given once more. No write-ahead log: SQLite drops the end of a damaged
 * one without a word, and with it what was promised.
 *
 * Decisions that come while one is being written share the next commit, so that many joins at once
 * wait for the disk together.
 */
import { existsSync } from "node:fs";
import Database from "libsql";
import type { Ledger, Rows, Table } from "../../modules/authority/ledger.js";
import { contentOf, type Stored, sumOf } from "./sum.js";

/** "Lumi": what PRAGMA application_id says of our files. */
const APPLICATION_ID = 0x4c756d69;
const SCHEMA = 1;
const CACHED_MAX = 100_000;
const REST_MAX_MS = 20;

export interface SqliteOptions {
  /** Begins a new file; otherwise one has to be there. */
  readonly create?: boolean;
  /** As small as a test wants the disk to be. */
  readonly pagesMax?: number;
}

/** A decision that waits for the next commit. */
interface Waiting {
  /** Runs it; returns what settles its promise once it is durable. */
  readonly decide: (rows: Rows) => () => void;
  readonly fail: (error: unknown) => void;
}

/** By table and key; undefined: it is gone. */
type Written = Map<string, { table: Table; key: string; value: Uint8Array | undefined }>;

export class SqliteLedger implements Ledger {
  readonly #path: string;
  readonly #database: Database.Database;
  readonly #statements: Statements;
  /** Rows as they are, read or written: nobody else writes a file that is ours. */
  readonly #cached = new Map<string, Uint8Array | undefined>();
  #waiting: Waiting[] = [];
  #restsUntil = 0;

  /** Throws an Error that says what is wrong with the file and what to do. */
  constructor(path: string, options: SqliteOptions = {}) {
    const { create = false, pagesMax } = options;
    this.#path = path;
    if (create && existsSync(path)) throw new Error(`${path} is there already; start without init`);
    if (!create && !existsSync(path)) {
      throw new Error(`${path} is missing; restore a backup: lumicast restore FILE`);
    }
    this.#database = new Database(path);
    try {
      this.#open(create, pagesMax);
    } catch (error) {
      // Its lock, if it has one, goes with the program: who cannot open it ends.
      this.#database.close();
      throw this.#explained(error);
    }
    this.#statements = statementsOf(this.#database);
  }

  transaction<T>(decide: (rows: Rows) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        decide: (rows) => {
          const result = decide(rows);
          return () => resolve(result);
        },
        fail: reject,
      };
      if (this.#waiting.push(waiting) === 1) this.#schedule();
    });
  }

  /** Half of the time is for others: what they want meanwhile shares the next commit. */
  #schedule(): void {
    const delay = this.#restsUntil - performance.now();
    if (delay < 1) setImmediate(() => this.#commit());
    else setTimeout(() => this.#commit(), delay);
  }

  /** Lets go of the file first: libsql's close waits for statements to be collected. */
  close(): void {
    this.#pragma("locking_mode=NORMAL");
    this.#pragma("user_version");
    this.#database.close();
  }

  /** All that wait, in one commit; each decision stands or falls for itself. */
  #commit(): void {
    const all = this.#waiting;
    this.#waiting = [];
    const settled: (() => void)[] = [];
    const batch: Written = new Map();
    for (const { decide, fail } of all) {
      const own: Written = new Map();
      try {
        settled.push(decide(this.#rowsOver(own, batch)));
        for (const [name, written] of own) batch.set(name, written);
      } catch (error) {
        settled.push(() => fail(this.#explained(error)));
      }
    }
    try {
      const beganAt = performance.now();
      if (batch.size > 0) this.#write(batch);
      const endedAt = performance.now();
      this.#restsUntil = endedAt + Math.min(endedAt - beganAt, REST_MAX_MS);
    } catch (error) {
      this.#cached.clear();
      for (const { fail } of all) fail(this.#explained(error));
      return;
    }
    for (const settle of settled) settle();
  }

  /** Durable when it returns; nothing of it is there when it throws. */
  #write(batch: Written): void {
    const { put, remove } = this.#statements;
    try {
      this.#exec("BEGIN IMMEDIATE");
      for (const { table, key, value } of batch.values()) {
        if (value === undefined) remove.run(table, key);
        else put.run(table, key, Buffer.from(value), sumOf(table, key, value));
      }
      this.#exec("COMMIT");
    } catch (error) {
      if (this.#database.inTransaction) this.#exec("ROLLBACK");
      throw error;
    }
    for (const [name, { value }] of batch) this.#cached.set(name, value);
  }

  #open(create: boolean, pagesMax: number | undefined): void {
    // Kept until the program ends: two of them on one file would each know half.
    this.#pragma("locking_mode=EXCLUSIVE");
    this.#pragma("journal_mode=DELETE");
    this.#pragma("synchronous=FULL");
    this.#pragma("secure_delete=ON");
    if (pagesMax !== undefined) this.#pragma(`max_page_count=${pagesMax}`);
    if (create) {
      this.#exec(
        `BEGIN EXCLUSIVE; PRAGMA application_id=${APPLICATION_ID}; ` +
          `PRAGMA user_version=${SCHEMA}; ` +
          "CREATE TABLE rows (kind TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, " +
          "sum BLOB NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID; COMMIT",
      );
      return;
    }
    const isOurs = this.#pragma("application_id") === APPLICATION_ID;
    if (!isOurs) throw new Error("is no ledger of an authority; give the one that init made");
    const schema = Number(this.#pragma("user_version"));
    if (schema > SCHEMA)
      throw new Error(`has format ${schema}, this program reads ${SCHEMA}; update it`);
    const state = this.#pragma("integrity_check");
    if (state !== "ok") throw new Error(`is damaged (${String(state)}); restore a backup`);
    this.#readAll();
    // Takes the lock, if nobody else has it.
    this.#exec("BEGIN IMMEDIATE; COMMIT");
  }

  #readAll(): void {
    const all = this.#database.prepare("SELECT kind, name, value, sum FROM rows");
    try {
      for (const row of all.iterate()) contentOf(row as Stored);
    } catch (error) {
      // libsql believes a damaged length, up to what a buffer cannot have.
      if (!(error instanceof RangeError)) throw error;
      throw new Error("is damaged (a row's length); restore a backup", { cause: error });
    }
  }

  /** The file's rows, with what this decision and those before it in the batch wrote. */
  #rowsOver(own: Written, batch: Written): Rows {
    const put = (table: Table, key: string, value: Uint8Array | undefined) => {
      own.set(`${table}/${key}`, { table, key, value });
    };
    return {
      get: (table, key) => {
        const name = `${table}/${key}`;
        const written = own.get(name) ?? batch.get(name);
        return written === undefined ? this.#get(name, table, key) : written.value?.slice();
      },
      put: (table, key, value) => put(table, key, Uint8Array.from(value)),
      delete: (table, key) => put(table, key, undefined),
      keys: (table, prefix) => this.#keys(table, prefix, [batch, own]),
    };
  }

  #get(name: string, table: Table, key: string): Uint8Array | undefined {
    const cached = this.#cached;
    if (cached.has(name)) return cached.get(name)?.slice();
    const row = this.#statements.get.get(table, key) as Stored | undefined;
    const content = row === undefined ? undefined : contentOf(row);
    if (cached.size >= CACHED_MAX) cached.clear();
    cached.set(name, content);
    return content?.slice();
  }

  #keys(table: Table, prefix: string, over: readonly Written[]): readonly string[] {
    const rows = this.#statements.list.all(table, prefix, `${prefix}\u007f`) as Stored[];
    const names = rows.map(({ name }) => name);
    const found = new Set(names);
    let isChanged = false;
    for (const written of over) {
      for (const { table: of, key, value } of written.values()) {
        if (of !== table || !key.startsWith(prefix)) continue;
        isChanged = true;
        if (value === undefined) found.delete(key);
        else found.add(key);
      }
    }
    return isChanged ? [...found].sort() : names;
  }

  #exec(statements: string): void {
    this.#database.exec(statements);
  }

  /** Sets or asks; the answer's only column. */
  #pragma(words: string): unknown {
    const [row] = this.#database.prepare(`PRAGMA ${words}`).all() as object[];
    return row === undefined ? undefined : Object.values(row)[0];
  }

  /** What SQLite says, as a person needs it. */
  #explained(error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    const code = String((error as { code?: unknown }).code ?? "");
    const remedy = REMEDIES.find(([word]) => code.startsWith(word))?.[1];
    if (remedy !== undefined) return new Error(`${this.#path} ${remedy}`, { cause: error });
    const isAboutFile = /^(is|has) /.test(error.message);
    return isAboutFile ? new Error(`${this.#path} ${error.message}`, { cause: error }) : error;
  }
}

type Statements = ReturnType<typeof statementsOf>;

function statementsOf(database: Database.Database) {
  return {
    get: database.prepare("SELECT kind, name, value, sum FROM rows WHERE kind=? AND name=?"),
    put: database.prepare("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)"),
    remove: database.prepare("DELETE FROM rows WHERE kind=? AND name=?"),
    // Code units of ASCII keys are their bytes, by which SQLite sorts.
    list: database.prepare(
      "SELECT name FROM rows WHERE kind=? AND name>=? AND name<? ORDER BY name",
    ),
  };
}

const REMEDIES: readonly (readonly [string, string])[] = [
  ["SQLITE_BUSY", "is in use by another authority; stop that one first"],
  ["SQLITE_FULL", "has no room: the disk is full. Nothing was changed; make room and try again"],
  ["SQLITE_NOTADB", "is no database, or damaged; restore a backup: lumicast restore FILE"],
  ["SQLITE_CORRUPT", "is damaged; restore a backup: lumicast restore FILE"],
  ["SQLITE_IOERR", "cannot be read or written: the disk fails. Restore a backup on another one"],
  ["SQLITE_READONLY", "cannot be written; give its owner the right to"],
];
