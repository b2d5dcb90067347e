/**
 * A lost switch is put out of rooms whose groups have key trees: real devices, the real authority,
 * one radio that loses frames.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type EvictionFigures, measureEviction } from "../../hosts/room/eviction.js";

const LOSS_PERCENT = 5;
/** Of the medium's time: what is said at once, three seconds on, and asked for five seconds on. */
const SECONDS_MAX = 10;
/** What is said while some have the new key and some the old one is said again after 250 ms. */
const LATE_MAX = 1;
const AGAIN_MS_MAX = 500;
/** Its transmissions for the larger room; a push to each of its members is five and more. */
const FRAMES_MAX = 400;

async function evicted(luminaires: number, seed: number): Promise<EvictionFigures> {
  const figures = await measureEviction({ luminaires, lossPercent: LOSS_PERCENT, seed });
  const { members, ready, seconds = Number.POSITIVE_INFINITY, lacking } = figures;
  const { missed, late, worstMs, obeyedLost } = figures;
  assert.equal(ready, members, "everybody has a branch before it begins");
  assert.deepEqual(lacking, []);
  assert.ok(seconds < SECONDS_MAX, `${seconds} s`);
  assert.equal(missed, 0);
  assert.ok(late <= LATE_MAX, `${late} presses`);
  assert.ok(worstMs < AGAIN_MS_MAX, `${worstMs} ms`);
  assert.equal(obeyedLost, 0);
  return figures;
}

test("one of 20, 50 and 100: messages as the tree is high, and nobody without light", async (t) => {
  const small = await evicted(18, 7);
  const middle = await evicted(48, 7);
  const large = await evicted(98, 7);
  const all = [small, middle, large];
  for (const { members, seconds, frames, heard, worstMs } of all) {
    t.diagnostic(`${members}: ${seconds} s, ${frames} frames, ${heard} heard it, ${worstMs} ms`);
  }
  // Two keys in each; five times the members are two or three levels more.
  assert.deepEqual(
    all.map(({ messages }) => messages),
    [4, 5, 6],
  );
  assert.ok(large.frames < FRAMES_MAX, `${large.frames} frames`);
  assert.ok(large.heard > large.members * 0.9, `${large.heard} heard it`);
});
