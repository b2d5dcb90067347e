/**
 * What `npm run flash` can flash, and what is known of each before a build takes minutes to find
 * out. The pins are those of platforms/esp32/setup.c, which refuses the same at boot;
 * test/boards/flash-pins.test.ts holds the two equal.
 */
import type { ToolName } from "../tools.js";

export interface Chip {
  /** GPIOs that a board may use, and of these the ones that can drive something. */
  readonly pins: ReadonlySet<number>;
  readonly outputs: ReadonlySet<number>;
}

export interface Target {
  readonly what: string;
  readonly network: "wifi" | "thread";
  /** Undefined: the board's pins are fixed. */
  readonly chip: Chip | undefined;
  /** What mcconfig's build needs besides the SDK. */
  readonly needs: readonly ToolName[];
}

/** [8, 9] stands for 8 to 9. */
type Ranges = readonly (number | readonly [number, number])[];

function numbers(ranges: Ranges): ReadonlySet<number> {
  const found = ranges.flatMap((range) => {
    const [from, to] = typeof range === "number" ? [range, range] : range;
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
  return new Set(found);
}

function chip(pins: Ranges, outputs: Ranges = pins): Chip {
  return { pins: numbers(pins), outputs: numbers(outputs) };
}

const ESP32_OUTPUTS: Ranges = [
  [0, 5],
  [12, 19],
  [21, 23],
  [25, 27],
  [32, 33],
];

export const CHIPS = {
  esp32: chip([...ESP32_OUTPUTS, [34, 39]], ESP32_OUTPUTS),
  esp32s3: chip([
    [0, 21],
    [33, 48],
  ]),
  esp32c3: chip([
    [0, 10],
    [18, 21],
  ]),
  esp32c6: chip([[0, 23]]),
  esp32h2: chip([
    [0, 5],
    [8, 14],
    [22, 27],
  ]),
} as const satisfies Record<string, Chip>;

const esp = (name: keyof typeof CHIPS, network: "wifi" | "thread", what: string): Target => ({
  what,
  network,
  chip: CHIPS[name],
  needs: ["ESP-IDF"],
});

/** By mcconfig's name of the platform. */
export const TARGETS: Readonly<Record<string, Target>> = {
  esp32: esp("esp32", "wifi", "ESP32, Wi-Fi"),
  "esp32/esp32s3": esp("esp32s3", "wifi", "ESP32-S3, Wi-Fi"),
  "esp32/esp32c3": esp("esp32c3", "wifi", "ESP32-C3, Wi-Fi"),
  "esp32/esp32c6": esp("esp32c6", "thread", "ESP32-C6, Thread"),
  "esp32/esp32h2": esp("esp32h2", "thread", "ESP32-H2, Thread"),
  "zephyr/nrf52840dk": {
    what: "nRF52840 DK, Thread",
    network: "thread",
    chip: undefined,
    needs: ["Zephyr", "west"],
  },
};

/** Those an image can be built for here: the others want a sensor, and no board has one yet. */
export const FLASH_ROLES = ["luminaire", "switch"] as const;
export type FlashRole = (typeof FLASH_ROLES)[number];
