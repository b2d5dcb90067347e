/**
 * `lumicast join open`: devices that are pressed, joined by a list of labels, or by their press
 * alone where that was allowed and somebody confirms it; lamps are XS as sold.
 */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { fromHex } from "../../modules/bytes/hex.js";
import { labelText } from "../../modules/commission/label.js";
import { lacksLan, testOnLan } from "../interop/lan.js";
import { Program, stopPrograms } from "../interop/programs.js";
import { euiOf, Hall, type Joined, printedOf } from "../support/hall.js";
import { Programs } from "../support/running.js";

const test = testOnLan();
const programs = new Programs();
const COMMISSIONER = "build/node/test/hosts/commissioner.js";
const GUESSER = "build/node/test/authority/guesser.js";
const TRUSTING = { rawKey: new Uint8Array(32).fill(9), trustOnPress: true };
const skip = false;
let hall: Hall;

before(async () => {
  if (lacksLan === false) hall = await Hall.open(programs, 9);
});
after(() => hall?.close());

interface Opened {
  readonly joins: readonly (Joined & { readonly eui64: string })[];
  readonly unknown: readonly string[];
  readonly closed: string;
}

async function opened(program: Program, code: number): Promise<Opened> {
  await program.over();
  assert.equal(program.exitCode, code, program.errors);
  return JSON.parse(program.lines.join("")) as Opened;
}

const open = (...words: readonly string[]) =>
  hall.command("join", "open", "--group", "hall", "--json", ...words);

async function isNobody(number: number): Promise<boolean> {
  return (await hall.run("device", "show", euiOf(number))).code === 1;
}

test("by a list of labels: all that are pressed, with their names; others are told", {
  skip,
}, async () => {
  const lines = [`${hall.qrOf(20)} luminaire window`, hall.qrOf(21)].join("\n");
  const list = hall.desk.secret("labels.txt", `${lines}\n`);
  const command = open("--labels", list, "--count", "2");
  await hall.pressed(22);
  await command.complained(/luminaire 0200000000000016 is open, and its label is not known/);
  await hall.pressed(20);
  await hall.pressed(21);
  const { joins, unknown, closed } = await opened(command, 0);
  assert.equal(closed, "count");
  assert.deepEqual(unknown, [euiOf(22)]);
  const names = joins.map(({ eui64, device }) => `${eui64} ${device?.name}`);
  assert.deepEqual(names.sort(), [`${euiOf(20)} window`, `${euiOf(21)} luminaire-0015`]);
  const log = await hall.run("log", "--last", "0");
  const said = command.errors + command.lines.join() + hall.authority.said() + log.out;
  for (const secret of [hall.qrOf(20).slice(-28), "c3a10f5e"]) {
    assert.ok(!said.includes(secret), "a label is said nowhere");
  }
  const status = await hall.run("status");
  assert.match(status.out, /2 of 2 devices known to be well/);
  stopPrograms();
});

test("by a press: it blinks, somebody says so, that is in the log before a key leaves", {
  skip,
}, async () => {
  const command = open("--trust-presses", "--count", "1");
  const lamp = await hall.pressed(23, TRUSTING);
  await command.complained(/does luminaire 0200000000000017 blink, which you pressed\?.*\[y\/n\]/);
  assert.ok(await isNobody(23));
  assert.deepEqual(await hall.pending(), [], "nothing is there before it was confirmed");
  assert.ok(!lamp.lines.some((line) => /joined: by/.test(line)));
  command.say("perhaps");
  command.say("y");
  const { joins } = await opened(command, 0);
  assert.equal(joins[0].ok, true, JSON.stringify(joins[0].failure));
  const { out } = await hall.run("log", "--last", "0");
  const at = (what: RegExp) => out.search(what);
  const entered = at(/join 0200000000000017 by a press, with factory key \w+, confirmed while/);
  assert.ok(entered > 0 && entered < at(/luminaire-0017 has joined/), out);
  const shown = await hall.run("device", "show", "luminaire-0017");
  assert.match(shown.out, /in hall: level 2, receiver; has key/);
  const blinks = await hall.run("identify", "luminaire-0017", "--seconds", "1");
  assert.equal(blinks.code, 0, blinks.err);
  stopPrograms();
});

