/** Signed profiles on the emulated Cortex-M4: libsodium in a program of its own. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FIRMWARE, makeProgram, SIGNING_PROGRAM } from "../../hosts/cortexm/build.js";
import { runProgram } from "../../hosts/cortexm/emulator.js";
import { RUN } from "../../hosts/cortexm/handover.js";
import { signatureCounts } from "../../hosts/cortexm/signatures.js";
import { ROOT } from "../../hosts/root.js";
import { lacks } from "../support/skip.js";
import { build, skipped } from "./board.js";

const HOST = join(ROOT, "build/headless/release/lumicast");
const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));
const skip = skipped || lacks("dpkg-dev");

before(build);
after(() => rmSync(folder, { recursive: true }));

test("libsodium signs and verifies on the Cortex-M4, and the usual ROM has none of it", {
  skip,
}, async (context) => {
  try {
    makeProgram({ signatures: true });
  } catch (error) {
    // The archive is out of reach.
    const reason = /libsodium's source: .*/.exec(String(error))?.[0];
    if (reason === undefined) throw error;
    context.skip(reason);
    return;
  }
  const { bundleInsecure } = await import(join(ROOT, "hosts/bundle.mjs"));
  const bundle = join(folder, "look.js");
  const byteCode = join(folder, "look.xsb");
  await bundleInsecure(bundle, "test/headless/signatures-look.ts");
  const compiled = spawnSync(HOST, ["compile", bundle, byteCode], { encoding: "utf8" });
  assert.equal(compiled.status, 0, compiled.stderr);
  assert.equal(runProgram(SIGNING_PROGRAM, { run: RUN.test }, { byteCode }).trim(), "libsodium");
  assert.doesNotMatch(readFileSync(FIRMWARE, "latin1"), /ed25519/);
  const { verify, sign, agree } = await signatureCounts();
  context.diagnostic(`instructions: verify ${verify}, sign ${sign}, agree ${agree}`);
  assert.ok(verify > 100_000 && verify < 2_000_000, `${verify}`);
});
