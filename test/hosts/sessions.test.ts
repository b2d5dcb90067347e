/** Sessions of an authority in their file: there after a restart, none made of what is damaged. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { FileSessions, SESSION_SECONDS } from "../../hosts/authority/sessions.js";
import { ROOT } from "../../hosts/root.js";
import type { Session } from "../../modules/dtls/session.js";
import { Desk } from "../support/lumicast.js";
import { lacks } from "../support/skip.js";

const desk = new Desk();
after(() => desk.remove());
const MAX = 3;
let now = 1_800_000_000;

function session(number: number): Session {
  return {
    id: Uint8Array.of(number),
    suite: 0xc0a8,
    master: new Uint8Array(48).fill(number),
    peer: { by: "psk", identity: Uint8Array.of(1, number) },
    bound: new Uint8Array(8).fill(number),
  };
}

const open = (name: string) => new FileSessions(desk.path(name), { max: MAX, now: () => now });
const id = (number: number) => Uint8Array.of(number);

test("what was kept is there again, of both sides; what was removed is not", () => {
  const first = open("both");
  first.put(session(1));
  first.put(session(2));
  first.keep(Uint8Array.of(9), session(3));
  first.remove(id(2));
  first.keep(Uint8Array.of(8), session(4));
  first.forget(Uint8Array.of(8));
  first.close();
  assert.equal(statSync(desk.path("both")).mode & 0o777, 0o600);
  for (let times = 0; times < 2; times++) {
    const again = open("both");
    assert.deepEqual(again.find(id(1)), session(1));
    assert.deepEqual(again.with(Uint8Array.of(9)), session(3));
    assert.equal(again.find(id(2)), undefined);
    assert.equal(again.find(id(3)), undefined, "a client's is no server's");
    assert.equal(again.with(Uint8Array.of(8)), undefined);
    again.close();
  }
});

test("they are bounded, the file too, and nobody's after a day", () => {
  const sessions = open("bound");
  for (let number = 1; number <= 100; number++) sessions.put(session(number));
  assert.deepEqual(sessions.find(id(98))?.id, id(98));
  assert.equal(sessions.find(id(97)), undefined);
  assert.ok(statSync(desk.path("bound")).size < 20 * 100, "written anew now and then");
  sessions.close();
  now += SESSION_SECONDS + 1;
  const later = open("bound");
  assert.equal(later.find(id(98)), undefined);
  later.put(session(5));
  now += SESSION_SECONDS + 1;
  assert.equal(later.find(id(5)), undefined);
  later.close();
});

test("cut off, or overwritten with anything: fewer sessions, never a wrong one", () => {
  const sessions = open("cut");
  for (const number of [1, 2, 3]) sessions.put(session(number));
  sessions.close();
  const whole = readFileSync(desk.path("cut"));
  for (let length = 0; length < whole.length; length += 7) {
    writeFileSync(desk.path("cut"), whole.subarray(0, length), { mode: 0o600 });
    const again = open("cut");
    for (const number of [1, 2, 3]) {
      const found = again.find(id(number));
      assert.ok(found === undefined || found.master[0] === number);
    }
    again.close();
  }
  writeFileSync(desk.path("cut"), whole, { mode: 0o600 });
  appendFileSync(desk.path("cut"), Buffer.from("ff".repeat(40), "hex"));
  const again = open("cut");
  assert.deepEqual(again.find(id(3)), session(3));
  again.close();
});

/** A program that keeps fifty sessions, waits and is killed. */
const killedAfter = (name: string, ms: number) => `
  import { FileSessions } from ${JSON.stringify(`${ROOT}/build/node/hosts/authority/sessions.js`)};
  const path = ${JSON.stringify(desk.path(name))};
  const sessions = new FileSessions(path, { max: 100, now: () => ${now} });
  const [master, bound] = [new Uint8Array(48).fill(1), new Uint8Array(8)];
  for (let number = 1; number <= 50; number++) {
    const peer = { by: "psk", identity: Uint8Array.of(number) };
    sessions.put({ id: Uint8Array.of(number), suite: 0xc0a8, master, peer, bound });
  }
  setTimeout(() => process.kill(process.pid, "SIGKILL"), ${ms});
`;

test("a program that is killed loses none", () => {
  const node = ["--input-type=module", "-e", killedAfter("killed", 0)];
  assert.equal(spawnSync(process.execPath, node).signal, "SIGKILL");
  const again = new FileSessions(desk.path("killed"), { max: 100, now: () => now });
  const kept = Array.from({ length: 50 }, (_, at) => again.find(id(at + 1))).filter(Boolean);
  assert.equal(kept.length, 50);
  again.close();
});

test("the disk has them a second later, with one sync for all", { skip: lacks("strace") }, () => {
  const trace = desk.path("trace");
  const strace = ["-f", "-qq", "-o", trace, "-e", "trace=fdatasync", process.execPath];
  spawnSync("strace", [...strace, "--input-type=module", "-e", killedAfter("synced", 1500)]);
  const synced = readFileSync(trace, "utf8").match(/fdatasync\(\d+\) += 0/g) ?? [];
  assert.equal(synced.length, 1);
});
