/**
 * A firmware update on the headless host, from the signed manifest over RFC 8613 and blocks by
 * multicast to byte code that runs from the other slot; and what becomes of one that is not
 * confirmed. The maintainer and the sender of blocks are our own client on Node.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { pack, publicKeyOf } from "../../hosts/firmware/pack.js";
import { ROOT } from "../../hosts/root.js";
import { toHex } from "../../modules/bytes/hex.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { ACTION } from "../../modules/device/update.js";
import { lacks } from "../support/skip.js";
import { Lan, lacksLan, testOnLan } from "./lan.js";
import {
  type Action,
  ask,
  Folder,
  HOST,
  Program,
  type Provisioned,
  stopPrograms,
  type Told,
  textOf,
} from "./programs.js";
import { eui64Of, pairGroup, person, provisioningOf, signedGroup } from "./world.js";

const LAMP = 1;
const MAINTAINER = 2;
const SENDER = 3;
const CBOR = 60;
const GROUP = "ff15::4c75:6d02";
const SEED = new Uint8Array(32).fill(0x5d);
const people = [LAMP, SENDER].map((number) => person(`0${number}`));
const skip = lacks("libsodium-dev");
const test = testOnLan();

const folder = new Folder();
let lan: Lan;
let images: readonly [first: string, second: string];

before(async () => {
  if (lacksLan !== false || skip !== false) return;
  lan = await Lan.start(3);
  images = [imageOf("0.1.0"), imageOf("0.2.0")];
});

after(() => {
  stopPrograms();
  lan?.stop();
  folder.remove();
});

/** The firmware as it is sold, but for what it says that it is. */
function imageOf(version: string): string {
  const bundle = folder.file(`${version}.js`);
  const image = folder.file(`${version}.xsb`);
  const bundler = join(ROOT, "hosts/bundle.mjs");
  for (const [file, words] of [
    [process.execPath, [bundler, "firmware", bundle, "--version", version]],
    [HOST, ["compile", bundle, image]],
  ] as const) {
    const done = spawnSync(file, words, { cwd: ROOT, encoding: "utf8" });
    assert.equal(done.status, 0, done.stderr);
  }
  return image;
}

async function lamp(name: string): Promise<Program> {
  const blob = provisioningOf({
    number: LAMP,
    role: "luminaire",
    securities: [
      pairGroup(1, { own: "01", peer: "02" }),
      signedGroup(2, 10, people[0], [people[1]]),
    ],
    appGroups: [
      [1, 1, lan.address(MAINTAINER)],
      [2, 2, GROUP],
    ],
    rights: [
      ["02", null, 5],
      ["03", 2, 2],
    ],
    firmwareKey: publicKeyOf(SEED),
  });
  const [image] = images;
  const { command } = lan.computer(LAMP);
  const program = new Program(
    command,
    ...[HOST, "run", image, "--slots", folder.file(`${name}.slots`)],
    ...["--provision", folder.file(`${name}.cbor`, blob), "--flash", folder.file(`${name}.flash`)],
    ...["--eui64", toHex(eui64Of(LAMP))],
  );
  await listens(command);
  return program;
}

/** Its socket is there. */
async function listens(place: (...words: string[]) => [string, string[]]): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const [command, args] = place("cat", "/proc/net/udp6");
    const { stdout } = spawnSync(command, args, { encoding: "utf8" });
    if (/ [0-9A-F]{32}:1633 /.test(stdout)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the lamp does not listen");
}

async function maintain(name: string, ...actions: Action[]): Promise<Told[]> {
  const blob = provisioningOf({
    number: MAINTAINER,
    role: "switch",
    securities: [pairGroup(1, { own: "02", peer: "01" })],
    appGroups: [[1, 1, lan.address(LAMP)]],
    rights: [],
    target: 1,
  });
  const us: Provisioned = { name: `maintainer-${name}`, eui64: eui64Of(MAINTAINER), blob };
  return (await ask("Node", lan.computer(MAINTAINER).command, us, folder, actions)).answers;
}

