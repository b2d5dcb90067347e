import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";

test("the boards' C that needs no SDK passes its unit tests under the sanitizers", () => {
  // Of one line less, by test/mutants.
  const changed = process.env.LUMICAST_BOARDS_UNIT;
  if (changed === undefined) {
    const args = ["-s", "-C", join(ROOT, "test/boards"), "unit"];
    const built = spawnSync("make", args, { encoding: "utf8" });
    assert.equal(built.status, 0, built.stderr);
    assert.equal(built.stderr, "", "the compiler has nothing to say");
  }
  const seed = String(Date.now());
  const unit = changed ?? join(ROOT, "build/boards/unit");
  // A lost wake-up between two threads would sleep for ever.
  const { status, stdout, stderr } = spawnSync(unit, [seed], { encoding: "utf8", timeout: 60_000 });
  assert.doesNotMatch(stdout, /^not ok/m, `seed ${seed}: ${stdout}`);
  assert.equal(stderr, "", `seed ${seed}`);
  assert.match(stdout, /^ok ring: a thread on each side, nothing lost$/m);
  assert.equal(status, 0);
});
