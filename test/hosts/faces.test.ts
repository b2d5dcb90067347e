/** AS and KDC as handlers: one asks the other about tokens by reference, refusals reach the log. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { emitTokenAsk, parseTokenAnswer } from "../../modules/access/ace.js";
import { emitQuestion, parseDelivery } from "../../modules/access/delivery.js";
import type { Note } from "../../modules/authority/answers.js";
import { asFace } from "../../modules/authority/as-face.js";
import { introspector, kdcFace } from "../../modules/authority/kdc-face.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import { enrol, reportLost } from "../../modules/authority/server.js";
import { fromHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import type { Answered, Ask, SecureHandler } from "../../modules/secure/request.js";
import { ask, centerOf, furnish, parties } from "../support/authority.js";
import { ALL, NOW, pairwise } from "../support/kdc.js";
import { SeededRandom } from "../support/random.js";

const NONE = -1;

/** Two programs: the KDC is `cd` where the AS asks who it is. */
function place(isReachable = () => true) {
  const { as: issuer } = parties();
  const ledgers = { as: new MemoryLedger(), kdc: new MemoryLedger() };
  const center = centerOf();
  const notes: Note[] = [];
  const parts = { now: () => NOW, note: (note: Note) => void notes.push(note) };
  const audiences = [{ name: "kdc", asker: "cd", byReference: true }];
  const random = new SeededRandom(3);
  const as = asFace({ ...parts, ledger: ledgers.as, issuer, random, audiences });
  const toAs = async (question: Ask): Promise<Answered> => {
    if (!isReachable()) return { ok: false, why: "unreachable" };
    const { path, ...rest } = question;
    const response = await as(ask({ ...rest, path: path.join("/"), from: "cd" }));
    return { ok: true, response };
  };
  const resolve = introspector(toAs);
  const kdc = kdcFace({ ...parts, ledger: ledgers.kdc, center, resolve });
  ledgers.kdc.run((rows) => furnish(rows, center));
  const device = { name: "lamp", credential: fromHex("c1"), scope: ALL, tokenSeconds: NONE };
  ledgers.as.run((rows) => enrol(rows, uintBytes(1), device));
  return { as, kdc, ledgers, notes };
}

async function tokenFrom(as: SecureHandler): Promise<Uint8Array> {
  const payload = emitTokenAsk({ audience: "kdc" });
  const { payload: answer } = await as(ask({ path: "token", payload, format: 19 }));
  const token = parseTokenAnswer(answer ?? new Uint8Array(0))?.token;
  assert.ok(token);
  return token;
}

function keysFor(token: Uint8Array) {
  const payload = emitQuestion({
    token,
    wanted: [1],
    credential: new Uint8Array(0),
    incarnation: new Uint8Array(8),
  });
  return ask({ path: "keys", payload, format: 60, pairwise: pairwise() });
}

test("a token by reference: the KDC asks the AS what it stands for, each time", async () => {
  const { as, kdc, ledgers } = place();
  const token = await tokenFrom(as);
  assert.ok(token.length < 20, "a name");
  const given = await kdc(keysFor(token));
  assert.equal(given.code, 0x45);
  assert.equal(parseDelivery(given.payload ?? new Uint8Array(0))?.tokens.length, 2);
  ledgers.as.run((rows) => reportLost(rows, uintBytes(1)));
  assert.equal((await kdc(keysFor(token))).code, 0x81, "taken back: no revocation had to be sent");
});

test("a token by reference is worth nothing while its AS cannot be asked", async () => {
  let isReachable = true;
  const { as, kdc, notes } = place(() => isReachable);
  const token = await tokenFrom(as);
  isReachable = false;
  assert.equal((await kdc(keysFor(token))).code, 0x81);
  assert.deepEqual(notes, [{ by: "c1", what: "refused /keys: reference" }]);
});

test("what is refused is in the log before the answer is out", async () => {
  const { as, kdc, notes } = place();
  const token = await tokenFrom(as);
  const other = { ...keysFor(token), from: { ...keysFor(token).from, id: "c2" } };
  for (let i = 0; i < 3; i++) await kdc(other);
  await as(ask({ path: "token", from: "c9" }));
  assert.deepEqual(
    notes.map(({ by, what }) => `${by} ${what}`),
    [
      "c2 refused /keys: holder",
      "c2 refused /keys: holder, 2 times by now",
      "c9 refused /token: malformed",
    ],
  );
});