/** To everybody in the group, signed; nobody answers. */
async function send(name: string, blocks: readonly Uint8Array[]): Promise<void> {
  const blob = provisioningOf({
    number: SENDER,
    role: "switch",
    securities: [signedGroup(2, 10, people[1], [people[0]])],
    appGroups: [[2, 2, GROUP]],
    rights: [],
    target: 2,
  });
  const us: Provisioned = { name: `sender-${name}`, eui64: eui64Of(SENDER), blob };
  const actions = blocks.map((block) => ({
    method: "POST",
    path: "/fw/block",
    payload: toHex(block),
    format: CBOR,
    groupMillis: 10,
  }));
  await ask("Node", lan.computer(SENDER).command, us, folder, actions, 120);
}

const get = (path: string) => ({ method: "GET", path });
const act = (action: number, sequence: number) => {
  const wish = encode(
    new Map([
      [0, action],
      [1, sequence],
    ]),
  );
  return { method: "POST", path: "/fw/state", payload: toHex(wish), format: CBOR };
};

/** Phase, slot, on trial, received of how many. */
function stateOf({ payload }: Told): Cbor[] {
  const decoded = decode(Uint8Array.from(Buffer.from(payload, "hex")));
  const map = decoded.ok && decoded.value instanceof Map ? decoded.value : new Map<Cbor, Cbor>();
  return [map.get(0), map.get(1), map.get(3), `${map.get(6)}/${map.get(5)}`, map.get(7)];
}

/** Until the lamp has started anew in its process. */
function anew(program: Program): Promise<void> {
  return program.complained(/slot [AB](, on trial)?\n.*starts anew.*\n(.*\n)*.*slot/);
}

/** An update up to its trial. */
async function tried(name: string): Promise<{ program: Program; count: number }> {
  const program = await lamp(name);
  const image = new Uint8Array(readFileSync(images[1]));
  const wish = { image, seed: SEED, sequence: 7, version: "0.2.0", kind: "headless-xs13" };
  const { manifest, blocks } = pack({ ...wish, blockBytes: 512 });
  const put = { method: "PUT", path: "/fw/manifest", payload: toHex(manifest) };
  const begun = await maintain(name, get("/3/0/3"), put, act(ACTION.START, 7));
  assert.deepEqual(
    begun.map(({ code }) => code),
    ["2.05", "2.04", "2.04"],
  );
  assert.equal(textOf(begun[0]), "0.1.0");
  await send(name, blocks);
  for (let round = 0; round < 3; round++) {
    const [state] = await maintain(name, get("/fw/state"));
    const [phase, , , , missing] = stateOf(state);
    if (phase === 5) break;
    const again: Uint8Array[] = [];
    const ranges = missing as number[];
    for (let at = 0; at < ranges.length; at += 2) {
      again.push(...blocks.slice(ranges[at], ranges[at] + ranges[at + 1]));
    }
    await send(name, again);
  }
  const [activated] = await maintain(name, act(ACTION.ACTIVATE, 7));
  assert.equal(activated.code, "2.04", textOf(activated));
  await anew(program);
  return { program, count: blocks.length };
}

test("an update by multicast runs from slot B, and once confirmed stays there", {
  skip,
}, async () => {
  const { program, count } = await tried("kept");
  const [version, trial, confirmed] = await maintain(
    "kept",
    get("/3/0/3"),
    get("/fw/state"),
    act(ACTION.CONFIRM, 7),
  );
  assert.equal(textOf(version), "0.2.0", "the new byte code runs");
  assert.deepEqual(stateOf(trial).slice(0, 4), [6, 1, true, `${count}/${count}`]);
  assert.equal(confirmed.code, "2.04");
  program.stop("SIGKILL");
  await program.over();
  const again = await lamp("kept");
  const [after] = await maintain("kept", get("/3/0/3"));
  assert.equal(textOf(after), "0.2.0");
  again.stop();
  await again.over();
});

test("an update whose trial a power cut ends is rolled back", { skip }, async () => {
  const { program } = await tried("cut");
  const [version] = await maintain("cut", get("/3/0/3"));
  assert.equal(textOf(version), "0.2.0");
  program.stop("SIGKILL");
  await program.over();
  const again = await lamp("cut");
  const [old, state] = await maintain("cut", get("/3/0/3"), get("/fw/state"));
  assert.equal(textOf(old), "0.1.0", "the old byte code runs");
  assert.deepEqual(stateOf(state).slice(0, 3), [7, 0, false]);
  again.stop();
  await again.over();
});
