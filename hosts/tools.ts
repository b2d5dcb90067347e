/**
 * What Lumicast can use that is not part of it, how it is found, and the one command that brings
 * it: said here once, for the suites that skip without it (lacks.ts) and for `npm run doctor`.
 *
 * Tools are tried, not looked up: a compiler is there when it compiles. Everything follows $PATH
 * and the environment, so whatever a person chose counts.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./root.js";

export interface Tool {
  /** Version, place or "here"; undefined when it is missing. */
  readonly find: () => string | undefined;
  /** The command that mends it. */
  readonly mend: string;
}

/**
 * Vectors of others: they stay in the shared folder, beside the repository unless told otherwise.
 */
export const thirdPartyVectors = join(
  process.env.LUMICAST_VECTORS ?? join(ROOT, "../shared/vectors"),
  "third-party",
);

/** PostgreSQL's programs, which Debian keeps off $PATH; the newest. */
export const POSTGRES_BIN = postgresBin();

/** What every build with the SDK runs. */
const SDK_TOOLS = ["mcconfig", "xsc", "xsl"];
/** Moddable 8.2.3 builds with this one and refuses others: build/devices/esp32/manifest.json. */
const ESP_IDF = "v6.0";
const ESP_IDF_SOURCE = "https://github.com/espressif/esp-idf";
const SDK_SOURCE = "https://github.com/Moddable-OpenSource/moddable";

/** What the interop suites bring: others' implementations, in build/. */
const VENV_BELOW = "build/interop/venv";
export const VENV = join(ROOT, VENV_BELOW);
const REQUIREMENTS = "test/interop/requirements.txt";
const CALIFORNIUM = "build/interop/californium";
const CALIFORNIUM_POM = "test/interop/californium/pom.xml";
/** libcoap's client without TLS: the package's plain name is an alternative that may be missing. */
export const LIBCOAP_CLIENT = "coap-client-notls";
export const PION = join(ROOT, "build/interop/pion/pion");
const PION_SOURCE = "test/interop/pion";
const BRIDGE = "ip link add name b0 type bridge && ip link add name v0 type veth peer name w0";

const CORTEX_M4 = ["-mcpu=cortex-m4", "-mthumb", "--specs=nano.specs", "--specs=nosys.specs"];
const RV32IMAC = ["-march=rv32imac", "-mabi=ilp32", "--specs=picolibc.specs"];

