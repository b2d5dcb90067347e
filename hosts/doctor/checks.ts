/** Everything the doctor looks at, and what each thing is for. */
import { type ToolName, tools } from "../tools.js";
import { multicast } from "./multicast.js";
import { serialPorts } from "./serial.js";
import type { Check, Purpose } from "./types.js";

const purposes: Readonly<Record<ToolName, readonly Purpose[]>> = {
  "Node 20": ["base"],
  "npm packages": ["base"],
  "C compiler": ["base"],
  make: ["base"],
  "gcc-multilib": ["suites"],
  valgrind: ["suites"],
  "libmbedtls-dev": ["suites"],
  "libsodium-dev": ["suites"],
  "dpkg-dev": ["suites"],
  tshark: ["suites"],
  "libcoap's client": ["suites"],
  "libcoap with DTLS": ["suites"],
  OpenSSL: ["suites"],
  GnuTLS: ["suites"],
  pion: ["suites"],
  "python3-venv": ["suites"],
  aiocoap: ["suites"],
  Californium: ["suites"],
  "network namespaces": ["suites"],
  PostgreSQL: ["suites"],
  strace: ["suites"],
  Chromium: ["suites"],
  "third-party vectors": ["suites"],
  "liblwip-dev": ["suites"],
  "riscv64-unknown-elf-gcc": ["suites"],
  "arm-none-eabi-gcc": ["cortexm"],
  "qemu-system-arm": ["cortexm"],
  "the Moddable SDK": ["simulator", "test:sdk", "esp32", "nrf52840"],
  "the SDK's tools": ["simulator", "test:sdk", "esp32", "nrf52840"],
  "libgtk-3-dev": ["simulator", "test:sdk"],
  mcsim: ["simulator", "test:sdk"],
  xst: ["test:sdk"],
  Xvfb: ["test:sdk"],
  xdotool: ["test:sdk"],
  imagemagick: ["test:sdk"],
  "ESP-IDF": ["esp32"],
  cmake: ["test:sdk", "esp32", "nrf52840"],
  west: ["nrf52840"],
  Zephyr: ["nrf52840"],
};

/** Takes a second or two: everything is tried. */
export async function examine(): Promise<Check[]> {
  const found = Object.entries(purposes).map(([name, purposes]) => {
    const { find, mend } = tools[name as ToolName];
    return { name, purposes, found: find(), mend };
  });
  return [...found, await multicast(), serialPorts()];
}
