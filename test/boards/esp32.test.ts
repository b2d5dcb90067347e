/**
 * platforms/esp32 without the board: its C compiles as the SDK compiles it, against stubs and
 * Debian's lwIP; what its files say of each other holds; mcconfig's build goes through as far as it
 * goes without ESP-IDF.
 *
 * Nothing here runs on hardware; what decides is in setup.c and platforms/native and tested by
 * unit.test.ts.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { lacks } from "../support/skip.js";

const BOARD = join(ROOT, "platforms/esp32");
const STUBS = join(ROOT, "test/boards/stubs/esp-idf");
const OUT = join(ROOT, "build/boards/esp32");
const skip = lacks("riscv64-unknown-elf-gcc") || lacks("liblwip-dev");

const manifest = readManifest("manifest.json");
const glue = readdirSync(BOARD).filter((name) => name.endsWith(".c"));
/** Of XS's own types, for which there are no stubs: test/sdk and mcconfig's build compile it. */
const bindings = "natives_esp32.c";
const chips = readdirSync(join(BOARD, "chips")).map((name) => name.replace(/\.json$/, ""));
const shared: string[] = manifest.modules["*"].filter((name: string) =>
  name.startsWith("../native/"),
);

function readManifest(name: string) {
  return JSON.parse(readFileSync(join(BOARD, name), "utf8"));
}

interface Run {
  readonly status: number | null;
  readonly output: string;
}

function run(command: string, args: readonly string[]): Run {
  const options = { encoding: "utf8", timeout: 600_000 } as const;
  const { status, stdout, stderr } = spawnSync(command, args, options);
  return { status, output: `${stdout}${stderr}` };
}

/** The flags that make.esp32.mk of the SDK gives; `-march` too: it leaves atomics out. */
function compile(file: string, ...more: string[]): Run {
  const core = ["-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs", "-std=gnu17"];
  const hook = '-DLUMICAST_AES="../esp32/aes_esp.h"';
  const warnings = ["-Wall", "-Wextra", "-Werror"];
  return run("riscv64-unknown-elf-gcc", [...core, ...warnings, "-Os", hook, ...more, file]);
}

/** A forwarder for each header that the stubs stand for, in a folder of its own. */
function stubs(): string[] {
  const folder = join(OUT, "headers");
  const text = readFileSync(join(STUBS, "esp-idf.h"), "utf8");
  const names = [...text.matchAll(/^ \* {3}(.+)$/gm)].flatMap(([, line]) => line.split(" "));
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), '#include "esp-idf.h"\n');
  }
  return ["-I", folder, "-I", STUBS, "-isystem", "/usr/include/lwip"];
}

function chipFlags(chip: string): string[] {
  const thread = readFileSync(join(BOARD, "chips", `${chip}.json`), "utf8").includes("thread");
  return [`-DCONFIG_IDF_TARGET="${chip}"`, `-DSOC_IEEE802154_SUPPORTED=${thread ? 1 : 0}`];
}

for (const name of glue.filter((name) => name !== bindings)) {
  test(`${name} compiles for rv32imc against the stubs and Debian's lwIP`, { skip }, () => {
    const object = join(OUT, name.replace(/c$/, "o"));
    const include = stubs();
    for (const chip of ["esp32c3", "esp32c6"]) {
      const done = compile(join(BOARD, name), ...include, ...chipFlags(chip), "-c", "-o", object);
      assert.deepEqual(done, { status: 0, output: "" }, chip);
      assertNoAtomicCalls(object);
    }
  });
}

test("what the board shares with others compiles for rv32imac and rv32imc", { skip }, () => {
  mkdirSync(OUT, { recursive: true });
  const object = join(OUT, "shared.o");
  const crypto = ["../native/aesccm", "../native/sha256", "../native/signatures"];
  for (const name of [...shared, ...crypto]) {
    for (const core of ["rv32imac", "rv32imc"]) {
      const flags = [`-march=${core}`, "-std=c11", "-c", "-o", object];
      const done = compile(join(BOARD, `${name}.c`), ...flags);
      assert.deepEqual(done, { status: 0, output: "" }, name);
    }
    assertNoAtomicCalls(object);
  }
});

/**
 * The SDK compiles for rv32imc, where an exchange or addition on an atomic is a call; ESP-IDF has
 * those functions for chips without the instructions only, so that a C6 image would not link.
 */
function assertNoAtomicCalls(object: string): void {
  const { output } = run("riscv64-unknown-elf-nm", ["-u", object]);
  assert.doesNotMatch(output, /__atomic|__sync/, object);
}

test("signed profiles without libsodium are a build error that says what to do", { skip }, () => {
  const file = join(BOARD, "esp32_system.c");
  const flags = [
    ...stubs(),
    ...chipFlags("esp32c6"),
    "-fsyntax-only",
    "-DMODDEF_LUMICAST_SIGNED=1",
  ];
  const signed = compile(file, ...flags);
  assert.notEqual(signed.status, 0);
  assert.match(signed.output, /needs Ed25519: include platforms\/esp32\/manifest_signatures\.json/);
  const { defines, modules, platforms } = readManifest("manifest_signatures.json");
  assert.equal(defines.lumicast.ed25519, 1);
  assert.equal(modules["*"], "../native/signatures");
  assert.equal(platforms.esp32.dependency[0].name, "libsodium");
  const good = compile(file, ...flags, "-DMODDEF_LUMICAST_ED25519=1");
  assert.deepEqual(good, { status: 0, output: "" });
});

