/** A room of fifty as an installer finds it, and as people use it a minute later. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { measureFirstLight } from "../../hosts/room/first-light.js";

for (const lossPercent of [0, 5]) {
  test(`50 luminaires, ${lossPercent} % of frames lost: joined and lit in a minute`, async () => {
    const room = { luminaires: 50, lossPercent, seed: 7 };
    const { failures, litSeconds = Number.NaN, missed } = await measureFirstLight(room);
    assert.deepEqual(failures, []);
    // Of the medium's time, which does not depend on this computer.
    assert.ok(litSeconds < 60, `${litSeconds} s`);
    if (lossPercent === 0) assert.equal(missed, 0);
  });
}
