/** README.md promises commands: each is there, and takes what README.md gives it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { saveInstallation } from "../../hosts/installation/file.js";
import { generate } from "../../hosts/installation/generate.js";
import { ROOT } from "../../hosts/root.js";

const text = readFileSync(join(ROOT, "README.md"), "utf8");
const home = mkdtempSync(join(tmpdir(), "lumicast-readme-"));
after(() => rmSync(home, { recursive: true }));

/** The arguments of each `npm run flash`, lines that go on joined. */
const flashes = [...text.matchAll(/^ {4}npm run flash -- ((?:.*\\\n)*.*)$/gm)].map(([, line]) => {
  return line.replace(/\\\n/g, " ").trim().split(/\s+/);
});

test("every npm script it names is one", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const named = [...text.matchAll(/npm (?:run ([a-z:]+)|(start|test)\b)/g)];
  assert.ok(named.length > 10);
  for (const [all, run, own] of named) assert.ok((run ?? own) in scripts, all);
});

test("there is a command for each kind of board", () => {
  const single = flashes.filter((args) => !args.includes("--update"));
  const platforms = single.map(([platform]) => platform).sort();
  const expected = ["esp32", "esp32/esp32c6", "esp32/esp32h2", "esp32/esp32s3"];
  assert.deepEqual(platforms, [...expected, "zephyr/nrf52840dk"]);
});

test("each would build what it says", () => {
  const room = { luminaires: 2, switches: 1, sensors: 0, hops: 1, loss: 0, seed: 1 };
  saveInstallation(join(home, "room.json"), generate(room));
  writeFileSync(join(home, "dataset.hex"), `0510${"5a".repeat(16)}`);
  for (const args of flashes) {
    const program = join(ROOT, "build/node/hosts/flash/main.js");
    const options = { cwd: home, encoding: "utf8" } as const;
    const done = spawnSync(process.execPath, [program, ...args, "--dry-run"], options);
    assert.equal(done.status, 0, `${args.join(" ")}: ${done.stderr}`);
    const line = args.includes("--update")
      ? ` mcconfig -m -p ${args[0]} -t build role=`
      : ` mcconfig -d -m -p ${args[0]} role=`;
    assert.match(done.stdout, new RegExp(line));
  }
});
