import assert from "node:assert/strict";
import { test } from "node:test";
import { cutReset } from "../support/cut-reset.js";

for (const programBytes of [4, 16]) {
  test(`power cuts while a button resets a joined lamp, program units of ${programBytes}`, () => {
    const { joined, fresh, secondCuts, keys } = cutReset({ programBytes, secondCuts: 1 });
    const said = `${joined} joined, ${fresh} fresh, ${secondCuts} second ones, ${keys} keys`;
    assert.ok(joined > 2 && fresh > 50 && secondCuts > 50 && keys > 2, said);
  });
}
