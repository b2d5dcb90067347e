import assert from "node:assert/strict";
import { test } from "node:test";
import { cutProvisioning } from "../support/cut-provisioning.js";

for (const programBytes of [4, 16]) {
  test(`power cuts while a second installation is taken, program units of ${programBytes}`, () => {
    const { cuts, secondCuts } = cutProvisioning({ programBytes, secondCuts: 1 });
    assert.ok(cuts > 60 && secondCuts > 60, `${cuts} cuts, ${secondCuts} second ones`);
  });
}
