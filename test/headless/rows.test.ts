/**
 * Native help with rights and replay rows at start (platforms/native/rows.c) against the TypeScript
 * it stands for: from the same store the columns have to come out equal to the last byte, and what
 * is refused is refused with the same words. LUMICAST_HOST names another host to run.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { before, test } from "node:test";
import { binary, image, make, scratch } from "./lumicast.js";

const HOST = process.env.LUMICAST_HOST ?? binary("release");
const folder = scratch();
let program = "";

before(async () => {
  make("release");
  program = await image(folder, "test/headless/rows-look.ts", "release");
});

for (const unit of [4, 16]) {
  test(`rights and replay rows are loaded alike, program units of ${unit} bytes`, () => {
    const args = ["test", program, "--flash", join(folder, `flash-${unit}`)];
    args.push("--program", `${unit}`, "--flash-size", "65536");
    const { status, stdout, stderr } = spawnSync(HOST, args, { encoding: "utf8", timeout: 60_000 });
    assert.equal(status, 0, stderr);
    const lines = stdout.trim().split("\n");
    assert.deepEqual(
      lines.filter((line) => !line.includes(": same ")),
      [],
    );
    const refused = lines.filter((line) => line.includes(" refused: ")).length;
    const loaded = lines.length - refused;
    assert.ok(refused > 100 && loaded > 300, `${refused} refused, ${loaded} loaded`);
  });
}
