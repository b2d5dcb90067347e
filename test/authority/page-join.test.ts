/**
 * A lamp comes in by the page: seen once it was pressed, joined by the code of its label, with each
 * step; and the code is nowhere afterwards.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before } from "node:test";
import { NodeCrypto } from "../../hosts/authority/crypto.js";
import { ROOT } from "../../hosts/root.js";
import type { Site } from "../../hosts/web/site.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { emitFactory, type Factory } from "../../modules/commission/factory.js";
import { labelCode } from "../../modules/commission/label.js";
import { Lan, lacksLan, testOnLan } from "../interop/lan.js";
import { HOST, Program, stopPrograms } from "../interop/programs.js";
import { Desk } from "../support/lumicast.js";
import { factoryOf } from "../support/newcomer.js";
import { Programs, type Ran } from "../support/running.js";

const test = testOnLan();
const desk = new Desk();
const programs = new Programs();
const state = ["--state", desk.path("hall")];
const PRODUCT = `${ROOT}/build/firmware/lumicast.xsb`;
const ASKER = `${ROOT}/build/node/test/support/page-asker.js`;
const PASSWORD = "correct horse battery";
const EUI64 = "0200000000000014";
const PRINTED = fromHex("c3a10f5e77d2496b8e1290bb34fd6ac8");
const CODE = labelCode(new NodeCrypto(), PRINTED);
const skip = false;
let lan: Lan;
let authority: Ran;
let page: Program;

before(async () => {
  if (lacksLan !== false) return;
  lan = await Lan.start(3);
  await desk.json("authority", "init", "--domain", "hall", ...state);
  await desk.json("group", "create", "hall", "--address", "ff35::4c:1", ...state);
  const file = desk.secret("password", PASSWORD);
  await desk.json("authority", "web-password", "--passphrase-file", file, ...state);
  const { address, command } = lan.computer(1);
  authority = await programs.start([...state, "--web", "0"], `[${address}]:5684`, command);
  const [, url = ""] = /page: (\S+)/.exec(authority.said()) ?? [];
  page = new Program(command, process.execPath, ASKER, url, PASSWORD);
  await page.line(/ready/);
});
after(() => {
  stopPrograms();
  lan?.stop();
  desk.remove();
});

async function asked(line: string): Promise<string> {
  const before = page.lines.length;
  page.say(line);
  await page.said(before + 1);
  return page.lines[before];
}

/** Asks until the page shows it. */
async function shown(fits: (site: Site) => boolean): Promise<Site> {
  for (;;) {
    const site = JSON.parse((await asked("site")).slice("site ".length)) as Site;
    if (fits(site)) return site;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const rows = ({ joins }: Site) => Object.values(joins);

function lamp(number: number, own: Partial<Factory>): Program {
  const factory = factoryOf(number, own);
  writeFileSync(desk.path(`${number}.cbor`), emitFactory(factory));
  const flash = desk.path(`${number}.flash`);
  const files = ["--provision", desk.path(`${number}.cbor`), "--flash", flash];
  const more = ["--eui64", toHex(factory.eui64), "--port", "5684", "--stack", "1024"];
  return new Program(lan.computer(number - 18).command, HOST, "run", PRODUCT, ...files, ...more);
}

test("a lamp is pressed, seen, joined by its code, and shown when pressed", { skip }, async () => {
  const device = lamp(20, { label: PRINTED });
  await device.line(/belongs to nobody/);
  assert.match(await asked("do joinOpen {}"), /^answer 200 /);
  device.say("down");
  device.say("up");
  await device.line(/fresh: may be joined/);
  const waiting = await shown((site) => rows(site).some(({ id }) => id === EUI64));
  assert.deepEqual(rows(waiting), [
    { id: EUI64, role: "luminaire", step: "waits to be joined", asks: false, failure: null },
  ]);
  const body = { label: CODE.toLowerCase(), name: "desk", group: "1" };
  const slip = JSON.stringify({ ...body, label: CODE.slice(0, -1) });
  assert.match(await asked(`do joinCode ${slip}`), /^answer 422 .*a label has 28/);
  assert.match(await asked(`do joinCode ${JSON.stringify(body)}`), /^answer 200 /);
  const done = await shown((site) => {
    const failed = rows(site).find(({ failure }) => failure !== null);
    assert.equal(failed, undefined, JSON.stringify(failed));
    return rows(site).some(({ step }) => step === "it is in: desk");
  });
  await asked("do joinClose {}");
  const { devices } = await shown((site) => site.devices[EUI64]?.keys["1"] === 1);
  assert.equal(devices[EUI64].name, "desk");
  assert.deepEqual(devices[EUI64].groups, ["1"]);
  const { touchedAt } = devices[EUI64];
  device.say("down");
  device.say("up");
  await shown((site) => (site.devices[EUI64].touchedAt ?? 0) > (touchedAt ?? 0));
  assert.ok(rows(done).every(({ id }) => id === EUI64));
  const log = await desk.run("log", "--last", "0", ...state);
  const all = [authority.said(), log.out, ...page.lines].join("\n").toUpperCase();
  for (const form of [CODE, CODE.replaceAll("-", ""), "C3A10F5E"]) assert.ok(!all.includes(form));
});

test("a lamp comes in by its press alone, when somebody says that it blinks", {
  skip,
}, async () => {
  const rawKey = fromHex(`00${"5b".repeat(31)}`);
  const device = lamp(21, { label: undefined, rawKey, trustOnPress: true });
  await device.line(/belongs to nobody/);
  const id = "0200000000000015";
  assert.match(await asked(`do joinConfirm {"device":"${id}"}`), /^answer 422 .*not asked for/);
  assert.match(await asked(`do joinPress {"group":"1"}`), /^answer 200 /);
  device.say("down");
  device.say("up");
  const blinking = await shown((site) => site.joins[id]?.asks === true);
  assert.equal(blinking.devices[id], undefined, "nothing is its own before somebody says so");
  await device.line(/"indicator":"identify"/);
  assert.match(await asked(`do joinConfirm {"device":"${id}"}`), /^answer 200 /);
  const { devices } = await shown((site) => site.devices[id]?.keys["1"] != null);
  assert.deepEqual(devices[id].groups, ["1"]);
  await asked("do joinClose {}");
  const log = await desk.run("log", "--last", "0", ...state);
  assert.match(log.out, new RegExp(`join ${id} by a press, .*confirmed while it blinked`));
});
