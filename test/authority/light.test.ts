/**
 * `lumicast light` on a network of its own: an authority, lamps that are the firmware as it is sold
 * on XS, and a computer that switches them. No key is in any file: all come over DTLS.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, rmSync, statSync, truncateSync } from "node:fs";
import { after, before } from "node:test";
import { SqliteLedger } from "../../hosts/authority/sqlite.js";
import { readSender } from "../../hosts/sender/file.js";
import { FileFlash } from "../../hosts/sender/flash.js";
import { GROUP_PROFILES } from "../../modules/authority/material.js";
import { inGroup, keys } from "../../modules/authority/records.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { Lan, lacksLan, testOnLan } from "../interop/lan.js";
import { type Program, stopPrograms } from "../interop/programs.js";
import { lampOn } from "../support/lan-lamp.js";
import { Desk, type Ran as Said, shipped } from "../support/lumicast.js";
import { PROGRAM, Programs, type Ran } from "../support/running.js";

const desk = new Desk();
const programs = new Programs();
const test = testOnLan();
const LAMPS = 3;
/** Its computer. */
const SENDER = 5;
const SCHEMES = GROUP_PROFILES.filter((profile) => profile !== "lowlatency");
const ALL = ["01", "02", "03"];
/** More than the half minute before which they are renewed. */
const PHONE_SECONDS = 45;
/** Lamps look at tokens once a minute. */
const OVER_MS = (PHONE_SECONDS + 62) * 1000;
const state = ["--state", desk.path("hall")];
const file = desk.path("laptop.json");
const phone = desk.path("phone.json");
const skip = false;
/** By name, with what makes it one of its scheme. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  hall: [],
  ...Object.fromEntries(SCHEMES.map((profile) => [profile, ["--profile", profile]])),
  "short-tags": ["--profile", "group-oscore", "--algorithm", "10"],
  readable: ["--profile", "dtls-record", "--suite", "null"],
};
let lan: Lan;
let authority: Ran;
let lamps: Program[] = [];
let phoneAt = 0;

before(async () => {
  if (lacksLan !== false) return;
  lan = await Lan.start(SENDER);
  await desk.json("authority", "init", "--domain", "hall", ...state);
  await desk.json("device", "add", "--from", desk.secret("lamps.json", shipped(LAMPS)), ...state);
  const receivers = Array.from({ length: LAMPS }, (_, at) => `lamp-${at + 1}`);
  let number = 0;
  for (const [group, scheme] of Object.entries(GROUPS)) {
    const address = `ff35::4c:${++number}`;
    await desk.json("group", "create", group, "--address", address, ...scheme, ...state);
    await desk.json("group", "add", group, ...receivers, "--role", "receiver", ...state);
  }
  const { address, command } = lan.computer(1);
  authority = await programs.start(state, `[${address}]:5684`, command);
});
after(() => {
  stopPrograms();
  lan?.stop();
  desk.remove();
});

/** A lamp with its factory credential, which gets its key from the authority. */
function lamp(number: number): Promise<Program> {
  return lampOn({ desk, lan, state }, number);
}

/** `lumicast light ...` on the sender's computer; `node` are options of Node's. */
function light(...words: readonly string[]): Said {
  return lightWith([], ...words);
}

function lightWith(node: readonly string[], ...words: readonly string[]): Said {
  const { command } = lan.computer(SENDER);
  const [program, args] = command(process.execPath, ...node, PROGRAM, "light", ...words);
  const env = { ...process.env, LUMICAST_SENDER: file };
  const done = spawnSync(program, args, { encoding: "utf8", env, timeout: 90_000 });
  return { code: done.status ?? -1, out: done.stdout, err: done.stderr };
}

function lit(...words: readonly string[]) {
  const { code, out, err } = light(...words, "--json");
  assert.equal(code, 0, out + err);
  return JSON.parse(out) as { ok: string[]; sent: number; network: string };
}

