/** What is measured. Bytes and instructions; a target has those it can tell. */
export const FIGURES = {
  code: "machine code and constants",
  data: "initialised and zeroed data",
  byteCode: "byte code",
  preload: "preloaded heap, in ROM",
  image: "image: all of that",
  heapBoot: "heap in use after boot",
  heapDay: "heap in use after 10 minutes",
  ramDay: "RAM of XS, 10 minutes",
  ramReports: "RAM of XS, with reports",
  stackPeak: "value stack, deepest",
  firstBoot: "first boot, 10 groups",
  boot: "boot, 10 groups, 50 senders",
  bootRoom: "boot, one group",
  firstMessage: "first message after it",
  accepted: "accepted, its bound written",
  acceptedGroupOscore: "group-oscore, to the light port",
  burst: "accepted in a burst",
  duplicate: "duplicate",
  forged: "forged",
  foreign: "foreign group",
  send: "command sent",
  ccm: "AES-CCM-8 open, 24 + 20 B",
  native: "accepted, native part",
  gc: "collection",
  gcOnPath: "collections from radio to light",
} as const;

export type Figure = keyof typeof FIGURES;
export type Figures = { readonly [figure in Figure]?: number };

export const TARGETS = {
  m32: "headless, 32 bits; instructions are x86, with the messages less without",
  cortexm: "Cortex-M4 in QEMU; instructions are Thumb-2, counted by -icount",
  esp32c6: "ESP32-C6: image of the Moddable SDK with XS 17, without ESP-IDF and glue",
  nrf52840: "nRF52840: image of the Moddable SDK with XS 17, without Zephyr and glue",
} as const;

export type Target = keyof typeof TARGETS;
export type PerTarget = { readonly [target in Target]?: Figures };
