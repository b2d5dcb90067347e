/**
 * A hundred members get a new key over DTLS while somebody uses the switch: real devices, the real
 * authority, one radio that loses frames.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { measureRekey } from "../../hosts/room/rekey.js";

const LAMPS = 99;
/** Of the medium's time. */
const SECONDS_MAX = 10;
/** ARCHITECTURE: from a press to a lamp. */
const PERCEIVED_MS_MAX = 200;
/** Where a frame and its copies are lost: what is said again after 250 ms. */
const AGAIN_MS_MAX = 500;

test("a rekey of 100 members at 5 % loss: under 10 s, every press followed", async (t) => {
  const lines: string[] = [];
  const options = { luminaires: LAMPS, lossPercent: 5, seed: 7 };
  const figures = await measureRekey({ ...options, say: (line) => lines.push(line) });
  const { ready, seconds = Number.POSITIVE_INFINITY, nodes, missed, p99Ms, worstMs } = figures;
  t.diagnostic(`${seconds} s; ${missed} missed, ${p99Ms} and ${worstMs} ms`);
  assert.equal(ready, LAMPS + 1, "everybody has a key before it begins");
  assert.ok(seconds < SECONDS_MAX, `${seconds} s`);
  assert.equal(Object.keys(nodes).length, LAMPS + 1, "a result of each node");
  assert.deepEqual([...new Set(Object.values(nodes))], ["done"]);
  const progress = lines.filter((line) => / done, /.test(line)).map((line) => line.split(", ")[1]);
  assert.deepEqual(
    progress,
    Array.from({ length: LAMPS + 1 }, (_, at) => `${at + 1} of ${LAMPS + 1}`),
  );
  assert.equal(missed, 0);
  assert.ok(p99Ms < PERCEIVED_MS_MAX, `${p99Ms} ms`);
  assert.ok(worstMs < AGAIN_MS_MAX, `${worstMs} ms`);
});
