/** `npm run compare -- --json`: its shape, with what is counted where it can be. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import type { Report, Row } from "../../hosts/compare/report.js";
import { ROOT } from "../../hosts/root.js";
import { lacks } from "../support/skip.js";

const skip = lacks("valgrind") || lacks("libsodium-dev");

test("instructions of two profiles, counted once", { skip }, () => {
  const program = join(ROOT, "build/node/hosts/compare/main.js");
  const only = ["--profile", "lowlatency", "--profile", "group-oscore"];
  // Without a cross compiler in its way: the emulated board has a stage of its own.
  const args = [program, "--quick", "--json", "--x86", ...only];
  const done = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.equal(done.status, 0, done.stderr);
  const report = JSON.parse(done.stdout) as Report;
  const row = (name: string): Row =>
    report.rows.find((one) => one.name === name) ?? assert.fail(`no ${name}`);
  assert.deepEqual(
    report.rows.map(({ name }) => name),
    ["lowlatency", "group-oscore alg 10", "group-oscore alg 30", "group-oscore pairwise"],
  );
  assert.equal(report.library.x86, "libsodium");
  assert.equal(report.commands.level.payload, "a200f50118c8");
  const low = row("lowlatency").x86 ?? assert.fail("no counts");
  assert.deepEqual(Object.keys(low).sort(), ["after", "open", "ring", "seal"]);
  const group = row("group-oscore alg 30").x86 ?? assert.fail("no counts");
  assert.deepEqual(Object.keys(group).sort(), [
    ...["after", "open", "ring", "seal", "sign", "signed", "verify"],
  ]);
  assert.deepEqual(Object.keys(row("group-oscore pairwise").x86 ?? {}).sort(), [
    "agree",
    "open",
    "seal",
  ]);
  for (const count of [...Object.values(low), ...Object.values(group)]) assert.ok(count > 10_000);
  const { open = 0, verify = 0, ring = 0 } = group;
  // Issue 4: an RFC 10021 group request is opened within 1.5 times what `lowlatency` takes.
  assert.ok(open <= 1.5 * (low.open ?? 0), `${open} of ${low.open}`);
  assert.ok(ring < verify, "the light port is reached before anything could be verified");
  assert.ok(open < verify, "a signature costs more than all the rest");
  assert.equal(row("group-oscore alg 30").reboots?.length, 3);
  assert.equal(row("group-oscore alg 10").reboots, undefined);
  assert.equal(report.targets.length, 1);
  assert.match(done.stderr, /^compare: x86 instructions/m);
});
