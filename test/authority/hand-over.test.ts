/** Devices that are handed over from one authority to another: programs that run, real sockets. */
import assert from "node:assert/strict";
import { cpSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { kidOf } from "../../hosts/authority/authority.js";
import { NodeCrypto } from "../../hosts/authority/crypto.js";
import type { Shipped } from "../../hosts/authority/devices.js";
import type { Card } from "../../hosts/authority/identity.js";
import { ROOT } from "../../hosts/root.js";
import { provisioningOf, readSender } from "../../hosts/sender/file.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { ROLE } from "../../modules/device/provision.js";
import { Lan, lacksLan } from "../interop/lan.js";
import { HOST, Program, stopPrograms } from "../interop/programs.js";
import type { Device } from "../support/guests.js";
import { Desk, euiOf, shipped } from "../support/lumicast.js";
import { cardOf, Programs, type Ran, until } from "../support/running.js";

const desk = new Desk();
const programs = new Programs();
let lan: Lan | undefined;
after(() => {
  stopPrograms();
  lan?.stop();
  desk.remove();
});

const PRODUCT = `${ROOT}/build/firmware/lumicast.xsb`;
const RECEIVE = ["--role", "receiver"];
const GROUP = ["--address", "ff35::4c:1", "--number", "5"];

/** A state folder with an authority of this domain, and the group 5. */
async function begun(domain: string, name: string): Promise<string[]> {
  const state = ["--state", desk.path(name)];
  await desk.json("authority", "init", "--domain", domain, ...state);
  await desk.json("group", "create", "hall", ...GROUP, ...state);
  return state;
}

async function withLamps(name: string, count: number): Promise<string[]> {
  const state = await begun("hall", name);
  await desk.json("device", "add", "--from", desk.secret(`${name}.json`, shipped(count)), ...state);
  const lamps = Array.from({ length: count }, (_, at) => `lamp-${at + 1}`);
  await desk.json("group", "add", "hall", ...lamps, "--role", "receiver", ...state);
  return state;
}

/** What a device is told of its KDC when it is made. */
function trustedOf(card: string) {
  const { signing, domain } = JSON.parse(readFileSync(card, "utf8")) as Card;
  const publicKey = fromHex(signing);
  const kid = kidOf(new NodeCrypto().sha256(publicKey));
  return { issuer: `${domain}/kdc`, kid, publicKey, audience: domain };
}

/** An authority with joined lamps, and one that is to follow. */
class Change {
  readonly lamps: Device[] = [];

  old: string[] = [];
  next: string[] = [];
  ran!: Ran;
  following!: Ran;
  card = "";

  static async of(name: string, count: number): Promise<Change> {
    const change = new Change();
    const old = await withLamps(`${name}-old`, count);
    const next = await begun("next", `${name}-next`);
    const [ran, following] = [await programs.start(old), await programs.start(next)];
    const card = await cardOf(desk, next, `${name}-next.json`);
    Object.assign(change, { old, next, ran, following, card });
    const trusted = trustedOf(await cardOf(desk, old, `${name}-old-card.json`));
    for (let number = 1; number <= count; number++) {
      const lamp = await programs.lamp(number);
      lamp.obeys(trusted);
      await lamp.join(ran.at, [5]);
      change.lamps.push(lamp);
    }
    return change;
  }

  handOver(...more: readonly string[]) {
    const { card, following, old } = this;
    const to = ["--to", card, "--at", following.at];
    return desk.run("authority", "hand-over", ...to, ...more, ...old);
  }

  /** The list, taken by the one that follows. */
  async list(name: string): Promise<Shipped[]> {
    const file = desk.path(name);
    const { code, out, err } = await this.handOver("--list", file);
    assert.equal(code, 0, out + err);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const list = JSON.parse(readFileSync(file, "utf8")) as Shipped[];
    await desk.json("device", "add", "--from", file, ...this.next);
    await desk.json(
      "group",
      "add",
      "hall",
      ...list.map((one) => one.name),
      ...RECEIVE,
      ...this.next,
    );
    return list;
  }
}

test("lamps follow the new KDC and no more the old one; who could not is told again", async () => {
  const change = await Change.of("all", 3);
  const { lamps, old, next, following } = change;
  const early = await change.handOver("--yes");
  assert.equal(early.code, 1);
  assert.match(early.err, /has no list of devices yet; first, without --yes: --list FILE/);
  const list = await change.list("all-list.json");
  assert.deepEqual(
    list.map(({ name, before }) => [name, before?.clientId, before?.handOvers]),
    [
      ["lamp-1", "01", 1],
      ["lamp-2", "02", 1],
      ["lamp-3", "03", 1],
    ],
  );
  // Nobody is told before --yes, and the old one goes on.
  assert.ok(lamps[0].pushed.every(({ handOver }) => handOver === undefined));
  lamps[2].answer = 0xa3;
  const first = await change.handOver("--yes");
  assert.equal(first.code, 1, first.out + first.err);
  assert.match(first.out, /^1 device missing\n {2}lamp-3: .*\(tried \d\)/);
  assert.match(first.err, /lamp-1 has it/);
  const again = await change.handOver("--yes", "--json");
  assert.equal(JSON.parse(again.out).missing, 1);
  lamps[2].answer = 0x44;
  await until(
    async () => lamps[2].obeyed === "next/kdc",
    () => "lamp-3",
  );
  await until(
    async () => (await change.handOver("--yes")).code === 0,
    () => "the old one",
  );
  for (const [at, lamp] of lamps.entries()) {
    assert.equal(lamp.obeyed, "next/kdc");
    const { delivery } = await lamp.join(following.at, [5], "next");
    assert.equal(delivery.tokens.length, 1, `lamp-${at + 1}`);
  }
  const theirs = await desk.run("group", "rekey", "hall", ...next);
  assert.match(theirs.out, /3 of 3 members have it/);
  const ours = await desk.run("group", "rekey", "hall", ...old);
  assert.equal(ours.code, 1);
  assert.match(ours.out, /lamp-1: it was handed over to next\/kdc/);
  const log = await desk.run("log", ...old);
  assert.match(log.out, /authority {2}lamp-3 is handed over/);
  assert.doesNotMatch(log.out, new RegExp(list[0].psk ?? "none"));
});

test("key ids, client ids and hand-overs go on where the old one was", async () => {
  const change = await Change.of("ids", 1);
  const { old, next } = change;
  for (let count = 0; count < 3; count++) await desk.json("group", "rekey", "hall", ...old);
  const [listed] = await change.list("ids-list.json");
  assert.deepEqual(listed.before?.keys, [{ group: 5, prefix: 1, epoch: 4 }]);
  const rekeyed = await desk.json("group", "rekey", "hall", ...next);
  assert.equal(rekeyed.key, 5, "above every key that the lamp has seen");
  const other = ["--state", desk.path("ids-other")];
  await desk.json("authority", "init", "--domain", "other", ...other);
  await desk.json("device", "add", "--from", desk.secret("second.json", shipped(1)), ...other);
  const eui64 = euiOf(9);
  const twice = [{ ...listed, eui64, name: "lamp-9", identity: eui64 }];
  const taken = await desk.run(
    ...["device", "add", "--from", desk.secret("twice.json", JSON.stringify(twice)), ...other],
  );
  assert.equal(taken.code, 1);
  assert.match(taken.err, /lamp-9 has to be client 01, which it is not here/);
});

test("what is wrong is told with its remedy", async () => {
  const change = await Change.of("wrong", 1);
  const { old, card, following } = change;
  const list = desk.path("wrong-list.json");
  const run = (...words: string[]) => desk.run("authority", "hand-over", ...words, ...old);
  const cases: [number, RegExp, string[]][] = [
    [2, /--to: the card of which KDC/, ["--yes"]],
    [2, /--list: a FILE for the devices' new keys/, ["--to", card, "--at", following.at]],
    [2, /--at: where do devices reach it/, ["--to", card, "--at", "[::]:5684", "--list", list]],
    [1, /there is no none.json/, ["--to", "none.json", "--list", list]],
    [1, /is there already/, ["--to", card, "--at", following.at, "--list", card]],
  ];
  for (const [code, words, args] of cases) {
    const ran = await run(...args);
    assert.equal(ran.code, code, ran.err);
    assert.match(ran.err, words);
  }
  const own = await cardOf(desk, old, "wrong-own.json");
  const self = await run("--to", own, "--at", following.at, "--list", list);
  assert.match(self.err, /this card is our own/);
  const kdc = desk.path("wrong-kdc.json");
  writeFileSync(kdc, JSON.stringify({ ...JSON.parse(readFileSync(card, "utf8")), role: "kdc" }));
  const alone = await run("--to", kdc, "--at", following.at, "--list", list);
  assert.match(alone.err, /--as: where does its Authorization Server listen/);
  await change.list("wrong-good.json");
  assert.equal((await change.handOver("--yes")).code, 0);
  const changed = await run("--to", own.replace("own", "kdc"), "--at", following.at, "--yes");
  assert.equal(changed.code, 2, "a kdc needs its AS named");
  const third = await begun("third", "wrong-third");
  const elsewhere = await cardOf(desk, third, "wrong-third.json");
  const late = await run("--to", elsewhere, "--at", following.at, "--list", list);
  assert.equal(late.code, 1);
  assert.match(late.err, /the hand-over to next\/kdc has begun \(1 of 1 device\)/);
});

test("a luminaire on XS follows: its next key is the new one's", { skip: lacksLan }, async () => {
  lan = await Lan.start(3);
  const [old, next] = [await withLamps("xs-old", 1), await begun("next", "xs-next")];
  const place = (number: number) => lan?.computer(number) as ReturnType<Lan["computer"]>;
  const start = (state: string[], number: number) =>
    programs.start(state, `[${place(number).address}]:5684`, place(number).command);
  const ran = await start(old, 1);
  const following = await start(next, 2);
  const path = desk.path("xs-lamp.json");
  await desk.json("sender", "lamp-1", path, ...old);
  const told = readSender(path);
  const blob = provisioningOf(told, { role: ROLE.LUMINAIRE, groups: told.groups });
  writeFileSync(desk.path("xs.cbor"), blob);
  const files = ["--provision", desk.path("xs.cbor"), "--flash", desk.path("xs.flash")];
  const more = ["--eui64", euiOf(1), "--port", "5684"];
  const lamp = new Program(place(3).command, HOST, "run", PRODUCT, ...files, ...more);
  await lamp.line(/keys: resting/);
  const before = ["--state", desk.path("xs-before")];
  const filter = (from: string) => !statSync(from).isSocket();
  cpSync(desk.path("xs-old"), desk.path("xs-before"), { recursive: true, filter });
  const card = await cardOf(desk, next, "xs-next.json");
  const to = ["authority", "hand-over", "--to", card, "--at", following.at, ...old];
  await desk.json(...to, "--list", desk.path("xs-list.json"));
  await desk.json("device", "add", "--from", desk.path("xs-list.json"), ...next);
  await desk.json("group", "add", "hall", "lamp-1", "--role", "receiver", ...next);
  const done = await desk.run(...to, "--yes");
  assert.equal(done.code, 0, done.out + done.err);
  await lamp.line(/authority: next\/kdc from now on/);
  await until(
    async () => {
      const rekeyed = await desk.run("group", "rekey", "hall", ...next);
      return /1 of 1 member have it/.test(rekeyed.out);
    },
    () => lamp.lines.join("\n"),
  );
  const ours = await desk.run("group", "rekey", "hall", ...old);
  assert.equal(ours.code, 1);
  assert.match(ours.out, /lamp-1: it was handed over to next\/kdc/);
  // The one before, as if it had never said so.
  await programs.kill(ran);
  await start(before, 1);
  const cheated = await desk.run("group", "rekey", "hall", ...before);
  assert.match(cheated.out, /0 of 1 member have it/);
  assert.equal((await desk.run("group", "rekey", "hall", ...next)).code, 0);
});
