/**
 * RFC 8613 against aiocoap: both roles, observing, blocks, Echo. Our side is the firmware as it is
 * sold, on XS and on Node.
 */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { lacks } from "../support/skip.js";
import { Lan, lacksLan, testOnLan } from "./lan.js";
import {
  type Action,
  type Answer,
  ask,
  client,
  device,
  ENGINES,
  type Engine,
  Folder,
  hexOf,
  Program,
  PYTHON,
  stopPrograms,
  textOf,
} from "./programs.js";
import { eui64Of, pairGroup, pairSettings, provisioningOf, type SecurityGroup } from "./world.js";

/** Computers of the Lan. */
const LAMPS: Readonly<Record<Engine, number>> = { XS: 1, Node: 4 };
/** The one that challenges. */
const DOUBTER = 5;
const PEER = 2;
const CLIENT = 3;
const skip = lacks("aiocoap");
const test = testOnLan();

const folder = new Folder();
const lamps = new Map<Engine, Program>();
let lan: Lan;

before(async () => {
  if (lacksLan !== false || skip !== false) return;
  lan = await Lan.start(5);
  for (const engine of ENGINES) lamps.set(engine, await lampOf(engine, LAMPS[engine]));
});

/** Our luminaire, with what it kept on flash if it was started before. */
function lampOf(engine: Engine, number: number, more: Partial<SecurityGroup> = {}) {
  const blob = provisioningOf({
    number,
    role: "luminaire",
    securities: [{ ...pairGroup(1, { own: "01", peer: "02" }), ...more }],
    appGroups: [[1, 1, lan.address(PEER)]],
    rights: [["02", null, 3]],
  });
  const lamp = { name: `lamp-${number}-${engine}`, eui64: eui64Of(number), blob };
  return device(engine, lan.computer(number).command, lamp, folder);
}

after(() => {
  stopPrograms();
  lan?.stop();
  folder.remove();
});

/** aiocoap asks our luminaire. */
function aiocoap(engine: Engine, ...actions: readonly Action[]): Promise<Answer[]> {
  return aiocoapAt(LAMPS[engine], engine, ...actions);
}

function aiocoapAt(number: number, engine: Engine, ...actions: Action[]): Promise<Answer[]> {
  const program = "test/interop/peers/aiocoap_client.py";
  const { command } = lan.computer(PEER);
  const context = contextWith(number, engine);
  return client(command, [PYTHON, program, "--context", context, lan.address(number)], actions);
}

/** One context for all its runs: it keeps its numbers there. */
function contextWith(number: number, engine: Engine): string {
  const name = `aiocoap-${number}-${engine}`;
  const path = folder.folder(name);
  folder.file(`${name}/settings.json`, pairSettings({ own: "02", peer: "01" }));
  return folder.file(`${name}.json`, JSON.stringify({ pair: path }));
}

/** aiocoap's server, and our client's only peer. */
async function server(engine: Engine, kind: string, sequence?: object): Promise<Program> {
  const name = `${kind}-${engine}`;
  const path = folder.folder(name);
  folder.file(`${name}/settings.json`, pairSettings({ own: "04", peer: "03" }));
  if (sequence !== undefined) folder.file(`${name}/sequence.json`, JSON.stringify(sequence));
  const file = folder.file(`${name}.json`, JSON.stringify({ pair: path }));
  const { command } = lan.computer(PEER);
  const program = "test/interop/peers/aiocoap_server.py";
  const started = new Program(command, PYTHON, program, "--context", file);
  await started.line(/^listening$/);
  return started;
}

function asks(engine: Engine, ...actions: readonly Action[]) {
  const blob = provisioningOf({
    number: CLIENT,
    role: "switch",
    securities: [pairGroup(1, { own: "03", peer: "04" })],
    appGroups: [[1, 1, lan.address(PEER)]],
    rights: [],
    target: 1,
  });
  const us = { name: `client-${engine}`, eui64: eui64Of(CLIENT), blob };
  return ask(engine, lan.computer(CLIENT).command, us, folder, actions);
}

const BODY = "0123456789abcdef".repeat(125);