export const tools = {
  "Node 20": {
    find: () => (major(process.versions.node) >= 20 ? process.versions.node : undefined),
    mend: "install it from https://nodejs.org/en/download",
  },
  "npm packages": { find: packages, mend: "npm ci --ignore-scripts" },
  "C compiler": {
    find: () => (compiles(cc(), [], "stdio.h") ? version(cc(), "-dumpfullversion") : undefined),
    mend: apt("gcc libc6-dev"),
  },
  make: { find: () => version("make", "--version"), mend: apt("make") },
  valgrind: { find: () => version("valgrind", "--version"), mend: apt("valgrind") },
  tshark: { find: () => version("tshark", "--version"), mend: apt("tshark") },
  "libcoap's client": {
    find: () => onPath(LIBCOAP_CLIENT),
    mend: apt("libcoap3-bin"),
  },
  "libcoap with DTLS": {
    find: () => onPath("coap-server-openssl") && onPath("coap-server-gnutls"),
    mend: apt("libcoap3-bin"),
  },
  OpenSSL: { find: () => version("openssl", "version"), mend: apt("openssl") },
  GnuTLS: { find: () => version("gnutls-serv", "--version"), mend: apt("gnutls-bin") },
  pion: {
    find: () => here(existsSync(PION)),
    mend: `go build -C ${PION_SOURCE} -o ${PION} .`,
  },
  "python3-venv": {
    find: () => here(succeeds("python3", "-c", "import ensurepip, venv")),
    mend: apt("python3-venv"),
  },
  aiocoap: {
    find: () => version(join(VENV, "bin/python"), "-c", "import aiocoap.oscore; print('0.4.17')"),
    mend: `python3 -m venv ${VENV_BELOW} && ${VENV_BELOW}/bin/pip install -r ${REQUIREMENTS}`,
  },
  Californium: {
    find: () => here(existsSync(join(ROOT, CALIFORNIUM, "classpath"))),
    mend: `mvn -B -q -f ${CALIFORNIUM_POM} package`,
  },
  "network namespaces": {
    find: () => here(succeeds("unshare", "-r", "-n", "sh", "-c", BRIDGE)),
    mend: "sysctl -w kernel.unprivileged_userns_clone=1",
  },
  "gcc-multilib": {
    find: () => here(compiles(cc(), ["-m32"], "stdio.h")),
    mend: apt("gcc-multilib"),
  },
  "libmbedtls-dev": {
    find: () => here(compiles(cc(), ["-lmbedcrypto"], "mbedtls/ccm.h")),
    mend: apt("libmbedtls-dev"),
  },
  "libsodium-dev": {
    find: () => version("pkg-config", "--modversion", "libsodium"),
    mend: apt("libsodium-dev pkg-config"),
  },
  "dpkg-dev": { find: () => version("dpkg-source", "--version"), mend: apt("dpkg-dev") },
  "arm-none-eabi-gcc": {
    find: () => cross("arm-none-eabi-gcc", CORTEX_M4),
    mend: apt("gcc-arm-none-eabi libnewlib-arm-none-eabi"),
  },
  "qemu-system-arm": {
    find: () => version("qemu-system-arm", "--version"),
    mend: apt("qemu-system-arm"),
  },
  "riscv64-unknown-elf-gcc": {
    find: () => cross("riscv64-unknown-elf-gcc", RV32IMAC),
    mend: apt("gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf"),
  },
  "liblwip-dev": {
    find: () => here(existsSync("/usr/include/lwip/lwip/udp.h")),
    mend: apt("liblwip-dev"),
  },
  Xvfb: { find: () => onPath("Xvfb"), mend: apt("xvfb") },
  xdotool: { find: () => onPath("xdotool"), mend: apt("xdotool") },
  imagemagick: { find: () => onPath("import"), mend: apt("imagemagick") },
  "libgtk-3-dev": {
    find: () => version("pkg-config", "--modversion", "gtk+-3.0"),
    mend: apt("libgtk-3-dev pkg-config"),
  },
  "the Moddable SDK": {
    find: sdk,
    mend: `git clone ${SDK_SOURCE} && export MODDABLE=$PWD/moddable`,
  },
  "the SDK's tools": {
    find: () => sdkTools(SDK_TOOLS),
    mend: `make -C "$MODDABLE/build/makefiles/${sdkHost()}"`,
  },
  mcsim: {
    find: () => sdkTools(["mcsim"]),
    mend: `make -C "$MODDABLE/build/makefiles/${sdkHost()}"`,
  },
  xst: {
    find: () => sdkTools(["xst"]),
    mend: `make -C "$MODDABLE/xs/makefiles/${sdkHost()}" -f xst.mk GOAL=release`,
  },
  "ESP-IDF": {
    find: espIdf,
    mend:
      `git clone -b ${ESP_IDF} --recursive ${ESP_IDF_SOURCE} ` +
      "&& esp-idf/install.sh && . esp-idf/export.sh",
  },
  cmake: { find: () => version("cmake", "--version"), mend: apt("cmake") },
  west: { find: () => version("west", "--version"), mend: "pip install west" },
  Zephyr: {
    find: zephyr,
    mend:
      "west init zephyrproject && cd zephyrproject && west update && west packages pip --install " +
      "&& west sdk install && export ZEPHYR_BASE=$PWD/zephyr",
  },
  PostgreSQL: { find: () => here(POSTGRES_BIN !== undefined), mend: apt("postgresql") },
  Chromium: { find: () => version("chromium", "--version"), mend: apt("chromium") },
  strace: { find: () => version("strace", "--version"), mend: apt("strace") },
  "third-party vectors": {
    find: () => here(existsSync(thirdPartyVectors)),
    mend: "set $LUMICAST_VECTORS to the shared folder's vectors",
  },
} satisfies Record<string, Tool>;

export type ToolName = keyof typeof tools;

function apt(names: string): string {
  const sudo = process.getuid?.() === 0 && onPath("sudo") === undefined ? "" : "sudo ";
  return `${sudo}apt-get install -y ${names}`;
}

