/** The C parts that need no engine, under the sanitizers; and how fast AES-CCM is. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { lacks } from "../support/skip.js";
import { make } from "./lumicast.js";

test("the C parts pass their unit tests under the sanitizers", () => {
  // test/mutants gives one of its own, which lacks a check.
  const given = process.env.LUMICAST_UNIT;
  if (given === undefined) make("unit");
  const seed = String(Date.now());
  const unit = given ?? join(ROOT, "build/headless/unit/unit");
  const { status, stdout, stderr } = spawnSync(unit, [seed], { encoding: "utf8" });
  assert.doesNotMatch(stdout, /^not ok/m, `seed ${seed}: ${stdout}`);
  assert.equal(stderr, "", `seed ${seed}`);
  assert.match(stdout, /^ok control: garbage does no harm$/m);
  assert.equal(status, 0);
});

test("AES-CCM takes at most 1.5 times libmbedcrypto's time", {
  skip: lacks("libmbedtls-dev"),
}, () => {
  make("release");
  const args = ["-s", "-C", join(ROOT, "platforms/headless"), "ccm-bench"];
  const { status, stdout, stderr } = spawnSync("make", args, { encoding: "utf8" });
  assert.equal(stderr, "");
  const { asBuilt } = JSON.parse(stdout);
  assert.ok(asBuilt.ratio <= 1.5, stdout);
  assert.equal(status, 0);
});
