/** The lumicast command on both ledgers: what it does, what it refuses, how it says so. */
import assert from "node:assert/strict";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import Database from "libsql";
import { NodeCrypto } from "../../hosts/authority/crypto.js";
import type { DeviceDetails, DeviceView } from "../../hosts/authority/devices.js";
import type { GroupView } from "../../hosts/authority/groups.js";
import { SqliteLedger } from "../../hosts/authority/sqlite.js";
import { latestOf } from "../../modules/authority/records.js";
import { AES_CCM_16_64_128 } from "../../modules/ports/crypto.js";
import { euiOf, shipped } from "../support/lumicast.js";
import { deskWithDatabase } from "../support/running.js";

const { desk, database } = deskWithDatabase();
const { skip } = database;

/** An authority with `count` lamps in a group "hall"; options that name it. */
async function begun(name: string, count: number, database: readonly string[] = []) {
  const state = ["--state", desk.path(name)];
  await desk.json("authority", "init", "--domain", "hall", ...state, ...database);
  const from = desk.secret(`${name}.json`, shipped(count));
  await desk.json("device", "add", "--from", from, ...state);
  await desk.json("group", "create", "hall", "--address", "ff35::1", ...state);
  return state;
}

const lamps = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `lamp-${from + at}`);

for (const kind of ["SQLite", "PostgreSQL"] as const) {
  const isOther = kind === "PostgreSQL";
  test(`${kind}: devices and groups, from nothing to a lost lamp`, {
    skip: isOther && skip,
  }, async () => {
    const state = await begun(kind, 3, isOther ? database.option() : []);
    const added = await desk.run("group", "add", "hall", "lamp-1", "lamp-2", ...state);
    assert.equal(added.out, "lamp-1 and lamp-2 may be in hall: level 2, both\n");
    await desk.json("group", "add", "hall", "lamp-3", "--role", "sender", "--level", "1", ...state);
    const { devices } = await desk.json<{ devices: DeviceView[] }>("device", "list", ...state);
    assert.deepEqual(
      devices.map(({ name, clientId }) => [name, clientId]),
      [
        ["lamp-1", "01"],
        ["lamp-2", "02"],
        ["lamp-3", "03"],
      ],
    );
    const third = await desk.json<DeviceDetails>("device", "show", euiOf(3), ...state);
    assert.deepEqual(third.grants, [
      { group: "hall", level: 1, roles: "sender", joined: false, key: null },
    ]);
    const rekeyed = await desk.json("group", "rekey", "hall", ...state);
    assert.equal(rekeyed.key, 1);
    const would = await desk.run("lost", "lamp-2", ...state);
    assert.equal(would.code, 1);
    assert.match(would.out, /lamp-2 would be out for good; new keys in: hall. Do it: --yes/);
    const lost = await desk.json("lost", "lamp-2", "--yes", ...state);
    assert.equal(lost.done, true);
    const again = await desk.run("lost", "lamp-2", "--yes", ...state);
    assert.equal(again.code, 1);
    assert.match(again.err, /lamp-2 was reported lost before/);
    const back = await desk.run("group", "add", "hall", "lamp-2", ...state);
    assert.match(back.err, /lamp-2 was reported lost; enter its replacement instead/);
    await desk.json("group", "remove", "hall", "lamp-1", "lamp-3", ...state);
    const gone = await desk.json("group", "remove", "hall", ...state);
    assert.equal(gone.isGone, true);
    const { groups } = await desk.json<{ groups: GroupView[] }>("group", "list", ...state);
    assert.deepEqual(groups, []);
    const doctor = await desk.run("doctor", ...state);
    assert.equal(doctor.code, 0, doctor.out);
    const log = await desk.run("log", ...state);
    assert.match(log.out, /operator {2}lost lamp-2: device 0000000000000002, revoked 02/);
    const whole = await desk.run("log", "--verify", ...state);
    assert.equal(whole.code, 0, whole.out);
  });
}

