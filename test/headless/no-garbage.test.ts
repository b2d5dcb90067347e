/**
 * Duplicates and foreign datagrams die before any allocation, with native help and without: tens of
 * thousands of them, in a heap that holds a few thousand slots, cause no collection. Anybody can
 * send these.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { image, lumicast, make, scratch } from "./lumicast.js";

const folder = scratch();
let program = "";

before(async () => {
  make("release");
  program = await image(folder, "test/headless/no-garbage.ts", "release");
});

for (const [help, name] of [
  [1, "with native help"],
  [0, "without native help"],
] as const) {
  test(`what is not for us, or was seen, leaves no garbage, ${name}`, () => {
    const wish = join(folder, `wish${help}`);
    writeFileSync(wish, Uint8Array.of(help));
    const limits = ["--heap", "400000", "--stack", "512"];
    const args = ["test", program, "--provision", wish, ...limits];
    const { status, stdout, stderr } = lumicast("release", args);
    assert.equal(status, 0, stderr);
    assert.deepEqual(stdout.trim().split("\n"), [
      "genuine accepted",
      "duplicate replayed 0",
      "foreignGroup unknownGroup 0",
      "foreignKey unknownKey 0",
      "cut malformed 0",
      "otherPort notForUs 0",
      // What one allocation each would be seen by.
      "a slot true",
      "a chunk true",
    ]);
  });
}
