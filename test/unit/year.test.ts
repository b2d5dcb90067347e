/** Some days of the year that test/simulation lives through, on both engines. */
import { equal, test } from "../harness.js";
import { faultsOf, lastFor } from "../support/year.js";

test("three days without servers, power cut in every way: no press missed, no number twice", () => {
  const report = lastFor({ seed: 3, days: 3, cuts: 8, lamps: 2, pressesADay: 5 });
  equal(faultsOf(report), []);
  const { presses, firstPresses, cutsOfOne, cutsOfRoom, torn } = report;
  const seen = [presses > 20, firstPresses > 4, cutsOfOne > 1, cutsOfRoom > 3, torn > 1];
  equal(seen, [true, true, true, true, true], JSON.stringify(report));
});
