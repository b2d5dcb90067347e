/**
 * Builds for boards, as far as they go without ESP-IDF and Zephyr: mcconfig, tsc, xsc, xsid, xsl
 * and mcrez, which is everything that reads our manifests and TypeScript and looks up every native
 * function by its name. What compiles C and links is theirs.
 */
import { equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { generate } from "../../hosts/installation/generate.js";
import { provisioning } from "../../hosts/installation/provisioning.js";
import { ROOT } from "../../hosts/root.js";
import { type Sdk, workOf } from "../../hosts/sdk/sdk.js";

/** Where these builds leave what is not for looking at. */
export const folder = join(ROOT, "build/test/targets");
const LIMIT_MS = 600_000;

export interface Ran {
  readonly status: number | null;
  readonly output: string;
}

function run(
  sdk: Sdk,
  command: string,
  args: readonly string[],
  more: NodeJS.ProcessEnv = {},
): Ran {
  const env = { ...sdk.env, IDF_PATH: "", ZEPHYR_BASE: "", ...more };
  const options = { cwd: ROOT, env, encoding: "utf8", maxBuffer: 1 << 26 } as const;
  const { status, stdout, stderr } = spawnSync(command, [...args], {
    ...options,
    timeout: LIMIT_MS,
  });
  return { status, output: `${stdout}\n${stderr}` };
}

/** mcconfig up to where it asks for the other SDK; then the makefile it wrote is there. */
export function configure(
  sdk: Sdk,
  platform: string,
  out: string,
  more: NodeJS.ProcessEnv,
  source = ROOT,
): Ran {
  mkdirSync(out, { recursive: true });
  const manifest = join(source, "manifest.json");
  return run(sdk, "mcconfig", ["-m", "-p", platform, "-t", "build", "-o", out, manifest], more);
}

/** The image's parts in C, by xsl and mcrez. */
export interface Image {
  readonly code: string;
  readonly resources: string;
}

function imageOf(work: string): Image {
  const read = (name: string) => readFileSync(join(work, name), "utf8");
  return { code: read("mc.xs.c"), resources: read("mc.resources.c") };
}

export function buildEsp32(
  sdk: Sdk,
  platform: string,
  out: string,
  blob: string,
  source = ROOT,
): Image {
  const work = workOf({ platform, out });
  rmSync(work, { recursive: true, force: true });
  const configured = configure(sdk, platform, out, { LUMICAST_PROVISIONING: blob }, source);
  match(configured.output, /\$IDF_PATH not set/);
  const chip = platform.split("/")[1] ?? "esp32";
  const settings = join(work, `xsProj-${chip}/build/config/sdkconfig.h`);
  mkdirSync(dirname(settings), { recursive: true });
  writeFileSync(settings, "");
  const targets = [join(work, "mc.xs.c"), join(work, "mc.resources.c")];
  const made = run(sdk, "make", ["-f", join(work, "makefile"), "-o", settings, ...targets], {
    IDF_PATH: fakeIdf(sdk),
  });
  equal(made.status, 0, made.output.slice(-3000));
  return imageOf(work);
}

/** The makefile asks a git repository for its tag, and nothing else. */
function fakeIdf(sdk: Sdk): string {
  const idf = join(folder, "esp-idf");
  if (existsSync(idf)) return idf;
  const git = (...args: string[]) =>
    run(sdk, "git", ["-C", idf, "-c", "user.name=test", "-c", "user.email=test", ...args]);
  mkdirSync(idf, { recursive: true });
  for (const args of [
    ["init", "-q"],
    ["commit", "-q", "--allow-empty", "-m", "x"],
    ["tag", "v6.0"],
  ])
    equal(git(...args).status, 0);
  return idf;
}

export function buildZephyr(sdk: Sdk, platform: string, out: string, blob: string): Image {
  const work = workOf({ platform, out });
  rmSync(work, { recursive: true, force: true });
  const empty = join(folder, "zephyr");
  mkdirSync(empty, { recursive: true });
  configure(sdk, platform, out, { LUMICAST_PROVISIONING: blob, ZEPHYR_BASE: empty });
  const made = join(work, "check");
  const source = join(ROOT, "test/sdk/zephyr");
  const steps = [
    ["-S", source, "-B", made, `-DMODDABLE_BUILD_DIR=${work}`, "-G", "Unix Makefiles"],
    ["--build", made, "--target", "generated_files"],
  ];
  for (const args of steps) {
    const { status, output } = run(sdk, "cmake", args);
    equal(status, 0, output.slice(-3000));
  }
  return imageOf(work);
}

/** A device's provisioning, as a person would give it to a build. */
export function blobFile(): string {
  const room = generate({ luminaires: 1, switches: 1, sensors: 0, hops: 1, loss: 0, seed: 1 });
  const path = join(folder, "lamp-1.cbor");
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, provisioning(room, room.devices[0]));
  return path;
}
