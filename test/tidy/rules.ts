/**
 * The house rules that a program can check, as tables: read this file to know them. The code beside
 * it only applies them. Sources: ARCHITECTURE.md (folders, imports, decision 3) and STYLE.md
 * (11-19).
 */

/**
 * Bottom up; a row may name only rows above it, so the table itself rules out cycles of folders.
 */
const parts = [
  "bytes",
  "ports",
  "store",
  "cbor",
  "crypto",
  "coap",
  "cose",
  "lowpan",
  "oscore",
  "dtls",
];
const upToProfiles = [...parts, "profiles"];

/** What each folder of modules/ may import, besides itself. */
export const imports: Readonly<Record<string, readonly string[]>> = {
  bytes: [],
  ports: ["bytes"],
  store: ["bytes", "ports"],
  cbor: ["bytes"],
  crypto: ["bytes", "ports"],
  coap: ["bytes", "ports"],
  cose: ["bytes", "cbor", "ports"],
  lowpan: ["bytes", "ports"],
  oscore: ["bytes", "ports", "store", "cbor", "cose", "coap"],
  dtls: ["bytes", "ports", "store"],
  profiles: ["bytes", "ports", "cbor", "cose", "coap", "oscore", "dtls"],
  access: ["bytes", "ports", "store", "cbor", "cose", "coap"],
  secure: [...upToProfiles, "access"],
  lighting: ["bytes", "cbor", "ports", "store"],
  resources: ["bytes", "ports", "cbor", "coap", "access", "lighting"],
  groups: [...upToProfiles, "access", "secure"],
  authority: [...upToProfiles, "access", "secure", "groups"],
  commission: [
    ...["bytes", "ports", "store", "cbor", "cose", "coap"],
    ...["access", "secure", "groups", "dtls", "authority"],
  ],
  device: [
    ...upToProfiles,
    ...["access", "secure", "lighting", "resources", "groups", "commission"],
  ],
};

/** What a platform may import of modules/; never another platform. */
export const platformImports = ["bytes", "ports", "lowpan", "crypto"];

/** What these boards share, and may import besides: the bindings for the Moddable SDK. */
export const sharedPlatforms: Readonly<Record<string, readonly string[]>> = {
  "platforms/moddable": ["platforms/simulator", "platforms/esp32", "platforms/nrf52840"],
};

/**
 * Files of modules/ that hosts and tests may reach and modules may not; they may import packages.
 */
export const hostSideModules: Readonly<Record<string, readonly string[]>> = {
  "modules/crypto/noble.ts": ["@noble/ciphers", "@noble/curves", "@noble/hashes"],
  "modules/crypto/noble-p256.ts": ["@noble/curves"],
};

/** In modules/profiles, only this file may be imported by the others. */
export const profileContract = "modules/profiles/profile.ts";

/** What a unit suite may import, besides modules/: it runs on XS too. */
export const unitImports = ["test/harness.ts", "test/support/"];

/** Names of the surroundings that portable code must not use, and what it does instead. */
export const bannedGlobals: Readonly<Record<string, string>> = {
  Date: "take a Clock (ports/clock.ts)",
  performance: "take a Clock (ports/clock.ts)",
  setTimeout: "use Clock.after (ports/clock.ts)",
  setInterval: "use Clock.after (ports/clock.ts)",
  setImmediate: "use Clock.after (ports/clock.ts)",
  clearTimeout: "use Clock.cancel (ports/clock.ts)",
  clearInterval: "use Clock.cancel (ports/clock.ts)",
  queueMicrotask: "XS 13.3 lacks it; call the function, or use Clock.after",
  structuredClone: "XS 13.3 lacks it; copy the fields by name",
  console: "count a Trace event (ports/trace.ts) or use Board.log",
  Buffer: "use Uint8Array and modules/bytes",
  process: "take what is needed as an argument",
  require: "use import",
  globalThis: "take what is needed as an argument",
  TextEncoder: "use utf8 (modules/bytes/utf8.ts)",
  TextDecoder: "use fromUtf8 (modules/bytes/utf8.ts)",
  Intl: "XS 13.3 lacks it",
  URL: "XS 13.3 lacks it",
  fetch: "use a port",
  native: "put natives into platforms/ and reach them through a port",
  Atomics: "devices have one thread",
  SharedArrayBuffer: "devices have one thread",
  eval: "devices have no parser",
  Function: "devices have no parser",
};