test("a group above a hundred members is not made; how to divide it is proposed", async () => {
  const state = await begun("crowd", 130);
  await desk.json("group", "add", "hall", ...lamps(1, 100), ...state);
  const more = await desk.run("group", "add", "hall", ...lamps(101, 130), ...state);
  assert.equal(more.code, 1);
  assert.match(more.out, /would have 130 members, and 100 is the most; nothing was changed/);
  assert.match(more.out, /lumicast group add hall-1 lamp-1 .* lamp-65\n/);
  assert.match(more.out, /lumicast group add hall-2 lamp-66 .* lamp-130\n/);
  const { groups } = await desk.json<{ groups: GroupView[] }>("group", "list", ...state);
  assert.equal(groups[0].devices, 100);
  const known = await desk.run("group", "add", "hall", "lamp-7", "--level", "1", ...state);
  assert.equal(known.code, 0, "who is in it already makes it no larger");
});

test("one key serves several groups only where all are parts of one", async () => {
  const state = await begun("parts", 3);
  await desk.json("group", "add", "hall", "lamp-1", "lamp-2", ...state);
  const desks = ["group", "create", "desks", "--address", "ff35::2", "--shares", "hall"];
  const made = await desk.json(...desks, ...state);
  assert.equal(made.securityGroup, 1);
  await desk.json("group", "add", "desks", "lamp-1", ...state);
  const stranger = await desk.run("group", "add", "desks", "lamp-3", ...state);
  assert.match(stranger.err, /lamp-3 is not in hall, .* first: lumicast group add hall lamp-3/);
  const first = await desk.run("group", "remove", "hall", ...state);
  assert.match(first.err, /2 devices may still be in hall; remove them first/);
});

const WRONG: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["no such command", ["frob"], /there is no command frob/],
  ["half a command", ["group", "frob"], /there is no command group frob/],
  ["an unknown option", ["device", "list", "--frob"], /frob/],
  ["an operand too many", ["device", "list", "x"], /what is x\?/],
  ["an operand too few", ["device", "show"], /usage: lumicast device show DEVICE/],
  ["no address", ["group", "create", "x"], /--address: where do its luminaires listen/],
  ["a strange time", ["group", "create", "x", "--address", "ff35::1", "--grace", "5"], /say 90s/],
  [
    "no scheme",
    ["group", "create", "x", "--address", "ff35::1", "--profile", "tls"],
    /there is no tls; there are lowlatency/,
  ],
  ["a level for unicast", ["group", "add", "x", "y", "--level", "3"], /0, 1 or 2 within a group/],
  ["no role", ["group", "add", "x", "y", "--role", "lamp"], /say sender, receiver or both/],
  ["a token that is none", ["token", "show", "nowhere"], /neither hex digits nor a file/],
];

test("what encrypts in a group is chosen where its scheme leaves a choice", async () => {
  const state = await begun("choices", 1);
  const made = [
    ["a", "--profile", "group-oscore"],
    ["b", "--profile", "group-oscore", "--algorithm", "10"],
    ["c", "--profile", "dtls-record"],
    ["d", "--profile", "dtls-record", "--suite", "null"],
  ];
  for (const words of made) {
    await desk.json("group", "create", ...words, "--address", "ff35::9", ...state);
  }
  const { groups } = await desk.json<{ groups: GroupView[] }>("group", "list", ...state);
  assert.deepEqual(
    groups.map(({ name, algorithm, suite }) => [name, algorithm, suite]),
    [
      ["hall", undefined, undefined],
      ["a", 30, undefined],
      ["b", 10, undefined],
      ["c", undefined, "ccm"],
      ["d", undefined, "null"],
    ],
  );
  const wrong = [
    [["--profile", "group-oscore", "--algorithm", "12"], /--algorithm: there is no 12;.*10 and 30/],
    [["--algorithm", "30"], /--algorithm: only group-oscore has a choice/],
    [["--profile", "dtls-record", "--suite", "des"], /--suite: there is no des;.*ccm and null/],
    [["--profile", "oscoap-00", "--suite", "ccm"], /--suite: only dtls-record has suites/],
    [
      ["--profile", "dtls-record", "--suite", "null", "--shares", "c"],
      /--suite: the keys are those of c/,
    ],
  ] as const;
  for (const [words, told] of wrong) {
    const address = ["--address", "ff35::9"];
    const { code, err } = await desk.run("group", "create", "e", ...words, ...address, ...state);
    assert.equal(code, 2);
    assert.match(err, told);
  }
});

