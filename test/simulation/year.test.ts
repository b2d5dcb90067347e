/**
 * A room that was joined by labels lights for a year with every server gone, through 100 cuts of
 * power (test/support/year.ts; `npm run year` prints the figures).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { faultsOf, lastFor } from "../support/year.js";

test("a year without servers, 100 cuts: no press missed, no number twice, 20 years left", () => {
  const report = lastFor({ seed: 1, days: 365, cuts: 100, lamps: 4, pressesADay: 6 });
  const said = JSON.stringify(report, null, 1);
  assert.deepEqual(faultsOf(report), [], said);
  const { presses, firstPresses, cutsOfOne, cutsOfRoom, torn, cutStarts, wear } = report;
  // A year in which nothing happens would pass as well.
  assert.ok(presses > 1500 && firstPresses > 60, said);
  assert.ok(cutsOfOne + cutsOfRoom >= 100 && cutsOfRoom > 30 && torn > 30 && cutStarts > 10, said);
  assert.ok(
    wear.every(({ erases }) => erases > 2),
    said,
  );
});
