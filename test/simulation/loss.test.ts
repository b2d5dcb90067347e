/**
 * Convergence: repeats after 0.25, 2 and 30 s bring a lamp that missed a command back to the
 * others.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SECOND, type TestRoom, withRoom } from "../support/simulation.js";

/** Five presses, then silence. Returns the levels after one second and after 31 s. */
async function fivePresses(room: TestRoom): Promise<{ soon: number[]; late: number[] }> {
  let at = 3 * SECOND;
  for (let count = 0; count < 5; count++) {
    at = room.press(count % 2 === 0 ? "switch-1" : "switch-2", at) + 1_300_000;
  }
  await room.run(at);
  const soon = room.levels;
  await room.run(at + 31 * SECOND);
  return { soon, late: room.levels };
}

test("10 % loss: all lamps show the same within 31 s", async () => {
  for (const seed of [1, 2, 3]) {
    await withRoom({ seed, room: { luminaires: 12, loss: 0.1, seed } }, async (room) => {
      const { late } = await fivePresses(room);
      assert.equal(new Set(late).size, 1, `seed ${seed}: ${late}`);
    });
  }
});

test("45 % loss, nobody to forward: lamps differ at first, and agree within 31 s", async () => {
  let differed = 0;
  for (const seed of [4, 5, 6]) {
    const size = { luminaires: 12, loss: 0.45, seed };
    await withRoom({ seed, room: size, forwarders: false }, async (room) => {
      const { soon, late } = await fivePresses(room);
      if (new Set(soon).size > 1) differed += 1;
      assert.equal(new Set(late).size, 1, `seed ${seed}: ${late}`);
    });
  }
  assert.ok(differed > 0, "no lamp missed anything: the test shows nothing");
});
