/**
 * New keys of a key tree, said by multicast on a network of its own: an authority and lamps that
 * are the firmware as it is sold.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, test as plainTest } from "node:test";
import { networkOf } from "../../hosts/authority/interfaces.js";
import { Lan, lacksLan, testOnLan } from "../interop/lan.js";
import { type Program, stopPrograms } from "../interop/programs.js";
import { lampOn } from "../support/lan-lamp.js";
import { Desk, shipped } from "../support/lumicast.js";
import { Programs, type Ran, until } from "../support/running.js";

const desk = new Desk();
const programs = new Programs();
const test = testOnLan();
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
function lamp(number: number): Promise<Program> {
  return lampOn({ desk, lan, state, at: `[${lan.computer(1).address}]:5684` }, number);
}

function heard(lamps: readonly Program[]): number[] {
  return lamps.map(({ lines }) => lines.filter((line) => line.includes(SAID)).length);
}

async function heardMore(lamp: Program, than: number): Promise<void> {
  await until(
    async () => heard([lamp])[0] > than,
    () => lamp.lines.join("\n"),
  );
}

test("who is put out is no news of one each: the others hear the new key at once", {
  skip,
}, async () => {
  const ran = await authority("--interface", "eth0");
  const lamps = [await lamp(1), await lamp(2), await lamp(3)];
  // What the others' joins brought about is not what this is about.
  await allHaveIt();
  const before = heard(lamps);
  cutOff([1, 2], "add");
  // It tries for longer than a lamp waits for the rest of what it heard.
  await desk.run("lost", "lamp-3", "--yes", ...state);
  for (const at of [0, 1]) {
    await heardMore(lamps[at], before[at]);
    const { lines } = lamps[at];
    const last = lines.filter((line) => line.includes(SAID)).at(-1) ?? "";
    const since = lines.slice(lines.lastIndexOf(last));
    assert.deepEqual(
      since.filter((line) => line.includes("keys: asking")),
      [],
      "it has all of it, and needs not ask",
    );
  }
  assert.equal(await waiting(), 2, "nobody could say that he has it");
  cutOff([1, 2], "del");
  await allHaveIt();
  await programs.kill(ran);
});

async function allHaveIt(): Promise<void> {
  await until(
    async () => (await waiting()) === 0,
    () => "who could not be reached is forgotten",
  );
}

async function waiting(): Promise<number> {
  const { groups } = await desk.json<{ groups: { waiting: number }[] }>("group", "list", ...state);
  return groups[0].waiting;
}

/** Nothing that the authority says to them alone gets there, and no answer. */
function cutOff(lamps: readonly number[], what: "add" | "del"): void {
  for (const number of lamps) {
    const to = `${lan.computer(1 + number).address}/128`;
    const { code, err } = on(1, "ip", "-6", "route", what, "blackhole", to);
    assert.equal(code, 0, err);
  }
}

function on(
  computer: number,
  ...words: string[]
): { code: number | null; out: string; err: string } {
  const [command, args] = lan.computer(computer).command(...words);
  const done = spawnSync(command, args, { encoding: "utf8", timeout: 60_000 });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

test("without a network of theirs it says so, once, and brings it to each", { skip }, async () => {
  const ran = await authority();
  for (let at = 0; at < 2; at++) await desk.run("group", "rekey", "hall", ...state);
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
