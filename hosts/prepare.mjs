/**
 * Brings what a command needs up to date: packages, compiled TypeScript, the headless XS host, the
 * firmware image. Plain JavaScript without dependencies, because it is what installs them. Says
 * nothing when nothing is to do; progress goes to standard error, so that `--json` output stays
 * clean.
 *
 * Two npm scripts at once must not build into each other: everything here happens under one lock.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** A failure a person can mend; shown without a stack. */
export class Problem extends Error {}

const variants = { host: "release", debug: "debug", m32: "m32" };
const hostBinary = (variant) => join(root, `build/headless/${variant}/lumicast`);

/**
 * `needs` names any of: packages, node, host, debug, m32, firmware, cortexm (each brings what it
 * rests on).
 * `tolerant` is for commands that report as a result what does not build: a failing tsc emits all
 * the same and is reported by the typecheck stage; a host or image that does not build is told at
 * once.
 */
export async function prepare(needs, { tolerant = false } = {}) {
  const wanted = new Set(needs);
  const known = ["packages", "node", "firmware", "cortexm", ...Object.keys(variants)];
  const unknown = needs.find((need) => !known.includes(need));
  if (unknown !== undefined) {
    throw new Problem(`There is no ${unknown} to build; there are ${known.join(", ")}.`);
  }
  if (wanted.has("cortexm")) wanted.add("node").add("firmware");
  if (wanted.has("firmware")) wanted.add("host");
  const release = await lock();
  const stop = () => {
    if (child !== undefined) child.kill("SIGTERM");
    release();
    process.exit(130);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.once(signal, stop);
  try {
    if (wantsHost(wanted)) checkTools();
    await installPackages();
    if (wanted.has("node")) await compileTypeScript(tolerant);
    const steps = Object.entries(variants)
      .filter(([need]) => wanted.has(need))
      .map(
        ([, variant]) =>
          () =>
            buildHost(variant),
      );
    if (wanted.has("firmware")) steps.push(buildFirmware);
    if (wanted.has("cortexm")) steps.push(buildCortexM);
    for (const step of steps) {
      await step().catch((error) => {
        if (!tolerant || !(error instanceof Problem)) throw error;
        say(error.message);
      });
    }
  } finally {
    for (const signal of signals) process.removeListener(signal, stop);
    release();
  }
}

function wantsHost(wanted) {
  return Object.keys(variants).some((need) => wanted.has(need));
}

async function installPackages() {
  if (packagesAreCurrent()) return;
  say("installing the npm packages (npm ci) ...");
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm?.endsWith(".js") ? [process.execPath, npm] : ["npm"];
  await run(command, [...first, "ci", "--ignore-scripts", "--loglevel=error"]);
}

/** npm leaves a copy of the lock file of what it installed; versions are compared, not dates. */
function packagesAreCurrent() {
  const read = (path) => JSON.parse(readFileSync(join(root, path), "utf8")).packages;
  if (!existsSync(join(root, "node_modules/.package-lock.json"))) return false;
  const installed = read("node_modules/.package-lock.json");
  return Object.entries(read("package-lock.json")).every(([path, entry]) => {
    if (path === "" || installed[path]?.version === entry.version) return true;
    // Of packages for other machines npm installs none.
    return entry.optional === true && installed[path] === undefined;
  });
}

async function compileTypeScript(tolerant) {
  const stamp = join(root, "build/node/.sources");
  const folders = ["main.ts", "modules", "platforms", "hosts", "test"];
  const sources = folders.flatMap((name) => filesUnder(name, [".ts"]));
  const state = fingerprint([...sources, "tsconfig.json", "package-lock.json"]);
  if (isCurrent(stamp, state)) return;
  say("compiling the TypeScript ...");
  removeOrphans(new Set(sources));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const code = await run(process.execPath, [tsc, "-p", "."], { quiet: tolerant, mayFail: true });
  if (code === 0) return writeFileSync(stamp, state);
  rmSync(stamp, { force: true });
  if (!tolerant) throw new Problem("The TypeScript does not compile; the lines above say where.");
}

/** What was compiled from files that are gone would go on being found. */
function removeOrphans(sources) {
  for (const path of filesUnder("build/node", [".js", ".js.map"])) {
    const source = path.replace("build/node/", "").replace(/\.js(\.map)?$/, ".ts");
    if (!sources.has(source)) rmSync(join(root, path));
  }
}

async function buildHost(variant) {
  const make = ["--no-print-directory", "-C", "platforms/headless"];
  const question = spawnSync("make", [...make, "-q", variant], { cwd: root });
  if (question.status === 0 && existsSync(hostBinary(variant))) return;
  say(`building the headless XS host, ${variant} (about 15 s the first time) ...`);
  await run("make", ["-s", "-j2", ...make, variant]);
}

async function buildFirmware() {
  if (!existsSync(join(root, "main.ts"))) throw new Problem("main.ts, the firmware, is missing.");
  const stamp = join(root, "build/firmware/.sources");
  const image = join(root, "build/firmware/lumicast.xsb");
  const small = join(root, "build/firmware/small.xsb");
  const signing = join(root, "build/firmware/signing.xsb");
  const folders = ["main.ts", "modules", "platforms"];
  const sources = folders.flatMap((name) => filesUnder(name, [".ts"]));
  const library = "build/headless/signatures";
  const tools = ["hosts/bundle.mjs", "build/headless/release/lumicast", library];
  const state = fingerprint([...sources, ...tools]);
  if (existsSync(image) && existsSync(small) && isCurrent(stamp, state)) return;
  say("bundling the firmware ...");
  mkdirSync(join(root, "build/firmware"), { recursive: true });
  rmSync(stamp, { force: true });
  await compileFirmware("firmware", image);
  await compileFirmware("small", small);
  // What a host without libsodium runs in its place; a board never does.
  rmSync(signing, { force: true });
  const native = readFileSync(join(root, library), "utf8").includes("libsodium");
  if (!native) await compileFirmware("signing", signing);
  writeFileSync(stamp, state);
}

async function compileFirmware(kind, image) {
  const bundle = image.replace(/xsb$/, "js");
  await run(process.execPath, [join(root, "hosts/bundle.mjs"), kind, bundle]);
  await run(hostBinary("release"), ["compile", bundle, image]);
}

/** The emulated board's ROM: the firmware image preloaded by the engine itself, in the emulator. */
async function buildCortexM() {
  checkCortexMTools();
  const stamp = join(root, "build/cortexm/.sources");
  const rom = join(root, "build/cortexm/firmware/lumicast.elf");
  const sources = ["platforms/cortexm", "platforms/native"]
    .flatMap((name) => filesUnder(name, [".c", ".h", ".ld", "Makefile"]))
    .concat(filesUnder("hosts/cortexm", [".ts"]));
  const state = fingerprint([...sources, "package-lock.json", "build/firmware/small.xsb"]);
  if (existsSync(rom) && isCurrent(stamp, state)) return;
  say("building the ROM of the emulated Cortex-M4 (about a minute the first time) ...");
  rmSync(stamp, { force: true });
  await run(process.execPath, [join(root, "build/node/hosts/cortexm/build.js")]);
  writeFileSync(stamp, state);
}

function checkCortexMTools() {
  const needed = ["arm-none-eabi-gcc", "qemu-system-arm", "make"];
  const missing = needed.filter(
    (name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status !== 0,
  );
  if (missing.length === 0) return;
  throw new Problem(
    `The emulated Cortex-M4 needs ${missing.join(" and ")}. On Debian or Ubuntu:\n` +
      "  sudo apt-get update && sudo apt-get install -y gcc-arm-none-eabi " +
      "libnewlib-arm-none-eabi qemu-system-arm",
  );
}

function checkTools() {
  const cc = process.env.CC ?? "cc";
  const input = "#include <stdio.h>\n";
  const compiler = spawnSync(cc, ["-E", "-xc", "-"], { input, stdio: "pipe" }).status === 0;
  const make = spawnSync("make", ["--version"], { stdio: "ignore" }).status === 0;
  if (compiler && make) return;
  const missing = [
    ...(compiler ? [] : [`a working C compiler (${cc})`]),
    ...(make ? [] : ["make"]),
  ];
  throw new Problem(`The XS engine needs ${missing.join(" and ")} to be built. ${aptLine}`);
}

const aptLine =
  "On Debian or Ubuntu:\n  sudo apt-get update && sudo apt-get install -y gcc make libc6-dev";

/** Repository-relative paths of the files below `name` that end in one of `endings`, sorted. */
function filesUnder(name, endings) {
  const path = join(root, name);
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [name];
  return readdirSync(path, { withFileTypes: true })
    .flatMap((entry) => {
      const child = `${name}/${entry.name}`;
      if (entry.isDirectory()) return filesUnder(child, endings);
      return endings.some((ending) => entry.name.endsWith(ending)) ? [child] : [];
    })
    .sort();
}

/** Names, sizes and dates: any change, a deletion or a checkout of something older shows. */
function fingerprint(paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

function isCurrent(stamp, state) {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === state;
}

function say(line) {
  process.stderr.write(`lumicast: ${line}\n`);
}

let child;

/** Runs a program; what it prints goes to standard error, and only on failure when quiet. */
function run(command, args, { quiet = false, mayFail = false } = {}) {
  return new Promise((resolve, reject) => {
    const output = quiet ? "ignore" : process.stderr;
    child = spawn(command, args, { cwd: root, stdio: ["ignore", output, output] });
    child.once("error", (error) => {
      child = undefined;
      reject(new Problem(`cannot run ${command}: ${error.message}`));
    });
    child.once("exit", (code, signal) => {
      child = undefined;
      if (code === 0 || (mayFail && code !== null)) resolve(code);
      else reject(new Problem(`${command} ${args.join(" ")} failed (${signal ?? code}).`));
    });
  });
}

/**
 * Takes build/.lock, waiting while a living process holds it; returns what gives it back. The file
 * comes into being with its content (a hard link is atomic), so nobody reads half a pid.
 */
async function lock() {
  const path = join(root, "build/.lock");
  const mine = `${path}.${process.pid}`;
  mkdirSync(join(root, "build"), { recursive: true });
  writeFileSync(mine, identity(process.pid));
  let told = false;
  try {
    while (!tryLink(mine, path)) {
      const holder = readOr(path, "");
      if (holder === "") continue;
      if (identity(Number.parseInt(holder, 10)) !== holder) {
        breakLock(path, holder);
        continue;
      }
      if (!told) say(`waiting for another npm script to finish building (process ${holder}) ...`);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    unlinkSync(mine);
  }
  const release = () => {
    if (readOr(path, "") === identity(process.pid)) rmSync(path, { force: true });
  };
  return release;
}

/** A pid alone may have come round again; on Linux its start time stands beside it. */
function identity(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== "EPERM") return `${pid} gone`;
  }
  // The fields after the command name, which may itself hold blanks and brackets.
  const stat = readOr(`/proc/${pid}/stat`, "").split(")").at(-1).split(" ");
  return `${pid} ${stat[20] ?? "-"}`;
}

/**
 * Several may find the same dead holder: only one of them may remove its lock, and no newer one.
 */
function breakLock(path, holder) {
  const breaking = `${path}.breaking`;
  if (!tryLink(path, breaking)) {
    // Somebody else is at it; had that one died, its leftovers are a moment old, not minutes.
    if (Date.now() - (statOr(breaking)?.ctimeMs ?? Date.now()) > 60_000) {
      rmSync(breaking, { force: true });
    }
    return;
  }
  if (readOr(path, "") === holder) rmSync(path, { force: true });
  rmSync(breaking, { force: true });
}

function tryLink(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === "EEXIST" || error.code === "ENOENT") return false;
    throw error;
  }
}

function readOr(path, otherwise) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}

function statOr(path) {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
