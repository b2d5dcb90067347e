/** The unit suites on the engine of the Moddable SDK: xst runs each as one module. */
import { equal } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { tools } from "../../hosts/tools.js";
import { needsSdk } from "./needs.js";

const LIMIT_MS = 180_000;
const folder = join(ROOT, "build/test/xs17");

test("the unit suites pass on the SDK's XS 17", { skip: needsSdk("xst") }, async (context) => {
  const { bundleText } = await import(join(ROOT, "hosts/bundle.mjs"));
  const xst = join(process.env.MODDABLE ?? "", "build/bin/lin", tools.xst.find() ?? "", "xst");
  mkdirSync(folder, { recursive: true });
  const suites = readdirSync(join(ROOT, "test/unit")).filter((name) => name.endsWith(".test.ts"));
  for (const suite of suites) {
    await context.test(`${basename(suite, ".test.ts")} on XS 17`, async () => {
      const bundle = join(folder, suite.replace(/ts$/, "js"));
      await bundleText(bundle, entryOf(join(ROOT, "test/unit", suite)), "none");
      // xst takes a source map for part of the program, and of a large one makes no module at all.
      const text = readFileSync(bundle, "utf8").replace(/^\/\/# sourceMappingURL=.*$/m, "");
      writeFileSync(bundle, text);
      const options = { encoding: "utf8", timeout: LIMIT_MS, maxBuffer: 1 << 26 } as const;
      const { status, stdout, stderr } = spawnSync(xst, ["-m", bundle], options);
      const failures = stdout.split("\n").filter((line) => /^(not ok|# pass|\w*Error)/.test(line));
      equal(status, 0, `${failures.join("\n")}\n${stderr}`);
      equal(/^# pass [1-9]\d* fail 0$/m.test(stdout), true, stdout.slice(-500));
    });
  }
});

/** xst ends with 1 when a module throws. */
function entryOf(suite: string): string {
  const harness = JSON.stringify(join(ROOT, "test/harness.xs.ts"));
  return [
    `import ${JSON.stringify(suite)};`,
    `import { finish } from ${harness};`,
    'if (finish() > 0) throw new Error("a test failed");',
  ].join("\n");
}
