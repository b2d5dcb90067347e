/** The budget can only be tightened, and what is over it shows. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { compare, looserThanIssue, readBudget, writeMeasured } from "../../hosts/size/budget.js";
import { ISSUE_LIMITS } from "../../hosts/size/issue.js";
import { sections } from "../../hosts/size/m32.js";
import { report, toJson } from "../../hosts/size/report.js";

const home = mkdtempSync(join(tmpdir(), "lumicast-size-"));
after(() => rmSync(home, { recursive: true }));

test("the committed budget is nowhere looser than the issue", () => {
  assert.deepEqual(looserThanIssue(readBudget()), []);
});

test("the issue's figures", () => {
  const { m32, cortexm } = ISSUE_LIMITS;
  assert.equal(m32.ramDay, 49_152);
  assert.equal(cortexm.image, 655_360);
  assert.equal(cortexm.ramDay, 65_536);
  assert.equal(cortexm.ramReports, 65_536);
  assert.equal(cortexm.boot, 4_000_000);
  assert.equal(cortexm.accepted, 60_000);
  assert.equal(cortexm.native, 18_000);
  assert.equal(cortexm.duplicate, 12_000);
  assert.equal(cortexm.ccm, 11_000);
  assert.equal(cortexm.gcOnPath, 0);
});

test("a limit that is raised or taken out is named", () => {
  const { limits } = readBudget();
  const raised = { ...limits, cortexm: { ...limits.cortexm, accepted: 60_001 } };
  assert.deepEqual(looserThanIssue({ limits: raised, measured: {} }), [
    "cortexm accepted: 60001, the issue allows 60000 at most",
  ]);
  const { ramDay: _, ...rest } = limits.m32 ?? {};
  const removed = { ...limits, m32: rest };
  assert.deepEqual(looserThanIssue({ limits: removed, measured: {} }), [
    "m32 ramDay: no limit, the issue allows 49152 at most",
  ]);
});

test("over budget is what exceeds its limit, or has one and is not told", () => {
  const limits = { m32: { code: 100, data: 100, stackPeak: 100 } };
  const budget = { limits, measured: { m32: { code: 80, send: 7 } } };
  const rows = compare(budget, { m32: { code: 100, data: 101, send: 14 } });
  const over = rows.filter((row) => row.over).map(({ figure }) => figure);
  assert.deepEqual(over, ["data", "stackPeak"]);
  const text = report(rows);
  assert.match(text, /^ {2}machine code and constants +100 +80 +100 +\+25 %$/m);
  assert.match(text, /^ {2}initialised and zeroed data +100 +- +101 +OVER BUDGET$/m);
  assert.match(text, /^ {2}command sent +- +7 +14 +\+100 %$/m);
  assert.match(text, /^Over the budget .*: m32: initialised and zeroed data; m32: value stack/m);
  const told = JSON.parse(toJson(rows, ["cortexm"]));
  assert.equal(told.ok, false);
  assert.deepEqual(told.skipped, ["cortexm"]);
  assert.equal(told.figures.length, 4);
});

test("what was not measured keeps its limit and its old figures", () => {
  const file = join(home, "budget.json");
  const budget = { limits: { m32: { code: 9 } }, measured: { cortexm: { code: 5 } } };
  assert.deepEqual(compare(budget, {}), []);
  writeMeasured(budget, { m32: { code: 7 } }, file);
  const measured = { cortexm: { code: 5 }, m32: { code: 7 } };
  assert.deepEqual(readBudget(file), { limits: budget.limits, measured });
});

test("code and data of a file are told apart", () => {
  const source = join(home, "a.c");
  const lines = ["const char constant[3000] = {1};", "char set[500] = {1};", "char zero[70];", ""];
  writeFileSync(source, lines.join("\n"));
  const object = join(home, "a.o");
  assert.equal(spawnSync(process.env.CC ?? "cc", ["-c", source, "-o", object]).status, 0);
  const { code, data } = sections(object);
  assert.ok(code >= 3000 && code < 3500, `${code} bytes of code`);
  assert.equal(data, 570);
});

test("help and wrong words", () => {
  const run = (...args: string[]) => {
    const program = join(ROOT, "build/node/hosts/size/main.js");
    return spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
  };
  assert.match(run("--help").stdout, /^usage: npm run size/);
  const moon = run("--target", "moon");
  assert.equal(moon.status, 2);
  assert.match(moon.stderr, /there is no target moon; there are m32, cortexm/);
});