test("glue is at most 200 lines a file", () => {
  for (const name of glue) {
    const lines = readFileSync(join(BOARD, name), "utf8").split("\n").length - 1;
    assert.ok(lines <= 200, `${name}: ${lines}`);
  }
});

test("each chip takes in one link, and the manifest every other C file", () => {
  const links = ["esp32_thread.c", "esp32_wifi.c"];
  const listed: string[] = manifest.modules["*"];
  for (const name of glue.filter((name) => !links.includes(name))) {
    assert.ok(listed.includes(`./${name.replace(/\.c$/, "")}`), name);
  }
  for (const name of listed) assert.ok(existsSync(join(BOARD, `${name}.c`)), name);
  for (const chip of chips) {
    const { include, error } = readManifest(`chips/${chip}.json`);
    if (error !== undefined) continue;
    const link = readManifest(include.replace("../", "")).modules["*"];
    assert.ok(links.includes(`${link.replace("./", "")}.c`), chip);
  }
});

function table(name: string): string[][] {
  return readFileSync(join(BOARD, name), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(",").map((cell) => cell.trim()));
}

for (const [name, megabytes] of [
  ["partitions.csv", 4],
  ["partitions_8mb.csv", 8],
] as const) {
  test(`${name}: flash is divided without an overlap, 128 KB of it for the store`, () => {
    const rows = table(name);
    let end = 0x9000; // behind the bootloader and the table itself
    for (const [label, type, , offset, size] of rows) {
      assert.equal(Number(offset), end, `${label} begins where the one before it ends`);
      assert.equal(Number(offset) % (type === "app" ? 0x10000 : 0x1000), 0, label);
      end = Number(offset) + Number(size);
    }
    assert.ok(end <= megabytes * 1024 * 1024 && end > (megabytes - 1) * 1024 * 1024);
    const store = rows.find(([label]) => label === "lumicast");
    assert.deepEqual(
      store?.slice(3),
      ["0x10000", "0x20000", "encrypted"],
      "its place never changes",
    );
  });
}

test("two slots of one size, and a boot loader that goes back, where flash has 8 MB", () => {
  const rows = table("partitions_8mb.csv");
  // The boot loader starts ota_0 where otadata says nothing and there is no factory partition.
  const apps = rows.filter(([, type]) => type === "app");
  assert.deepEqual(
    apps.map(([, , subtype]) => subtype),
    ["ota_0", "ota_1"],
  );
  assert.equal(apps[0][4], apps[1][4]);
  const otadata = rows.find(([, , subtype]) => subtype === "ota");
  assert.equal(Number(otadata?.[4]), 2 * 4096);
  // Keys are in it, as they are in the image of whoever builds them in.
  assert.equal(rows.find(([name]) => name === "device")?.[5], "encrypted");
  for (const link of ["wifi", "thread"]) {
    const of = (folder: string) =>
      readFileSync(join(BOARD, folder, "sdkconfig.defaults"), "utf8").split("\n");
    const [one, two] = [of(`sdkconfig_${link}`), of(`sdkconfig_${link}_8mb`)];
    const size = (line: string) => line.startsWith("CONFIG_ESPTOOLPY_FLASHSIZE_");
    const rest = (lines: string[]) => lines.filter((line) => !size(line));
    assert.deepEqual(rest(two), rest(one), `${link}: they differ in the size of flash alone`);
    assert.ok(two.includes("CONFIG_ESPTOOLPY_FLASHSIZE_8MB=y"));
  }
});

test("a boot loader that never goes back is a build error", { skip }, () => {
  const flags = [...stubs(), ...chipFlags("esp32c6"), "-fsyntax-only"];
  const file = join(OUT, "no_rollback.c");
  const source = join(BOARD, "esp32_slots.c");
  const off = "CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE";
  writeFileSync(file, `#include "sdkconfig.h"\n#undef ${off}\n#include "${source}"\n`);
  const { status, output } = compile(file, ...flags);
  assert.notEqual(status, 0);
  assert.match(output, /no image is ever on trial: see sdkconfig_/);
});

test("OpenThread has what it needs of the configuration, and the watchdog watches", () => {
  const of = (link: string) => {
    const text = readFileSync(join(BOARD, `sdkconfig_${link}/sdkconfig.defaults`), "utf8");
    assert.doesNotMatch(text, /is not set$/m, "mcconfig leaves comments out");
    return text.split("\n");
  };
  const ROLLBACK = "BOOTLOADER_APP_ROLLBACK_ENABLE";
  for (const link of ["wifi", "thread"]) {
    for (const name of ["ESP_TASK_WDT_EN", "ESP_TASK_WDT_PANIC", "LWIP_IPV6", ROLLBACK]) {
      assert.ok(of(link).includes(`CONFIG_${name}=y`), `${link}: ${name}`);
    }
  }
  // The SDK's defaults switch select() off, which OpenThread's loop waits by.
  for (const name of ["OPENTHREAD_ENABLED", "OPENTHREAD_FTD", "VFS_SUPPORT_SELECT"]) {
    assert.ok(of("thread").includes(`CONFIG_${name}=y`), name);
  }
});

test("XS's memory stays within the budget", () => {
  const { chunk, heap, stack } = manifest.creation;
  // 16 bytes a slot on 32 bits; the issue allows 64 KB with 10 groups and 50 senders.
  assert.ok(chunk.initial + 16 * (heap.initial + stack) <= 64 * 1024);
});
