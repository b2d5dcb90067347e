/**
 * Builds for boards, as far as they go without ESP-IDF and Zephyr: mcconfig, tsc, xsc, xsid, xsl
 * and mcrez, which is everything that reads our manifests and TypeScript and looks up every native
 * function by its name. What compiles C and links is theirs.
 */
import { equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { generate } from "../../hosts/installation/generate.js";
import { provisioning } from "../../hosts/installation/provisioning.js";
import { ROOT } from "../../hosts/root.js";
import { LIST } from "../../hosts/sdk/modules.js";
import { appOf, build, findSdk, type Sdk, workOf } from "../../hosts/sdk/sdk.js";
import { needsSdk } from "./needs.js";

const folder = join(ROOT, "build/test/targets");
const LIMIT_MS = 600_000;
const skip = needsSdk();

interface Ran {
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
function configure(
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
interface Image {
  readonly code: string;
  readonly resources: string;
}

function imageOf(work: string): Image {
  const read = (name: string) => readFileSync(join(work, name), "utf8");
  return { code: read("mc.xs.c"), resources: read("mc.resources.c") };
}

function buildEsp32(sdk: Sdk, platform: string, out: string, blob: string, source = ROOT): Image {
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

function buildZephyr(sdk: Sdk, platform: string, out: string, blob: string): Image {
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
function blobFile(): string {
  const room = generate({ luminaires: 1, switches: 1, sensors: 0, hops: 1, loss: 0, seed: 1 });
  const path = join(folder, "lamp-1.cbor");
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, provisioning(room, room.devices[0]));
  return path;
}

function check({ code, resources }: Image): void {
  match(resources, /provisioning\.cbor/);
  for (const native of [
    "xs_lumicast_key_open",
    "xs_lumicast_net_send",
    "xs_lumicast_flash_program",
  ]) {
    ok(code.includes(native), `${native} is not in the image`);
  }
  // Of a module that was preloaded xsl leaves no byte code, only its name.
  const { preload } = JSON.parse(readFileSync(join(ROOT, LIST), "utf8")) as { preload: string[] };
  for (const name of ["main", "platforms/board", ...preload]) {
    ok(code.includes(`, NULL, 0, NULL, 0, NULL, 0, "${name}",`), `${name}: not preloaded`);
  }
}

function hash(text: string | Buffer): string {
  return createHash("sha256").update(text).digest("hex");
}

const out = join(ROOT, "build/sdk/out");

for (const platform of [
  "esp32",
  "esp32/esp32s3",
  "esp32/esp32c3",
  "esp32/esp32c6",
  "esp32/esp32h2",
]) {
  test(`the image for ${platform} is made up to the C compiler`, { skip }, () => {
    check(buildEsp32(findSdk(), platform, out, blobFile()));
  });
}

const zephyr = "zephyr/nrf52840dk";
const noCmake = spawnSync("cmake", ["--version"]).status === 0 ? false : "needs cmake";
test(`the image for ${zephyr} is made up to the C compiler`, { skip: skip || noCmake }, () => {
  check(buildZephyr(findSdk(), zephyr, out, blobFile()));
});

test("two builds with the SDK are identical", { skip, timeout: LIMIT_MS }, async () => {
  const sdk = findSdk();
  const blob = blobFile();
  // From copies, at two places: nothing but the sources may matter.
  const first = copyOfSources(join(folder, "first"));
  const second = copyOfSources(join(folder, "second/deeper"), first);
  const builds = [first, second].map((source) => ({ source, out: join(source, "build") }));
  const images = builds.map((made) =>
    buildEsp32(sdk, "esp32/esp32c6", made.out, blob, made.source),
  );
  equal(hash(images[1].code), hash(images[0].code));
  equal(images[1].resources, images[0].resources);
  for (const made of builds) await build(sdk, { ...made, platform: "lin" });
  const apps = builds.map((made) => hash(readFileSync(appOf(made))));
  equal(apps[1], apps[0]);
});

/** What a build reads; `from` an earlier copy, so that both are of the same moment. */
function copyOfSources(place: string, from = ROOT): string {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  for (const name of ["manifest.json", "main.ts", "modules", "platforms"]) {
    cpSync(join(from, name), join(place, name), { recursive: true });
  }
  return place;
}

test("a platform Lumicast does not have is a build error that names those it has", { skip }, () => {
  const { status, output } = configure(findSdk(), "pico", out, {});
  ok(status !== 0);
  match(output, /Lumicast does not run on this platform\. It has: lin, mac, win/);
});

test("provisioning that is not there is named by the build", { skip }, () => {
  const missing = join(folder, "lamp-99.cbor");
  const { output } = configure(findSdk(), "esp32", out, { LUMICAST_PROVISIONING: missing });
  match(output, /no resources match: .*lamp-99\.cbor/);
});
