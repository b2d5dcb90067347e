import assert from "node:assert/strict";
import { test } from "node:test";
import { emitMessage, parseMessage } from "../../modules/coap/message.js";
import { fuzz } from "./fuzz.js";
import { type Target, targets } from "./targets.js";

const RUNS = 30_000;
const SEED = 7252;

for (const target of targets) {
  test(`${target.name} survives its corpus and ${RUNS} damaged inputs`, () => {
    assert.equal(fuzz(target, RUNS, SEED), undefined);
  });
}

test("the fuzzer finds a planted fault, and makes it small", () => {
  const [messages] = targets;
  const planted: Target = {
    ...messages,
    // A reader that takes a token length of 9 for granted: the fault of contiki#2493.
    check: (bytes) => {
      if (bytes.length > 4 && bytes[0] >> 6 === 1 && (bytes[0] & 15) === 9) throw new Error("over");
    },
  };
  const found = fuzz(planted, RUNS, SEED);
  assert.equal(found?.target, "coap-message");
  assert.match(String(found?.error), /over/);
  assert.ok(String(found?.hex).length <= 80, found?.hex);
});

test("the same seed gives the same inputs", () => {
  const lengths = (seed: number) => {
    const seen: number[] = [];
    const [messages] = targets;
    fuzz({ ...messages, check: (bytes) => void seen.push(bytes.length) }, 200, seed);
    return seen;
  };
  assert.deepEqual(lengths(1), lengths(1));
  assert.notDeepEqual(lengths(1), lengths(2));
});

test("a good part of what is fed is still accepted, or only the first check would be tried", () => {
  const [messages] = targets;
  let accepted = 0;
  let all = 0;
  const check = (bytes: Uint8Array) => {
    all++;
    const parsed = parseMessage(bytes);
    if (parsed.ok) accepted += emitMessage(parsed.value).length > 4 ? 1 : 0;
  };
  fuzz({ ...messages, check }, 5000, SEED);
  assert.ok(accepted > all / 10, `${accepted} of ${all}`);
});