test("without a yes nothing leaves; who has gone has said none", { skip }, async () => {
  const command = open("--trust-presses", "--seconds", "20");
  const lamp = await hall.pressed(24, TRUSTING);
  await command.complained(/\[y\/n\]/);
  command.say("n");
  const { joins, closed } = await opened(command, 1);
  assert.equal(joins[0].failure?.step, "confirm");
  assert.match(joins[0].failure?.why ?? "", /you said that it is not the one/);
  assert.equal(closed, "time");
  assert.ok(await isNobody(24));
  await lamp.line(/whoever joined it left before the end/);
  stopPrograms();
  const other = open("--trust-presses");
  const next = await hall.pressed(27, TRUSTING);
  await other.complained(/\[y\/n\]/);
  other.stop("SIGINT");
  await next.line(/whoever joined it left before the end/, 40);
  assert.ok(await isNobody(27));
  assert.deepEqual(await hall.pending(), []);
  stopPrograms();
});

test("two that were pressed: neither is joined, and both are shown", { skip }, async () => {
  await hall.pressed(24, TRUSTING);
  await hall.pressed(25, TRUSTING);
  const command = open("--trust-presses", "--yes");
  const { joins, closed } = await opened(command, 1);
  assert.equal(closed, "two devices");
  assert.match(joins[0].failure?.why ?? "", /another device was pressed as well/);
  assert.match(JSON.stringify(joins), /0200000000000018/);
  assert.match(JSON.stringify(joins), /0200000000000019/);
  assert.ok((await isNobody(24)) && (await isNobody(25)));
  assert.deepEqual(await hall.pending(), []);
  stopPrograms();
});

test("two who join one: the lamp sends both away, and that is told", { skip }, async () => {
  const lamp = await hall.pressed(25, TRUSTING);
  const command = open("--trust-presses", "--count", "1", "--seconds", "30");
  await command.complained(/\[y\/n\]/);
  const words = ["eth0", euiOf(25), Buffer.from(printedOf(25)).toString("hex")];
  const place = hall.lan.computer(10).command;
  const other = new Program(place, process.execPath, COMMISSIONER, ...words);
  await other.line(/ready/);
  other.say("discover");
  await other.line(/^found </);
  other.say("get");
  await lamp.line(/may not be joined \(two joiners\)/);
  const { joins } = await opened(command, 1);
  assert.match(joins[0].failure?.why ?? "", /somebody else was joining it, too/);
  assert.ok(await isNobody(25));
  stopPrograms();
});

test("a lamp that is not to be joined by a press is not; a press is not enough for others", {
  skip,
}, async () => {
  await hall.pressed(26);
  const command = open("--trust-presses", "--yes", "--seconds", "25");
  const { joins } = await opened(command, 1);
  assert.equal(joins[0].failure?.step, "greet");
  assert.match(joins[0].failure?.next ?? "", /lumicast join code/);
  assert.equal((await hall.run("join", "open")).code, 2);
  assert.equal((await hall.run("join", "open", "--yes")).code, 2);
});

test("the twentieth wrong label closes the lamp: the right one finds it closed", {
  skip,
}, async () => {
  stopPrograms();
  const lamp = await hall.pressed(28);
  const { command } = hall.lan.computer(1);
  const words = [GUESSER, hall.addressOf(28), "19"];
  const guesser = new Program(command, process.execPath, ...words);
  await guesser.line(/^opened 0 of 19$/, 90);
  assert.ok(!lamp.lines.some((line) => /may not be joined/.test(line)), "it is still open");
  const wrong = labelText(hall.crypto, fromHex(euiOf(28)), new Uint8Array(16).fill(7));
  const guessed = await hall.join(wrong);
  assert.equal(guessed.failure?.step, "prove");
  assert.match(guessed.failure?.why ?? "", /does not know this label/);
  await lamp.line(/may not be joined \(guesses\)/);
  const right = await hall.join(hall.qrOf(28));
  assert.equal(right.failure?.step, "find");
  assert.match(right.failure?.why ?? "", /is not open here/);
  assert.ok(await isNobody(28));
});
