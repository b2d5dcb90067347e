import assert from "node:assert/strict";
import { test } from "node:test";
import { cutJoining } from "../support/cut-joining.js";

for (const programBytes of [4, 16]) {
  test(`power cuts while a device is joined, program units of ${programBytes}`, () => {
    const { fresh, joined, secondCuts } = cutJoining({ programBytes, secondCuts: 1, every: 3 });
    const said = `${fresh} fresh, ${joined} joined, ${secondCuts} second ones`;
    assert.ok(fresh > 10 && joined > 60 && secondCuts > 60, said);
  });

  test(`the same after a reset, by the next label, program units of ${programBytes}`, () => {
    const { fresh, joined, secondCuts } = cutJoining({
      ...{ programBytes, secondCuts: 1, every: 3, isAgain: true },
    });
    const said = `${fresh} fresh, ${joined} joined, ${secondCuts} second ones`;
    assert.ok(fresh > 10 && joined > 60 && secondCuts > 60, said);
  });
}
