import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import {
  acts,
  type Command,
  decodeCommand,
  decodeScene,
  encodeCommand,
  turns,
} from "../../modules/lighting/command.js";
import type { LightState } from "../../modules/lighting/luminaire.js";
import { decodeReport, encodeReport } from "../../modules/lighting/report.js";
import { equal, test } from "../harness.js";
import { SeededRandom } from "../support/random.js";

const MALFORMED = { ok: false, drop: "malformed" };

/** Written by hand from light.cddl and RFC 8949. */
const COMMANDS: readonly (readonly [hex: string, command: Command])[] = [
  ["a100f5", { on: true }],
  ["a100f4", { on: false }],
  ["a10100", { level: 0 }],
  ["a10118fe", { level: 254 }],
  ["a300f501187f0205", { on: true, level: 127, fadeTenths: 5 }],
  ["a200f40219ffff", { on: false, fadeTenths: 65535 }],
  ["a10300", { scene: 0 }],
  ["a2020a0318fe", { scene: 254, fadeTenths: 10 }],
  ["a10401", { mired: 1 }],
  ["a1041903e8", { mired: 1000 }],
  ["a10582191234" + "19ffff", { x: 0x1234, y: 65535 }],
  ["a30118c8" + "05820017" + "07f5", { level: 200, x: 0, y: 23, report: true }],
  ["a200f5061819", { on: true, ageHundredths: 25 }],
  ["a200f506190bb8", { on: true, ageHundredths: 3000 }],
  ["a200f5061a0083d600", { on: true, ageHundredths: 8_640_000 }],
  ["a107f5", { report: true }],
  ["a400f40118800419017207f5", { on: false, level: 128, mired: 370, report: true }],
];

test("command: what the CDDL says, both ways", () => {
  for (const [hex, command] of COMMANDS) {
    equal(decodeCommand(fromHex(hex)), command, hex);
    equal(toHex(encodeCommand(command)), hex);
  }
});

test("command: a level of 255, a scene of 255 and other values out of range are malformed", () => {
  for (const hex of [
    "a10118ff",
    "a1011903e8",
    "a10318ff",
    "a200f5021a00010000",
    "a10400",
    "a1041903e9",
    "a1058200" + "1a00010000",
    "a105821a0001000000",
    "a200f50600",
    "a200f5061a0083d601",
  ]) {
    equal(decodeCommand(fromHex(hex)), undefined, hex);
  }
});

test("command: other types are malformed", () => {
  for (const hex of [
    "a10001",
    "a100f6",
    "a10120",
    "a101f93c00",
    "a1016131",
    "a1014101",
    "a103f5",
    "a10500",
    "a100f8f5",
    "a200f507f4",
    "a200f50701",
    "8100",
    "f5",
    "a1c00001",
    "a1614c01",
  ]) {
    equal(decodeCommand(fromHex(hex)), undefined, hex);
  }
});

test("command: unknown keys are malformed, a false report too", () => {
  for (const hex of ["a1087f", "a200f50800", "a300f50809", "a200f507f4", "a200f51818f5"]) {
    equal(decodeCommand(fromHex(hex)), undefined, hex);
  }
});

test("command: coordinates come in pairs", () => {
  for (const hex of ["a10580", "a1058101", "a10583010203", "a20583010207f5"]) {
    equal(decodeCommand(fromHex(hex)), undefined, hex);
  }
});

test("command: two colours are a contradiction", () => {
  equal(decodeCommand(fromHex("a2040a0582" + "0102")), undefined);
});

test("command: a scene stands alone", () => {
  for (const hex of ["a200f50301", "a201050301", "a203010405", "a20301058201" + "02"]) {
    equal(decodeCommand(fromHex(hex)), undefined, hex);
  }
});

test("command: one without an effect is malformed", () => {
  for (const hex of ["a0", "a10205", "a1061819", "a202050619" + "0bb8"]) {
    equal(decodeCommand(fromHex(hex)), undefined, hex);
  }
});