test("a wrong command line is told, and costs exit code 2", async () => {
  for (const [what, args, pattern] of WRONG) {
    const { code, err, out } = await desk.run(...args, ...(what.startsWith("no such") ? [] : []));
    assert.equal(code, 2, what);
    assert.match(err, pattern, what);
    assert.equal(out, "", what);
  }
});

const FAILS: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["nobody of that name", ["device", "show", "x"], /there is no device x; lumicast device list/],
  ["no such group", ["group", "rekey", "x"], /there is no group x; lumicast group list/],
  ["no multicast address", ["group", "create", "x", "--address", "fd00::1"], /no IPv6 multicast/],
  ["a group twice", ["group", "create", "hall", "--address", "ff35::1"], /there is a group hall/],
  ["a number for a name", ["group", "create", "5", "--address", "ff35::1"], /how a number is/],
  ["an authority twice", ["authority", "init", "--domain", "x"], /an authority in .* already/],
  ["nothing runs", ["authority", "stop"], /no authority runs/],
  ["no token", ["token", "show", "00"], /no token of ours/],
  ["no key", ["device", "add", euiOf(9), "--name", "x"], /give its key/],
];

test("what cannot be done is told with what to do, and costs exit code 1", async () => {
  const state = await begun("fails", 1);
  for (const [what, args, pattern] of FAILS) {
    const { code, err, out } = await desk.run(...args, ...state);
    assert.equal(code, 1, `${what}: ${out}${err}`);
    assert.match(err, pattern, what);
  }
  const nowhere = await desk.run("device", "list", "--state", desk.path("nowhere"));
  assert.match(nowhere.err, /no authority in .*nowhere; begin one: lumicast authority init/);
});

test("every command has its --help", async () => {
  const all = await desk.run("--help");
  const words = [...all.out.matchAll(/^ {2}([a-z]+(?: [a-z]+)?) {2,}\S/gm)].map(([, word]) => word);
  assert.ok(words.length > 15, all.out);
  for (const word of words) {
    const { code, out } = await desk.run(...word.split(" "), "--help");
    assert.equal(code, 0, word);
    assert.match(out, /^usage: lumicast .*\n\n[A-Z]/, word);
    assert.match(out, /--state DIR[\s\S]*--json[\s\S]*exit code/, word);
  }
});

test("keys that others may read are not used", async () => {
  const state = await begun("rights", 1);
  const key = `${desk.path("rights")}/authority.key`;
  assert.equal(statSync(key).mode & 0o777, 0o600);
  chmodSync(key, 0o640);
  const { code, err } = await desk.run("device", "list", ...state);
  assert.equal(code, 1);
  assert.match(err, /authority.key can be read by others; chmod 600/);
  const doctor = await desk.run("doctor", ...state);
  assert.equal(doctor.code, 1);
  assert.match(doctor.out, /ILL {2}key .*chmod 600/);
  chmodSync(key, 0o600);
  const psk = desk.secret("loose", "00112233445566778899aabbccddeeff");
  chmodSync(psk, 0o644);
  const add = ["device", "add", euiOf(9), "--name", "x", "--psk-file", psk];
  assert.match((await desk.run(...add, ...state)).err, /loose can be read by others/);
  chmodSync(desk.path("rights"), 0o755);
  assert.match((await desk.run("device", "list", ...state)).err, /rights can be read by others/);
});

