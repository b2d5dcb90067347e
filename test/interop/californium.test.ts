/**
 * RFC 8613 against Eclipse Californium (cf-oscore), in both roles. Our side is the firmware as it
 * is sold, on XS.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../hosts/root.js";
import { lacks } from "../support/skip.js";
import { type Lan, testOnLan } from "./lan.js";
import {
  type Action,
  type Answer,
  ask,
  client,
  device,
  Folder,
  hexOf,
  lanAround,
  Program,
  textOf,
} from "./programs.js";
import { eui64Of, PAIR_SALT, PAIR_SECRET, pairGroup, provisioningOf } from "./world.js";

const LAMP = 1;
const PEER = 2;
const CLIENT = 3;
const skip = lacks("Californium");
const test = testOnLan();

const folder = new Folder();
let lan: Lan;

lanAround({ computers: 3, folder, skip }, (made) => {
  lan = made;
});

/** The command line of Peer.java; with `renegotiate` the two make a new context first. */
function peer(
  role: "client" | "server",
  own: string,
  other: string,
  more: { readonly renegotiate?: true } = {},
): string[] {
  const built = join(ROOT, "build/interop/californium");
  const classpath = readFileSync(join(built, "classpath"), "utf8").trim();
  const context = { secret: PAIR_SECRET, salt: PAIR_SALT, own, peer: other, ...more };
  const java = ["java", "-cp", `${join(built, "classes")}:${classpath}`, "Peer"];
  return [...java, role, JSON.stringify(context)];
}

/** A luminaire that knows Californium's client by that id; its commands begin at number 0. */
async function lamp(id: string, renegotiates?: true): Promise<Program> {
  const blob = provisioningOf({
    number: LAMP,
    role: "luminaire",
    securities: [
      { ...pairGroup(1, { own: "01", peer: id }), ...(renegotiates && { renegotiates }) },
    ],
    appGroups: [[1, 1, lan.address(PEER)]],
    rights: [[id, null, 3]],
  });
  const ours = { name: `lamp-${id}`, eui64: eui64Of(LAMP), blob };
  return device("XS", lan.computer(LAMP).command, ours, folder);
}

function californium(id: string, ...actions: readonly Action[]): Promise<Answer[]> {
  const words = [...peer("client", id, "01"), lan.address(LAMP)];
  return client(lan.computer(PEER).command, words, actions);
}

test("Californium asks and commands our luminaire", { skip }, async () => {
  const one = await lamp("02");
  try {
    const path = "/3311/0/5850";
    const state = { method: "GET", path };
    const put = (value: string) => ({ method: "PUT", path, payload: hexOf(value) });
    const answers = await californium("02", put("1"), state, put("0"), state, put("7"));
    assert.deepEqual(
      answers.map(({ code }) => code),
      ["2.04", "2.05", "2.04", "2.05", "4.00"],
    );
    assert.deepEqual([textOf(answers[1]), textOf(answers[3])], ["1", "0"]);
  } finally {
    one.stop();
  }
});

test("Californium observes our luminaire", { skip }, async () => {
  const one = await lamp("03");
  try {
    const path = "/3311/0/5851";
    const change = ["20", "30"];
    const first = { method: "PUT", path, payload: hexOf("10") };
    const [, ...told] = await californium("03", first, { path, observe: 3, change });
    assert.deepEqual(told.map(textOf), ["10", "20", "30"]);
  } finally {
    one.stop();
  }
});

test("Californium reads discovery from our luminaire in blocks of 32 bytes", { skip }, async () => {
  const one = await lamp("04");
  try {
    const core = { method: "GET", path: "/.well-known/core" };
    const [whole, parts] = await californium("04", core, { ...core, szx: 1 });
    assert.equal(parts.payload, whole.payload);
    assert.match(textOf(parts), /^<\/l>;rt="lumicast\.light"/);
  } finally {
    one.stop();
  }
});

test("Californium and our luminaire make a new context (Appendix B.2)", { skip }, async () => {
  const one = await lamp("07", true);
  try {
    const path = "/3311/0/5850";
    const state = { method: "GET", path };
    const put = (value: string) => ({ method: "PUT", path, payload: hexOf(value) });
    const words = [...peer("client", "07", "01", { renegotiate: true }), lan.address(LAMP)];
    const actions = [put("1"), put("1"), state, put("0"), state];
    const answers = await client(lan.computer(PEER).command, words, actions);
    // Request #1 is not obeyed; the same once more is request #2.
    assert.deepEqual(
      answers.map(({ code }) => code),
      ["4.01", "2.04", "2.05", "2.04", "2.05"],
    );
    assert.deepEqual([textOf(answers[2]), textOf(answers[4])], ["1", "0"]);
  } finally {
    one.stop();
  }
});

test("our client and Californium's server make a new context (Appendix B.2)", {
  skip,
}, async () => {
  const words = peer("server", "09", "08", { renegotiate: true });
  const server = new Program(lan.computer(PEER).command, ...words);
  const blob = provisioningOf({
    number: CLIENT,
    role: "switch",
    securities: [{ ...pairGroup(1, { own: "08", peer: "09" }), renegotiates: true }],
    appGroups: [[1, 1, lan.address(PEER)]],
    rights: [],
    target: 1,
  });
  const us = { name: "newcomer", eui64: eui64Of(CLIENT), blob };
  try {
    await server.line(/^listening$/);
    const hello = { method: "GET", path: "/hello" };
    const { answers } = await ask("XS", lan.computer(CLIENT).command, us, folder, [hello, hello]);
    assert.deepEqual(
      answers.map((answer) => [answer.code, textOf(answer)]),
      [
        ["2.05", "hello"],
        ["2.05", "hello"],
      ],
    );
  } finally {
    server.stop();
  }
});

test("our client asks and observes Californium's server", { skip }, async () => {
  const server = new Program(lan.computer(PEER).command, ...peer("server", "06", "05"));
  const blob = provisioningOf({
    number: CLIENT,
    role: "switch",
    securities: [pairGroup(1, { own: "05", peer: "06" })],
    appGroups: [[1, 1, lan.address(PEER)]],
    rights: [],
    target: 1,
  });
  const us = { name: "client", eui64: eui64Of(CLIENT), blob };
  try {
    await server.line(/^listening$/);
    const { answers } = await ask("XS", lan.computer(CLIENT).command, us, folder, [
      { method: "GET", path: "/hello" },
      { method: "GET", path: "/count", observe: 3 },
    ]);
    const [hello, ...counts] = answers;
    assert.deepEqual([hello.code, textOf(hello)], ["2.05", "hello"]);
    const numbers = counts.map((count) => Number(textOf(count)));
    assert.deepEqual(numbers, [numbers[0], numbers[0] + 1, numbers[0] + 2]);
    assert.ok(counts.every(({ news }) => news === "fresh"));
  } finally {
    server.stop();
  }
});
