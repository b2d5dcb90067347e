/**
 * A room without a computer that comes to one: a switch held for ten seconds and a lamp that it
 * took in, each a process of the real engine, and an authority that takes them over.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before } from "node:test";
import { NodeCrypto } from "../../hosts/authority/crypto.js";
import { ROOT } from "../../hosts/root.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { emitFactory, type Factory } from "../../modules/commission/factory.js";
import { labelCode, labelText } from "../../modules/commission/label.js";
import { Lan, lacksLan, testOnLan } from "../interop/lan.js";
import { HOST, Program, stopPrograms } from "../interop/programs.js";
import { Desk } from "../support/lumicast.js";
import { factoryOf } from "../support/newcomer.js";
import { ROLE } from "../support/rig.js";
import { Programs, type Ran, until } from "../support/running.js";

interface TakenOver {
  readonly ok: boolean;
  readonly devices: readonly { readonly eui64: string; readonly name: string }[];
  readonly steps: readonly { readonly step: string; readonly said: string }[];
  readonly failure?: { readonly step: string; readonly why: string; readonly next: string };
}

interface Group {
  readonly name: string;
  readonly number: number;
  readonly address: string;
  readonly members: number;
  readonly waiting: number;
  readonly key: number;
}

const SWITCH = 10;
const LAMP = 20;
const PRODUCT = `${ROOT}/build/firmware/lumicast.xsb`;
const SWITCH_EUI64 = "020000000000000a";
const STEPS = ["label", "find", "prove", "list", "enter", "hand over", "follow"];

const test = testOnLan();
const desk = new Desk();
const programs = new Programs();
const crypto = new NodeCrypto();
const state = ["--state", desk.path("house")];
const printed = fromHex("c3a10f5e77d2496b8e1290bb34fd6a10");
const qr = labelText(crypto, fromHex(SWITCH_EUI64), printed);
const code = labelCode(crypto, printed);
const skip = false;
let lan: Lan;
let authority: Ran;

before(async () => {
  if (lacksLan !== false) return;
  lan = await Lan.start(3);
  await desk.json("authority", "init", "--domain", "house", ...state);
  const { address, command } = lan.computer(1);
  authority = await programs.start(state, `[${address}]:5684`, command);
});
after(() => {
  stopPrograms();
  lan?.stop();
  desk.remove();
});

function device(computer: number, number: number, more: Partial<Factory>): Program {
  const name = desk.path(`${number}`);
  writeFileSync(`${name}.cbor`, emitFactory(factoryOf(number, more)));
  const files = ["--provision", `${name}.cbor`, "--flash", `${name}.flash`];
  const eui64 = `02000000000000${number.toString(16).padStart(2, "0")}`;
  const rest = ["--eui64", eui64, "--port", "5684", "--stack", "1024"];
  return new Program(lan.computer(computer).command, HOST, "run", PRODUCT, ...files, ...rest);
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function press(program: Program, ms = 60): Promise<void> {
  program.say("down");
  await wait(ms);
  program.say("up");
}

/** A switch's room of one lamp; the switch's window is closed. */
async function room(): Promise<{ wall: Program; lamp: Program }> {
  const wall = device(2, SWITCH, { role: ROLE.SWITCH, label: printed });
  await wall.line(/belongs to nobody/);
  await press(wall, 10_200);
  await wall.line(/room: founded/);
  await wall.line(/keys: resting/);
  const rawKey = new Uint8Array(32).fill(LAMP);
  const lamp = device(3, LAMP, { label: undefined, rawKey, trustOnPress: true });
  await lamp.line(/belongs to nobody/);
  await press(wall, 5200);
  await wall.line(/room: open for lamps/);
  await press(lamp);
  await wall.line(/blinks; press this switch/);
  await press(wall);
  await wall.line(/has joined/);
  await lamp.line(/keys: resting/);
  await press(wall);
  await wall.line(/room: closed/);
  return { wall, lamp };
}

