/**
 * The two ledgers of hosts: what was written together stands together, what is damaged is refused.
 * PostgreSQL is a server of our own; the kills are real ones, at every write of the file.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import Database from "libsql";
import pg from "pg";
import { PostgresLedger } from "../../hosts/authority/postgres.js";
import { SqliteLedger } from "../../hosts/authority/sqlite.js";
import { ROOT } from "../../hosts/root.js";
import { renew } from "../../modules/authority/distribution.js";
import type { Ledger, Rows } from "../../modules/authority/ledger.js";
import { groups, inGroup, keys, NONE, numberKey, pushes } from "../../modules/authority/records.js";
import { enrol } from "../../modules/authority/server.js";
import { toHex } from "../../modules/bytes/hex.js";
import { centerOf, crowd, furnish, GROUP, SCOPE } from "../support/authority.js";
import { PostgresServer } from "../support/postgres.js";
import { lacks } from "../support/skip.js";

const folder = mkdtempSync(join(tmpdir(), "lumicast-ledger-"));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string) => join(folder, name);
const bytes = (...values: number[]) => Uint8Array.from(values);

const skipPostgres = lacks("PostgreSQL");
let server: PostgresServer | undefined;
before(() => {
  if (!skipPostgres) server = new PostgresServer();
});
after(() => server?.stop());

interface Kind {
  readonly name: string;
  readonly skip: string | false;
  open(create: boolean): Promise<Ledger & { close(): unknown }>;
}

const KINDS: readonly Kind[] = [
  {
    name: "SQLite",
    skip: false,
    open: async (create) => new SqliteLedger(file("common.db"), { create }),
  },
  {
    name: "PostgreSQL",
    skip: skipPostgres,
    open: (create) => PostgresLedger.open(server?.url ?? "", { create }),
  },
];

for (const { name, skip, open } of KINDS) {
  test(`${name}: what a decision wrote is there, together, and after it was opened again`, {
    skip,
  }, async () => {
    const ledger = await open(true);
    const made = await ledger.transaction((rows) => {
      rows.put("group", "b", bytes(2));
      rows.put("group", "a", bytes(1));
      rows.put("group", "ab", bytes());
      rows.put("key", "a", bytes(9));
      rows.delete("group", "b");
      assert.deepEqual(rows.keys("group", "a"), ["a", "ab"], "its own writes");
      return rows.get("group", "b");
    });
    assert.equal(made, undefined);
    await assert.rejects(
      ledger.transaction((rows) => {
        rows.put("group", "a", bytes(7));
        throw new Error("changed its mind");
      }),
      /changed its mind/,
    );
    await ledger.close();
    const again = await open(false);
    const read = await again.transaction((rows) => [
      rows.get("group", "a"),
      rows.get("group", "ab"),
      rows.get("group", "b"),
      rows.keys("group", ""),
      rows.keys("key", "b"),
    ]);
    assert.deepEqual(read, [bytes(1), bytes(), undefined, ["a", "ab"], []]);
    await again.close();
  });

  test(`${name}: many at once, each counts once`, { skip }, async () => {
    const ledger = await open(false);
    const add = (rows: Rows) => {
      const next = (rows.get("authority", "n")?.[0] ?? 0) + 1;
      rows.put("authority", "n", bytes(next));
      return next;
    };
    const got = await Promise.all(Array.from({ length: 20 }, () => ledger.transaction(add)));
    got.sort((a, b) => a - b);
    assert.deepEqual(
      got,
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
    await ledger.close();
  });
}

const eui = (at: number) => bytes(0, 0, 0, 0, 0, 0, at >> 8, at & 255);

test("two KDCs on one database: no client id twice, none left out", {
  skip: skipPostgres,
}, async () => {
  const url = server?.url ?? "";
  const both = [await PostgresLedger.open(url), await PostgresLedger.open(url)];
  const device = { name: "lamp", scope: SCOPE, tokenSeconds: NONE };
  const entered = Array.from({ length: 40 }, (_, at) =>
    both[at % 2].transaction((rows) => {
      return toHex(enrol(rows, eui(at), { ...device, credential: bytes(0xc0, at) }).clientId);
    }),
  );
  const ids = await Promise.all(entered);
  assert.equal(new Set(ids).size, 40);
  assert.ok(ids.includes("28"), "numbers are not wasted");
  for (const ledger of both) await ledger.close();
});

test("PostgreSQL: a damaged row, another's database and no database say what to do", {
  skip: skipPostgres,
}, async () => {
  const url = server?.url ?? "";
  const pool = new pg.Pool({ connectionString: url });
  await pool.query("UPDATE rows SET value='\\x00' WHERE kind='group' AND name='a'");
  await assert.rejects(PostgresLedger.open(url), /the database is damaged \(group a\); restore/);
  await pool.query("DELETE FROM rows; UPDATE lumicast SET schema=2");
  await assert.rejects(PostgresLedger.open(url), /has format 2, this program reads 1; update it/);
  await pool.query("DROP TABLE lumicast");
  await assert.rejects(PostgresLedger.open(url), /holds no ledger; begin one/);
  await pool.end();
  const nowhere = "postgres://x@/x?host=%2Fnowhere";
  await assert.rejects(PostgresLedger.open(nowhere), /does not answer; is it running/);
});

/** A file with a group of a hundred members and its first key. */
async function crowded(path: string): Promise<void> {
  const ledger = new SqliteLedger(path, { create: true });
  await ledger.transaction((rows) => {
    const center = centerOf();
    furnish(rows, center);
    crowd(rows, 100);
    renew(rows, center, GROUP, { isBroken: false, now: 0 });
    for (const key of pushes.keys(rows)) pushes.delete(rows, key);
  });
  ledger.close();
}

