/**
 * `lumicast replace` and `lumicast reset`, with lamps on XS as sold: a new one takes a broken one's
 * place with one command, and what was reset holds no key, and is known to nobody.
 */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { fromHex } from "../../modules/bytes/hex.js";
import { lacksLan, testOnLan } from "../interop/lan.js";
import type { Program } from "../interop/programs.js";
import { euiOf, Hall } from "../support/hall.js";
import { Programs } from "../support/running.js";

const test = testOnLan();
const programs = new Programs();
const TRUSTING = { rawKey: new Uint8Array(32).fill(9), trustOnPress: true };
const skip = false;
let hall: Hall;
const lamps = new Map<number, Program>();

before(async () => {
  if (lacksLan !== false) return;
  hall = await Hall.open(programs, 5);
  for (const [number, name] of [
    [20, "desk"],
    [21, "door"],
  ] as const) {
    lamps.set(number, await hall.pressed(number));
    const joined = await hall.join(hall.qrOf(number), "--name", name, "--group", "hall");
    assert.equal(joined.code, 0, JSON.stringify(joined.failure));
  }
});
after(() => hall?.close());

async function shown(device: string) {
  const { out, err } = await hall.run("device", "show", device, "--json");
  if (out === "") throw new Error(err);
  return JSON.parse(out) as {
    eui64: string;
    name: string;
    lost: boolean;
    credential: string;
    grants: { group: string; level: number; roles: string; key: number | null }[];
  };
}

const devices = async () => {
  const { out } = await hall.run("device", "list", "--json");
  return (JSON.parse(out) as { devices: { name: string; lost: boolean }[] }).devices
    .map(({ name, lost }) => `${name}${lost ? " LOST" : ""}`)
    .sort();
};

test("one command: name, groups, rights and place go over, the old one's keys are void", {
  skip,
}, async () => {
  lamps.get(20)?.stop();
  const [before] = (await shown("desk")).grants;
  const would = await hall.run("replace", "desk", hall.qrOf(22));
  assert.equal(would.code, 1);
  assert.match(would.out, /desk would be out for good; new keys in: hall\. Do it: --yes/);
  const early = await hall.run("replace", "desk", hall.qrOf(22), "--yes");
  assert.equal(early.code, 1);
  assert.match(early.out, /failed at "find".*\nnext: press its button.*\ndesk is as it was/);
  assert.deepEqual(await devices(), ["desk", "door"]);
  lamps.set(22, await hall.pressed(22));
  const done = await hall.run("replace", "desk", hall.qrOf(22), "--yes");
  assert.equal(done.code, 0, done.out + done.err);
  assert.match(done.out, /desk is 0200000000000016 now/);
  assert.deepEqual(await devices(), ["desk", "desk-old LOST", "door"]);
  const now = await shown("desk");
  assert.equal(now.eui64, euiOf(22));
  const [grant] = now.grants;
  assert.deepEqual({ ...grant, key: 0 }, { ...before, key: 0 });
  assert.ok((grant.key ?? 0) > (before.key ?? 0), "under a new key");
  // Done again, it is found done.
  const again = await hall.run("replace", "desk", hall.qrOf(22), "--yes");
  assert.equal(again.code, 0, again.err);
  assert.deepEqual(await devices(), ["desk", "desk-old LOST", "door"]);
});

test("reset: nothing of the key is left in flash, and nothing of the device in the ledger", {
  skip,
}, async () => {
  const identity = fromHex((await shown("door")).credential);
  assert.ok(hall.inFlash(21, identity) > 0);
  const would = await hall.run("reset", "door");
  assert.equal(would.code, 1);
  const done = await hall.run("reset", "door", "--yes");
  assert.equal(done.code, 0, done.err);
  assert.match(done.out, /door \(0200000000000015\) is nobody's; new keys in security group 1/);
  await lamps.get(21)?.line(/factory reset: done/);
  assert.equal(hall.inFlash(21, identity), -1);
  assert.deepEqual(await devices(), ["desk", "desk-old LOST"]);
  lamps.get(21)?.stop();
  // The printed label joins it once more.
  await hall.pressed(21);
  const joined = await hall.join(hall.qrOf(21), "--name", "door", "--group", "hall");
  assert.equal(joined.code, 0, JSON.stringify(joined.failure));
});

test("a lamp that is off, or was joined by a press, is reset by hand", { skip }, async () => {
  lamps.get(22)?.stop();
  const off = await hall.run("reset", "desk", "--yes");
  assert.equal(off.code, 1);
  assert.match(off.err, /desk does not answer .*nothing was changed.*--by-hand/);
  assert.ok((await devices()).includes("desk"));
  const words = ["--trust-presses", "--yes", "--count", "1"];
  const command = hall.run("join", "open", "--group", "hall", ...words);
  await hall.pressed(23, TRUSTING);
  assert.equal((await command).code, 0, (await command).out);
  const refused = await hall.run("reset", "luminaire-0017", "--yes");
  assert.match(refused.err, /luminaire-0017 refuses with 4\.0[13].*joined by a press/);
  const byHand = await hall.run("reset", "luminaire-0017", "--by-hand", "--yes");
  assert.equal(byHand.code, 0, byHand.err);
  assert.ok(!(await devices()).includes("luminaire-0017"));
});