/** The same for members, written `object.member`; `*` stands for any object. */
export const bannedMembers: Readonly<Record<string, string>> = {
  "Math.random": "take a Random (ports/random.ts)",
  "Object.groupBy": "XS 13.3 lacks it; fill a Map in a loop",
  "Map.groupBy": "XS 13.3 lacks it; fill a Map in a loop",
  "Promise.withResolvers": "XS 13.3 lacks it",
  "Array.fromAsync": "XS 13.3 lacks it",
  "Error.captureStackTrace": "XS 13.3 lacks it",
  "*.toSorted": "XS 13.3 lacks it; copy, then sort",
  "*.toReversed": "XS 13.3 lacks it; copy, then reverse",
  "*.toSpliced": "XS 13.3 lacks it; copy, then splice",
  "*.symmetricDifference": "XS 13.3 lacks it; loop over the set",
  "*.isSubsetOf": "XS 13.3 lacks it; loop over the set",
  "*.isSupersetOf": "XS 13.3 lacks it; loop over the set",
  "*.isDisjointFrom": "XS 13.3 lacks it; loop over the set",
};

/**
 * Where names of the surroundings are banned. Unit suites run on devices' engine, and never sleep.
 */
export const portable = ["modules/", "test/unit/"];

/**
 * What must not be built while a portable module is evaluated: preload makes it read-only memory.
 */
export const scratch = [
  ...["ArrayBuffer", "SharedArrayBuffer", "DataView", "Uint8ClampedArray"],
  ...["Uint8Array", "Uint16Array", "Uint32Array", "Int8Array", "Int16Array", "Int32Array"],
  ...["Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"],
  ...["WeakMap", "WeakSet"],
];

/** These may be built there only as constants whose type is the key. */
export const collections: Readonly<Record<string, string>> = {
  Map: "ReadonlyMap",
  Set: "ReadonlySet",
};

export const ceilings = { fileLines: 500, functionLines: 60, columns: 100 };

/**
 * Characters other than ASCII: in comments of portable code and platforms only these, in code none.
 */
export const commentCharacters = "§–—‖⊕×·±≤≥≠→←↔…°²³¹½¼µ√∞“”‘’«»éèäöüßÄÖÜ";

/** What stands at the top of the repository. */
export const topLevel = [
  ...["README.md", "LICENSE", "NOTICE", "package.json", "package-lock.json", "manifest.json"],
  ...["tsconfig.json", "tsconfig.modules.json", "biome.json", ".gitignore", ".npmrc", ".ci"],
  ...["main.ts", "modules", "platforms", "hosts", "test"],
];

/** What git ignores and tidy does not look into, wherever it lies. */
export const ignored = [".git", "node_modules", "build"];
export const ignoredEndings = [".pcap"];

/** The folders of platforms/, hosts/ and test/; those of modules/ are the rows of `imports`. */
export const folders: Readonly<Record<string, readonly string[]>> = {
  platforms: [
    ...["headless", "simulator", "esp32", "nrf52840", "cortexm", "node"],
    // Shared by several boards: C (flash emulation, AES-CCM, SHA-256), bindings for the SDK.
    ...["native", "moddable"],
  ],
  hosts: [
    ...["installation", "radio", "medium", "room", "pcap", "bench", "compare", "doctor", "size"],
    ...["sdk", "simulator", "reproduce", "cortexm"],
    ...["authority", "border", "building", "decode", "web", "firmware", "flash", "sender"],
  ],
  test: [
    ...["vectors", "unit", "differential", "powercut", "simulation", "fuzz", "interop", "tidy"],
    ...["run", "support", "mutants", "hosts", "authority", "headless", "budget", "sdk", "boards"],
    ...["cortexm", "web"],
  ],
};

/**
 * A security check is one deletable line that ends so; test/mutants.txt says which test fails then.
 */
export const checkMark = /\/\/ check: (\S+)\s*$/;
export const checkName = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** Work put off needs a place where it is not forgotten. */
export const unfinished = /\b(TODO|FIXME|XXX|HACK)\b(?! ?\(?#\d+)/;
