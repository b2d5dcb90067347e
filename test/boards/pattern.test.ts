/** The LED language in C (platforms/native/pattern.c) is that of modules/commission/patterns.ts. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { PATTERNS, SLOT_MICROS, SLOTS } from "../../modules/commission/patterns.js";
import { PATTERN_NAMES } from "../../modules/ports/indicator.js";

const read = (name: string) => readFileSync(join(ROOT, "platforms/native", name), "utf8");
const header = read("pattern.h");
const source = read("pattern.c");

test("both have the same patterns in the same order", () => {
  const [, body] = /enum pattern \{(.*?)\};/s.exec(header) as RegExpExecArray;
  const names = [...body.matchAll(/\b(PATTERN_[A-Z]+|PATTERNS),/g)].map(([, name]) => name);
  const expected = Object.keys(PATTERNS).map((name) => `PATTERN_${name.toUpperCase()}`);
  assert.deepEqual(names, [...expected, "PATTERNS"]);
  assert.deepEqual(Object.keys(PATTERNS), PATTERN_NAMES);
});

test("each is lit in the same slots", () => {
  const rows = [...source.matchAll(/\[PATTERN_([A-Z]+)\] = (0x[0-9a-f]{4}),/g)];
  const lit = Object.fromEntries(rows.map(([, name, bits]) => [name.toLowerCase(), Number(bits)]));
  assert.equal(rows.length, Object.keys(lit).length);
  const expected = Object.entries(PATTERNS).map(([name, pattern]) => [name, pattern.lit]);
  assert.deepEqual(lit, Object.fromEntries(expected));
});

test("names are those by which the firmware tells them", () => {
  const [, body] = /names\[\] = \{(.*?)\};/s.exec(source) as RegExpExecArray;
  const names = [...body.matchAll(/"([a-z]+)"/g)].map(([, name]) => name);
  assert.deepEqual(names, PATTERN_NAMES);
});

test("the simulator's status LED has the same table", () => {
  const file = join(ROOT, "platforms/simulator/device/lumicast.js");
  const device = readFileSync(file, "utf8");
  const [, body] = /const PATTERNS = \{(.*?)\};/s.exec(device) as RegExpExecArray;
  const rows = [...body.matchAll(/^ {2}([a-z]+): \[(0x[0-9a-f]{4}), "(.*)"\],$/gm)];
  const shown = rows.map(([, name, lit, says]) => [name, Number(lit), says]);
  const expected = Object.entries(PATTERNS).map(([name, { lit, says }]) => {
    return [name, lit, name === "off" ? "" : says];
  });
  assert.deepEqual(shown, expected);
  assert.ok(device.includes(`const SLOT_MS = ${SLOT_MICROS / 1000};`));
  assert.ok(device.includes(`const SLOTS = ${SLOTS};`));
});

test("a slot takes as long in both", () => {
  assert.ok(header.includes(`PATTERN_SLOT_MS = ${SLOT_MICROS / 1000} `));
  assert.ok(source.includes(`>> slot % ${SLOTS} & 1`));
});
