/** Backups: nothing of a wrong one is used, and nothing is given twice after one was restored. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { afterEach, test } from "node:test";
import { open, seal } from "../../hosts/authority/backup.js";
import type { GroupView } from "../../hosts/authority/groups.js";
import { euiOf, shipped } from "../support/lumicast.js";
import { deskWithDatabase } from "../support/running.js";

const { desk, database } = deskWithDatabase();
const { skip } = database;
const VARIABLE = "LUMICAST_PASSPHRASE";
afterEach(() => {
  delete process.env[VARIABLE];
});

const GOOD = "correct horse battery";

async function begun(name: string, more: readonly string[] = []) {
  const state = ["--state", desk.path(name)];
  await desk.json("authority", "init", "--domain", "hall", ...state, ...more);
  await desk.json("device", "add", "--from", desk.secret(`${name}.json`, shipped(3)), ...state);
  for (const profile of ["lowlatency", "group-oscore", "dtls-record"]) {
    const create = ["group", "create", profile, "--address", "ff35::1", "--profile", profile];
    await desk.json(...create, ...state);
    await desk.json("group", "rekey", profile, ...state);
  }
  await desk.json("group", "create", "unused", "--address", "ff35::2", ...state);
  return state;
}

const keysOf = async (state: readonly string[]) => {
  const { groups } = await desk.json<{ groups: GroupView[] }>("group", "list", ...state);
  return Object.fromEntries(groups.map(({ name, key }) => [name, key]));
};

for (const kind of ["SQLite", "PostgreSQL"] as const) {
  const isOther = kind === "PostgreSQL";
  test(`${kind}: restored, no number is given again and every group has a new key`, {
    skip: isOther && skip,
  }, async () => {
    const more = isOther ? database.option() : [];
    const state = await begun(kind, more);
    const secret = ["--passphrase-file", desk.secret(`${kind}.pass`, `${GOOD}\n`)];
    const file = desk.path(`${kind}.backup`);
    const made = await desk.run("backup", file, ...secret, ...state);
    assert.equal(made.code, 0, made.err);
    assert.match(made.out, /rows in \d+ bytes, and it opens again/);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const twice = await desk.run("backup", file, ...secret, ...state);
    assert.match(twice.err, /is there already; give another name/);
    const psk = desk.secret(`${kind}.psk`, "d".repeat(32));
    const since = ["device", "add", euiOf(50), "--name", "since", "--psk-file", psk];
    const added = await desk.json<{ devices: { clientId: string }[] }>(...since, ...state);
    assert.equal(added.devices[0].clientId, "04");
    await desk.json("group", "rekey", "lowlatency", ...state);
    const refused = await desk.run("restore", file, ...secret, ...state);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /there is an authority in .* already; .*--replace/);
    const before = await keysOf(state);
    const restored = await desk.run("restore", file, "--replace", ...secret, ...state);
    assert.equal(restored.code, 0, restored.err);
    assert.match(restored.out, /3 groups will have a new key: lumicast authority start/);
    assert.match(restored.out, /put out or lost since .* is in there again/);
    const now = await keysOf(state);
    for (const name of ["lowlatency", "group-oscore", "dtls-record"]) {
      assert.ok(now[name] > before[name] + 1000, `${name}: ${now[name]} after ${before[name]}`);
    }
    assert.equal(now.unused, 0);
    const next = ["device", "add", euiOf(60), "--name", "next", "--psk-file", psk];
    const entered = await desk.json<{ devices: { clientId: string }[] }>(...next, ...state);
    assert.ok(Number.parseInt(entered.devices[0].clientId, 16) > 1000);
    assert.equal((await desk.run("device", "show", "since", ...state)).code, 1);
    const whole = await desk.run("log", "--verify", ...state);
    assert.equal(whole.code, 0, whole.out);
    assert.match((await desk.run("log", ...state)).out, /operator {2}restore: /);
    const again = await desk.run("restore", file, "--replace", ...secret, ...state);
    assert.equal(again.code, 0, again.err);
  });
}

test("restored where there is nothing; by the environment's passphrase", async () => {
  process.env[VARIABLE] = GOOD;
  const state = await begun("first");
  const file = desk.path("first.backup");
  await desk.json("backup", file, ...state);
  const other = ["--state", desk.path("second")];
  await desk.json("restore", file, ...other);
  assert.equal((await desk.run("doctor", ...other)).code, 0);
  assert.equal(existsSync(`${desk.path("second")}/restoring`), false);
});

test("a backup with a byte flipped, cut off, or under another passphrase is refused", async () => {
  process.env[VARIABLE] = GOOD;
  const state = await begun("flips");
  const good = readFileSync(await backedUp("flips", state));
  const database = readFileSync(`${desk.path("flips")}/authority.db`);
  const file = desk.path("bad.backup");
  const step = Math.ceil(good.length / 5);
  const places = [0, 18, 20, 30, 40, good.length - 1];
  for (let at = 50; at < good.length; at += step) places.push(at);
  for (const at of places) {
    const bad = Buffer.from(good);
    bad[at] ^= 0x04;
    writeFileSync(file, bad);
    const { code, err } = await desk.run("restore", file, "--replace", ...state);
    assert.equal(code, 1, `byte ${at}`);
    assert.match(err, /no backup of an authority|or the backup is damaged: nothing of it/);
  }
  for (const length of [0, 48, good.length - 1]) {
    writeFileSync(file, good.subarray(0, length));
    const { code } = await desk.run("restore", file, "--replace", ...state);
    assert.equal(code, 1, `${length} bytes`);
  }
  process.env[VARIABLE] = "incorrect horse";
  writeFileSync(file, good);
  const wrong = await desk.run("restore", file, "--replace", ...state);
  assert.match(wrong.err, /wrong passphrase, or the backup is damaged/);
  assert.deepEqual(readFileSync(`${desk.path("flips")}/authority.db`), database, "left as it was");
  process.env[VARIABLE] = "short";
  const short = await desk.run("backup", desk.path("short.backup"), ...state);
  assert.match(short.err, /8 characters or more/);
});

async function backedUp(name: string, state: readonly string[]): Promise<string> {
  const file = desk.path(`${name}.backup`);
  await desk.json("backup", file, ...state);
  return file;
}

test("a passphrase comes from nowhere else; its file is its owner's", async () => {
  const state = await begun("nowhere");
  const argv = await desk.run("backup", "x", "--passphrase", GOOD, ...state);
  assert.equal(argv.code, 2, "who lists processes would read it");
  const file = desk.path("loose.pass");
  writeFileSync(file, GOOD, { mode: 0o644 });
  const loose = await desk.run("backup", "x", "--passphrase-file", file, ...state);
  assert.match(loose.err, /loose.pass can be read by others; chmod 600/);
});

test("a cut while it is restored leaves what is refused, or what is restored", async () => {
  process.env[VARIABLE] = GOOD;
  const state = await begun("cut");
  const file = await backedUp("cut", state);
  await desk.json("group", "rekey", "lowlatency", ...state);
  const folder = desk.path("cut");
  const newer = `${folder}.db`;
  copyFileSync(`${folder}/authority.db`, newer);
  await desk.json("restore", file, "--replace", ...state);
  // As if the power had gone when the head was in place and the database was not.
  copyFileSync(newer, `${folder}/authority.db`);
  const { code, err } = await desk.run("group", "list", ...state);
  assert.equal(code, 1);
  assert.match(err, /restore a backup/);
  await desk.json("restore", file, "--replace", ...state);
  assert.equal((await desk.run("doctor", ...state)).code, 0);
});

test("the seal itself: what goes in comes out, twice the same is never the same bytes", () => {
  const contents = { madeAt: 1, identity: "x", rows: [["device", "a", "AQ=="]] } as const;
  const [one, two] = [seal(contents, GOOD), seal(contents, GOOD)];
  assert.notDeepEqual(one, two);
  assert.deepEqual(open(one, GOOD), contents);
  // "e" with an accent, in its two forms.
  assert.deepEqual(open(seal(contents, "caf\u00e9 caf\u00e9"), "cafe\u0301 cafe\u0301"), contents);
});
