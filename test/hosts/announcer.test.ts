/**
 * New keys of a key tree, said by multicast on a network of its own: an authority and lamps that
 * are the firmware as it is sold.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test as plainTest } from "node:test";
import { networkOf } from "../../hosts/authority/interfaces.js";
import { ROOT } from "../../hosts/root.js";
import { provisioningOf, readSender } from "../../hosts/sender/file.js";
import { ROLE } from "../../modules/device/provision.js";
import { Lan, lacksLan, testOnLan } from "../interop/lan.js";
import { HOST, Program, stopPrograms } from "../interop/programs.js";
import { Desk, euiOf, shipped } from "../support/lumicast.js";
import { Programs, type Ran } from "../support/running.js";

const desk = new Desk();
const programs = new Programs();
const test = testOnLan();
const PRODUCT = `${ROOT}/build/firmware/lumicast.xsb`;
const LAMPS = 3;
const SAID = "keys: said to all";
const state = ["--state", desk.path("hall")];
const skip = false;
let lan: Lan;

before(async () => {
  if (lacksLan !== false) return;
  lan = await Lan.start(1 + LAMPS);
  await desk.json("authority", "init", "--domain", "hall", ...state);
  await desk.json("device", "add", "--from", desk.secret("lamps.json", shipped(LAMPS)), ...state);
  await desk.json("group", "create", "hall", "--address", "ff35::4c:1", "--tree", ...state);
  const lamps = ["lamp-1", "lamp-2", "lamp-3", "--role", "receiver"];
  await desk.json("group", "add", "hall", ...lamps, ...state);
});
after(() => {
  stopPrograms();
  lan?.stop();
  desk.remove();
});

/** Listens anywhere: which network is meant is said with `more`. */
function authority(...more: string[]): Promise<Ran> {
  return programs.start([...state, ...more], "[::]:5684", lan.computer(1).command);
}

/** A lamp with its factory credential; it has its key when this resolves. */
async function lamp(number: number): Promise<Program> {
  const path = desk.path(`lamp-${number}.json`);
  const at = ["--at", `[${lan.computer(1).address}]:5684`];
  await desk.json("sender", `lamp-${number}`, path, ...at, ...state);
  const told = readSender(path);
  const blob = desk.path(`lamp-${number}.cbor`);
  writeFileSync(blob, provisioningOf(told, { role: ROLE.LUMINAIRE, groups: told.groups }));
  const { command } = lan.computer(1 + number);
  const files = ["--provision", blob, "--flash", desk.path(`lamp-${number}.flash`)];
  const more = ["--eui64", euiOf(number), "--port", "5684"];
  const program = new Program(command, HOST, "run", PRODUCT, ...files, ...more);
  await program.line(/keys: resting/);
  return program;
}

function heard(lamps: readonly Program[]): number[] {
  return lamps.map(({ lines }) => lines.filter((line) => line.includes(SAID)).length);
}

async function heardMore(lamp: Program, than: number): Promise<void> {
  const until = Date.now() + 20_000;
  while (heard([lamp])[0] <= than) {
    assert.ok(Date.now() < until, `nothing was said to it: ${lamp.lines.join("\n")}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("who is put out is no news of one each: the others hear the new key at once", {
  skip,
}, async () => {
  const ran = await authority("--interface", "eth0");
  const lamps = [await lamp(1), await lamp(2), await lamp(3)];
  const before = heard(lamps);
  await desk.json("lost", "lamp-3", "--yes", ...state);
  for (const at of [0, 1]) await heardMore(lamps[at], before[at]);
  const { groups } = await desk.json<{ groups: { waiting: number }[] }>("group", "list", ...state);
  assert.equal(groups[0].waiting, 0, "and each says that it has it");
  await programs.kill(ran);
});

test("without a network of theirs it says so, once, and brings it to each", { skip }, async () => {
  const ran = await authority();
  const lines = await desk.run("group", "rekey", "hall", ...state);
  assert.equal(lines.code, 0, lines.err);
  await desk.run("group", "rekey", "hall", ...state);
  ran.child.kill("SIGTERM");
  const { said } = await ran.ended;
  assert.equal(said.split("hall: new keys of its tree").length, 2, said);
  assert.match(said, /start with the interface that its members are on: --interface eth0/);
});

test("an interface that is none is told, with those there are", { skip }, async () => {
  await assert.rejects(
    authority("--interface", "wlan7"),
    /wlan7 has no IPv6 .* there are lo, eth0/,
  );
});

plainTest("the interface is the one named, or that of the address listened on", () => {
  const one = (address: string) => [{ family: "IPv6", address }];
  const networks = { lo: one("::1"), eth0: one("fd00::1"), can0: [] } as never;
  const of = (address: string, network?: string) => networkOf({ address, network }, networks);
  assert.deepEqual(
    [of("::"), of("::1"), of("fd00:0::1"), of("::", "eth0"), of("fd00::2")],
    [undefined, "lo", "eth0", "eth0", undefined],
  );
  assert.throws(() => of("::", "can0"), /can0 has no IPv6 address; there are lo, eth0/);
});

plainTest("a tree is its own group's, not that of a part", async () => {
  const words = ["hall", "--address", "ff35::2", "--tree", "--shares", "floor"];
  const { code, err } = await desk.run("group", "create", ...words, ...state);
  assert.deepEqual([code, /leave out one of the two/.test(err)], [2, true]);
});
