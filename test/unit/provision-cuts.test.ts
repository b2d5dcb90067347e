/** The slice of test/powercut that belongs to modules/device/boot.ts. */
import { equal, test } from "../harness.js";
import { cutProvisioning } from "../support/cut-provisioning.js";

test("a second installation that a power cut ends is taken wholly, or wholly not", () => {
  const { cuts } = cutProvisioning({ programBytes: 16, secondCuts: 0, every: 16 });
  equal(cuts > 5, true, `${cuts} cuts`);
});
