/**
 * The C of the simulator and of the bindings, without a warning: for Linux as it is, for macOS
 * against a stub of CoreFoundation, for Windows with Debian's MinGW.
 */
import { equal } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { build, findSdk, workOf } from "../../hosts/sdk/sdk.js";
import { lacks } from "../support/skip.js";
import { needsSdk } from "./needs.js";

const FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"];
const simulator = (name: string) => join(ROOT, "platforms/simulator", name);
const shared = (name: string) => join(ROOT, "platforms/native", name);

function compiles(compiler: string, args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(compiler, [...FLAGS, ...args], { encoding: "utf8" });
  equal(error, undefined);
  equal(status, 0, stderr);
}

/** GLib's headers are not as strict as we are. */
function gio(): string[] {
  const { stdout } = spawnSync("pkg-config", ["--cflags", "gio-2.0"], { encoding: "utf8" });
  return stdout.trim().replaceAll(/-I/g, "-isystem").split(/\s+/);
}

test("the simulator's C compiles without a warning for Linux", {
  skip: lacks("libgtk-3-dev"),
}, () => {
  const files = [
    ...["udp6.c", "groups.c", "echo.c"].map(shared),
    shared("nor.c"),
    ...["instance.c", "posix.c"].map(simulator),
  ];
  compiles("cc", [...gio(), ...files, simulator("watch_lin.c")]);
});

test("the simulator's C compiles without a warning for macOS, its frameworks stubbed", () => {
  const stubs = join(ROOT, "test/sdk/stubs");
  const files = [
    ...["udp6.c", "groups.c", "echo.c"].map(shared),
    ...["instance.c", "posix.c", "watch_mac.c"].map(simulator),
  ];
  compiles("cc", ["-D__APPLE__", "-I", stubs, ...files]);
});

const mingw = "x86_64-w64-mingw32-gcc";
const noMingw =
  spawnSync(mingw, ["--version"]).status === 0
    ? false
    : "needs MinGW: sudo apt-get install -y gcc-mingw-w64-x86-64-win32";

test("the simulator's C compiles without a warning for Windows", { skip: noMingw }, () => {
  compiles(mingw, [
    ...["nor.c", "groups.c", "echo.c"].map(shared),
    ...["instance.c", "os_win.c", "net_win.c"].map(simulator),
  ]);
});

test("the bindings' C compiles without a warning against the SDK's headers", {
  skip: needsSdk(),
  timeout: 600_000,
}, async () => {
  const sdk = findSdk();
  const made = { platform: "lin", out: join(ROOT, "build/sdk/out") };
  await build(sdk, made);
  const folder = join(ROOT, "platforms/moddable");
  const names = readdirSync(folder).filter((name) => name.endsWith(".c"));
  const files = [...names.map((name) => join(folder, name)), simulator("natives_simulator.c")];
  const places = ["xs/includes", "xs/platforms", "xs/sources"];
  const headers = places.flatMap((name) => ["-isystem", join(sdk.folder, name)]);
  const platform = ["-DINCLUDE_XSPLATFORM=1", '-DXSPLATFORM="lin_xs.h"'];
  compiles("cc", [...gio(), ...headers, "-isystem", workOf(made), ...platform, ...files]);
});
