/**
 * A room without a computer, as the programs that it is made of: a switch held for ten seconds
 * takes a lamp in and commands it, each a process of the real engine with a network stack of its
 * own, libsodium and mbedTLS under them.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { emitFactory, type Factory } from "../../modules/commission/factory.js";
import { Lan, lacksLan, testOnLan } from "../interop/lan.js";
import { HOST, Program, stopPrograms } from "../interop/programs.js";
import { Desk } from "../support/lumicast.js";
import { factoryOf } from "../support/newcomer.js";
import { ROLE } from "../support/rig.js";

const SWITCH = 10;
const LAMP = 20;
const PRODUCT = `${ROOT}/build/firmware/lumicast.xsb`;
const STACK = "1024";

const test = testOnLan();
const desk = new Desk();
let lan: Lan;

before(async () => {
  if (lacksLan === false) lan = await Lan.start(2);
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
  const rest = ["--eui64", eui64, "--port", "5684", "--stack", STACK];
  return new Program(lan.computer(computer).command, HOST, "run", PRODUCT, ...files, ...rest);
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function press(program: Program, ms = 60): Promise<void> {
  program.say("down");
  await wait(ms);
  program.say("up");
}

test("ten seconds on a switch, a press at a lamp, and one at the switch", {
  skip: false,
}, async () => {
  const wall = device(1, SWITCH, { role: ROLE.SWITCH });
  await wall.line(/belongs to nobody/);
  await press(wall, 10_200);
  await wall.line(/room: founded/);
  await wall.line(/keys: resting/);
  const rawKey = new Uint8Array(32).fill(LAMP);
  const lamp = device(2, LAMP, { label: undefined, rawKey, trustOnPress: true });
  await lamp.line(/belongs to nobody/);
  await press(wall, 5200);
  await wall.line(/room: open for lamps/);
  await press(lamp);
  await wall.line(/blinks; press this switch/);
  await press(wall);
  await wall.line(/has joined/);
  await lamp.line(/joined: by a press/);
  await lamp.line(/keys: resting/);
  await lamp.line(/rights of/);
  await press(wall);
  await wall.line(/room: closed/);
  await wait(1000);
  const before = lamp.lines.length;
  await press(wall);
  await wait(1000);
  const shown = lamp.lines.slice(before).filter((line) => line.includes('"light"'));
  assert.ok(shown.length > 0, lamp.lines.slice(before).join("\n"));
});
