/** The bootstrap behind the npm scripts, in a small copy of the repository. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { after, beforeEach, test } from "node:test";
import { pathToFileURL } from "node:url";
import { ROOT } from "../../hosts/root.js";

const home = mkdtempSync(join(tmpdir(), "lumicast-prepare-"));
after(() => rmSync(home, { recursive: true }));

const lock = join(home, "build/.lock");
const locked = JSON.stringify({ packages: { "": {}, "node_modules/a": { version: "1.0.0" } } });

beforeEach(() => {
  rmSync(home, { recursive: true, force: true });
  for (const file of ["hosts/run.mjs", "hosts/prepare.mjs"]) {
    mkdirSync(join(home, "hosts"), { recursive: true });
    copyFileSync(join(ROOT, file), join(home, file));
  }
  plant("tsconfig.json", "{}");
  plant("package-lock.json", locked);
  plant("node_modules/.package-lock.json", locked);
});

function plant(file: string, text: string): void {
  mkdirSync(dirname(join(home, file)), { recursive: true });
  writeFileSync(join(home, file), text);
}

/** A program of that name, found before all others. */
function fake(name: string, script: string): void {
  plant(`bin/${name}`, `#!/bin/sh\n${script}\n`);
  chmodSync(join(home, "bin", name), 0o755);
}

function run(args: string[], path = `${join(home, "bin")}:${process.env.PATH}`) {
  const env = { ...process.env, PATH: path, npm_execpath: "" };
  return spawnSync(process.execPath, [join(home, "hosts/run.mjs"), ...args], {
    encoding: "utf8",
    env,
  });
}

/** A process that brings up to date what is not, or waits for its turn to. */
function prepare(): ChildProcess {
  const url = pathToFileURL(join(home, "hosts/prepare.mjs")).href;
  const code = `import(${JSON.stringify(url)}).then(({ prepare }) => prepare([]))`;
  const env = { ...process.env, PATH: `${join(home, "bin")}:${process.env.PATH}` };
  return spawn(process.execPath, ["-e", code], {
    env: { ...env, npm_execpath: "" },
    stdio: ["ignore", "ignore", "pipe"],
  });
}

/** The first thing it says. */
async function firstLine(child: ChildProcess): Promise<string> {
  const [data] = await once(child.stderr as Readable, "data");
  return String(data);
}

test("help lists the commands", () => {
  const { status, stdout } = run(["--help"]);
  assert.equal(status, 0);
  for (const name of ["start", "test", "ci", "vectors", "bench", "mutants"]) {
    assert.match(stdout, new RegExp(`^  ${name} `, "m"));
  }
});

test("an unknown command lists the commands and fails", () => {
  const { status, stderr } = run(["fly"]);
  assert.equal(status, 1);
  assert.match(stderr, /There is no command fly\.\n[\s\S]*^ {2}start /m);
});

test("an unknown thing to build is refused with what there is", () => {
  const { status, stderr } = run(["build", "moon"]);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /There is no moon to build; there are packages, node, firmware, cortexm, host/,
  );
});

test("every npm script has its command", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const { stdout } = run(["--help"]);
  for (const [name, line] of Object.entries(scripts)) {
    assert.equal(line, `node hosts/run.mjs ${name}`);
    assert.match(stdout, new RegExp(`^  ${name} `, "m"));
  }
});

test("a machine without compiler and make is told what to install", () => {
  const { status, stderr } = run(["build"], join(home, "bin"));
  assert.equal(status, 1);
  assert.match(stderr, /needs a working C compiler \(cc\) and make/);
  assert.match(stderr, /sudo apt-get update && sudo apt-get install -y gcc make libc6-dev/);
});

test("packages are installed when another version is locked, and only then", () => {
  fake("npm", `echo "$@" >${join(home, "npm.log")}`);
  run(["lint"]);
  assert.equal(existsSync(join(home, "npm.log")), false);
  plant("package-lock.json", locked.replace("1.0.0", "1.0.1"));
  const { stderr } = run(["lint"]);
  assert.match(stderr, /installing the npm packages/);
  assert.match(readFileSync(join(home, "npm.log"), "utf8"), /^ci --ignore-scripts/);
});

test("a package for another machine is not missed", () => {
  fake("npm", `echo "$@" >${join(home, "npm.log")}`);
  const foreign = { version: "1.0.0", optional: true, os: ["aix"] };
  const { packages } = JSON.parse(locked);
  const more = { packages: { ...packages, "node_modules/b": foreign } };
  plant("package-lock.json", JSON.stringify(more));
  run(["lint"]);
  assert.equal(existsSync(join(home, "npm.log")), false);
});

test("the lock of a process that died is broken", () => {
  const { pid } = spawnSync("true");
  plant("build/.lock", `${pid} 12345`);
  const { stderr } = run(["lint"]);
  assert.doesNotMatch(stderr, /waiting/);
  assert.equal(existsSync(lock), false);
});

test("the lock of a pid that has come round again is broken", () => {
  plant("build/.lock", `${process.pid} 12345`);
  const { stderr } = run(["lint"]);
  assert.doesNotMatch(stderr, /waiting/);
});

test("a second script waits for the one that builds", async () => {
  fake("npm", "exec sleep 100");
  plant("node_modules/.package-lock.json", JSON.stringify({ packages: {} }));
  const first = prepare();
  assert.match(await firstLine(first), /installing the npm packages/);
  plant("node_modules/.package-lock.json", locked);
  const second = prepare();
  const waiting = new RegExp(`waiting for another npm script .*process ${first.pid} `);
  assert.match(await firstLine(second), waiting);
  first.kill("SIGTERM");
  assert.deepEqual(await once(first, "exit"), [130, null]);
  assert.deepEqual(await once(second, "exit"), [0, null]);
  assert.equal(existsSync(lock), false);
});
