/** What `npm run flash` knows of the chips is what the boards' C knows. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { CHIPS } from "../../hosts/flash/targets.js";
import { ROOT } from "../../hosts/root.js";

test("npm run flash refuses the pins that an ESP32 refuses at boot", () => {
  const built = spawnSync("make", ["-s", "-C", join(ROOT, "test/boards"), "unit"]);
  assert.equal(built.status, 0, String(built.stderr));
  const { stdout } = spawnSync(join(ROOT, "build/boards/unit"), ["chips"], { encoding: "utf8" });
  const known = Object.entries(CHIPS).map(([name, { pins, outputs }]) => {
    const sorted = (set: ReadonlySet<number>) => [...set].sort((a, b) => a - b);
    return [name, { pins: sorted(pins), outputs: sorted(outputs) }];
  });
  assert.deepEqual(Object.fromEntries(known), JSON.parse(stdout));
});
