/**
 * Plain CoAP against others' clients: libcoap's, npm's `coap` and aiocoap. A luminaire as it is
 * sold answers discovery and nothing else; one with its security switched off (a test's program)
 * shows that GET, PUT, observing and blocks are theirs, too.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { generate } from "../../hosts/installation/generate.js";
import { provisioning } from "../../hosts/installation/provisioning.js";
import { ROOT } from "../../hosts/root.js";
import { LIBCOAP_CLIENT } from "../../hosts/tools.js";
import { lacks } from "../support/skip.js";
import { Lan, lacksLan, testOnLan } from "./lan.js";
import {
  type Action,
  type Answer,
  client,
  device,
  Folder,
  headless,
  hexOf,
  output,
  type Place,
  Program,
  PYTHON,
  stopPrograms,
  testImage,
  textOf,
} from "./programs.js";

const CORE = '</l>;rt="lumicast.light";ct=60,';
const LAMP = 1;
const OPEN = 2;
const CLIENT = 3;

const room = generate({ luminaires: 2, switches: 1, sensors: 0, hops: 1, loss: 0, seed: 4 });
const folder = new Folder();
let lan: Lan;

before(async () => {
  if (lacksLan !== false) return;
  lan = await Lan.start(3);
  const [first, second] = room.devices.map((one) => {
    const { name, eui64 } = one;
    return { name, eui64, blob: provisioning(room, one) };
  });
  await device("XS", lan.computer(LAMP).command, first, folder);
  await headless(lan.computer(OPEN).command, testImage("insecure"), second, folder);
});

after(() => {
  stopPrograms();
  lan?.stop();
  folder.remove();
});

const test = testOnLan();
const place = (): Place => lan.computer(CLIENT).command;
const address = (number: number): string => lan.address(number);
const url = (number: number, path: string): string => `coap://[${address(number)}]${path}`;

async function libcoap(...words: readonly string[]): Promise<string> {
  return output(place(), LIBCOAP_CLIENT, "-v", "6", ...words);
}

/** Anybody is answered once a second, after a few at once. */
async function answersAgain(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 4000));
}

/** Command lines of clients, but for the address and what they are to do. */
const NPM_COAP = [process.execPath, join(ROOT, "build/node/test/interop/peers/npm-coap.js")];
const AIOCOAP = [PYTHON, "test/interop/peers/aiocoap_client.py"];

const npmCoap = (number: number, ...actions: Action[]): Promise<Answer[]> =>
  client(place(), [...NPM_COAP, address(number)], actions);

const aiocoap = (number: number, ...actions: Action[]): Promise<Answer[]> =>
  client(place(), [...AIOCOAP, address(number)], actions);

/** The actions every peer is put to, and what they bring about. */
async function getAndPut(ask: (...actions: Action[]) => Promise<Answer[]>): Promise<void> {
  const state = { method: "GET", path: "/3311/0/5850" };
  const put = (value: string) => ({ method: "PUT", path: "/3311/0/5850", payload: hexOf(value) });
  const answers = await ask(put("1"), state, put("0"), state, put("7"));
  assert.deepEqual(
    answers.map(({ code }) => code),
    ["2.04", "2.05", "2.04", "2.05", "4.00"],
  );
  assert.deepEqual([textOf(answers[1]), textOf(answers[3])], ["1", "0"]);
  const [missing, method] = await ask(
    { method: "GET", path: "/nothing" },
    { ...put("1"), path: "/l" },
  );
  assert.deepEqual([missing.code, method.code], ["4.04", "4.05"]);
}

test("no product image can be made of a program with security off", { skip: false }, () => {
  const entry = "test/interop/firmware/insecure.ts";
  for (const kind of ["firmware", "small", "signing"]) {
    const args = ["hosts/bundle.mjs", kind, folder.file("product.js"), entry];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
    assert.equal(status, 1);
    assert.match(stderr, /insecure\.ts belongs to the tests and to no product/);
  }
});

const noLibcoap = lacks("libcoap's client");
const noAiocoap = lacks("aiocoap");

test("libcoap: a luminaire as it is sold tells what it has", { skip: noLibcoap }, async () => {
  const all = await libcoap(url(LAMP, "/.well-known/core"));
  assert.ok(all.includes(CORE), all);
  const some = await libcoap(url(LAMP, "/.well-known/core?href=/idn"));
  assert.ok(some.includes('</idn>;rt="lumicast.identify";ct=0') && !some.includes("</l>"), some);
});

test("libcoap: discovery in blocks of 16 bytes", { skip: noLibcoap }, async () => {
  await answersAgain();
  const got = folder.file("core");
  await libcoap("-b", "16", "-o", got, url(LAMP, "/.well-known/core?href=/idn"));
  assert.equal(readFileSync(got, "utf8"), '</idn>;rt="lumicast.identify";ct=0');
});

