import assert from "node:assert/strict";
import { test } from "node:test";
import { LOST_MAX } from "../support/cut-world.js";
import { cutPower } from "../support/powercut.js";

test("power cuts at every operation of flash with program units of 16 bytes", () => {
  const report = cutPower({ seed: 1, programBytes: 16, operations: 2000, secondCuts: 0.5 });
  assert.equal(report.failure, undefined);
  assert.ok(report.operations >= 2000, "a workload of 2,000 operations");
  assert.ok(report.cuts >= 10_000, `${report.cuts} cuts: with the other unit's, 20,000`);
  assert.equal(report.cuts - report.secondCuts, 3 * report.flashOperations);
  // A run without faults would pass as well: that they happened has to be seen.
  assert.ok(report.tornPrograms > 1000 && report.tornErases > 5 && report.erases > 2);
  assert.ok(report.lostMax > 0 && report.lostMax <= LOST_MAX);
  assert.equal(report.lostMaxIdle, 0);
});
