/**
 * What `npm test` and `npm run ci` consist of, in order. A folder below test/ that holds *.test.ts
 * files becomes a stage by being there; only programs need a line here.
 */
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../hosts/root.js";
import { lacks } from "../support/skip.js";
import type { Job, Stage } from "./result.js";
import { nodeSuite, ownProgram, program, suitesIn, xsSuite } from "./suites.js";

/** Test folders whose suites only `npm run ci` runs: they need more time or more tools. */
const onlyInCi = ["authority", "budget", "cortexm", "fuzz", "interop", "sdk", "web"];

/**
 * Another TypeScript major that has to accept the sources; it lives outside the tree's packages.
 */
const typescript7 = "7.0.2";

/** What is compiled, by its configuration; the page has a browser's types. */
const projects = [
  ["all", "."],
  ["portable", "tsconfig.modules.json"],
  ["page", "hosts/web/page"],
] as const;

const node = process.execPath;
const cores = Math.max(1, Math.min(availableParallelism(), 8));

export function testStages(): Stage[] {
  const folders = testFolders().filter((name) => !onlyInCi.includes(name));
  return [
    { name: "lint", jobs: () => [biome()] },
    { name: "typecheck", jobs: () => projects.map(([name, path]) => tsc(name, path)) },
    { name: "tidy", jobs: () => [ownProgram("tree", "test/tidy/main.ts", []), ...suites("tidy")] },
    { name: "unit-node", parallel: cores, jobs: () => suitesIn("test/unit").map(onNode) },
    { name: "unit-xs", parallel: cores, jobs: () => suitesIn("test/unit").map(onXs) },
    { name: "m32-host", jobs: m32Host },
    ...folders.map(folderStage),
  ];
}

export function ciStages(): Stage[] {
  const folders = testFolders().filter((name) => onlyInCi.includes(name));
  const room = ["hosts/run.mjs", "start", "--presses", "5", "--json"];
  return [
    ...testStages(),
    {
      name: "vectors",
      jobs: () => [ownProgram("own", "test/vectors/main.ts", ["test/vectors"], 900)],
    },
    {
      name: "security-checks",
      jobs: () => [ownProgram("mutants", "test/mutants/main.ts", [], 2400)],
    },
    {
      name: "interop-peers",
      jobs: () => [ownProgram("peers", "test/interop/peers/main.ts", [], 900)],
    },
    ...folders.map(folderStage),
    { name: "bench", jobs: () => [ownProgram("quick", "hosts/bench/main.ts", ["--quick"], 900)] },
    { name: "compare", jobs: () => [ownProgram("quick", "hosts/compare/main.ts", ["--quick"])] },
    { name: "start", jobs: () => [program("five presses", node, room)] },
    { name: "size", jobs: () => [ownProgram("budget", "hosts/size/main.ts", [], 900)] },
    { name: "doctor", jobs: () => [ownProgram("doctor", "hosts/doctor/main.ts", [])] },
    { name: "typescript-7", jobs: () => [typescript7Job()] },
  ];
}

/**
 * Every folder of suites but the unit suites, which have two stages, and tidy, which has its own.
 */
function testFolders(): string[] {
  const entries = readdirSync(join(ROOT, "test"), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const own = folders.filter((name) => name !== "unit" && name !== "tidy");
  return own.filter((name) => suitesIn(`test/${name}`).length > 0).sort();
}

function folderStage(name: string): Stage {
  return { name, parallel: cores, jobs: () => suites(name) };
}

function suites(folder: string): Job[] {
  return suitesIn(`test/${folder}`).map(onNode);
}

function onNode(file: string): Job {
  return nodeSuite(file);
}

function onXs(file: string): Job {
  return xsSuite(file);
}

function biome(): Job {
  const path = "node_modules/@biomejs/biome/bin/biome";
  return program("biome", node, [path, "check", "--error-on-warnings", "--colors=off", "."]);
}

function tsc(name: string, project: string): Job {
  return program(name, node, ["node_modules/typescript/bin/tsc", "-p", project]);
}

/** A stage of its own, before the suites that measure the 32-bit build and skip without it. */
function m32Host(): Job[] {
  const name = "32-bit build of the XS host";
  const reason = lacks("gcc-multilib");
  if (reason === false) return [program(name, node, ["hosts/run.mjs", "build", "m32"])];
  return [{ name, run: async () => ({ passed: 0, failures: [], skips: [{ name, reason }] }) }];
}

function typescript7Job(): Job {
  const folder = "build/typescript-7";
  const installed = existsSync(join(ROOT, folder, "node_modules/typescript/package.json"));
  const install = `npm install --prefix ${folder} --no-save --no-package-lock`;
  // A file of its own: TypeScript 6 goes on from what it finds in its.
  const state = `--tsBuildInfoFile ${folder}/.tsbuildinfo`;
  const compile = `${node} ${folder}/node_modules/typescript/bin/tsc --noEmit ${state} -p`;
  const commands = [
    ...(installed ? [] : [`mkdir -p ${folder}`, `${install} typescript@${typescript7}`]),
    `${compile} .`,
    `${compile} tsconfig.modules.json`,
    `${compile} hosts/web/page`,
  ];
  return program(`tsc ${typescript7}`, "sh", ["-c", commands.join(" && ")]);
}
