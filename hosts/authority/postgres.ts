/**
 * The ledger in PostgreSQL, for several authorities of one domain: client ids and group ids are
 * unique among all of them, because every decision is a serializable transaction.
 *
 * A decision is synchronous (modules/authority/ledger.ts) and a server is not. So a decision runs
 * on the rows that were fetched so far; when it reads another one it is broken off, the row is
 * fetched in the same transaction, and it runs again. What the server refuses because another
 * authority was faster runs again as a whole.
 */
import pg from "pg";
import { followed, type Rows, type Store, type Table } from "../../modules/authority/ledger.js";
import { contentOf, type Stored, sumOf } from "./sum.js";

const SCHEMA = 1;
/** Another authority was faster (serialization_failure, deadlock_detected). */
const AGAIN = new Set(["40001", "40P01"]);
const ATTEMPTS_MAX = 50;

/** Thrown through a decision that reads what was not fetched yet. */
class Unread {
  readonly table: Table;
  readonly from: string;
  /** All that begin so; otherwise the one row. */
  readonly isPrefix: boolean;

  constructor(table: Table, from: string, isPrefix: boolean) {
    this.table = table;
    this.from = from;
    this.isPrefix = isPrefix;
  }
}

export class PostgresLedger implements Store {
  readonly #pool: pg.Pool;

  private constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /**
   * Opens the database of this URL; `create` begins one where there is none yet. Rejects with an
   * Error that says what is wrong and what to do.
   */
  static async open(url: string, options: { create?: boolean } = {}): Promise<PostgresLedger> {
    const pool = new pg.Pool({ connectionString: url, max: 8 });
    // A connection that breaks while nobody uses it is replaced when somebody does.
    pool.on("error", () => {});
    try {
      if (options.create === true) await begin(pool);
      await check(pool);
    } catch (error) {
      await pool.end();
      throw explained(error);
    }
    return new PostgresLedger(pool);
  }

  async transaction<T>(decide: (rows: Rows) => T, last?: (rows: Rows) => void): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const client = await this.#pool.connect();
      try {
        await client.query("BEGIN ISOLATION LEVEL SERIALIZABLE");
        const result = await run(client, followed(decide, last));
        await client.query("COMMIT");
        client.release();
        return result;
      } catch (error) {
        await client.query("ROLLBACK").then(
          () => client.release(),
          (broken) => client.release(broken as Error),
        );
        if (!isAgain(error) || attempt === ATTEMPTS_MAX) throw explained(error);
      }
      // Two that retry at once would meet again.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * attempt * 4));
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

async function begin(pool: pg.Pool): Promise<void> {
  await pool.query(
    "CREATE TABLE IF NOT EXISTS lumicast (schema integer NOT NULL);" +
      `INSERT INTO lumicast SELECT ${SCHEMA} WHERE NOT EXISTS (SELECT 1 FROM lumicast);` +
      'CREATE TABLE IF NOT EXISTS rows (kind text NOT NULL, name text COLLATE "C" NOT NULL, ' +
      "value bytea NOT NULL, sum bytea NOT NULL, PRIMARY KEY (kind, name))",
  );
}

async function check(pool: pg.Pool): Promise<void> {
  const found = await pool.query("SELECT schema FROM lumicast");
  const { schema } = found.rows[0] as { schema: number };
  if (schema > SCHEMA)
    throw new Error(`has format ${schema}, this program reads ${SCHEMA}; update it`);
  const all = await pool.query("SELECT kind, name, value, sum FROM rows");
  for (const row of all.rows) contentOf(row as Stored);
}

/** Runs the decision until it has read all it reads, then writes what it wrote. */
async function run<T>(client: pg.PoolClient, decide: (rows: Rows) => T): Promise<T> {
  const fetched = new Fetched();
  for (;;) {
    const written = new Map<string, { table: Table; key: string; value: Uint8Array | undefined }>();
    let result: T;
    try {
      result = decide(fetched.rows(written));
    } catch (error) {
      if (!(error instanceof Unread)) throw error;
      await fetched.fetch(client, error);
      continue;
    }
    for (const { table, key, value } of written.values()) {
      if (value === undefined) {
        await client.query("DELETE FROM rows WHERE kind=$1 AND name=$2", [table, key]);
      } else {
        await client.query(
          "INSERT INTO rows VALUES ($1, $2, $3, $4) ON CONFLICT (kind, name) " +
            "DO UPDATE SET value=EXCLUDED.value, sum=EXCLUDED.sum",
          [table, key, Buffer.from(value), sumOf(table, key, value)],
        );
      }
    }
    return result;
  }
}

type Written = Map<string, { table: Table; key: string; value: Uint8Array | undefined }>;

/** What a transaction has read of the server. */
class Fetched {
  readonly #values = new Map<string, Uint8Array | undefined>();
  readonly #lists = new Map<string, readonly string[]>();

