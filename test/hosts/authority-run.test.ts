/**
 * An authority that runs: devices come over DTLS on UDP, commands over its socket. Everything is
 * real but the network between two processes; authorities that run are processes of their own.
 */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { test } from "node:test";
import { euiOf, shipped } from "../support/lumicast.js";
import { deskWithDatabase, Programs, until } from "../support/running.js";

const { desk, database } = deskWithDatabase();
const { skip } = database;
const programs = new Programs();

async function begun(name: string, count: number, more: readonly string[] = []) {
  const state = ["--state", desk.path(name)];
  await desk.json("authority", "init", "--domain", "hall", ...state, ...more);
  await desk.json("device", "add", "--from", desk.secret(`${name}.json`, shipped(count)), ...state);
  await desk.json("group", "create", "hall", "--address", "ff35::1", ...state);
  const lamps = Array.from({ length: count }, (_, at) => `lamp-${at + 1}`);
  await desk.json("group", "add", "hall", ...lamps, ...state);
  return state;
}

test("a day of an authority: joins, a new key for all, a lost lamp, a stop", async () => {
  const state = await begun("day", 3);
  const ran = await programs.start(state);
  const lamps = [await programs.lamp(1), await programs.lamp(2), await programs.lamp(3)];
  for (const one of lamps) {
    const { delivery } = await one.join(ran.at, [1]);
    assert.equal(delivery.tokens.length, 2, "its own, and the one it shows");
  }
  const shown = await desk.json("authority", "show", ...state);
  assert.deepEqual([shown.running, shown.at, shown.devices], [true, ran.at, 3]);
  const rekeyed = await desk.run("group", "rekey", "hall", ...state);
  assert.equal(rekeyed.code, 0, rekeyed.out + rekeyed.err);
  assert.match(rekeyed.out, /hall has key \d+\n3 of 3 members have it\n/);
  assert.match(rekeyed.err, /lamp-\d has it \(3 of 3\)/, "progress");
  for (const { pushed } of lamps) assert.ok(pushed.length > 0);
  lamps[1].answer = 0xa3;
  const refused = await desk.run("group", "rekey", "hall", ...state);
  assert.equal(refused.code, 1);
  assert.match(refused.out, /2 of 3 members have it\n {2}lamp-2: refused with 5.03 \(tried \d\)/);
  lamps[1].answer = 0x44;
  const lost = await desk.run("lost", "lamp-3", "--yes", ...state);
  assert.match(lost.out, /lamp-3 is out: 1 token revoked, new keys in security group 1/);
  assert.match(lost.out, /2 of 2 members have it/);
  const last = lamps[0].pushed[lamps[0].pushed.length - 1];
  assert.equal(last.broken.length, 1, "no grace after a loss");
  assert.ok(last.revoked.some(({ clientId }) => clientId[0] === 3));
  assert.deepEqual(
    lamps.map((one) => one.ended),
    [0, 0, 1],
    "the lost one's connection is over, at once",
  );
  await assert.rejects(lamps[2].join(ran.at, [1]), /no |refuses/);
  const stopped = await desk.run("authority", "stop", ...state);
  assert.equal(stopped.code, 0, stopped.err);
  const { code, said } = await ran.ended;
  assert.equal(code, 0, said);
  assert.match(said, /stopped after \d+ s: asked to/);
  assert.equal(existsSync(`${desk.path("day")}/authority.sock`), false);
  const whole = await desk.run("log", "--verify", ...state);
  assert.equal(whole.code, 0, whole.out);
  const log = await desk.run("log", "--last", "0", ...state);
  assert.match(log.out, /0000000000000001 {2}\/token: token 01/);
  assert.match(log.out, /0000000000000001 {2}\/keys: .*member 0000000001\/01/);
});

test("started anew, it brings a new key to everybody without another full handshake", async () => {
  const state = await begun("anew", 5);
  const ran = await programs.start(state);
  const lamps = await Promise.all([1, 2, 3, 4, 5].map((number) => programs.lamp(number)));
  for (const one of lamps) await one.join(ran.at, [1]);
  const shown = () => lamps.map((one) => one.shown);
  assert.deepEqual(shown(), [1, 1, 1, 1, 1]);
  ran.child.kill("SIGTERM");
  await ran.ended;
  const again = await programs.start(state, ran.at);
  const rekeyed = await desk.run("group", "rekey", "hall", ...state);
  assert.match(rekeyed.out, /5 of 5 members have it/, rekeyed.out);
  assert.deepEqual(shown(), [1, 1, 1, 1, 1], "resumed, whoever began");
  // Killed, it says goodbye to nobody; who asks resumes all the same.
  await programs.kill(again);
  await programs.start(state, ran.at);
  for (const one of lamps) one.guest.channels.close(one.guest.asker?.id ?? "");
  for (const one of lamps) await one.join(ran.at, [1]);
  assert.deepEqual(shown(), [1, 1, 1, 1, 1]);
});

