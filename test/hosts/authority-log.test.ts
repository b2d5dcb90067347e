/**
 * The log of an authority, in the database file: somebody who can write that file edits, removes,
 * moves and cuts entries, mends every checksum as the program would, and is found out.
 */
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { after, before, test } from "node:test";
import Database from "libsql";
import { sumOf } from "../../hosts/authority/sum.js";
import type { Table } from "../../modules/authority/ledger.js";
import { decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { Desk, euiOf, shipped } from "../support/lumicast.js";

const desk = new Desk();
after(() => desk.remove());
const original = desk.path("original");

before(async () => {
  const state = ["--state", original];
  await desk.json("authority", "init", "--domain", "hall", ...state);
  const from = desk.secret("lamps.json", shipped(2));
  await desk.json("device", "add", "--from", from, ...state);
  await desk.json("group", "create", "hall", "--address", "ff35::1", ...state);
  await desk.json("group", "add", "hall", "lamp-1", ...state);
  await desk.json("lost", "lamp-2", "--yes", ...state);
});

/** What a person with the file and our source can do to it. */
class Intruder {
  readonly #database: Database.Database;

  constructor(path: string) {
    this.#database = new Database(path);
  }

  get(kind: Table, name: string): Uint8Array {
    const row = this.#database
      .prepare("SELECT value FROM rows WHERE kind=? AND name=?")
      .get(kind, name) as { value: Uint8Array };
    return new Uint8Array(row.value);
  }

  put(kind: Table, name: string, value: Uint8Array): void {
    this.#database
      .prepare("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)")
      .run(kind, name, Buffer.from(value), sumOf(kind, name, value));
  }

  remove(kind: Table, name: string): void {
    this.#database.prepare("DELETE FROM rows WHERE kind=? AND name=?").run(kind, name);
  }

  close(): void {
    this.#database.close();
  }
}

const entry = (number: number) => `${number}`.padStart(10, "0");

/** Another list of the same shape, with one item changed. */
function edited(value: Uint8Array, at: number, item: string | number): Uint8Array {
  const decoded = decode(value);
  if (!decoded.ok || !Array.isArray(decoded.value)) throw new Error("no list");
  const list = [...decoded.value];
  list[at] = item;
  return encode(list);
}

const CASES: readonly (readonly [string, (intruder: Intruder) => void, RegExp])[] = [
  [
    "an entry is edited",
    (one) => one.put("log", entry(3), edited(one.get("log", entry(3)), 4, "nothing much")),
    /entry 3 was changed/,
  ],
  [
    "the last entry is edited",
    (one) => one.put("log", entry(5), edited(one.get("log", entry(5)), 4, "nothing much")),
    /entry 5 was changed/,
  ],
  ["an entry is removed", (one) => one.remove("log", entry(3)), /entry 3 was removed/],
  ["the first entry is removed", (one) => one.remove("log", entry(1)), /entry 1 was removed/],
  [
    "two entries change places",
    (one) => {
      const [second, third] = [one.get("log", entry(2)), one.get("log", entry(3))];
      one.put("log", entry(2), third);
      one.put("log", entry(3), second);
    },
    /entry 2 was put in another's place/,
  ],
  [
    "the end is cut off",
    (one) => one.remove("log", entry(5)),
    /the log ends with entry 4, and there were 5: the end was cut off/,
  ],
  [
    "an entry is added",
    (one) => one.put("log", entry(6), edited(one.get("log", entry(5)), 0, 6)),
    /entry 6 was added by somebody else/,
  ],
  [
    "the head is made to fit",
    (one) => {
      one.remove("log", entry(5));
      one.put("authority", "log", edited(one.get("authority", "log"), 0, 4));
    },
    /head of the log is not signed|another authority's/,
  ],
  [
    "the lost lamp is found again",
    (one) => {
      const lost = one.get("device", euiOf(2));
      lost[lost.lastIndexOf(0xf5)] = 0xf4;
      one.put("device", euiOf(2), lost);
      one.remove("revoked", "02");
    },
    /device 0000000000000002 was changed outside the log[\s\S]*revoked 02 was removed outside/,
  ],
  [
    "a number is to be given again",
    (one) => one.put("authority", "client", encode([1])),
    /the counter client was set back/,
  ],
  ["a counter is gone", (one) => one.remove("authority", "kek"), /the counter kek was set back/],
  [
    "a device comes by itself",
    (one) => one.put("device", euiOf(7), one.get("device", euiOf(1))),
    /device 0000000000000007 was changed outside the log/,
  ],
];

for (const [what, intrude, pattern] of CASES) {
  test(`log --verify: ${what}`, async () => {
    const folder = desk.path(what.replaceAll(" ", "-"));
    cpSync(original, folder, { recursive: true });
    const intruder = new Intruder(`${folder}/authority.db`);
    intrude(intruder);
    intruder.close();
    const { code, out, err } = await desk.run("log", "--verify", "--state", folder);
    assert.equal(code, 1, out);
    assert.match(out + err, pattern);
  });
}

test("log --verify: the whole database of yesterday is put back", async () => {
  const folder = desk.path("yesterday");
  cpSync(original, folder, { recursive: true });
  const state = ["--state", folder];
  const before = desk.path("yesterday.db");
  cpSync(`${folder}/authority.db`, before);
  await desk.json("group", "rekey", "hall", ...state);
  cpSync(before, `${folder}/authority.db`);
  const { code, out } = await desk.run("log", "--verify", ...state);
  assert.equal(code, 1);
  assert.match(out, /the log ends with entry 5, and there were 6: the end was cut off/);
  const { err } = await desk.run("group", "list", ...state);
  assert.match(err, /older than what this authority has written/);
});

test("log --verify: as it was written", async () => {
  const { code, out } = await desk.run("log", "--verify", "--state", original);
  assert.equal(code, 0, out);
  assert.match(out, /^5 entries, as they were written\n$/);
});
