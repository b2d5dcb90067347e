/**
 * platforms/nrf52840 without the board: its C compiles for the chip's core against the stubs beside
 * this, runs on this computer with Zephyr played by nrf52840/zephyr_*.c, and what its files say of
 * each other holds. Nothing here has run on hardware; what decides is in platforms/native and
 * tested by unit.test.ts. The build by mcconfig, as far as it goes, is in test/sdk/targets.test.ts.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { lacks } from "../support/skip.js";

const BOARD = join(ROOT, "platforms/nrf52840");
const STUBS = join(ROOT, "test/boards/stubs");
const skip = lacks("arm-none-eabi-gcc");

const manifest = JSON.parse(readFileSync(join(BOARD, "manifest.json"), "utf8"));
const zephyrConfig: Readonly<Record<string, string>> = manifest.zephyrConfig;
const glue = readdirSync(BOARD).filter((name) => name.endsWith(".c"));
/** Of the SDK's own types, for which there are no stubs. */
const bindings = "natives_nrf.c";
const shared: string[] = manifest.modules["*"].filter((name: string) => name.startsWith("../"));

interface Run {
  readonly status: number | null;
  readonly output: string;
}

function run(command: string, args: readonly string[]): Run {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, output: `${stdout}${stderr}` };
}

function compile(file: string, ...more: string[]): Run {
  const core = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"];
  const language = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-fshort-enums"];
  return run("arm-none-eabi-gcc", [...core, ...language, ...more, file]);
}

const stubs = ["-fsyntax-only", "-I", join(STUBS, "zephyr")];

for (const name of glue.filter((name) => name !== bindings)) {
  test(`${name} compiles for a Cortex-M4 against the stubs`, { skip }, () => {
    assert.deepEqual(compile(join(BOARD, name), ...stubs), { status: 0, output: "" });
  });
}

test("the board's C does what it should, Zephyr played by a stand-in, under the sanitizers", () => {
  const out = join(ROOT, "build/boards/nrf52840");
  const tests = ["glue", "zephyr_kernel", "zephyr_net"];
  const files = [
    ...tests.map((name) => join(ROOT, "test/boards/nrf52840", `${name}.c`)),
    ...glue.filter((name) => name !== bindings).map((name) => join(BOARD, name)),
    ...[...shared, "../native/nor"].map((name) => join(BOARD, `${name}.c`)),
  ];
  const checks = ["-Wall", "-Wextra", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  const flags = ["-O1", "-g", "-std=gnu11", ...checks, "-I", join(STUBS, "zephyr")];
  mkdirSync(join(ROOT, "build/boards"), { recursive: true });
  const built = run(process.env.CC ?? "cc", [...flags, ...files, "-o", out, "-lpthread"]);
  assert.deepEqual(built, { status: 0, output: "" });
  const { status, output } = run(out, []);
  assert.doesNotMatch(output, /^not ok/m);
  assert.match(output, /^ok dataset: the newer one stays$/m);
  assert.equal(status, 0, output);
});

test("what the board shares with others compiles for a Cortex-M4", { skip }, () => {
  const crypto = ["aes", "aesccm", "sha256", "signatures"];
  const names = [...shared, ...crypto.map((name) => `../native/${name}`)];
  for (const name of names) {
    const done = compile(join(BOARD, `${name}.c`), "-O2", "-c", "-o", "/dev/null");
    assert.deepEqual(done, { status: 0, output: "" }, name);
  }
});

test("signed profiles without native signatures are a build error that says what to do", {
  skip,
}, () => {
  const file = join(BOARD, "board_nrf.c");
  const signed = compile(file, ...stubs, "-DMODDEF_LUMICAST_SIGNED=1");
  assert.notEqual(signed.status, 0);
  assert.match(signed.output, /need native Ed25519 and X25519.*lumicast\.signed/s);
  const given = "-DMODDEF_LUMICAST_ED25519=1";
  const good = compile(file, ...stubs, "-DMODDEF_LUMICAST_SIGNED=1", given);
  assert.deepEqual(good, { status: 0, output: "" });
});

test("glue is at most 200 lines a file", () => {
  for (const name of glue) {
    const lines = readFileSync(join(BOARD, name), "utf8").split("\n").length - 1;
    assert.ok(lines <= 200, `${name}: ${lines}`);
  }
});

test("the manifest takes in every C file of the board, and both overlays", () => {
  const listed: string[] = manifest.modules["*"];
  for (const name of glue) assert.ok(listed.includes(`./${name.replace(/\.c$/, "")}`), name);
  for (const name of listed) assert.ok(existsSync(join(BOARD, `${name}.c`)), name);
  // mcconfig merges overlays by index: two of ours take the places of the SDK's two for this board,
  // whose PWM takes the status LED's pin.
  assert.deepEqual(manifest.zephyrOverlay, ["./partitions.overlay", "./pins.overlay"]);
});

for (const name of ["partitions.overlay", "partitions-onchip.overlay"]) {
  test(`${name}: flash is divided without an overlap, 256 KB of it for the store`, () => {
    const text = readFileSync(join(BOARD, name), "utf8");
    const onChip = partitions(/&flash0 \{.*?\n\};/s.exec(text)?.[0] ?? "");
    const second = partitions(/&mx25r64 \{.*?\n\};/s.exec(text)?.[0] ?? "");
    onChip.push({ name: "storage", at: 0xf8000, size: 0x8000 }); // the board's, for OpenThread
    let end = 0;
    for (const { name, at, size } of onChip) {
      assert.equal(at % 4096 || size % 4096, 0, name);
      assert.ok(at >= end, `${name} begins before the one in front of it ends`);
      end = at + size;
    }
    assert.equal(end, 1024 * 1024);
    const stores = [...onChip, ...second].filter(({ name }) => name === "lumicast");
    assert.deepEqual(
      stores.map(({ size }) => size),
      [256 * 1024],
    );
  });
}

function partitions(text: string): { name: string; at: number; size: number }[] {
  const found = [...text.matchAll(/label = "(\w+)";\s*reg = <(\w+) (\w+)>/g)];
  return found.map(([, name, at, size]) => ({ name, at: Number(at), size: Number(size) }));
}

test("the mesh and Zephyr's stack have room for every group a board may join", () => {
  const header = readFileSync(join(ROOT, "platforms/native/groups.h"), "utf8");
  const groups = Number(/GROUPS_MAX = (\d+)/.exec(header)?.[1]);
  assert.ok(Number(zephyrConfig.CONFIG_OPENTHREAD_IP6_MAX_EXT_MCAST_ADDRS) >= groups);
  // Thread joins up to eight of its own: all nodes, all routers, all Thread nodes, solicited nodes.
  assert.ok(Number(zephyrConfig.CONFIG_NET_IF_MCAST_IPV6_ADDR_COUNT) >= groups + 8);
});

test("XS's memory and what the C asks for fit the heap that Zephyr gives them", () => {
  const heap = Number(zephyrConfig.CONFIG_HEAP_MEM_POOL_SIZE);
  // The budget for slots, chunks, stack and keys; 8 KB for AES keys, timers and messages.
  assert.ok(manifest.creation.static <= 64 * 1024);
  assert.ok(heap >= manifest.creation.static + 8 * 1024);
});
