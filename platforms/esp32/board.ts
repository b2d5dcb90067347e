/**
 * The board on ESP32, ESP32-S3 and ESP32-C3 over Wi-Fi, and ESP32-C6 and ESP32-H2 over Thread.
 *
 * The problem: three kinds of chip, two kinds of network, and none of them on this desk. Rejected:
 * the SDK's own wifi, socket and preference modules (no IPv6 multicast, an erase before each
 * write), and logic in C that only a chip can run. Chosen: what decides is C without an SDK
 * (platforms/native, setup.c), tested on a computer; what calls ESP-IDF (esp32_*.c) does nothing
 * else, and is checked against its headers (test/boards/esp32.test.ts).
 *
 * Two firmware slots where the flash has 8 MB (esp32_slots.c, partitions_8mb.csv); with 4 MB there
 * is one, and /fw answers 4.04. `kind` is what their images are made for: the chip, unless mcconfig
 * says kind=..., which is for products that have other pins on the same chip. An image for many
 * devices is built without LUMICAST_PROVISIONING, and with the role, pins and network of those it
 * is for; each device has its own provisioning from the image before (moddable/slots.ts).
 *
 * Pins and settings: setup.h; both are checked here before anything is switched on, and refused by
 * name. `npm run flash` checks the same before it builds.
 */
import config from "mc/config";
import type { Board } from "../../modules/ports/board.js";
import type { Indicator, PatternName } from "../../modules/ports/indicator.js";
import type { Slots } from "../../modules/ports/slots.js";
import type { Trace } from "../../modules/ports/trace.js";
import { sdkBoard } from "../moddable/board.js";
import { restartNow } from "../moddable/bound.js";
import { embedded } from "../moddable/provisioning.js";
import { restart } from "../moddable/restart.js";
import { keptProvisioning, SdkSlots } from "../moddable/slots.js";

/** The status LED; without a pin for one nobody sees it. */
const INDICATOR: Indicator = Object.freeze({
  show: (pattern: PatternName) => {
    native("xs_lumicast_esp32_indicator").call(undefined, pattern);
  },
});

const SETTINGS = ["ssid", "password", "dataset", "router", "whites"];

export function board(): Board {
  for (const name of SETTINGS) {
    const text = String(config[name] ?? "");
    if (text === "") continue;
    const wrong = native<string | undefined>("xs_lumicast_esp32_text").call(undefined, name, text);
    // Not its value: a password has no business in a log.
    if (wrong !== undefined) return restart(`pins: setting ${name}: ${wrong}`);
  }
  const made = sdkBoard();
  const role = String(config.role ?? "");
  const missing = native<string | undefined>("xs_lumicast_esp32_ready").call(undefined, role);
  if (missing !== undefined) return restart(missing);
  const slots = slotsOf(made);
  return {
    ...made,
    ...(slots === undefined ? {} : { slots }),
    trace: telling(made.trace),
    indicator: INDICATOR,
    provisioning: () => embedded() ?? keptProvisioning(),
    restart: restartNow,
  };
}

/** None where the partition table has one: the device works, and answers 4.04 to /fw. */
function slotsOf({ log }: Board): Slots | undefined {
  const chip = native<string>("xs_lumicast_esp32_chip").call(undefined);
  try {
    return new SdkSlots(String(config.kind ?? "") || chip, embedded);
  } catch (error) {
    log(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/** A store that is full refuses as one that fails does: the status LED says so (pattern.h). */
function telling(trace: Trace): Trace {
  return {
    count(event) {
      if (event === "storeFailed") native("xs_lumicast_esp32_flash_failed").call(undefined);
      trace.count(event);
    },
  };
}
