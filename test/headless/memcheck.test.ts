/**
 * valgrind's memcheck over whole runs. XS itself reads beyond strings in places and reads slots it
 * never wrote, so what happens inside its files does not count; a fault in ours does, and so does
 * memory that XS was given by ours.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { lacks } from "../support/skip.js";
import { binary, Medium, Programs } from "./lumicast.js";

const skip = lacks("valgrind");
const programs = new Programs("debug");

after(() => Medium.killAll());

before(async () => {
  if (skip === false) await programs.build();
});

/**
 * Faults whose innermost place is in a file of XS are left out, and the search for the paint on the
 * value stack, which looks at slots with holes that XS never writes.
 */
const SUPPRESSIONS = ["Value8", "Value4", "Value2", "Value1", "Cond", "Addr8", "Addr4", "Addr1"]
  .map((kind) => `{\n xs-${kind}\n Memcheck:${kind}\n src:xs*.c*\n}\n`)
  .concat("{\n paint\n Memcheck:Cond\n fun:stack_peak\n}\n")
  .join("");

/** The command that runs another one under memcheck and writes what it finds to `log`. */
function memcheck(log: string): string[] {
  const suppressions = join(programs.folder, "xs.supp");
  writeFileSync(suppressions, SUPPRESSIONS);
  const options = ["-q", "--error-exitcode=99", `--suppressions=${suppressions}`];
  return ["valgrind", ...options, `--log-file=${log}`];
}

const codes = { preloaded: 0, flashRules: 0, timers: 0, random: 0, throw: 70, chunks: 71 };

for (const [program, code] of Object.entries(codes)) {
  test(`memcheck finds nothing in ${program}`, { skip }, () => {
    const log = join(programs.folder, `${program}.memcheck`);
    const [valgrind, ...options] = memcheck(log);
    const run = [binary("debug"), ...programs.choose(program), "--heap", "300000"];
    const { status } = spawnSync(valgrind, [...options, ...run], { cwd: ROOT, input: "" });
    assert.equal(readFileSync(log, "utf8"), "");
    assert.equal(status, code);
  });
}

test("memcheck finds nothing in a device on the medium", { skip }, async () => {
  for (const program of ["echo", "receive"]) {
    const log = join(programs.folder, `${program}.memcheck`);
    const options = ["--seed", "1", "--flash", join(programs.folder, "flash"), "--heap", "150000"];
    const args = [...programs.choose(program), ...options];
    const medium = await Medium.start(args, "debug", memcheck(log));
    await medium.grant(0);
    const events = [0, 1, 2, 3, 4, 6, 7, 9].flatMap((byte, i) => {
      const at = 10_000 * (i + 1);
      const sent = { at, sent: i, acked: true, transmitted: true };
      return [{ at, frame: `0${byte}` }, sent, { at, button: true }, { at, lux: 5.5 }];
    });
    await medium.grant(1_000_000, events);
    await medium.usage();
    const code = await medium.stop();
    assert.equal(readFileSync(log, "utf8"), "");
    assert.equal(code, 0, medium.stderr);
  }
});
