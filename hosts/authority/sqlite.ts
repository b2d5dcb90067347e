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
 * wait for the disk together; the disk itself is waited for on another thread, so that handshakes
 * and questions go on.
 */
import { existsSync } from "node:fs";
import Database from "libsql";
import AsyncDatabase from "libsql/promise";
import type { Rows, Store, Table } from "../../modules/authority/ledger.js";
import { equalBytes } from "../../modules/bytes/equal.js";
import { Resident } from "./resident.js";
import { contentOf, type Stored, sumOf } from "./sum.js";

/** "Lumi": what PRAGMA application_id says of our files. */
const APPLICATION_ID = 0x4c756d69;
const SCHEMA = 1;
const LOG: Table = "log";
/** Decisions in one commit: between two, datagrams are looked at. */
const BATCH_MAX = 64;

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
  readonly last: ((rows: Rows) => void) | undefined;
  readonly fail: (error: unknown) => void;
}

/** What a row was before it was changed. */
interface Before {
  readonly table: Table;
  readonly key: string;
  readonly value: Uint8Array | undefined;
  /** False for an entry of the log that nobody had touched. */
  readonly isAtHand: boolean;
}

export class SqliteLedger implements Store {
  readonly #path: string;
  readonly #database: Database.Database;
  readonly #statements: Statements;
  readonly #rows: Rows;
  /** All rows but the log's: nobody looks at those but who reads all of them. */
  readonly #resident = new Resident();
  /** The log's that are not written yet. */
  readonly #entries = new Map<string, Uint8Array | undefined>();
  /** What this batch has changed, in order. */
  #changed: Before[] = [];
  #waiting: Waiting[] = [];
  /** While somebody waits. */
  #work: Promise<void> | undefined;
  #isWriting = false;

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
    this.#rows = this.#rowsOver();
  }

  transaction<T>(decide: (rows: Rows) => T, last?: (rows: Rows) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        decide: (rows) => {
          const result = decide(rows);
          return () => resolve(result);
        },
        last,
        fail: reject,
      };
      this.#waiting.push(waiting);
      this.#work ??= this.#commitAll();
    });
  }

  /** Lets go of the file first: libsql's close waits for statements to be collected. */
  close(): void | Promise<void> {
    const isAwaited = this.#isWriting || this.#waiting.length > 0;
    if (isAwaited) return this.#work?.then(() => this.close());
    this.#pragma("locking_mode=NORMAL");
    this.#pragma("user_version");
    this.#database.close();
  }

  /** One commit after the other, until nobody waits. */
  async #commitAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What came in with one burst of datagrams goes into one commit.
      await new Promise(setImmediate);
      await this.#commit(this.#waiting.splice(0, BATCH_MAX));
    }
    this.#work = undefined;
  }

  /** Of all these; each decision stands or falls for itself. */
  async #commit(all: readonly Waiting[]): Promise<void> {
    const settled: (() => void)[] = [];
    const lasts = new Set<(rows: Rows) => void>();
    for (const { decide, last, fail } of all) {
      const mark = this.#changed.length;
      try {
        settled.push(decide(this.#rows));
        if (last !== undefined) lasts.add(last);
      } catch (error) {
        this.#undo(mark);
        settled.push(() => fail(this.#explained(error)));
      }
    }
    try {
      for (const last of lasts) last(this.#rows);
      this.#isWriting = true;
      if (this.#changed.length > 0) await this.#write();
    } catch (error) {
      this.#undo(0);
      for (const { fail } of all) fail(this.#explained(error));
      return;
    } finally {
      this.#isWriting = false;
    }
    for (const settle of settled) settle();
  }

  /** Rows as they were when so many had changed. */
  #undo(mark: number): void {
    for (const { table, key, value, isAtHand } of this.#changed.splice(mark).reverse()) {
      if (isAtHand) this.#set(table, key, value);
      else this.#entries.delete(key);
    }
  }

  /** Durable when it resolves; nothing of it is on disk when it rejects. */
  async #write(): Promise<void> {
    const { put, remove } = this.#statements;
    const all = new Map(this.#changed.map((one) => [`${one.table}/${one.key}`, one]));
    try {
      this.#exec("BEGIN IMMEDIATE");
      for (const { table, key } of all.values()) {
        const value = this.#known(table, key);
        if (value === undefined) remove.run(table, key);
        else put.run(table, key, value, sumOf(table, key, value));
      }
      // The disk is waited for on another thread. No decision runs meanwhile.
      await AsyncDatabase.prototype.exec.call(this.#database, "COMMIT");
    } catch (error) {
      if (this.#database.inTransaction) this.#exec("ROLLBACK");
      throw error;
    }
    this.#changed = [];
    this.#entries.clear();
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
      for (const row of all.iterate()) {
        const { kind, name } = row as Stored;
        const content = contentOf(row as Stored);
        if (kind !== LOG) this.#resident.set(kind as Table, name, content);
      }
    } catch (error) {
      // libsql believes a damaged length, up to what a buffer cannot have.
      if (!(error instanceof RangeError)) throw error;
      throw new Error("is damaged (a row's length); restore a backup", { cause: error });
    }
  }

  #rowsOver(): Rows {
    return {
      get: (table, key) => this.#get(table, key)?.slice(),
      put: (table, key, value) => this.#change(table, key, Uint8Array.from(value)),
      delete: (table, key) => this.#change(table, key, undefined),
      keys: (table, prefix) =>
        table === LOG ? this.#entryKeys(prefix) : this.#resident.keys(table, prefix),
    };
  }

  #change(table: Table, key: string, value: Uint8Array | undefined): void {
    const before = this.#known(table, key);
    // A counter that stands, a clock within one second: nothing to write.
    const isSame = before !== undefined && value !== undefined && equalBytes(before, value);
    if (isSame) return;
    const isAtHand = this.#isAtHand(table, key);
    this.#changed.push({ table, key, value: before, isAtHand });
    this.#set(table, key, value);
  }

  /** Without the disk: undefined for an entry of the log that is there. */
  #known(table: Table, key: string): Uint8Array | undefined {
    return table === LOG ? this.#entries.get(key) : this.#resident.get(table, key);
  }

  #set(table: Table, key: string, value: Uint8Array | undefined): void {
    if (table === LOG) this.#entries.set(key, value);
    else this.#resident.set(table, key, value);
  }

  #get(table: Table, key: string): Uint8Array | undefined {
    if (this.#isAtHand(table, key)) return this.#known(table, key);
    const row = this.#statements.get.get(table, key) as Stored | undefined;
    return row && contentOf(row);
  }

  #isAtHand(table: Table, key: string): boolean {
    return table !== LOG || this.#entries.has(key);
  }

  #entryKeys(prefix: string): string[] {
    const rows = this.#statements.list.all(LOG, prefix, `${prefix}\u007f`) as Stored[];
    const names = new Set(rows.map(({ name }) => name));
    for (const [key, value] of this.#entries) {
      if (value === undefined) names.delete(key);
      else if (key.startsWith(prefix)) names.add(key);
    }
    return [...names].sort();
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