/** The switch's window, once more. */
async function open(wall: Program): Promise<void> {
  const seen = wall.lines.length;
  await press(wall, 5200);
  const isOpen = async () => wall.lines.slice(seen).some((line) => /open for lamps/.test(line));
  await until(isOpen, () => wall.lines.slice(seen).join("\n"));
}

async function takeOver(...words: readonly string[]) {
  const ran = await desk.run("authority", "take-over", ...words, "--json", ...state);
  return { ...(JSON.parse(ran.out) as TakenOver), code: ran.code, err: ran.err };
}

/** Two presses, on and off or the other way round: the lamp follows. */
async function lights({ wall, lamp }: { wall: Program; lamp: Program }): Promise<void> {
  const seen = lamp.lines.length;
  for (let count = 0; count < 2; count++) {
    await press(wall);
    await wait(1500);
  }
  const shown = lamp.lines.slice(seen).filter((line) => line.includes('"light"'));
  const trail = [...wall.lines.slice(-30), "the lamp:", ...lamp.lines.slice(-60)];
  assert.ok(shown.length > 0, trail.join("\n"));
}

async function groups(): Promise<readonly Group[]> {
  return (await desk.json<{ groups: readonly Group[] }>("group", "list", ...state)).groups;
}

test("a room comes to an authority, and its switch goes on lighting its lamp", {
  skip,
}, async () => {
  const { wall, lamp } = await room();
  await lights({ wall, lamp });

  const typo = await takeOver(code.replace(/^./, "Z"), "--eui64", SWITCH_EUI64);
  assert.equal(typo.failure?.step, "label");
  const unnamed = await takeOver(code);
  assert.match(unnamed.failure?.next ?? "", /--eui64/);
  const closed = await takeOver(qr);
  assert.equal(closed.code, 1);
  assert.equal(closed.failure?.step, "find");
  assert.match(closed.failure?.next ?? "", /hold the switch for five seconds/);

  await open(wall);
  const other = labelText(crypto, fromHex(SWITCH_EUI64), new Uint8Array(16).fill(9));
  const wrong = await takeOver(other);
  assert.equal(wrong.failure?.step, "prove", JSON.stringify(wrong));
  assert.deepEqual(await groups(), [], "nothing came of it");

  const taken = await takeOver(code.toLowerCase(), "--eui64", SWITCH_EUI64, "--name", "kitchen");
  const trail = [JSON.stringify(taken), ...wall.lines.slice(-20), ...lamp.lines.slice(-20)];
  assert.equal(taken.code, 0, trail.join("\n"));
  assert.deepEqual(
    taken.steps.map(({ step }) => step),
    STEPS,
  );
  assert.deepEqual(taken.devices.map(({ name }) => name).sort(), ["luminaire-0014", "switch"]);

  const [group, ...more] = await groups();
  assert.deepEqual(more, []);
  assert.deepEqual([group.name, group.number, group.members], ["kitchen", 1, 2]);
  assert.match(group.address, /^ff15::/);
  const listed = await desk.run("device", "list", ...state);
  assert.match(listed.out, /switch/);
  assert.match(listed.out, /luminaire-0014/);
  const log = await desk.run("log", "--last", "0", ...state);
  assert.match(log.out, /authority take-over 020000000000000a by its label: 2 devices/);
  const said = authority.said() + log.out + JSON.stringify(taken) + taken.err;
  for (const secret of [code, code.replaceAll("-", ""), "c3a10f5e"]) {
    assert.ok(!said.toLowerCase().includes(secret.toLowerCase()), "the label is said nowhere");
  }
  await lights({ wall, lamp });

  const rekeyed = await desk.run("group", "rekey", "kitchen", ...state);
  assert.equal(rekeyed.code, 0, rekeyed.out + rekeyed.err);
  assert.match(rekeyed.out, /2 of 2 members have it/);
  await lights({ wall, lamp });

  const before = await groups();
  const again = await takeOver(qr);
  assert.equal(again.code, 0, JSON.stringify(again));
  assert.deepEqual(
    again.steps.map(({ step }) => step),
    ["label", "find", "follow"],
  );
  assert.deepEqual(await groups(), before, "nothing came of it the second time");
});
