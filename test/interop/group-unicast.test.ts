/**
 * RFC 10021 against aiocoap by unicast on this computer alone: group requests and pairwise ones of
 * aiocoap to our luminaire, our switch's to aiocoap's server and its answers. It stands in for
 * group.test.ts, which has multicast, where no network namespaces are allowed, and says so; it runs
 * everywhere.
 *
 *   LUMICAST_NO_NAMESPACES=1 npm run test:interop -- --filter group
 *
 * All have the address ::1 here, our devices port 5683: one at a time.
 */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { toHex } from "../../modules/bytes/hex.js";
import { lacks } from "../support/skip.js";
import { Alone } from "./lan.js";
import {
  type Action,
  type Answer,
  ask,
  client,
  device,
  type Engine,
  Folder,
  Program,
  type Provisioned,
  PYTHON,
  stopPrograms,
  textOf,
} from "./programs.js";
import { eui64Of, groupFile, person, provisioningOf, signedGroup, type Told } from "./world.js";

const skip = lacks("aiocoap");
const LAMP = 1;
const PEER = 3;
const SWITCH = 4;
const DEVICE_PORT = 5683;
/** The application group's, where the relay listens, and the server's behind it. */
const GROUP_PORT = 5710;
const SERVER_PORT = 5711;
/** Whoever listens there has the ports above. */
const TURN_PORT = 57_100;
const PATIENCE_MS = 120_000;

const folder = new Folder();
let alone: Alone;
let turn: Server | undefined;

before(async () => {
  if (skip !== false) return;
  turn = await ourTurn();
  alone = await Alone.start();
});

after(() => {
  stopPrograms();
  alone?.stop();
  turn?.close();
  folder.remove();
});

/** Another run of this suite on this computer would have the same ports. */
async function ourTurn(): Promise<Server> {
  const server = createServer();
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const listens = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(TURN_PORT, "::1", () => resolve(true));
    });
    if (listens) return server;
    if (performance.now() > until) throw new Error("another run has the ports of this suite");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const idOf = (number: number): string => `0${number}`;
const everybody = [LAMP, PEER, SWITCH].map((number) => person(idOf(number)));
const others = (number: number) => everybody.filter(({ id }) => toHex(id) !== idOf(number));

interface Variant {
  readonly engine: Engine;
  readonly algorithm: 10 | 30;
}

function ours(number: number, role: Told["role"], { engine, algorithm }: Variant): Provisioned {
  const name = `${role}-${algorithm}-${engine}`;
  folder.forget(`${name}.flash`);
  const blob = provisioningOf({
    number,
    role,
    securities: [signedGroup(1, algorithm, person(idOf(number)), others(number))],
    appGroups: [[1, 1, alone.address]],
    port: role === "switch" ? GROUP_PORT : DEVICE_PORT,
    rights: [[idOf(PEER), 1, 2]],
    ...(role === "switch" ? { target: 1 } : {}),
  });
  return { name, eui64: eui64Of(number), blob, isAlone: true };
}

/** aiocoap's context is in memory: each of its runs begins with new numbers. */
function context(algorithm: 10 | 30): string {
  const file = groupFile(algorithm, person(idOf(PEER)), others(PEER));
  return folder.file(`group-${algorithm}.json`, file);
}

function aiocoap(
  algorithm: 10 | 30,
  actions: readonly Action[],
  ...more: readonly string[]
): Promise<Answer[]> {
  const program = "test/interop/peers/aiocoap_client.py";
  const words = [PYTHON, program, "--context", context(algorithm), ...more, alone.address];
  return client(alone.command, words, actions);
}

/** aiocoap's server behind the relay; both stopped with what is returned. */
async function server(algorithm: 10 | 30): Promise<{ peer: Program; stop: () => void }> {
  const program = "test/interop/peers/aiocoap_server.py";
  const bind = ["--bind", alone.address, "--port", `${SERVER_PORT}`];
  const peer = new Program(
    alone.command,
    PYTHON,
    program,
    "--context",
    context(algorithm),
    ...bind,
  );
  const script = join(ROOT, "build/node/test/interop/peers/relay.js");
  const ports = [GROUP_PORT, SERVER_PORT, DEVICE_PORT].map(String);
  const relay = new Program(alone.command, process.execPath, script, alone.address, ...ports);
  await relay.line(/^ready$/);
  await peer.line(/^listening$/);
  return {
    peer,
    stop: () => {
      relay.stop();
      peer.stop();
    },
  };
}

/** `{0: true, 7: true}`: on, and a report is wanted; `{0: false}`. */
const ON = "a200f507f5";
const OFF = "a100f4";
const command = (payload: string): Action => ({ method: "POST", path: "/l", payload });
const STATE: Action = { method: "GET", path: "/3311/0/5850" };

const VARIANTS: readonly Variant[] = [
  { engine: "XS", algorithm: 10 },
  { engine: "XS", algorithm: 30 },
  { engine: "Node", algorithm: 10 },
];

for (const variant of VARIANTS) {
  const { engine, algorithm } = variant;
  const suffix = `by unicast (${engine}, group encryption algorithm ${algorithm})`;

  test(`aiocoap's group and pairwise requests light our luminaire ${suffix}`, {
    skip,
  }, async () => {
    const actions = [command(ON), STATE, command(OFF), STATE];
    for (const mode of [[], ["--pairwise", idOf(LAMP)]]) {
      const lamp = await device(engine, alone.command, ours(LAMP, "luminaire", variant), folder);
      try {
        const answers = await aiocoap(algorithm, actions, ...mode);
        const codes = answers.map(({ code }) => code);
        assert.deepEqual(codes, ["2.04", "2.05", "2.04", "2.05"], mode.join(" "));
        assert.deepEqual([textOf(answers[1]), textOf(answers[3])], ["1", "0"]);
      } finally {
        lamp.stop();
        await lamp.over();
      }
    }
  });

  test(`our switch commands aiocoap's server, and it answers us ${suffix}`, { skip }, async () => {
    const { peer, stop } = await server(algorithm);
    try {
      const us = ours(SWITCH, "switch", variant);
      const wall = await device(engine, alone.command, us, folder);
      wall.say("down");
      await new Promise((resolve) => setTimeout(resolve, 150));
      wall.say("up");
      const line = await peer.line(/"path": "\/l"/);
      const heard = JSON.parse(line) as { method: string; payload: string; secured: boolean };
      assert.equal(heard.secured, true);
      assert.match(heard.payload, /^a.00f5/);
      wall.stop();
      await wall.over();
      const hello = { method: "GET", path: "/hello", groupMillis: 2000 };
      const { answers } = await ask(engine, alone.command, us, folder, [hello]);
      const told = answers.map(({ member, code }) => [member, code]);
      assert.deepEqual(told, [[idOf(PEER), "2.05"]]);
      assert.equal(textOf(answers[0]), "hello");
    } finally {
      stop();
    }
  });
}
