/**
 * A fresh device as the program it is, on a network of its own with whoever joins it: it is silent
 * until a press, found, joined over DTLS, starts anew as that device, and after a reset it is fresh
 * again.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { emitFactory } from "../../modules/commission/factory.js";
import { Lan, lacksLan, testOnLan } from "../interop/lan.js";
import { HOST, Program, stopPrograms } from "../interop/programs.js";
import { Desk } from "../support/lumicast.js";
import { blobFor, factoryOf } from "../support/newcomer.js";

const LAMP = 20;
const EUI64 = "0200000000000014";
/** No four bytes of it lie in a flash file by chance. */
const LABEL = "c3a10f5e77d2496b8e1290bb34fd6ac8";
const PRODUCT = `${ROOT}/build/firmware/lumicast.xsb`;
const COMMISSIONER = `${ROOT}/build/node/test/hosts/commissioner.js`;
/** What lamps with DTLS have (hosts/medium/launch.ts). */
const STACK = "1024";

const test = testOnLan();
const desk = new Desk();
const skip = false;
let lan: Lan;

before(async () => {
  if (lacksLan === false) lan = await Lan.start(2);
});
after(() => {
  stopPrograms();
  lan?.stop();
  desk.remove();
});

function lamp(): Program {
  const factory = factoryOf(LAMP, { label: fromHex(LABEL) });
  writeFileSync(desk.path("factory.cbor"), emitFactory(factory));
  const files = ["--provision", desk.path("factory.cbor"), "--flash", desk.path("lamp.flash")];
  const more = ["--eui64", EUI64, "--port", "5684", "--stack", STACK];
  return new Program(lan.computer(1).command, HOST, "run", PRODUCT, ...files, ...more);
}

/** Whether four bytes of the label lie together in the flash file. */
function holdsLabel(): boolean {
  const image = readFileSync(desk.path("lamp.flash"));
  const label = Buffer.from(LABEL, "hex");
  return [0, 4, 8, 12].some((at) => image.includes(label.subarray(at, at + 4)));
}

/** Says it, and waits for what follows. */
async function told(program: Program, line: string, wanted: RegExp): Promise<string> {
  const before = program.lines.length;
  program.say(line);
  await program.said(before + 1);
  const said = program.lines[before];
  assert.match(said, wanted);
  return said;
}

async function press(program: Program): Promise<void> {
  program.say("down");
  await new Promise((resolve) => setTimeout(resolve, 60));
  program.say("up");
}

test("silent until a press, found, joined by its label, and itself from then on", {
  skip,
}, async () => {
  const device = lamp();
  await device.line(/fresh: device 0200000000000014 belongs to nobody/);
  await device.line(/"light":\{"level":200/);
  await device.line(/"indicator":"fresh"/);
  const { command } = lan.computer(2);
  const joiner = new Program(command, process.execPath, COMMISSIONER, "eth0", EUI64, LABEL);
  await joiner.line(/ready/);
  await told(joiner, "discover", /^found nobody$/);
  assert.equal(holdsLabel(), true);
  await press(device);
  await device.line(/fresh: may be joined/);
  await device.line(/"indicator":"open"/);
  const link = `rt="lumicast.fresh";ep="${EUI64}";n="0";role="luminaire"`;
  await told(joiner, "discover", new RegExp(`^found </join>;${link}$`));
  await told(joiner, "get", /^answer 2\.05 a4014802000000000000140201040007/);
  await told(joiner, "idn 1", /^answer 2\.04 $/);
  writeFileSync(desk.path("other.cbor"), blobFor(21));
  await told(
    joiner,
    `join ${desk.path("other.cbor")}`,
    /^answer 4\.00 provisioning\.eui64: this is/,
  );
  writeFileSync(desk.path("lamp.cbor"), blobFor(LAMP));
  await told(joiner, `join ${desk.path("lamp.cbor")}`, /^answer 2\.04 $/);
  await device.line(/joined: by its label/);
  // It starts anew by itself, as a device that asks its authority for keys.
  await device.line(/keys: /);
  assert.equal(holdsLabel(), false);
  await told(joiner, "discover", /^found nobody$/);
  device.stop();
  await device.over();
  const again = lamp();
  await again.line(/keys: /);
  const said = [...device.lines, ...again.lines].join("\n") + device.errors + again.errors;
  assert.equal(said.includes(LABEL.slice(0, 8)), false, "the label is in no line");
});
