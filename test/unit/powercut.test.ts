import { equal, test } from "../harness.js";
import { MISTAKES } from "../support/cut-mistakes.js";
import { cutPower } from "../support/powercut.js";
import { SCALE } from "../support/scale.js";

/** The whole of it, every operation of the workload, is test/powercut; this also runs on XS. */
const CUTS = Math.ceil(2000 * SCALE);

for (const programBytes of [4, 16]) {
  test(`a slice of the power cuts, program unit ${programBytes}`, () => {
    const operations = 2000;
    const every = 7;
    const secondCuts = 0.5;
    const options = { seed: 5, programBytes, operations, secondCuts, every, cutsMax: CUTS };
    const report = cutPower(options);
    equal(report.failure, undefined);
    equal(report.cuts, CUTS);
    equal(report.lostMaxIdle, 0);
  });
}

for (const { what, boot, found } of MISTAKES) {
  test(`power cuts find ${what}`, () => {
    const options = { seed: 2, programBytes: 4, operations: 2000, secondCuts: 0, boot };
    const { failure } = cutPower(options);
    equal(found.test(failure ?? "nothing was found"), true, failure ?? "nothing was found");
    equal(
      /seed 2, program unit 4, operation \d+ \((not|torn|done)\)/.test(failure as string),
      true,
    );
  });
}
