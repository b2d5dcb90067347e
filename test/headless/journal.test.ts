/**
 * Native help of the store at its start (platforms/native/journal.c) against the TypeScript it
 * stands for: the same flash opened with it and without. What opening finds has to be equal to the
 * last byte of index and cursor, for logs that power cuts left and for damaged ones, errors
 * included. LUMICAST_HOST names another host to run, as in intake-both.ts.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { SeededRandom } from "../support/random.js";
import { binary, image, make, scratch } from "./lumicast.js";

const HOST = process.env.LUMICAST_HOST ?? binary("release");
const folder = scratch();
const SIZE = 65536;
const EXIT_POWER_CUT = 73;
let program = "";

before(async () => {
  make("release");
  program = await image(folder, "test/headless/journal-look.ts", "release");
});

function run(
  wish: readonly number[],
  file: string,
  unit: number,
  { fault, size = SIZE }: { fault?: string | undefined; size?: number } = {},
) {
  const script = join(folder, "wish");
  writeFileSync(script, Uint8Array.from(wish));
  const args = ["test", program, "--provision", script, "--flash", file];
  args.push("--program", `${unit}`, "--flash-size", `${size}`);
  if (fault !== undefined) args.push("--fault", fault);
  return spawnSync(HOST, args, { encoding: "utf8", timeout: 60_000 });
}

function work(seed: number, unit: number, fault?: string): string {
  const file = join(folder, `flash-${unit}-${seed}-${fault ?? "whole"}`.replaceAll(":", "-"));
  const { status, stderr } = run([0, 0, seed >> 8, seed & 255], file, unit, { fault });
  assert.equal(status, fault === undefined ? 0 : EXIT_POWER_CUT, stderr);
  return file;
}

/** Opens copies of the flash both ways; returns what both said. */
function bothOf(file: string, unit: number, size = SIZE): string {
  const [native, reference] = [1, 0].map((help) => {
    copyFileSync(file, `${file}.${help}`);
    const { status, stdout, stderr } = run([help], `${file}.${help}`, unit, { size });
    assert.equal(status, 0, `${file}: ${stderr}`);
    return stdout;
  });
  assert.equal(native, reference, file);
  assert.ok(readFileSync(`${file}.1`).equals(readFileSync(`${file}.0`)), `${file}: flash differs`);
  return reference;
}

for (const unit of [4, 16]) {
  test(`whole logs open alike, program units of ${unit} bytes`, () => {
    for (let seed = 1; seed <= 8; seed++) {
      const said = bothOf(work(seed, unit), unit);
      assert.ok(said.split("\n").length > 20, "a log with records was opened");
    }
  });

  test(`logs that a power cut left open alike, program units of ${unit} bytes`, () => {
    for (let operation = 40; operation < 1100; operation += 97) {
      for (const mode of ["not", "torn", "done"]) {
        bothOf(work(20 + (operation % 5), unit, `${operation}:${mode}:${operation}`), unit);
      }
    }
  });

  test(`damaged logs open alike, or are refused alike, program units of ${unit} bytes`, () => {
    const random = new SeededRandom(unit);
    const whole = work(9, unit);
    let refused = 0;
    for (let round = 0; round < 60; round++) {
      const file = `${whole}-damaged`;
      const bytes = readFileSync(whole);
      for (let i = random.below(3); i >= 0; i--) {
        bytes[random.below(SIZE)] ^= 1 << random.below(8);
      }
      writeFileSync(file, bytes);
      if (bothOf(file, unit).includes('"damaged"')) refused++;
    }
    assert.ok(refused >= 10, `${refused} of 60 were refused`);
    // Every byte of the sector's heads and the first records, the checks of their heads among them.
    for (let at = 0; at < 144; at++) {
      const file = `${whole}-damaged`;
      const bytes = readFileSync(whole);
      bytes[at] ^= 1;
      writeFileSync(file, bytes);
      bothOf(file, unit);
    }
  });
}

test("damaged long records open alike, or are refused alike", () => {
  for (const unit of [4, 16]) {
    const file = join(folder, `long-${unit}`);
    assert.equal(run([0, 0], file, unit).status, 0);
    const whole = readFileSync(file);
    const end = whole.indexOf(Buffer.alloc(64, 0xff), 300);
    for (let at = 32; at < end + unit; at += 2) {
      const bytes = Buffer.from(whole);
      bytes[at] ^= 1;
      writeFileSync(`${file}-damaged`, bytes);
      bothOf(`${file}-damaged`, unit);
    }
  }
});

test("a log of another geometry is refused alike", () => {
  const bytes = readFileSync(work(9, 4));
  const bare = join(folder, "bare");
  writeFileSync(bare, bytes.subarray(0, SIZE));
  assert.match(bothOf(bare, 16), /"geometry"/);
  writeFileSync(bare, bytes.subarray(0, SIZE / 2));
  assert.match(bothOf(bare, 4, SIZE / 2), /"geometry"/);
});
