/** The program of the emulated Cortex-M4: its ROM, its limits, and unit suites run on it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FIRMWARE, makeRom, PROGRAM } from "../../hosts/cortexm/build.js";
import { runProgram } from "../../hosts/cortexm/emulator.js";
import { RUN } from "../../hosts/cortexm/handover.js";
import { ROOT } from "../../hosts/root.js";
import { build, skipped } from "./board.js";

const IMAGE = join(ROOT, "build/firmware/small.xsb");
const HOST = join(ROOT, "build/headless/release/lumicast");
const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));

before(build);
after(() => rmSync(folder, { recursive: true }));

test("the ROM of the same byte code is the same, wherever it is made", { skip: skipped }, () => {
  const content = (elf: string) => {
    const out = join(folder, "content");
    spawnSync("arm-none-eabi-objcopy", ["-O", "binary", elf, out]);
    return readFileSync(out);
  };
  const first = content(makeRom(IMAGE, join(folder, "first")));
  const second = content(makeRom(IMAGE, join(folder, "second")));
  assert.ok(first.length > 300_000);
  assert.ok(first.equals(second));
  assert.ok(first.equals(content(FIRMWARE)));
  assert.ok(first.length <= 1 << 20);
});

test("what is outside of ROM, RAM and devices cannot be reached, ROM not written", {
  skip: skipped,
}, () => {
  const write = (address: number) => runProgram(FIRMWARE, { run: RUN.write, argument: address });
  write(0x2003_0000);
  write(0x2100_0000);
  for (const address of [0x0000_0400, 0x000f_fffc, 0x0010_0000, 0x2004_0000, 0x2030_0000]) {
    const where = address.toString(16).padStart(8, "0");
    const refused = new RegExp(`exit code 74\n.*the MPU refuses; address ${where}, at 0`);
    assert.throws(() => write(address), refused);
  }
});

test("unit suites pass on the emulated processor", { skip: skipped }, async () => {
  const { bundleSuite } = await import(join(ROOT, "hosts/bundle.mjs"));
  for (const name of ["bytes", "cbor", "crypto", "intake", "oscore-option", "window"]) {
    const bundle = join(folder, `${name}.js`);
    const byteCode = join(folder, `${name}.xsb`);
    await bundleSuite(bundle, `test/unit/${name}.test.ts`);
    const compiled = spawnSync(HOST, ["compile", bundle, byteCode], { encoding: "utf8" });
    assert.equal(compiled.status, 0, compiled.stderr);
    const said = runProgram(PROGRAM, { run: RUN.test }, { byteCode });
    assert.match(said, /^ok /m, name);
    assert.doesNotMatch(said, /^not ok/m, name);
  }
});
