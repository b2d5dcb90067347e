/**
 * RFC 10021 against aiocoap over IPv6 multicast: its group requests to our luminaires, our switch's
 * to its server, answers in group mode and in pairwise mode, pairwise requests. Our side is the
 * firmware as it is sold, on XS and on Node.
 */
import assert from "node:assert/strict";
import { toHex } from "../../modules/bytes/hex.js";
import { lacks } from "../support/skip.js";
import { type Lan, testOnLan } from "./lan.js";
import {
  type Action,
  type Answer,
  ask,
  client,
  device,
  type Engine,
  Folder,
  lanAround,
  Program,
  type Provisioned,
  PYTHON,
  textOf,
} from "./programs.js";
import { eui64Of, groupFile, person, provisioningOf, signedGroup, type Told } from "./world.js";

const GROUP = "ff15::4c:1";
const skip = lacks("aiocoap");
const test = testOnLan("RFC 10021 is tried by unicast alone (group-unicast)");

/** Computers of the Lan; whoever is one has its number as id in the group, too. */
const LAMPS = [1, 2] as const;
const PEER = 3;
const SWITCH = 4;

const folder = new Folder();
let lan: Lan;

lanAround({ computers: 4, folder, skip }, (made) => {
  lan = made;
});

const idOf = (number: number): string => `0${number}`;
const everybody = [...LAMPS, PEER, SWITCH].map((number) => person(idOf(number)));
const others = (number: number) => everybody.filter(({ id }) => toHex(id) !== idOf(number));

function told(number: number, role: Told["role"], algorithm: 10 | 30): Told {
  return {
    number,
    role,
    securities: [signedGroup(1, algorithm, person(idOf(number)), others(number))],
    appGroups: [[1, 1, GROUP]],
    rights: [
      [idOf(PEER), 1, 2],
      [idOf(SWITCH), 1, 2],
    ],
    ...(role === "switch" ? { target: 1 } : {}),
  };
}

interface Variant {
  readonly engine: Engine;
  readonly algorithm: 10 | 30;
}

function ours(number: number, role: Told["role"], { engine, algorithm }: Variant): Provisioned {
  const name = `${role}-${number}-${algorithm}-${engine}`;
  // aiocoap's numbers begin anew in every run, so must what we remember of them, and ours of it.
  folder.forget(`${name}.flash`);
  return { name, eui64: eui64Of(number), blob: provisioningOf(told(number, role, algorithm)) };
}

function start(number: number, role: Told["role"], variant: Variant): Promise<Program> {
  const { command } = lan.computer(number);
  return device(variant.engine, command, ours(number, role, variant), folder);
}

/** aiocoap's context is in memory: each of its clients needs a group whose numbers begin anew. */
function context(algorithm: 10 | 30): string {
  return folder.file(
    `group-${algorithm}.json`,
    groupFile(algorithm, person(idOf(PEER)), others(PEER)),
  );
}

function aiocoap(
  algorithm: 10 | 30,
  to: string,
  actions: readonly Action[],
  ...more: readonly string[]
): Promise<Answer[]> {
  const program = "test/interop/peers/aiocoap_client.py";
  const words = [PYTHON, program, "--context", context(algorithm), ...more, to];
  return client(lan.computer(PEER).command, words, actions);
}

/** `{0: true}` and `{0: false}`. */
const ON = "a100f5";
const OFF = "a100f4";
const command = (payload: string): Action => ({ method: "POST", path: "/l", payload, non: true });
const STATE: Action = { method: "GET", path: "/3311/0/5850", non: true };

const VARIANTS: readonly Variant[] = [
  { engine: "XS", algorithm: 10 },
  { engine: "XS", algorithm: 30 },
  { engine: "Node", algorithm: 10 },
];

for (const variant of VARIANTS) {
  const { engine, algorithm } = variant;
  const suffix = `(${engine}, group encryption algorithm ${algorithm})`;

  test(`aiocoap's group requests light our luminaires, and are answered ${suffix}`, {
    skip,
  }, async () => {
    const lamps = await Promise.all(LAMPS.map((one) => start(one, "luminaire", variant)));
    try {
      // A command is not answered unless a report is wanted: 7.
      const report = { ...command("a200f507f5") };
      const [reported, state] = await aiocoap(algorithm, GROUP, [report, STATE]);
      assert.equal(reported.code, "2.04");
      assert.deepEqual([state.code, textOf(state)], ["2.05", "1"]);
      for (const lamp of lamps) await lamp.line(/"light":\{"level":254/);
    } finally {
      for (const lamp of lamps) lamp.stop();
    }
  });

  test(`aiocoap asks one luminaire in pairwise mode ${suffix}`, { skip }, async () => {
    const [number] = LAMPS;
    const lamp = await start(number, "luminaire", variant);
    try {
      const actions = [command(ON), STATE, command(OFF), STATE].map((action) => ({
        ...action,
        non: false,
      }));
      const pairwise = ["--pairwise", idOf(number)];
      const answers = await aiocoap(algorithm, lan.address(number), actions, ...pairwise);
      assert.deepEqual(
        answers.map(({ code }) => code),
        ["2.04", "2.05", "2.04", "2.05"],
      );
      assert.deepEqual([textOf(answers[1]), textOf(answers[3])], ["1", "0"]);
    } finally {
      lamp.stop();
    }
  });

  test(`our switch commands aiocoap's server ${suffix}`, { skip }, async () => {
    const peer = await server(algorithm);
    const wall = await start(SWITCH, "switch", variant);
    try {
      wall.say("down");
      await new Promise((resolve) => setTimeout(resolve, 150));
      wall.say("up");
      const line = await peer.line(/"path": "\/l"/);
      const heard = JSON.parse(line) as { method: string; payload: string; secured: boolean };
      assert.equal(heard.secured, true);
      assert.match(heard.method, /POST/);
      assert.match(heard.payload, /^a.00f5/);
    } finally {
      wall.stop();
      peer.stop();
    }
  });

  test(`aiocoap's server answers our group request in pairwise mode ${suffix}`, {
    skip,
  }, async () => {
    const peer = await server(algorithm);
    const lamps = await Promise.all(LAMPS.map((one) => start(one, "luminaire", variant)));
    const { command: place } = lan.computer(SWITCH);
    const us = ours(SWITCH, "switch", variant);
    try {
      const { answers } = await ask(engine, place, us, folder, [
        { method: "GET", path: "/hello", groupMillis: 2000 },
        { method: "GET", path: "/3311/0/5850", groupMillis: 2000 },
      ]);
      const said = answers.map(({ code, member }) => `${member} ${code}`).sort();
      assert.deepEqual(said, ["01 2.05", "02 2.05", "03 2.05", "03 4.04"]);
      const hello = answers.find(({ member }) => member === idOf(PEER)) as Answer;
      // The luminaires have no such resource, and to a group that is no answer.
      assert.equal(textOf(hello), "hello");
    } finally {
      for (const lamp of lamps) lamp.stop();
      peer.stop();
    }
  });
}

async function server(algorithm: 10 | 30): Promise<Program> {
  const program = "test/interop/peers/aiocoap_server.py";
  const words = [PYTHON, program, "--context", context(algorithm), "--multicast", `${GROUP}%eth0`];
  const started = new Program(lan.computer(PEER).command, ...words);
  await started.line(/^listening$/);
  return started;
}