test("command: a question asks for the report and nothing else", () => {
  equal(decodeCommand(fromHex("a107f5")) !== undefined, true);
  for (const hex of ["a2020507f5", "a206181907f5"]) {
    equal(decodeCommand(fromHex(hex)), undefined, hex);
  }
});

test("command: order, duplicates, long forms, indefinite lengths, bytes after it", () => {
  for (const hex of [
    "a2010500f5",
    "a200f500f5",
    "a1180001",
    "a1011805",
    "a101190005",
    "bf00f5ff",
    "b80100f5",
    "a100f500",
    "a200f5",
    "a1",
    "",
    "a100",
    "a10118",
    "bb7fffffffffffffff",
  ]) {
    equal(decodeCommand(fromHex(hex)), undefined, hex);
  }
});

test("command: on is a boolean, and nothing that looks false", () => {
  for (const hex of ["a10000", "a10001", "a100f6", "a100f7", "a100e0"]) {
    equal(decodeCommand(fromHex(hex)), undefined, hex);
  }
});

test("command: every truncation is malformed", () => {
  for (const [hex] of COMMANDS) {
    const bytes = fromHex(hex);
    for (let length = 0; length < bytes.length; length++) {
      equal(decodeCommand(bytes.slice(0, length)), undefined, `${hex} cut to ${length}`);
    }
  }
});

/** The CDDL once more, over a decoded map: whether `bytes` are a light-command. */
function isCommand(bytes: Uint8Array): boolean {
  const decoded = decode(bytes);
  if (!decoded.ok || !(decoded.value instanceof Map)) return false;
  const map = decoded.value;
  const within = (key: number, least: number, most: number) => {
    const value = map.get(key);
    return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
  };
  const rules: Record<string, () => boolean> = {
    "0": () => typeof map.get(0) === "boolean",
    "1": () => within(1, 0, 254),
    "2": () => within(2, 0, 65535),
    "3": () => within(3, 0, 254),
    "4": () => within(4, 1, 1000),
    "5": () => isPair(map.get(5)),
    "6": () => within(6, 1, 8640000),
    "7": () => map.get(7) === true,
  };
  for (const key of map.keys()) {
    if (typeof key !== "number" || rules[key] === undefined || !rules[key]()) return false;
  }
  const action = [0, 1, 4, 5].some((key) => map.has(key)) && !(map.has(4) && map.has(5));
  const question = map.size === 1 && map.has(7);
  const recall = map.has(3) && ![0, 1, 4, 5].some((key) => map.has(key));
  return map.has(3) ? recall : action || question;
}

function isPair(value: Cbor): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  return value.every((part) => Number.isInteger(part) && Number(part) >= 0 && Number(part) < 65536);
}

test("command: agrees with the CDDL read over a decoded map, damaged commands included", () => {
  const random = new SeededRandom(41);
  let accepted = 0;
  for (let round = 0; round < 1500; round++) {
    const bytes = fromHex(COMMANDS[random.below(COMMANDS.length)][0]);
    for (let i = random.below(3); i > 0; i--) {
      bytes[random.below(bytes.length)] ^= 1 << random.below(8);
    }
    const decoded = decodeCommand(bytes);
    equal(decoded !== undefined, isCommand(bytes), toHex(bytes));
    if (decoded === undefined) continue;
    accepted++;
    equal(encodeCommand(decoded), bytes, "what was parsed is emitted");
  }
  equal(accepted > 500 && accepted < 1400, true, `${accepted} of 1500 accepted`);
});

