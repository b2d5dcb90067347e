/**
 * The runner: what it makes of a suite's output, and that nothing that went wrong counts as passed.
 */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import type { Finished } from "./process.js";
import { parseAllowedSkips, strict } from "./result.js";
import { countXs, nodeSuite, program } from "./suites.js";

const xs = (code: number, ...lines: string[]): Finished => ({
  code,
  timedOut: false,
  output: `${lines.join("\n")}\n`,
});

test("an XS suite counts what it printed", () => {
  const finished = xs(1, "ok one", "not ok two: got 1, expected 2", "  at f", "# pass 1 fail 1");
  assert.deepEqual(countXs("s", finished), {
    passed: 1,
    failures: [{ name: "two", reason: "got 1, expected 2\n  at f" }],
    skips: [],
  });
});

test("an XS suite that dies half-way has failed", () => {
  const { passed, failures } = countXs("s", xs(71, "ok one", "heap exhausted"));
  assert.equal(passed, 1);
  assert.match(failures[0].reason, /^ended with 71\n.*\nheap exhausted$/);
});

test("an XS suite whose exit code contradicts its lines has failed", () => {
  assert.equal(countXs("s", xs(1, "ok one", "# pass 1 fail 0")).failures.length, 1);
  assert.equal(countXs("s", xs(0, "# pass 0 fail 0", "ok late")).failures.length, 1);
});

test("in CI a skip is a failure unless it is allowed by its exact name", () => {
  const allowed = parseAllowedSkips("# why\nneeds the SDK\n\n");
  const result = {
    passed: 1,
    failures: [],
    skips: [
      { name: "needs the SDK", reason: "no $MODDABLE" },
      { name: "needs the SDK too", reason: "no $MODDABLE" },
    ],
  };
  const { failures, skips } = strict(result, allowed);
  assert.deepEqual(
    skips.map(({ name }) => name),
    ["needs the SDK"],
  );
  assert.deepEqual(
    failures.map(({ name }) => name),
    ["needs the SDK too"],
  );
  assert.match(failures[0].reason, /CI does not allow \(no \$MODDABLE\)/);
});

const shell = (script: string, limitSeconds?: number) =>
  program("job", "sh", ["-c", script], limitSeconds).run();

test("a program counts as one test, or as what its closing line says", async () => {
  assert.equal((await shell("exit 0")).passed, 1);
  assert.equal((await shell("echo '12 passed, 0 failed, 0 skipped'")).passed, 12);
  const { passed, failures } = await shell("echo '3 passed, 1 failed, 0 skipped'; exit 1");
  assert.deepEqual([passed, failures.length], [3, 1]);
});

test("what a program leaves out is a skip with its reason", async () => {
  const { passed, skips } = await shell("echo '# skip counts: valgrind is missing: apt' >&2");
  assert.equal(passed, 1);
  assert.deepEqual(skips, [{ name: "counts", reason: "valgrind is missing: apt" }]);
});

test("a program that runs on and on is ended and has failed", async () => {
  const { failures } = await shell("echo begun; exec sleep 100", 0.2);
  assert.equal(failures[0].reason, "took too long and was killed\nbegun");
});

const file = "test/run/planted.test.ts";
const compiled = join(ROOT, "build/node/test/run/planted.test.js");
after(() => rmSync(compiled, { force: true }));

function planted(text: string) {
  mkdirSync(dirname(compiled), { recursive: true });
  writeFileSync(compiled, `import { describe, test } from "node:test";\n${text}`);
  return nodeSuite(file).run();
}

test("a Node suite counts passed, failed and skipped tests, and failing groups", async () => {
  const { passed, failures, skips } = await planted(`
    console.log("chatter");
    test("a", () => {});
    test("b", () => { throw new Error("because"); });
    test("c", { skip: "valgrind is missing" }, () => {});
    describe("group", () => { test("d", () => {}); });
    describe("broken group", () => { throw new Error("at once"); });
  `);
  assert.equal(passed, 2);
  assert.deepEqual(
    failures.map(({ name }) => name),
    ["b", "broken group"],
  );
  assert.match(failures[0].reason, /^Error: because\n/);
  assert.deepEqual(skips, [{ name: "c", reason: "valgrind is missing" }]);
});

test("a Node suite that ends badly or holds nothing has failed", async () => {
  assert.match((await planted("process.exit(3);")).failures[0].reason, /^ended with 3/);
  assert.equal((await planted("")).failures[0].reason, "holds no test");
  const late = await planted(
    "test('a', () => {}); setTimeout(() => { throw new Error('late'); });",
  );
  assert.equal(late.failures.length, 1);
});