  async fetch(client: pg.PoolClient, { table, from, isPrefix }: Unread): Promise<void> {
    if (isPrefix) {
      const found = await client.query(
        "SELECT kind, name, value, sum FROM rows WHERE kind=$1 AND name>=$2 AND name<$3 " +
          "ORDER BY name",
        [table, from, `${from}\u007f`],
      );
      const rows = found.rows as Stored[];
      for (const row of rows) this.#values.set(nameOf(table, row.name), contentOf(row));
      this.#lists.set(
        nameOf(table, from),
        rows.map(({ name }) => name),
      );
      return;
    }
    const found = await client.query(
      "SELECT kind, name, value, sum FROM rows WHERE kind=$1 AND name=$2",
      [table, from],
    );
    const row = found.rows[0] as Stored | undefined;
    this.#values.set(nameOf(table, from), row && contentOf(row));
  }

  rows(written: Written): Rows {
    return {
      get: (table, key) => {
        const name = nameOf(table, key);
        const own = written.get(name);
        if (own !== undefined) return own.value;
        if (!this.#values.has(name)) throw new Unread(table, key, false);
        return this.#values.get(name);
      },
      put: (table, key, value) => {
        written.set(nameOf(table, key), { table, key, value: Uint8Array.from(value) });
      },
      delete: (table, key) => {
        written.set(nameOf(table, key), { table, key, value: undefined });
      },
      keys: (table, prefix) => {
        const list = this.#lists.get(nameOf(table, prefix));
        if (list === undefined) throw new Unread(table, prefix, true);
        const names = new Set(list);
        for (const { table: of, key, value } of written.values()) {
          if (of !== table || !key.startsWith(prefix)) continue;
          if (value === undefined) names.delete(key);
          else names.add(key);
        }
        return [...names].sort();
      },
    };
  }
}

function nameOf(table: Table, key: string): string {
  return `${table}/${key}`;
}

function isAgain(error: unknown): boolean {
  return AGAIN.has(String((error as { code?: unknown })?.code));
}

/** What PostgreSQL says, as a person needs it. */
function explained(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = String((error as { code?: unknown }).code ?? "");
  const remedy = REMEDIES[code];
  if (remedy !== undefined) return new Error(`the database ${remedy}`, { cause: error });
  const isAboutRows = /^(is|has) /.test(error.message);
  return isAboutRows ? new Error(`the database ${error.message}`, { cause: error }) : error;
}

const REMEDIES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "does not answer; is it running, and is --database right?",
  ENOENT: "does not answer; is it running, and is --database right?",
  "28P01": "refuses this user's password; mend --database",
  "28000": "refuses this user; mend --database, or the server's pg_hba.conf",
  "3D000": "is missing; createdb it first",
  "42P01": "holds no ledger; begin one: lumicast authority init --database URL",
  "53100": "server's disk is full. Nothing was changed; make room and try again",
};
