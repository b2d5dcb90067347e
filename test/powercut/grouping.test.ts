import assert from "node:assert/strict";
import { test } from "node:test";
import { cutGrouping } from "../support/cut-grouping.js";

for (const programBytes of [4, 16]) {
  test(`power cuts while a lamp is told its groups, program units of ${programBytes}`, () => {
    const { before, after, secondCuts } = cutGrouping({ programBytes, secondCuts: 1 });
    const said = `${before} before, ${after} after, ${secondCuts} second ones`;
    assert.ok(before > 50 && after > 5 && secondCuts > 50, said);
  });
}
