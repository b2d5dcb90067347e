/**
 * What the Moddable SDK's builds come to: the image as xsl made it (npm run test:sdk leaves it in
 * build/sdk), XS 17 and nothing else, compiled for the chip's core and linked without what nobody
 * reaches. What ESP-IDF or Zephyr bring, the C of our own and the SDK's modules is not in it: they
 * do not compile here.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { need, skip } from "../lacks.js";
import { ROOT } from "../root.js";
import { workOf } from "../sdk/sdk.js";
import type { ToolName } from "../tools.js";
import { sections } from "./m32.js";
import type { Figures } from "./types.js";

interface Chip {
  /** As mcconfig's -p takes it. */
  readonly platform: string;
  readonly tool: ToolName;
  readonly flags: readonly string[];
  /** Room in the C library's own linker script. */
  readonly link: readonly string[];
}

export const CHIPS: Readonly<Record<"esp32c6" | "nrf52840", Chip>> = {
  esp32c6: {
    platform: "esp32/esp32c6",
    tool: "riscv64-unknown-elf-gcc",
    flags: ["-march=rv32imac", "-mabi=ilp32", "--specs=picolibc.specs"],
    link: ["-Wl,--defsym=__flash_size=0x400000", "-Wl,--defsym=__ram_size=0x80000"],
  },
  nrf52840: {
    platform: "zephyr/nrf52840dk",
    tool: "arm-none-eabi-gcc",
    flags: [
      ...["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
      "--specs=nano.specs",
    ],
    link: [],
  },
};

/** The engine's files that no device compiles: parser, snapshots, hosts. */
const LEFT_OUT = [
  ...["xsum", "xsLexical", "xsSyntaxical", "xsScope", "xsCode", "xsTree", "xsScript"],
  ...["xsSourceMap", "xsSnapshot", "xsLockdown", "xsDefaults", "xsProfile"],
];
/** What reaches everything that a device can. */
const ROOTS = ["xsPreparationAndCreation", "fxCloneMachine", "fxRunPromiseJobs", "fxRunModule"];

/** Enough of a platform for the engine to compile; the SDK includes it through XSPLATFORM. */
const PLATFORM_HEADER = `#include <ctype.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#define ICACHE_FLASH1_ATTR
#define C_PATH_MAX 128
#define mxUseDefaultMachinePlatform 1
#define mxUseDefaultBuildKeys 1
#define mxUseDefaultSharedChunks 1
#define mxMachinePlatform void *host;
`;

export async function measureSdk(chip: Chip): Promise<Figures | undefined> {
  const { platform, tool } = chip;
  const what = `sizes of the image for ${platform}`;
  if (!need("the Moddable SDK", what) || !need(tool, what)) return undefined;
  const work = workOf({ platform, out: join(ROOT, "build/sdk/out") });
  if (!existsSync(join(work, "mc.xs.c"))) {
    skip(what, "no image there; npm run test:sdk makes it");
    return undefined;
  }
  const elf = link(chip, work);
  const { code, data } = sections(elf, tool.replace(/gcc$/, "size"));
  return { code, data, image: code + data, preload: preloadBytes(work) };
}

function link(chip: Chip, work: string): string {
  const { MODDABLE = "" } = process.env;
  const sources = join(MODDABLE, "xs/sources");
  const folder = join(ROOT, "build/size", basename(chip.platform));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "platform.h"), PLATFORM_HEADER);
  const includes = [folder, work, sources, join(MODDABLE, "xs/includes")];
  const compile = [
    ...[...chip.flags, "-Os", "-w", "-ffunction-sections", "-fdata-sections", "-c"],
    ...["-DmxRun=1", "-DmxNoConsole=1", "-DINCLUDE_XSPLATFORM", '-DXSPLATFORM="platform.h"'],
    ...[...includes, join(MODDABLE, "xs/platforms")].map((path) => `-I${path}`),
  ];
  const engine = readdirSync(sources).filter((name) => /^xs.*\.c$/.test(name));
  const files = engine
    .filter((name) => !LEFT_OUT.includes(basename(name, ".c")))
    .map((name) => join(sources, name));
  const objects = [...files, join(work, "mc.xs.c")].map((file) => {
    const object = join(folder, `${basename(file)}.o`);
    run(chip.tool, [...compile, file, "-o", object]);
    return object;
  });
  const elf = join(folder, "image.elf");
  const roots = [`-Wl,-e,${ROOTS[0]}`, ...ROOTS.map((name) => `-Wl,-u,${name}`)];
  const options = [
    ...chip.link,
    "-nostartfiles",
    "-Wl,--gc-sections",
    "-Wl,--unresolved-symbols=ignore-all",
  ];
  const libraries = ["-lm", "-lc", "-lgcc"];
  run(chip.tool, [...chip.flags, ...options, ...roots, ...objects, ...libraries, "-o", elf]);
  return elf;
}

/** The heap that xsl preloaded: so many slots of 16 bytes, with 32-bit pointers. */
function preloadBytes(work: string): number {
  const text = readFileSync(join(work, "mc.xs.c"), "utf8");
  return 16 * Number(/^#define mxHeapCount (\d+)/m.exec(text)?.[1]);
}

function run(command: string, args: readonly string[]): void {
  const done = spawnSync(command, args, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${command}: ${done.error?.message ?? done.stderr}`);
}
