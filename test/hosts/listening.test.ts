/**
 * An authority that listens to its group on a network of its own: who comes late is told how far
 * the sender is, and nobody gets another key for his sake, until the authority missed something.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { after, before, test as plainTest } from "node:test";
import { dropsOf } from "../../hosts/authority/link.js";
import { SqliteLedger } from "../../hosts/authority/sqlite.js";
import { parseIpv6 } from "../../hosts/installation/address.js";
import { heards } from "../../modules/authority/records.js";
import { Lan, lacksLan, testOnLan } from "../interop/lan.js";
import { Program, stopPrograms } from "../interop/programs.js";
import { lampOn } from "../support/lan-lamp.js";
import { Desk, shipped } from "../support/lumicast.js";
import { PROGRAM, Programs, type Ran, until } from "../support/running.js";

const desk = new Desk();
const programs = new Programs();
const test = testOnLan();
const ADDRESS = "ff35::4c:1";
/** Computers: the authority's, three lamps', the sender's, and whoever records. */
const [CENTER, SENDER, TAPE] = [1, 5, 6];
const state = ["--state", desk.path("hall")];
const skip = false;
let lan: Lan;

before(async () => {
  if (lacksLan !== false) return;
  lan = await Lan.start(TAPE);
  await desk.json("authority", "init", "--domain", "hall", ...state);
  await desk.json("device", "add", "--from", desk.secret("lamps.json", shipped(3)), ...state);
  await desk.json("group", "create", "hall", "--address", ADDRESS, "--numbers", "heard", ...state);
  const lamps = ["lamp-1", "lamp-2", "lamp-3", "--role", "receiver"];
  await desk.json("group", "add", "hall", ...lamps, ...state);
});
after(() => {
  stopPrograms();
  lan?.stop();
  desk.remove();
});

function authority(listen = `[${lan.computer(CENTER).address}]:5684`): Promise<Ran> {
  return programs.start(state, listen, lan.computer(CENTER).command);
}

/** A lamp with its factory credential; it has its key when this resolves. */
function lamp(number: number): Promise<Program> {
  return lampOn({ desk, lan, state, at: `[${lan.computer(CENTER).address}]:5684` }, number);
}

function light(...words: readonly string[]): void {
  const [program, args] = lan
    .computer(SENDER)
    .command(process.execPath, PROGRAM, "light", "hall", ...words);
  const env = { ...process.env, LUMICAST_SENDER: desk.path("laptop.json") };
  const done = spawnSync(program, args, { encoding: "utf8", env, timeout: 60_000 });
  assert.equal(done.status, 0, done.stdout + done.stderr);
}

/** Says what it hears in hex; says again what it has heard, and "again", when told to. */
const RECORDER = `
import { createSocket } from "node:dgram";
const heard = [];
const socket = createSocket({ type: "udp6", reuseAddr: true });
socket.bind(5683, "${ADDRESS}", () => {
  socket.addMembership("${ADDRESS}", "::%eth0");
  console.log("records");
});
socket.on("message", (message) => { heard.push(message); console.log("heard " + heard.length); });
const mouth = createSocket("udp6");
mouth.bind(0, () => mouth.setMulticastInterface("::%eth0"));
process.on("SIGUSR2", async () => {
  const all = [...heard];
  for (const one of all) await new Promise((go) => mouth.send(one, 5683, "${ADDRESS}", go));
  console.log("again " + all.length);
});
console.log("pid " + process.pid);
`;

async function group(): Promise<{ key: number; numbers: string; listens: boolean | null }> {
  const { groups } = await desk.json<{ groups: [Awaited<ReturnType<typeof group>>] }>(
    ...["group", "list", ...state],
  );
  return groups[0];
}

