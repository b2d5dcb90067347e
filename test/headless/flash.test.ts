/** The flash file: NOR rules, and power cuts by operation number. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { Programs } from "./lumicast.js";

const programs = new Programs("release");
let files = 0;

before(() => programs.build());

function newFile(): string {
  return join(programs.folder, `flash${files++}.bin`);
}

for (const unit of [4, 16]) {
  test(`NOR rules hold with program units of ${unit} bytes`, () => {
    const file = newFile();
    const options = ["--flash", file, "--flash-size", "8192", "--program", String(unit)];
    const { status, stdout, stderr } = programs.run("flashRules", ...options);
    assert.equal(stderr, "");
    assert.deepEqual(stdout.split("\n"), [
      `size: 8192 4096 ${unit}`,
      "program: true",
      "again: false",
      `read: ${"ff".repeat(unit)}${"5a".repeat(unit)}${"ff".repeat(unit)}`,
      "misaligned: RangeError",
      "beyond: RangeError",
      "read beyond: RangeError",
      "erase inside: RangeError",
      "erase: true",
      "after erase: true",
      "",
    ]);
    assert.equal(status, 0);
    const bytes = readFileSync(file);
    assert.equal(bytes.subarray(unit, 2 * unit).toString("hex"), "5a".repeat(unit));
    assert.ok(bytes.subarray(2 * unit, 8192).every((byte) => byte === 0xff));
  });
}

const data = Buffer.from(Array.from({ length: 16 }, (_, i) => i * 17));
const blank = "ff".repeat(16);

/** Runs program (operation 1) and erase (operation 2) with a power cut. */
function cut(file: string, fault: string) {
  const done = programs.run("flashSteps", "--flash", file, "--fault", fault);
  return { ...done, lines: done.stdout.trim().split("\n"), bytes: readFileSync(file) };
}

test("a power cut before an operation leaves the flash as it was", () => {
  const { status, stderr, lines, bytes } = cut(newFile(), "1:not:0");
  assert.equal(stderr, "lumicast: power cut at flash operation 1\n");
  assert.equal(status, 73);
  assert.deepEqual(lines, [`found ${blank}`]);
  assert.equal(bytes.subarray(0, 16).toString("hex"), blank);
});

test("a torn program clears some of the bits it had to, and no other", () => {
  const { status, lines, bytes } = cut(newFile(), "1:torn:5");
  assert.equal(status, 73);
  assert.deepEqual(lines, [`found ${blank}`]);
  let cleared = 0;
  let missing = 0;
  for (let i = 0; i < 16; i++) {
    assert.equal(bytes[i] & data[i], data[i], `byte ${i} lost a bit that had to stay`);
    cleared += ones(~bytes[i] & 0xff);
    missing += ones(bytes[i] & ~data[i]);
  }
  assert.ok(cleared > 0 && missing > 0, `${cleared} cleared, ${missing} not`);
});

test("the same seed tears the same way, another one differently", () => {
  const contents = [5, 5, 6].map((seed) => {
    return cut(newFile(), `1:torn:${seed}`).bytes.subarray(0, 16).toString("hex");
  });
  assert.equal(contents[0], contents[1]);
  assert.notEqual(contents[0], contents[2]);
});

test("a power cut after an operation leaves it done", () => {
  const { status, lines, bytes } = cut(newFile(), "1:done:0");
  assert.equal(status, 73);
  assert.deepEqual(lines, [`found ${blank}`]);
  assert.deepEqual(bytes.subarray(0, 16), data);
});

test("a torn erase leaves random bytes that must be erased again before use", () => {
  const file = newFile();
  const { status, lines, bytes } = cut(file, "2:torn:1");
  assert.equal(status, 73);
  assert.deepEqual(lines, [`found ${blank}`, "program true"]);
  const sector = bytes.subarray(0, 4096);
  const set = sector.reduce((sum, byte) => sum + ones(byte), 0);
  assert.ok(set > 15_000 && set < 17_500, `${set} of 32768 bits are set`);
  const next = programs.run("flashSteps", "--flash", file);
  assert.deepEqual(next.stdout.trim().split("\n").slice(1), ["program false", "erase true"]);
  assert.deepEqual(
    programs.run("flashSteps", "--flash", file).stdout.split("\n")[1],
    "program true",
  );
});

test("an erase cut before and after it happened", () => {
  assert.deepEqual(cut(newFile(), "2:not:0").bytes.subarray(0, 16), data);
  assert.equal(cut(newFile(), "2:done:0").bytes.subarray(0, 16).toString("hex"), blank);
});

test("what was programmed is remembered by the next process", () => {
  const file = newFile();
  cut(file, "1:done:0");
  const { stdout } = programs.run("flashSteps", "--flash", file);
  assert.deepEqual(stdout.trim().split("\n"), [
    `found ${data.toString("hex")}`,
    "program false",
    "erase true",
  ]);
});

test("a bare partition is taken as it is", () => {
  const file = newFile();
  writeFileSync(file, Buffer.concat([data, Buffer.alloc(8192 - 16, 0xff)]));
  const { stdout, status } = programs.run("flashSteps", "--flash", file, "--flash-size", "8192");
  assert.deepEqual(stdout.trim().split("\n").slice(0, 2), [
    `found ${data.toString("hex")}`,
    "program false",
  ]);
  assert.equal(status, 0);
});

test("a file of another size is refused, unharmed", () => {
  const file = newFile();
  programs.run("flashSteps", "--flash", file, "--flash-size", "8192");
  const size = statSync(file).size;
  for (const options of [[], ["--flash-size", "8192", "--program", "16"]]) {
    const { status, stderr } = programs.run("flashSteps", "--flash", file, ...options);
    assert.match(stderr, /the flash file .* has 8448 bytes; .* give the options it was made with/);
    assert.equal(status, 65);
    assert.equal(statSync(file).size, size);
  }
  truncateSync(file, 100);
  assert.equal(programs.run("flashSteps", "--flash", file).status, 65);
});

test("without a file the flash is in memory and gone with the process", () => {
  const { stdout, status } = programs.run("flashSteps");
  assert.deepEqual(stdout.trim().split("\n"), [`found ${blank}`, "program true", "erase true"]);
  assert.equal(status, 0);
  assert.ok(!existsSync("flash"));
});

function ones(byte: number): number {
  let count = 0;
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}