for (const engine of ENGINES) {
  const on = `(${engine})`;

  test(`aiocoap asks and commands our luminaire ${on}`, { skip }, async () => {
    const state = { method: "GET", path: "/3311/0/5850" };
    const put = (value: string) => ({ method: "PUT", path: "/3311/0/5850", payload: hexOf(value) });
    const answers = await aiocoap(engine, put("1"), state, put("0"), state, put("7"));
    assert.deepEqual(
      answers.map(({ code }) => code),
      ["2.04", "2.05", "2.04", "2.05", "4.00"],
    );
    assert.deepEqual([textOf(answers[1]), textOf(answers[3])], ["1", "0"]);
  });

  test(`aiocoap sets our luminaire's power-on state, level 3 ${on}`, { skip }, async () => {
    const path = "/par/power";
    const put = (value: string) => ({ method: "PUT", path, payload: hexOf(value) });
    const said = await aiocoap(engine, put("1"), { method: "GET", path }, put("3"));
    assert.deepEqual(
      said.map(({ code }) => code),
      ["2.04", "2.05", "4.00"],
    );
    assert.equal(textOf(said[1]), "1");
    // After two idle seconds what it kept of numbers is exact.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const lamp = lamps.get(engine) as Program;
    lamp.stop("SIGKILL");
    await lamp.over();
    lamps.set(engine, await lampOf(engine, LAMPS[engine]));
    const light = { method: "GET", path: "/3311/0/5850" };
    const [shines, kept] = await aiocoap(engine, light, { method: "GET", path });
    assert.deepEqual([textOf(shines), textOf(kept)], ["1", "1"]);
  });

  test(`aiocoap observes our luminaire ${on}`, { skip }, async () => {
    const path = "/3311/0/5851";
    const put = (percent: number) => ({ method: "PUT", path, payload: hexOf(`${percent}`) });
    await aiocoap(engine, put(10));
    // Its own commands, between its own notifications: one context is one process's.
    const answers = await aiocoap(engine, {
      method: "GET",
      path,
      observe: 3,
      change: ["20", "30"],
    });
    assert.deepEqual(answers.map(textOf), ["10", "20", "30"]);
    assert.ok(answers.every(({ code }) => code === "2.05"));
  });

  test(`aiocoap reads discovery from our luminaire in blocks of 32 bytes ${on}`, {
    skip,
  }, async () => {
    const core = { method: "GET", path: "/.well-known/core" };
    const [whole, parts] = await aiocoap(engine, core, { ...core, szx: 1 });
    assert.equal(parts.code, "2.05");
    assert.equal(parts.payload, whole.payload);
    assert.match(textOf(parts), /^<\/l>;rt="lumicast\.light"/);
  });

  test(`aiocoap sends our luminaire a command in blocks of 16 bytes ${on}`, { skip }, async () => {
    const pack = '[{"bn":"/3311/0/","n":"5850","vb":true},{"n":"5851","v":77}]';
    const put = { method: "PUT", path: "/3311/0", payload: hexOf(pack), format: 110, szx1: 0 };
    const [done, level] = await aiocoap(engine, put, { method: "GET", path: "/3311/0/5851" });
    assert.deepEqual([done.code, textOf(level)], ["2.04", "77"]);
  });

  test(`our client asks aiocoap's server; long bodies go in blocks both ways ${on}`, {
    skip,
  }, async () => {
    const peer = await server(engine, "server");
    try {
      const { answers } = await asks(
        engine,
        { method: "GET", path: "/hello" },
        { method: "GET", path: "/nothing" },
        { method: "PUT", path: "/store", payload: hexOf(BODY), szx: 4 },
        { method: "GET", path: "/store", szx: 5 },
      );
      assert.deepEqual(
        answers.map(({ code }) => code),
        ["2.05", "4.04", "2.04", "2.05"],
      );
      assert.deepEqual([textOf(answers[0]), textOf(answers[3])], ["hello", BODY]);
      const seen = peer.lines.filter((line) => line.startsWith("{"));
      assert.ok(seen.length > 0 && seen.every((line) => JSON.parse(line).secured));
    } finally {
      peer.stop();
    }
  });

  test(`our client observes aiocoap's server, and takes each state once ${on}`, {
    skip,
  }, async () => {
    const peer = await server(engine, "observed");
    try {
      const { answers } = await asks(engine, { method: "GET", path: "/count", observe: 4 });
      const counts = answers.map((answer) => Number(textOf(answer)));
      assert.deepEqual(
        counts,
        counts.map((_, index) => counts[0] + index),
      );
      assert.deepEqual(
        answers.map(({ news }) => news),
        ["fresh", "fresh", "fresh", "fresh"],
      );
    } finally {
      peer.stop();
    }
  });

  test(`our client proves by Echo that it is there, when aiocoap lost its window ${on}`, {
    skip,
  }, async () => {
    // RFC 8613 Appendix B.1.2: what aiocoap finds after it was not shut down properly.
    const peer = await server(engine, "restarted", { "next-to-send": 100, received: "unknown" });
    try {
      const { answers, echoed } = await asks(
        engine,
        { method: "GET", path: "/hello" },
        { method: "GET", path: "/hello" },
      );
      assert.deepEqual(answers.map(textOf), ["hello", "hello"]);
      assert.equal(echoed, 1);
    } finally {
      peer.stop();
    }
  });

  test(`aiocoap proves by Echo that it is there, to our luminaire after a restart ${on}`, {
    skip,
  }, async () => {
    const challenges = { challenges: true } as const;
    const path = "/3311/0/5850";
    const put = (value: string) => ({ method: "PUT", path, payload: hexOf(value) });
    const lamp = await lampOf(engine, DOUBTER, challenges);
    const first = await aiocoapAt(DOUBTER, engine, put("1"), put("0"), { method: "GET", path });
    const told = (answers: readonly Answer[]) => answers.map(({ code, echoes }) => [code, echoes]);
    // Challenged once, at first contact, and known from then on.
    assert.deepEqual(told(first), [
      ["2.04", 1],
      ["2.04", 1],
      ["2.05", 1],
    ]);
    assert.equal(textOf(first[2]), "0");
    lamp.stop();
    await lamp.over();
    const again = await lampOf(engine, DOUBTER, challenges);
    const second = await aiocoapAt(DOUBTER, engine, put("1"), put("0"), put("1"));
    again.stop();
    await again.over();
    assert.deepEqual(told(second), [
      ["2.04", 1],
      ["2.04", 1],
      ["2.04", 1],
    ]);
  });

  test(`our client is told nothing by a server with another secret ${on}`, { skip }, async () => {
    const path = folder.folder(`stranger-${engine}`);
    const settings = JSON.parse(pairSettings({ own: "04", peer: "03" })) as Record<string, string>;
    folder.file(
      `stranger-${engine}/settings.json`,
      JSON.stringify({ ...settings, salt_hex: "00" }),
    );
    const file = folder.file(`stranger-${engine}.json`, JSON.stringify({ pair: path }));
    const { command } = lan.computer(PEER);
    const words = [PYTHON, "test/interop/peers/aiocoap_server.py", "--context", file];
    const peer = new Program(command, ...words);
    try {
      await peer.line(/^listening$/);
      const { answers } = await asks(engine, { method: "GET", path: "/hello" });
      assert.deepEqual(answers, []);
      assert.equal(peer.lines.length, 1);
    } finally {
      peer.stop();
    }
  });
}
