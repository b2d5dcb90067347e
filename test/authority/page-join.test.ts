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
import { fromHex } from "../../modules/bytes/hex.js";
import { emitFactory } from "../../modules/commission/factory.js";
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
  lan = await Lan.start(2);
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

function lamp(): Program {
  const factory = emitFactory(factoryOf(20, { label: PRINTED }));
  writeFileSync(desk.path("20.cbor"), factory);
  const files = ["--provision", desk.path("20.cbor"), "--flash", desk.path("20.flash")];
  const more = ["--eui64", EUI64, "--port", "5684", "--stack", "1024"];
  return new Program(lan.computer(2).command, HOST, "run", PRODUCT, ...files, ...more);
}

test("a lamp is pressed, seen, joined by its code, and in the group", { skip }, async () => {
  const device = lamp();
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
  assert.ok(rows(done).every(({ id }) => id === EUI64));
  const log = await desk.run("log", "--last", "0", ...state);
  const all = [authority.said(), log.out, ...page.lines].join("\n").toUpperCase();
  for (const form of [CODE, CODE.replaceAll("-", ""), "C3A10F5E"]) assert.ok(!all.includes(form));
});
