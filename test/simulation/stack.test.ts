/**
 * The value stack of a device that speaks every scheme and has its keys from an authority, beside
 * what `lumicast run` and the boards give it.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { SECOND, withRoom } from "../support/simulation.js";

/** Of a 64-bit host. */
const SLOT_BYTES = 32;
/** A quarter is left for what no test of ours reaches. */
const PART_USED_MAX = 0.75;

/** What a device is given where nothing else is said. */
function given(file: string, pattern: RegExp): number {
  const found = pattern.exec(readFileSync(join(ROOT, file), "utf8"));
  assert.ok(found, `${file} says nothing like ${pattern}`);
  return Number(found[1]);
}

const RUN_SLOTS = given("platforms/headless/main.c", /STACK_SLOTS_RUN = (\d+)/);

for (const profile of ["lowlatency", "group-oscore"] as const) {
  test(`${profile}: keys over DTLS and their renewal leave a quarter of the stack`, async () => {
    const room = { luminaires: 2, switches: 1, loss: 0, profile };
    await withRoom({ room, keeper: {} }, async (seen) => {
      await seen.run(60 * SECOND);
      seen.press("switch-1", 61 * SECOND);
      seen.medium.command("rekey 1", 63 * SECOND);
      seen.press("switch-1", 81 * SECOND);
      await seen.run(85 * SECOND);
      assert.ok(seen.lights.length >= 4, `${seen.lights.length} changes of light`);
      for (const name of ["lamp-1", "switch-1"]) {
        const slots = (await seen.medium.usage(name)).stackPeak / SLOT_BYTES;
        console.log(`# ${name}, ${profile}: ${slots} of ${RUN_SLOTS} slots`);
        assert.ok(slots <= RUN_SLOTS * PART_USED_MAX, `${name}: ${slots} slots`);
      }
    });
  });
}

test("boards whose devices speak every scheme have as much stack", () => {
  for (const board of ["esp32", "simulator"]) {
    const slots = given(`platforms/${board}/manifest.json`, /"stack": (\d+)/);
    assert.ok(slots >= RUN_SLOTS, `${board}: ${slots} slots`);
  }
});
