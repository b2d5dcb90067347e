/**
 * The Moddable SDK as our programs use it: where it is, what runs with it, and one build with
 * mcconfig. The SDK is no npm package; $MODDABLE names a checkout whose tools were built.
 */
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../root.js";
import { tools } from "../tools.js";
import { LIST, writeModuleList } from "./modules.js";

/** Something a person has to mend; the message says how. */
export class SdkProblem extends Error {}

const HOSTS: Readonly<Record<string, string>> = { darwin: "mac", win32: "win" };
/** This computer, as the SDK calls it. */
export const HOST = HOSTS[process.platform] ?? "lin";

const REPORT_LINES = 25;

export interface Sdk {
  readonly folder: string;
  /** Of the built tools. */
  readonly bin: string;
  /** For what runs with the SDK: $MODDABLE, and a $PATH with its tools and our faster tsc. */
  readonly env: NodeJS.ProcessEnv;
}

/** Throws SdkProblem when there is no SDK, or one without tools. */
export function findSdk(): Sdk {
  for (const name of ["the Moddable SDK", "the SDK's tools", "mcsim"] as const) {
    const { find, mend } = tools[name];
    if (find() === undefined) throw new SdkProblem(`${name}: not there. To get it:\n  ${mend}`);
  }
  const folder = process.env.MODDABLE as string;
  const goal = tools.mcsim.find() as string;
  const bin = join(folder, "build/bin", HOST, goal);
  const path = [compilers(), bin, join(ROOT, "node_modules/.bin"), process.env.PATH ?? ""];
  return { folder, bin, env: { ...process.env, MODDABLE: folder, PATH: path.join(":") } };
}

/** A folder whose `tsc` is transpile.mjs. */
function compilers(): string {
  const folder = join(ROOT, "build/sdk/compilers");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "tsc");
  const script = join(ROOT, "hosts/sdk/transpile.mjs");
  const text = `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`;
  // Another build may be running it.
  if (textOf(path) === text) return folder;
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return folder;
}

export interface Build {
  /** As mcconfig's -p takes it: lin, esp32/esp32c6, zephyr/nrf52840dk. */
  readonly platform: string;
  /** For what the build makes; one a platform and goal is enough. */
  readonly out: string;
  readonly debug?: boolean;
  /** Another copy of the sources; this repository unless told. */
  readonly source?: string;
  /** `role=switch` and the like. */
  readonly config?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `mcconfig -m -t build`, which, unlike plain mcconfig, ends no simulator that runs. */
export async function build(sdk: Sdk, options: Build): Promise<void> {
  const { platform, out, debug = false, config = [], source = ROOT } = options;
  mkdirSync(out, { recursive: true });
  if (writeModuleList(source)) console.error(`${LIST} was not up to date; commit it as it is now`);
  const args = ["-m", "-p", platform, "-t", "build", "-o", out, ...(debug ? ["-dn"] : [])];
  const manifest = join(source, "manifest.json");
  const env = { ...sdk.env, ...options.env };
  const make = async () => {
    const { code, output } = await run("mcconfig", [...args, manifest, ...config], env);
    if (code !== 0) throw new SdkProblem(`mcconfig -p ${platform} failed:\n${essence(output)}`);
  };
  const makefile = join(workOf(options), "makefile");
  const before = textOf(makefile);
  await make();
  // mcconfig's makefile does not depend on itself: what left a manifest would stay in the image.
  if (before === undefined || before === textOf(makefile)) return;
  rmSync(join(workOf(options), "mc.xs.c"), { force: true });
  await make();
}

function textOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

/** What a person needs to see of a failed build. */
function essence(output: string): string {
  const lines = output.split("\n").filter((line) => !/^# (xsc|tsc|cc|xsid) |warning:/.test(line));
  return lines.slice(-REPORT_LINES).join("\n").trim();
}

/** Where `build` left the simulator's app. */
export function appOf({ out, debug = false }: Pick<Build, "out" | "debug">): string {
  const name = HOST === "win" ? "mc.dll" : "mc.so";
  return join(out, "bin", HOST, "mc", debug ? "debug" : "release", "lumicast", name);
}

/** Where `build` keeps what it makes on the way. */
export function workOf({ out, platform, debug = false }: Build): string {
  const parts = platform === HOST ? [platform, "mc"] : platform.split("/");
  return join(out, "tmp", ...parts, debug ? "debug" : "release", "lumicast");
}

function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        output += text;
      });
    }
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}