test("libcoap: a luminaire as it is sold says nothing of its state", {
  skip: noLibcoap,
}, async () => {
  const said = await libcoap("-N", "-B", "2", url(LAMP, "/3311/0/5850")).catch(String);
  assert.doesNotMatch(said, /2\.05|^[01]$/m);
});

test("npm coap: a luminaire as it is sold tells what it has", { skip: false }, async () => {
  await answersAgain();
  const [answer] = await npmCoap(LAMP, { method: "GET", path: "/.well-known/core" });
  assert.equal(answer.code, "2.05");
  assert.ok(textOf(answer).includes(CORE));
});

test("aiocoap: a luminaire as it is sold tells what it has", { skip: noAiocoap }, async () => {
  const [answer] = await aiocoap(LAMP, { method: "GET", path: "/.well-known/core" });
  assert.equal(answer.code, "2.05");
  assert.ok(textOf(answer).includes(CORE));
});

test("libcoap: get and put", { skip: noLibcoap }, async () => {
  const light = url(OPEN, "/3311/0/5851");
  await libcoap("-m", "put", "-e", "40", light);
  assert.match(await libcoap(light), /^40$/m);
  await libcoap("-m", "put", "-t", "110", "-e", '[{"n":"5851","v":60}]', url(OPEN, "/3311/0"));
  assert.match(await libcoap(light), /^60$/m);
  assert.match(await libcoap(url(OPEN, "/nothing")), /4\.04/);
});

test("npm coap: get and put", { skip: false }, () => getAndPut((...a) => npmCoap(OPEN, ...a)));

test("aiocoap: get and put", { skip: noAiocoap }, () => getAndPut((...a) => aiocoap(OPEN, ...a)));

/** Sets the lamp's percent while somebody observes it. */
async function change(value: number): Promise<void> {
  await libcoap("-m", "put", "-e", `${value}`, url(OPEN, "/3311/0/5851"));
}

test("libcoap: observe", { skip: noLibcoap }, async () => {
  await change(10);
  const words = ["-v", "6", "-w", "-s", "8", url(OPEN, "/3311/0/5851")];
  const observer = new Program(place(), LIBCOAP_CLIENT, ...words);
  await observer.line(/^10$/);
  await change(20);
  await observer.line(/^20$/);
  await change(30);
  await observer.line(/^30$/);
  const lines = await observer.end();
  assert.deepEqual(
    lines.filter((line) => /^\d+$/.test(line)),
    ["10", "20", "30"],
  );
});

for (const [name, words, missing] of [
  ["npm coap", NPM_COAP, noLibcoap],
  ["aiocoap", AIOCOAP, noLibcoap || noAiocoap],
] as const) {
  test(`${name}: observe`, { skip: missing }, async () => {
    await change(11);
    const actions = [{ method: "GET", path: "/3311/0/5851", observe: 3 }];
    const observer = new Program(place(), ...words, address(OPEN), JSON.stringify(actions));
    await observer.said(1);
    await change(21);
    await observer.said(2);
    await change(31);
    const answers = (await observer.end()).map((line) => JSON.parse(line) as Answer);
    assert.deepEqual(answers.map(textOf), ["11", "21", "31"]);
  });
}

const BODY = Array.from({ length: 500 }, (_, i) => "abcdefghijklmnopqrstuvwxyz"[i % 26]).join("");

test("libcoap: 500 bytes there and back in blocks", { skip: noLibcoap }, async () => {
  const file = folder.file("body", BODY);
  const got = folder.file("got");
  for (const size of ["16", "64", "256", "1024"]) {
    await libcoap("-b", size, "-m", "put", "-t", "42", "-f", file, url(OPEN, "/store"));
    await libcoap("-b", size, "-o", got, url(OPEN, "/store"));
    assert.equal(readFileSync(got, "utf8"), BODY, `blocks of ${size}`);
    rmSync(got);
  }
});

test("libcoap: a body that is too large is refused", { skip: noLibcoap }, async () => {
  const file = folder.file("large", BODY + BODY);
  const said = await libcoap("-b", "64", "-m", "put", "-f", file, url(OPEN, "/store"));
  assert.match(said, /4\.13/);
});

for (const [name, ask, missing] of [
  ["npm coap", npmCoap, false],
  ["aiocoap", aiocoap, noAiocoap],
] as const) {
  test(`${name}: 500 bytes there and back in blocks`, { skip: missing }, async () => {
    const put = { method: "PUT", path: "/store", payload: hexOf(BODY) };
    const [, whole] = await ask(OPEN, put, { method: "GET", path: "/store" });
    assert.equal(textOf(whole), BODY);
  });
}

test("aiocoap: blocks of the size it asks for", { skip: noAiocoap }, async () => {
  const get = { method: "GET", path: "/store", szx: 1 };
  const put = { method: "PUT", path: "/store", payload: hexOf(BODY) };
  const [, whole] = await aiocoap(OPEN, put, get);
  assert.equal(textOf(whole), BODY);
});
