/** A ledger's file whose program is killed, at every write of it: real kills, of a real program. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SqliteLedger } from "../../hosts/authority/sqlite.js";
import { ROOT } from "../../hosts/root.js";
import { faultsOf, headOf } from "../../modules/authority/log.js";
import {
  groups,
  inGroup,
  keys,
  members,
  numberKey,
  pushes,
} from "../../modules/authority/records.js";
import { GROUP, parties } from "../support/authority.js";
import { crowded } from "../support/crowded.js";
import { rekeyed } from "../support/rekeyed.js";
import { lacks } from "../support/skip.js";

const folder = mkdtempSync(join(tmpdir(), "lumicast-kills-"));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string) => join(folder, name);

interface Cut {
  /** The write of the file or its journal at which it was killed. */
  readonly at: number;
  /** What is left of the file. */
  readonly path: string;
  /** What the program said before, in lines. */
  readonly said: string[];
  /** There are not so many writes: it ended by itself. */
  readonly isOver: boolean;
}

/** `what` begun on a copy of the file and killed, at each write; how often it was. */
async function killedAtEach(
  what: string,
  original: string,
  look: (cut: Cut) => Promise<void>,
): Promise<number> {
  const path = file(`${what}.db`);
  for (let at = 1; ; at++) {
    rmSync(`${path}-journal`, { force: true });
    cpSync(original, path);
    const cut = { at, path, ...killedAt(at, path, what) };
    await look(cut);
    if (cut.isOver) return at - 1;
  }
}

function killedAt(at: number, path: string, what: string) {
  const program = join(ROOT, "build/node/test/authority/kill.js");
  const inject = `inject=pwrite64,fdatasync,fsync,unlink:signal=KILL:when=${at}`;
  const words = ["-f", "-qq", "-o", "/dev/null", "-P", path, "-P", `${path}-journal`, "-e"];
  const node = [process.execPath, program, path, what];
  const done = spawnSync("strace", [...words, inject, ...node], { encoding: "utf8" });
  return { said: done.stdout.trim().split("\n"), isOver: done.status === 0 };
}

test("SQLite: killed at any write of a renewal for a hundred, it is all there or not at all", {
  skip: lacks("strace"),
}, async () => {
  const original = file("kill-original.db");
  await crowded(original);
  const killed = await killedAtEach("renewal", original, async ({ at, path, said, isOver }) => {
    const ledger = new SqliteLedger(path);
    const state = await ledger.transaction((rows) => ({
      epoch: groups.need(rows, numberKey(GROUP)).epoch,
      pushes: pushes.keys(rows).length,
      hasKey: keys.get(rows, inGroup(GROUP, 2)) !== undefined,
    }));
    ledger.close();
    const before = { epoch: 1, pushes: 0, hasKey: false };
    const complete = { epoch: 2, pushes: 100, hasKey: true };
    assert.deepEqual(state, state.epoch === 1 ? before : complete, `cut at write ${at}`);
    if (isOver) assert.equal(said[0], "2");
    if (said[0] === "2") assert.deepEqual(state, complete, `promised, and cut at write ${at}`);
  });
  assert.ok(killed > 10, `${killed} kills`);
});

test("SQLite: killed at any write of a rekey for a hundred, and gone on with: nobody is cut off", {
  skip: lacks("strace"),
}, async () => {
  const original = file("rekey-original.db");
  await crowded(original);
  const killed = await killedAtEach("rekey", original, async ({ at, path, said }) => {
    const ledger = new SqliteLedger(path);
    await rekeyed(ledger, (line) => void said.push(line));
    const left = await ledger.transaction((rows) => ({
      members: members.keys(rows).length,
      pushes: pushes.keys(rows).length,
      epoch: groups.need(rows, numberKey(GROUP)).epoch,
    }));
    ledger.close();
    assert.deepEqual(left, { members: 100, pushes: 0, epoch: 2 }, `cut at write ${at}`);
    const sent = said.filter((line) => line !== "").map((line) => line.split(" "));
    const keysSent = new Set(sent.map(([, epoch, key]) => `${epoch} ${key}`));
    assert.equal(keysSent.size, 1, `one KID, one key, also after a cut at write ${at}`);
    assert.equal(new Set(sent.map(([client]) => client)).size, 100, `cut at write ${at}`);
  });
  assert.ok(killed > 40, `${killed} kills`);
});

test("SQLite: killed at any write of a commit for many, each that was answered is there, signed", {
  skip: lacks("strace"),
}, async () => {
  const original = file("crowd-original.db");
  new SqliteLedger(original, { create: true }).close();
  const { crypto, signer } = parties();
  let isPart = false;
  const killed = await killedAtEach("crowd", original, async ({ at, path, said, isOver }) => {
    const answered = said.filter((word) => word !== "").map(Number);
    const ledger = new SqliteLedger(path);
    const state = await ledger.transaction((rows) => ({
      there: rows.keys("device", "").map(Number),
      entries: headOf(rows).count,
      faults: faultsOf(rows, { crypto, publicKey: signer.publicKey }),
    }));
    const lost = answered.filter((number) => !state.there.includes(number));
    ledger.close();
    assert.deepEqual(lost, [], `answered, and lost by a cut at write ${at}`);
    assert.deepEqual([state.entries, state.faults], [state.there.length, []], `cut at write ${at}`);
    if (answered.length > 0 && !isOver) isPart = true;
    if (isOver) assert.equal(answered.length, 18);
  });
  assert.ok(killed > 10, `${killed} kills`);
  assert.ok(isPart, "some were answered before a cut");
});