test("SQLite: killed at any write of a renewal for a hundred, it is all there or not at all", {
  skip: lacks("strace"),
}, async () => {
  const original = file("kill-original.db");
  await crowded(original);
  const program = join(ROOT, "build/node/test/hosts/ledger-kill.js");
  const path = file("kill.db");
  let killed = 0;
  for (let at = 1; ; at++) {
    rmSync(`${path}-journal`, { force: true });
    cpSync(original, path);
    const call = "pwrite64,fdatasync,fsync,unlink";
    const inject = `inject=${call}:signal=KILL:when=${at}`;
    const words = ["-f", "-qq", "-o", "/dev/null", "-P", path, "-P", `${path}-journal`, "-e"];
    const node = [process.execPath, program, path];
    const done = spawnSync("strace", [...words, inject, ...node], { encoding: "utf8" });
    const promised = done.stdout.trim();
    const ledger = new SqliteLedger(path);
    const state = await ledger.transaction((rows) => ({
      epoch: groups.need(rows, numberKey(GROUP)).epoch,
      pushes: pushes.keys(rows).length,
      hasKey: keys.get(rows, inGroup(GROUP, 2)) !== undefined,
    }));
    ledger.close();
    const before = { epoch: 1, pushes: 0, hasKey: false };
    const complete = { epoch: 2, pushes: 100, hasKey: true };
    assert.deepEqual(state, state.epoch === 1 ? before : complete, `cut at write ${at}`);
    if (promised === "2") {
      assert.deepEqual(state, complete, `promised, and cut at write ${at}`);
      if (done.status === 0) break;
    }
    killed++;
  }
  assert.ok(killed > 10, `${killed} kills`);
});

test("SQLite: any byte that is flipped is noticed, or was not in use", async () => {
  const original = file("flip-original.db");
  await crowded(original);
  const whole = readFileSync(original);
  const rowsOf = async (path: string) => {
    const ledger = new SqliteLedger(path);
    try {
      return await ledger.transaction((rows) => {
        const names = rows.keys("member", "");
        return names.map((name) => `${name} ${toHex(rows.get("member", name) ?? bytes())}`).join();
      });
    } finally {
      ledger.close();
    }
  };
  const expected = await rowsOf(original);
  let refused = 0;
  for (let at = 0; at < whole.length; at += 97) {
    const flipped = Buffer.from(whole);
    flipped[at] ^= 0x10;
    const path = file(`flip-${at}.db`);
    writeFileSync(path, flipped);
    let read: string | undefined;
    try {
      read = await rowsOf(path);
    } catch (error) {
      assert.match(String(error), /restore a backup|update it|no ledger/, `byte ${at}`);
      refused++;
    }
    if (read !== undefined) assert.equal(read, expected, `byte ${at}`);
    rmSync(path);
  }
  assert.ok(refused > 30, `${refused}`);
});

test("SQLite: what is no good is refused with its remedy, never begun anew", async () => {
  const path = file("refuse.db");
  assert.throws(() => new SqliteLedger(path), /refuse.db is missing; restore a backup/);
  await crowded(path);
  assert.throws(() => new SqliteLedger(path, { create: true }), /is there already/);
  const first = new SqliteLedger(path);
  assert.throws(() => new SqliteLedger(path), /in use by another authority; stop that one first/);
  first.close();
  const raw = new Database(path);
  raw.exec("PRAGMA user_version=2");
  raw.close();
  assert.throws(() => new SqliteLedger(path), /has format 2, this program reads 1; update it/);
  const other = file("other.db");
  const foreign = new Database(other);
  foreign.exec("CREATE TABLE x (y)");
  foreign.close();
  assert.throws(() => new SqliteLedger(other), /no ledger of an authority/);
  const words = file("words.db");
  writeFileSync(words, "this is no database at all, only words, and long enough".repeat(20));
  assert.throws(() => new SqliteLedger(words), /no database, or damaged; restore a backup/);
});

test("SQLite: a full disk changes nothing and says so", async () => {
  const path = file("full.db");
  await crowded(path);
  const pages = readFileSync(path).length / 4096;
  const ledger = new SqliteLedger(path, { pagesMax: pages });
  const filled = ledger.transaction((rows) => {
    rows.put("group", numberKey(GROUP), bytes(0));
    for (let at = 0; at < 1000; at++) rows.put("log", numberKey(at), new Uint8Array(200));
  });
  await assert.rejects(filled, /the disk is full. Nothing was changed; make room/);
  const { epoch } = await ledger.transaction((rows) => groups.need(rows, numberKey(GROUP)));
  assert.equal(epoch, 1);
  ledger.close();
});