test("a laptop without a key gets one and lights the hall; the lamps say so", {
  skip,
}, async () => {
  lamps = [await lamp(1), await lamp(2)];
  await desk.json("sender", "laptop", file, ...state);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const early = light("hall", "on", "--wait", "3s");
  assert.equal(early.code, 1);
  assert.match(early.err, /no token: .*refuses.* lumicast group add hall laptop --role sender/);
  await desk.json("group", "add", "hall", "laptop", "--role", "sender", ...state);
  const on = lit("hall", "on");
  assert.deepEqual(on.ok, ["01", "02"]);
  for (const one of lamps) await one.line(/"light":\{"level":254/);
  // With numbers, token and key of the run before: nobody is asked.
  const dim = lit("hall", "--level", "40%");
  assert.deepEqual(dim.ok, ["01", "02"]);
  for (const one of lamps) await one.line(/"light":\{"level":102/);
  const off = light("hall", "off");
  assert.equal(off.out, "hall: 2 lamps obeyed\n", off.err);
});

for (const [at, group] of Object.keys(GROUPS).slice(1).entries()) {
  test(`${group}: the laptop becomes a member, and the lamps obey it`, { skip }, async () => {
    await desk.json("group", "add", group, "laptop", "--role", "sender", ...state);
    const level = 100 + at;
    assert.deepEqual(lit(group, "--level", `${level}`).ok, ["01", "02"]);
    for (const one of lamps) await one.line(new RegExp(`"light":{"level":${level}\\b`));
  });
}

test("a phone, to be looked at again when its tokens are over", { skip }, async () => {
  const scheme = ["--address", "ff35::4c:99", "--profile", "group-oscore"];
  await desk.json("group", "create", "shed", ...scheme, ...state);
  await desk.json("group", "add", "shed", "lamp-3", "--role", "receiver", ...state);
  lamps.push(await lamp(3));
  await desk.json("sender", "phone", phone, "--tokens", `${PHONE_SECONDS}s`, ...state);
  await desk.json("group", "add", "shed", "phone", "--role", "sender", ...state);
  assert.deepEqual(lit("shed", "off", "--as", phone).ok, ["03"]);
  phoneAt = Date.now();
});

test("a lamp that comes later has the key that it needs and is understood", { skip }, async () => {
  for (const group of ["hall", "dtls-record", "group-oscore"]) {
    const { ok, sent } = lit(group, "on");
    assert.deepEqual(ok, ALL, `${group}: ${sent} sent`);
  }
});

/** A module that sets the time of a program back. */
function clockBehind(ms: number): string {
  const code = `const now = Date.now; Date.now = () => now() - ${ms};`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

test("without the authority it goes on; with another file of numbers it gets another key", {
  skip,
}, async () => {
  const kept = desk.path("kept.flash");
  copyFileSync(`${file}.flash`, kept);
  await programs.kill(authority);
  for (const group of ["hall", "group-oscore"]) assert.deepEqual(lit(group, "on").ok, ALL);
  rmSync(`${file}.flash`);
  const gone = light("hall", "on", "--wait", "3s");
  assert.equal(gone.code, 1);
  assert.match(gone.err, /no token: the Authorization Server at .* does not answer; start it/);
  const before = await keyOf();
  await aged(before);
  const { address, command } = lan.computer(1);
  authority = await programs.start(state, `[${address}]:5684`, command);
  // Lamps that were busy are shown the new token a quarter of a minute later.
  const again = lit("hall", "off", "--wait", "60s");
  assert.deepEqual(again.ok, ALL);
  assert.equal(await keyOf(), before + 1, "its numbers begin anew, and so does the key");
});

/** A group gives another key to who begins anew once a minute: this one is of the minute before. */
async function aged(epoch: number): Promise<void> {
  const ledger = new SqliteLedger(`${desk.path("hall")}/authority.db`);
  await ledger.transaction((rows) => {
    const name = inGroup(1, epoch);
    const key = keys.need(rows, name);
    keys.put(rows, name, { ...key, madeAt: key.madeAt - 60 });
  });
  ledger.close();
}

async function keyOf(): Promise<number> {
  const { groups } = await desk.json<{ groups: { key: number }[] }>("group", "list", ...state);
  return groups[0].key;
}

test("a laptop that was lost switches nothing any more", { skip }, async () => {
  await desk.run("lost", "laptop", "--yes", ...state);
  for (const group of Object.keys(GROUPS)) {
    const refused = light(group, "on", "--wait", "2s");
    assert.equal(refused.code, 1, `${group}: ${refused.out}`);
  }
});

test("what is wrong with the command line or the file is told with its remedy", {
  skip,
}, async () => {
  for (const words of [["hall"], ["hall", "up"], ["hall", "on", "--level", "3"]]) {
    const { code, err } = light(...words);
    assert.equal(code, 2, err);
    assert.match(err, /say one of on, off and --level N/);
  }
  assert.match(light("hall", "--level", "300").err, /--level: 300 is no number from 0 to 254/);
  assert.match(
    light("attic", "on").err,
    /knows no group attic \(hall, .*\); .*lumicast sender laptop/,
  );
  assert.match(light("hall", "on", "--interface", "x").err, /--interface: x has no IPv6 .* eth0/);
  const none = light("hall", "on", "--as", desk.path("none.json"));
  assert.equal(none.code, 1);
  assert.match(none.err, /there is no .*none.json; make it at the authority: lumicast sender/);
  const words = desk.secret("words.json", "no file of ours");
  assert.match(light("hall", "on", "--as", words).err, /is no sender's file; make it anew/);
  const flash = new FileFlash(`${file}.flash`);
  assert.match(light("hall", "on").err, /this sender is at work already, in another program/);
  flash.close();
  truncateSync(`${file}.flash`, 100);
  assert.match(light("hall", "on").err, /laptop.json.flash is damaged; delete it/);
  assert.ok(existsSync(`${file}.flash`), "not begun anew by itself");
  assert.equal(fromHex(readSender(file).psk).length, 16);
});

test("whose token is over is obeyed no more, whatever his clock says", { skip }, async () => {
  await programs.kill(authority);
  const leftMs = phoneAt + OVER_MS - Date.now();
  await new Promise((resolve) => setTimeout(resolve, leftMs));
  const behind = ["--import", clockBehind(Date.now() - phoneAt)];
  const late = lightWith(behind, "shed", "on", "--as", phone, "--wait", "3s");
  assert.equal(late.code, 1, late.out);
  assert.match(late.out + late.err, /nobody in shed answered, \d+ messages/);
});