test("a renewed key is brought to listeners first, one after a loss to senders", async () => {
  const state = ["--state", desk.path("order")];
  await desk.json("authority", "init", "--domain", "hall", ...state);
  await desk.json("device", "add", "--from", desk.secret("order.json", shipped(9)), ...state);
  await desk.json("group", "create", "hall", "--address", "ff35::1", ...state);
  const sends = [1, 4, 7];
  for (const number of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    const role = sends.includes(number) ? "sender" : "receiver";
    await desk.json("group", "add", "hall", `lamp-${number}`, "--role", role, ...state);
  }
  const ran = await programs.start(state);
  const order: string[] = [];
  for (const number of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    const device = await programs.lamp(number);
    device.onPush = () => order.push(sends.includes(number) ? "sender" : "listener");
    await device.join(ran.at, [1]);
  }
  const all = ["--json", ...state];
  // Who came may have made a new key for others: the first takes what is still on its way with it.
  for (let time = 0; time < 2; time++) {
    order.length = 0;
    const renewed = await desk.run("group", "rekey", "hall", ...all);
    assert.equal(renewed.code, 0, renewed.out + renewed.err);
  }
  const listeners = new Array(6).fill("listener");
  assert.deepEqual(order, [...listeners, ...new Array(3).fill("sender")]);
  order.length = 0;
  const lost = await desk.run("lost", "lamp-4", "--yes", ...all);
  assert.equal(lost.code, 0, lost.out + lost.err);
  assert.deepEqual(order, ["sender", "sender", ...listeners]);
});

test("what would end keeps it from being stopped; Ctrl-C tells, and cleans up", async () => {
  const state = await begun("ending", 1);
  const phone = desk.secret("phone.psk", "f".repeat(32));
  const add = ["device", "add", euiOf(9), "--name", "phone", "--psk-file", phone];
  await desk.json(...add, "--tokens", "8h", ...state);
  await desk.json("group", "add", "hall", "phone", "--role", "sender", ...state);
  const ran = await programs.start(state);
  const device = await programs.device(9, "f".repeat(32));
  await device.join(ran.at, [1]);
  const stopped = await desk.run("authority", "stop", ...state);
  assert.equal(stopped.code, 1);
  assert.match(stopped.err, /these would end, and nobody would renew them:\n {2}a token of phone/);
  assert.match(stopped.err, /--anyway/);
  ran.child.kill("SIGINT");
  const { code, said } = await ran.ended;
  assert.equal(code, 0, said);
  assert.match(said, /start it again before these end:\n {2}a token of phone ends 20/);
  assert.equal(existsSync(`${desk.path("ending")}/authority.sock`), false);
  const again = await programs.start(state);
  const twice = await desk.run("authority", "start", ...state);
  assert.match(twice.err, /an authority runs in .* already/);
  const anyway = await desk.run("authority", "stop", "--anyway", ...state);
  assert.equal(anyway.code, 0, anyway.err);
  assert.equal((await again.ended).code, 0);
});

test("killed, it leaves nothing in the way; its port is told when it is taken", async () => {
  const state = await begun("killed", 1);
  const ran = await programs.start(state);
  ran.child.kill("SIGKILL");
  await ran.ended;
  assert.ok(existsSync(`${desk.path("killed")}/authority.sock`), "nobody could remove it");
  const listed = await desk.run("device", "list", ...state);
  assert.equal(listed.code, 0, listed.err);
  const again = await programs.start(state);
  const other = await begun("port", 1);
  await assert.rejects(programs.start(other, again.at), /is taken; say another: --listen/);
});

test("two KDCs on one database: a device of one is let in by the other", { skip }, async () => {
  const first = await begun("one", 2, database.option());
  const second = ["--state", desk.path("two")];
  mkdirSync(desk.path("two"), { mode: 0o700 });
  cpSync(`${desk.path("one")}/authority.key`, `${desk.path("two")}/authority.key`);
  const [one, two] = [await programs.start(first), await programs.start(second)];
  const [lamp1, lamp2] = [await programs.lamp(1), await programs.lamp(2)];
  await Promise.all([lamp1.join(one.at, [1]), lamp2.join(two.at, [1])]);
  await desk.json("lost", "lamp-2", "--yes", ...first);
  await until(
    async () => lamp2.ended > 0,
    () => "the other KDC keeps the connection of a lost lamp",
  );
  const psk = desk.secret("late.psk", "e".repeat(32));
  const add = ["device", "add", euiOf(7), "--name", "late", "--psk-file", psk];
  await desk.json(...add, ...first);
  await desk.json("group", "add", "hall", "late", ...second);
  const late = async () => {
    const device = await programs.device(7, "e".repeat(32));
    return device.join(two.at, [1]);
  };
  // Once it is in, it is no newcomer: with another flash it would have to wait for another key.
  let isIn = false;
  for (let attempt = 0; attempt < 10 && !isIn; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, 700));
    isIn = await late().then(
      () => true,
      () => false,
    );
  }
  assert.ok(isIn, "whoever is entered at one KDC is let in by the other");
  const whole = await desk.run("log", "--verify", ...second);
  assert.equal(whole.code, 0, whole.out);
});
