/**
 * The runner itself, on a small repository with checks that are guarded and checks that are not.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { judgeAll } from "./judge.js";

const lamp = `
export function level(value: number | undefined, max: number): number {
  if (value === undefined) return 0; // check: level-there
  if (value > max) return max; // check: level-bound
  if (value < 0) return 0; // check: level-positive
  let left = 5;
  while (value > 0 && left !== 0) {
    left--; // check: level-ends
  }
  return value;
}
`;

const suite = `
import { equal, test } from "../harness.js";
import { level } from "../../modules/lamp/lamp.js";
test("levels are bounded", () => equal(level(300, 254), 254));
test("levels come to an end", () => equal(level(3, 254), 3));
test("levels are not negative", () => equal(level(7, 254), 7));
test("a fault", () => equal(level(7, 254), 8));
test("says why", () => equal("replayed", "replayed"));
`;

const listing = [
  "level-bound\ttest/unit/lamp.test.ts\tlevels are bounded",
  "level-positive\ttest/unit/lamp.test.ts\tlevels are not negative",
  "level-there\ttest/unit/lamp.test.ts\tlevels are bounded",
  "level-gone\ttest/unit/lamp.test.ts\tlevels are bounded",
  "level-untested\ttest/unit/lamp.test.ts\tno such test",
  "level-fault\ttest/unit/lamp.test.ts\ta fault",
  "drop:replayed\ttest/unit/lamp.test.ts\tsays why",
  "drop:forged\ttest/unit/lamp.test.ts\tsays why",
];

const config = {
  compilerOptions: { strict: true, target: "es2022", module: "nodenext", types: [] },
};

const root = mkdtempSync(join(tmpdir(), "lumicast-mutants-"));
after(() => rmSync(root, { recursive: true }));
plant("modules/lamp/lamp.ts", lamp);
plant("test/unit/lamp.test.ts", suite);
plant("test/mutants.txt", listing.join("\n"));
plant("tsconfig.json", JSON.stringify({ ...config, include: ["modules"] }));
plant("package.json", JSON.stringify({ type: "module" }));
copyFileSync(join(ROOT, "test/harness.xs.ts"), join(root, "test/harness.xs.ts"));
const before = judgeAll(root, "level-", () => {});

function plant(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

async function complaint(name: string): Promise<string | undefined> {
  const verdict = (await before).find((one) => one.name === name);
  assert.ok(verdict, `${name} is judged`);
  return verdict.complaint;
}

test("a guarded check has no complaint", async () => {
  assert.equal(await complaint("level-bound"), undefined);
});

test("a check whose test passes without it is named with its line", async () => {
  const text = await complaint("level-positive");
  assert.match(text ?? "", /"levels are not negative" passes without modules\/lamp\/lamp.ts:5/);
});

test("a check that does not compile away is named", async () => {
  assert.match((await complaint("level-there")) ?? "", /does not compile: line \d+: .*undefined/);
});

test("a listed check that no line carries is named", async () => {
  assert.match((await complaint("level-gone")) ?? "", /no line ends in \/\/ check: level-gone/);
});

test("a test that does not exist is named", async () => {
  assert.match(
    (await complaint("level-untested")) ?? "",
    /has no test "no such test" that passes$/,
  );
});

test("a test that fails with the check in place is named", async () => {
  assert.match(
    (await complaint("level-fault")) ?? "",
    /fails with the check in place: .*expected 8/,
  );
});

test("a Drop reason wants a test that speaks of it", async () => {
  const [replayed, forged] = await judgeAll(root, "drop:", () => {});
  assert.deepEqual(replayed, { name: "drop:replayed", complaint: undefined });
  assert.match(forged.complaint ?? "", /never says "forged"/);
});

test("without a filter, marks that are not listed are named", async () => {
  const all = await judgeAll(root, "", () => {});
  const complaints = all.map((verdict) => verdict.complaint ?? "");
  assert.ok(complaints.some((text) => /check level-ends is not in test\/mutants.txt/.test(text)));
});