test("who comes late is told numbers, after a restart of the authority he gets a new key", {
  skip,
}, async () => {
  const ran = await authority();
  const tape = desk.path("tape.mjs");
  writeFileSync(tape, RECORDER);
  const recorder = new Program(lan.computer(TAPE).command, process.execPath, tape);
  const pid = Number((await recorder.line(/^pid /)).slice(4));
  await recorder.line(/records/);
  const first = await lamp(1);
  await desk.json("sender", "laptop", desk.path("laptop.json"), ...state);
  await desk.json("group", "add", "hall", "laptop", "--role", "sender", ...state);
  light("--level", "77");
  await first.line(/"light":\{"level":77/);
  await recorder.line(/^heard 1$/);
  const { key, numbers, listens } = await group();
  assert.deepEqual([key, numbers, listens], [1, "heard", true]);
  const late = await lamp(2);
  assert.equal((await group()).key, 1, "nobody needs another key");
  process.kill(pid, "SIGUSR2");
  await recorder.line(/^again/);
  light("--level", "40%");
  await late.line(/"light":\{"level":102/);
  const obeyed = late.lines.filter((line) => line.includes('"light":{"level":77'));
  assert.deepEqual(obeyed, [], "what was said before it came it takes for old");

  await programs.kill(ran);
  assert.equal((await told()).length, 1, "it was told one sender's number");
  const again = await authority();
  assert.equal((await group()).listens, true);
  await lamp(3);
  assert.equal((await group()).key, 2, "what was said meanwhile nobody knows");
  again.child.kill("SIGTERM");
  await again.ended;
  assert.equal((await group()).listens, false);
});

/** Senders whose numbers are written down. */
async function told(): Promise<string[]> {
  const ledger = new SqliteLedger(`${desk.path("hall")}/authority.db`);
  const all = await ledger.transaction((rows) => [...heards.keys(rows)]);
  ledger.close();
  return all;
}

test("where it does not know on which network, it says so", { skip }, async () => {
  const ran = await authority("[::]:5684");
  const { listens } = await group();
  assert.equal(listens, false);
  ran.child.kill("SIGTERM");
  const { said } = await ran.ended;
  assert.match(said, /--numbers heard are not listened to: .* new key.* --interface eth0/);
});

test("a network that is gone and comes back was not heard meanwhile", { skip }, async () => {
  const ran = await authority();
  const link = (what: string) => {
    const words = ["ip", "link", "set", "eth0", what];
    const [command, args] = lan.computer(CENTER).command(...words);
    assert.equal(spawnSync(command, args).status, 0);
  };
  const isSo = async (listens: boolean) => {
    const of = async () => (await group()).listens === listens;
    await until(of, () => `it is not ${listens ? "listened to" : "gone"}`);
  };
  await isSo(true);
  link("down");
  await isSo(false);
  ran.child.kill("SIGTERM");
  await ran.ended;
});

plainTest("how newcomers get numbers is said with the group, and shown", async () => {
  const at = ["--address", "ff35::2", ...state];
  const wrong = await desk.run("group", "create", "attic", "--numbers", "guessed", ...at);
  assert.deepEqual([wrong.code, /there is no guessed; there are/.test(wrong.err)], [2, true]);
  const words = ["attic", "--numbers", "own", "--shares", "hall"];
  const shared = await desk.run("group", "create", ...words, ...at);
  assert.deepEqual([shared.code, /leave out one of the two/.test(shared.err)], [2, true]);
});

plainTest("datagrams that found no room are counted for the places that are listened to", () => {
  const place = { address: parseIpv6(ADDRESS) as Uint8Array, port: 5683 };
  const line = (address: string, drops: number) =>
    `  12: ${address} 00000000000000000000000000000000:0000 07 00000000:00000000 ` +
    `00:00000000 00000000     0        0 123 2 0000000000000000 ${drops}`;
  const ours = "000035FF000000000000000001004C00:1633";
  const content = ["  sl  local_address", line(ours, 3), line(ours.replace("01", "02"), 7)];
  assert.equal(dropsOf(content.join("\n"), [place]), 3);
});
