/**
 * valgrind's memcheck over whole runs. XS itself reads beyond strings in places and reads slots it
 * never wrote, so what happens inside its files does not count; a fault in ours does, and so does
 * memory that XS was given by ours.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { lacks } from "../support/skip.js";
import { binary, Programs } from "./lumicast.js";

const skip = lacks("valgrind");
const programs = new Programs("debug");

before(async () => {
  if (skip === false) await programs.build();
});

/** Faults whose innermost place is in a file of XS are left out. */
const SUPPRESSIONS = ["Value8", "Value4", "Value2", "Value1", "Cond", "Addr8", "Addr4", "Addr1"]
  .map((kind) => `{\n xs-${kind}\n Memcheck:${kind}\n src:xs*.c*\n}\n`)
  .join("");

for (const program of ["preloaded", "flashRules", "timers", "random", "throw", "chunks"]) {
  test(`memcheck finds nothing in ${program}`, { skip }, () => {
    const log = join(programs.folder, `${program}.memcheck`);
    const suppressions = join(programs.folder, "xs.supp");
    writeFileSync(suppressions, SUPPRESSIONS);
    const valgrind = ["-q", "--error-exitcode=99", `--suppressions=${suppressions}`];
    const run = [...programs.choose(program), "--heap", "300000"];
    const args = [...valgrind, `--log-file=${log}`, binary("debug"), ...run];
    const { status } = spawnSync("valgrind", args, { cwd: ROOT, encoding: "utf8", input: "" });
    assert.equal(readFileSync(log, "utf8"), "");
    assert.equal(status, program === "throw" ? 70 : program === "chunks" ? 71 : 0);
  });
}
