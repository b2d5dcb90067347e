/** Builds one commit in several folders and compares what came out, byte by byte by its hash. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { need } from "../lacks.js";
import { ROOT } from "../root.js";
import type { ToolName } from "../tools.js";

export interface Artefact {
  /** Below the folder of the repository. */
  readonly file: string;
  /** SHA-256 in hex, one a build. */
  readonly hashes: readonly string[];
  readonly same: boolean;
}

interface Product {
  /** What `npm run build` is told. */
  readonly build: string;
  readonly files: readonly string[];
  readonly needs: readonly ToolName[];
}

const PRODUCTS: readonly Product[] = [
  {
    build: "firmware",
    files: [
      "build/firmware/lumicast.xsb",
      "build/firmware/small.xsb",
      "build/headless/release/lumicast",
    ],
    needs: ["C compiler", "make"],
  },
  {
    build: "cortexm",
    files: ["build/cortexm/firmware/lumicast.elf"],
    needs: ["arm-none-eabi-gcc", "qemu-system-arm"],
  },
];

/** Paths of other lengths, other time zones and other languages: none may be found in a build. */
const PLACES = [
  { folder: "a", env: { TZ: "UTC", LC_ALL: "C" } },
  { folder: "another/deeper-b", env: { TZ: "Asia/Kathmandu", LC_ALL: "C.UTF-8" } },
];

/** What has no tools here is left out, and told. Throws an Error with what a failing build said. */
export function buildTwice(commit: string, say: (line: string) => void): Artefact[] {
  const products = PRODUCTS.filter(({ build, needs }) => {
    return needs.every((tool) => need(tool, `two builds of ${build}`));
  });
  // HEAD may move on while this builds.
  const id = run("git", ["rev-parse", "--verify", `${commit}^{commit}`], ROOT, {}).trim();
  const home = mkdtempSync(join(tmpdir(), "lumicast-twice-"));
  try {
    const builds = PLACES.map(({ folder, env }) => {
      const path = join(home, folder);
      say(`building ${id.slice(0, 12)} in ${path} ...`);
      checkOut(id, path);
      return products.flatMap(({ build, files }) => {
        run(process.execPath, [join(path, "hosts/run.mjs"), "build", build], path, env);
        return files.map((file) => ({ file, hash: hashOf(join(path, file)) }));
      });
    });
    return builds[0].map(({ file }, index) => {
      const hashes = builds.map((build) => build[index].hash);
      return { file, hashes, same: hashes.every((hash) => hash === hashes[0]) };
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** The commit's files, whatever lies uncommitted here; the packages of this folder. */
function checkOut(commit: string, path: string): void {
  mkdirSync(path, { recursive: true });
  const archive = join(path, "..", "commit.tar");
  run("git", ["archive", "--output", archive, commit], ROOT, {});
  run("tar", ["-xf", archive, "-C", path], ROOT, {});
  symlinkSync(join(ROOT, "node_modules"), join(path, "node_modules"));
}

function run(command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): string {
  const whole = { ...process.env, ...env };
  const done = spawnSync(command, args, { cwd, env: whole, encoding: "utf8", maxBuffer: 1 << 26 });
  if (done.status === 0) return done.stdout;
  const said = done.error?.message ?? `${done.stderr}${done.stdout}`;
  throw new Error(`${command} ${args.join(" ")} in ${cwd}: ${said}`);
}

function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