test("an older database, another's, a damaged one: refused, with what to do", async () => {
  const state = await begun("old", 2);
  const file = `${desk.path("old")}/authority.db`;
  const early = desk.path("early.db");
  copyFileSync(file, early);
  await desk.json("group", "rekey", "hall", ...state);
  const newest = readFileSync(file);
  copyFileSync(early, file);
  const older = await desk.run("group", "list", ...state);
  assert.equal(older.code, 1);
  assert.match(older.err, /database is older than what this authority has written/);
  assert.match(older.err, /lumicast restore FILE --replace/);
  await begun("other", 2);
  copyFileSync(`${desk.path("other")}/authority.db`, file);
  assert.match((await desk.run("group", "list", ...state)).err, /is another authority's/);
  const flipped = Buffer.from(newest);
  flipped[flipped.indexOf("lamp-2", 0, "latin1")] ^= 1;
  writeFileSync(file, flipped);
  for (const command of [
    ["group", "list"],
    ["group", "rekey", "hall"],
  ]) {
    const damaged = await desk.run(...command, ...state);
    assert.equal(damaged.code, 1);
    assert.match(damaged.err, /is damaged .*restore a backup/);
  }
  assert.deepEqual(readFileSync(file), flipped, "not begun anew");
  const doctor = await desk.run("doctor", ...state);
  assert.match(doctor.out, /ILL {2}database .*is damaged/);
  // What refused it holds its lock as long as this program runs; another file has none.
  rmSync(file);
  writeFileSync(file, newest);
  const well = await desk.run("doctor", ...state);
  assert.equal(well.code, 0, well.out);
});

test("OpenSSL's crypto takes Buffers too, and changes nothing of what it is given", () => {
  const crypto = new NodeCrypto();
  const signer = crypto.signatures.signer(new Uint8Array(32).fill(7));
  const publicKey = Buffer.from(signer.publicKey);
  for (let at = 0; at < 16; at++) {
    const data = Buffer.from([at]);
    const signature = Buffer.from(signer.sign(data));
    const before = signature.toString("hex");
    assert.equal(crypto.signatures.verify({ data, signature, publicKey }), true, `${at}`);
    assert.equal(signature.toString("hex"), before);
  }
  const key = crypto.aeadKey(AES_CCM_16_64_128, Buffer.alloc(16, 1));
  const same = crypto.aeadKey(AES_CCM_16_64_128, new Uint8Array(16).fill(1));
  const box = { nonce: new Uint8Array(13), aad: new Uint8Array(0), plain: new Uint8Array(3) };
  assert.deepEqual(key.seal(box), same.seal(box));
});

test("a clock that was set back is refused: what expired would count again", async () => {
  const state = await begun("clock", 1);
  const ledger = new SqliteLedger(`${desk.path("clock")}/authority.db`);
  const ahead = Math.floor(Date.now() / 1000) + 3600;
  await ledger.transaction((rows) => latestOf(rows, "clock", ahead));
  ledger.close();
  const { code, err } = await desk.run("group", "rekey", "hall", ...state);
  assert.equal(code, 1);
  assert.match(err, /clock is 36\d\d s behind .*Set it right: timedatectl set-ntp true/);
  const doctor = await desk.run("doctor", ...state);
  assert.match(doctor.out, /ILL {2}database .*clock is/);
});

test("a database of a newer program is left alone", async () => {
  const state = await begun("newer", 1);
  const raw = new Database(`${desk.path("newer")}/authority.db`);
  raw.exec("PRAGMA user_version=2");
  raw.close();
  const { code, err } = await desk.run("device", "list", ...state);
  assert.equal(code, 1);
  assert.match(err, /has format 2, this program reads 1; update it/);
  assert.ok(existsSync(`${desk.path("newer")}/authority.db`));
});