test("command: agrees with the CDDL on random maps", () => {
  const random = new SeededRandom(42);
  const values: Cbor[] = [true, false, 0, 1, 254, 255, 1000, 1001, 65535, 65536, 8640001, null];
  for (let round = 0; round < 600; round++) {
    const map = new Map<Cbor, Cbor>();
    for (let i = random.below(4); i > 0; i--) {
      const value = values[random.below(values.length)];
      map.set(random.below(9), random.chance(0.2) ? [value, 7] : value);
    }
    const bytes = encode(map);
    equal(decodeCommand(bytes) !== undefined, isCommand(bytes), toHex(bytes));
  }
});

test("scene: light only", () => {
  equal(decodeScene(fromHex("a200f5020a")), { ok: true, value: { on: true, fadeTenths: 10 } });
  equal(decodeScene(fromHex("a10419" + "0172")), { ok: true, value: { mired: 370 } });
  for (const hex of ["a0", "a1020a", "a10301", "a107f5", "00"]) {
    equal(decodeScene(fromHex(hex)), MALFORMED, hex);
  }
});

test("scene: recalls no other, repeats nothing, asks for nothing", () => {
  equal(decodeScene(fromHex("a200f50301")), MALFORMED);
  equal(decodeScene(fromHex("a200f5061819")), MALFORMED);
  equal(decodeScene(fromHex("a200f507f5")), MALFORMED);
});

test("what a command does: on, off, neither", () => {
  const cases: readonly (readonly [Command, boolean | undefined])[] = [
    [{ on: true }, true],
    [{ on: false }, false],
    [{ on: false, level: 10 }, false],
    [{ on: true, level: 0 }, false],
    [{ level: 0 }, false],
    [{ level: 1 }, true],
    [{ scene: 0 }, true],
    [{ mired: 200 }, undefined],
    [{ report: true }, undefined],
  ];
  for (const [command, on] of cases) equal(turns(command), on, JSON.stringify(command));
  equal([acts({ mired: 200 }), acts({ x: 1, y: 2 }), acts({ report: true })], [true, true, false]);
});

const STATE: LightState = {
  on: true,
  level: 127,
  mired: 370,
  x: undefined,
  y: undefined,
  leftMs: 0,
  lampFailure: false,
};

test("report: what the CDDL says, both ways", () => {
  const cases = [
    ["a2000001a300f501187f0419" + "0172", "ok", STATE],
    ["a2000101a300f40100041901" + "72", "failed", { ...STATE, on: false, level: 0 }],
    [
      "a3000201a400f501187f020d05820a0b02f5",
      "lampFailure",
      { ...STATE, x: 10, y: 11, leftMs: 1201, lampFailure: true },
    ],
  ] as const;
  for (const [hex, result, state] of cases) {
    equal(toHex(encodeReport(result, state)), hex);
    const decoded = decodeReport(fromHex(hex));
    equal(decoded.ok && decoded.value.result, result);
    equal(decoded.ok && decoded.value.lampFailure, state.lampFailure);
  }
  const third = decodeReport(fromHex(cases[2][0]));
  equal(third.ok && third.value.status, { on: true, level: 127, fadeTenths: 13, x: 10, y: 11 });
});

test("report: anything else is malformed", () => {
  for (const hex of [
    "a10000",
    "a2000301a200f50105",
    "a2000001a10105",
    "a2000001a100f5",
    "a2010000a200f50105",
    "a3000001a200f5010502f4",
    "a3000001a200f5010503f5",
    "a2000001a200f5010500",
    "a2000001a300f501050301",
    "a2000001a300f501050601",
    "a2000001a300f5010507f5",
    "a4000001a200f5010502f503f5",
    "a2000001",
    "",
  ]) {
    equal(decodeReport(fromHex(hex)), MALFORMED, hex);
  }
});

test("report: no third pair but the lamp failure, and none behind it", () => {
  equal(decodeReport(fromHex("a3000001a200f5010502f4")), MALFORMED);
  equal(decodeReport(fromHex("a4000001a200f50105")), MALFORMED);
  equal(decodeReport(fromHex("a2000001a200f5010500")), MALFORMED);
});
