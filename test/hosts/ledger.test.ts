/**
 * The two ledgers of hosts: what was written together stands together, what is damaged is refused.
 * PostgreSQL is a server of our own. Killed at every write: test/authority/kills.test.ts.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import Database from "libsql";
import pg from "pg";
import { PostgresLedger } from "../../hosts/authority/postgres.js";
import { SqliteLedger } from "../../hosts/authority/sqlite.js";
import { createGroup, renew } from "../../modules/authority/distribution.js";
import type { Ledger, Rows } from "../../modules/authority/ledger.js";
import { faultsOf, headOf, LoggedLedger } from "../../modules/authority/log.js";
import { groups, inGroup, keys, NONE, numberKey } from "../../modules/authority/records.js";
import { enrol } from "../../modules/authority/server.js";
import { toHex } from "../../modules/bytes/hex.js";
import { centerOf, GROUP, parties, SCOPE, TERMS } from "../support/authority.js";
import { crowded } from "../support/crowded.js";
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

test("two KDCs on one database: no group id, key id or security group id twice", {
  skip: skipPostgres,
}, async () => {
  const url = server?.url ?? "";
  const both = [await PostgresLedger.open(url), await PostgresLedger.open(url)];
  const center = centerOf();
  const made = Array.from({ length: 20 }, (_, at) =>
    both[at % 2].transaction((rows) => {
      const { prefix, kekNumber } = createGroup(rows, center, 1000 + at, TERMS);
      return `${toHex(prefix)} ${kekNumber}`;
    }),
  );
  const ids = await Promise.all(made);
  assert.equal(new Set(ids.map((one) => one.split(" ")[0])).size, 20, "Gids begin otherwise");
  assert.equal(new Set(ids.map((one) => one.split(" ")[1])).size, 20, "sealing keys");
  const same = both.map((ledger) =>
    ledger.transaction((rows) => createGroup(rows, center, 2000, TERMS)),
  );
  const settled = await Promise.allSettled(same);
  assert.deepEqual(settled.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  const renewed = Array.from({ length: 20 }, (_, at) =>
    both[at % 2].transaction((rows) => {
      const epoch = renew(rows, center, 2000, { isBroken: false, now: 0 });
      return toHex(keys.need(rows, inGroup(2000, epoch)).keyId);
    }),
  );
  assert.equal(new Set(await Promise.all(renewed)).size, 20, "key ids");
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

test("SQLite: one signature for all that wait together, and who looks sees it", async () => {
  const ledger = new SqliteLedger(file("signed.db"), { create: true });
  const { crypto, signer } = parties();
  const { publicKey } = signer;
  let signatures = 0;
  const counting = {
    ...{ publicKey, agree: () => undefined },
    sign: (data: Uint8Array) => {
      signatures++;
      return signer.sign(data);
    },
  };
  const note = () => ({ by: "lamp", what: "" });
  const logged = new LoggedLedger(ledger, { crypto, signer: counting, now: () => 0, note });
  const enter = (number: number) =>
    logged.transaction((rows) => rows.put("device", numberKey(number), bytes(number)));
  await Promise.all([1, 2, 3, 4, 5].map(enter));
  assert.equal(signatures, 1);
  const look = () =>
    logged.read((rows) => [headOf(rows).count, faultsOf(rows, { crypto, publicKey })]);
  const [, between, , after] = await Promise.all([enter(6), look(), enter(7), look()]);
  assert.deepEqual(
    [between, after],
    [
      [6, []],
      [7, []],
    ],
  );
  assert.equal(logged.latest?.count, 7);
  ledger.close();
});

test("SQLite: many decisions, one changes its mind, none reads what was taken back", async () => {
  const path = file("minds.db");
  const ledger = new SqliteLedger(path, { create: true });
  const put = (key: string, value: number) => (rows: Rows) => {
    rows.put("group", key, bytes(value));
    rows.put("log", key, bytes(value));
  };
  await ledger.transaction(put("a", 1));
  const fails = ledger.transaction((rows) => {
    put("a", 2)(rows);
    put("b", 2)(rows);
    rows.delete("log", "a");
    throw new Error("changed its mind");
  });
  const both = (rows: Rows) => [
    ...[rows.get("group", "a"), rows.get("log", "a"), rows.get("group", "b")],
    ...[rows.keys("group", ""), rows.keys("log", "")],
  ];
  const expected = [bytes(1), bytes(1), undefined, ["a"], ["a"]];
  const seen = ledger.transaction(both);
  const last: number[] = [];
  const count = (rows: Rows) => void last.push(rows.keys("group", "").length);
  const more = ["c", "d"].map((key) => ledger.transaction(put(key, 3), count));
  await assert.rejects(fails, /changed its mind/);
  assert.deepEqual(await seen, expected);
  await Promise.all(more);
  assert.deepEqual(last, [3], "once, behind both");
  ledger.close();
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
  const other = ledger.transaction((rows) => rows.put("group", "x", bytes(1)));
  await assert.rejects(filled, /the disk is full. Nothing was changed; make room/);
  await assert.rejects(other, /the disk is full/, "it waited for the same commit");
  assert.equal(await ledger.transaction((rows) => rows.get("group", "x")), undefined);
  const { epoch } = await ledger.transaction((rows) => groups.need(rows, numberKey(GROUP)));
  assert.equal(epoch, 1);
  ledger.close();
});