function postgresBin(): string | undefined {
  const below = "/usr/lib/postgresql";
  if (!existsSync(below)) return undefined;
  const versions = readdirSync(below).sort((a, b) => Number(b) - Number(a));
  const bins = versions.map((version) => join(below, version, "bin"));
  return bins.find((bin) => existsSync(join(bin, "initdb")));
}

function cc(): string {
  return process.env.CC ?? "cc";
}

function here(present: boolean): string | undefined {
  return present ? "here" : undefined;
}

/** What the program says of its version: the first thing in it that looks like one. */
function version(command: string, ...args: string[]): string | undefined {
  const done = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  if (done.error !== undefined || done.status !== 0) return undefined;
  return /\d+(\.\d+)+/.exec(done.stdout)?.[0] ?? "here";
}

function major(text: string): number {
  return Number.parseInt(text, 10);
}

function succeeds(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** For programs that cannot be asked without a display, and for who has to name the file. */
export function onPath(command: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(":").filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path));
}

/** Whether a program that includes `header` compiles and links with `flags`. */
function compiles(compiler: string, flags: readonly string[], header: string): boolean {
  const args = ["-xc", "-", "-o", "/dev/null", ...flags];
  const input = `#include <${header}>\nint main(void) { return 0; }\n`;
  return spawnSync(compiler, args, { input, stdio: "pipe" }).status === 0;
}

/** The version of a compiler that makes whole programs, C library and all. */
function cross(compiler: string, flags: readonly string[]): string | undefined {
  return compiles(compiler, flags, "stdlib.h") ? version(compiler, "-dumpfullversion") : undefined;
}

function packages(): string | undefined {
  const read = (path: string) => readJson(join(ROOT, path))?.packages as Packages | undefined;
  const [locked, installed] = [read("package-lock.json"), read("node_modules/.package-lock.json")];
  if (locked === undefined || installed === undefined) return undefined;
  // Of packages for other machines npm installs none.
  const missing = Object.entries(locked).some(([path, entry]) => {
    const found = installed[path];
    if (path === "" || found?.version === entry.version) return false;
    return found !== undefined || entry.optional !== true;
  });
  return missing ? undefined : "as locked";
}

type Packages = Readonly<Record<string, { readonly version?: string; readonly optional?: true }>>;

function readJson(path: string): Record<string, unknown> | undefined {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

function textOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function sdk(): string | undefined {
  const { MODDABLE } = process.env;
  return MODDABLE && textOf(join(MODDABLE, "tools/VERSION"))?.trim();
}

function sdkHost(): string {
  return process.platform === "darwin" ? "mac" : process.platform === "win32" ? "win" : "lin";
}

/** Built tools; those of a debug build do as well. */
function sdkTools(names: readonly string[]): string | undefined {
  const { MODDABLE } = process.env;
  if (!MODDABLE) return undefined;
  const complete = (goal: string) => {
    const bin = join(MODDABLE, "build/bin", sdkHost(), goal);
    return names.every((name) => existsSync(join(bin, name)));
  };
  return ["release", "debug"].find(complete);
}

function espIdf(): string | undefined {
  const { IDF_PATH } = process.env;
  if (!IDF_PATH) return undefined;
  const cmake = textOf(join(IDF_PATH, "tools/cmake/version.cmake")) ?? "";
  const part = (name: string) => new RegExp(`IDF_VERSION_${name} (\\d+)`).exec(cmake)?.[1];
  const found = `v${part("MAJOR")}.${part("MINOR")}`;
  return found === ESP_IDF ? `${found}.${part("PATCH")}` : undefined;
}

function zephyr(): string | undefined {
  const { ZEPHYR_BASE } = process.env;
  if (!ZEPHYR_BASE) return undefined;
  const text = textOf(join(ZEPHYR_BASE, "VERSION")) ?? "";
  const part = (name: string) => new RegExp(`${name} *= *(\\d+)`).exec(text)?.[1];
  if (part("VERSION_MAJOR") === undefined) return undefined;
  return `${part("VERSION_MAJOR")}.${part("VERSION_MINOR")}.${part("PATCHLEVEL")}`;
}
