/** The 32-bit build, whose slots and pointers have a device's size. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { lacks } from "../support/skip.js";
import { Medium, Programs } from "./lumicast.js";

const skip = lacks("gcc-multilib");
const programs = new Programs("m32");

after(() => Medium.killAll());

before(async () => {
  if (skip === false) await programs.build();
});

test("an empty firmware, preloaded, leaves nearly all of a small heap free", { skip }, () => {
  const { stdout, stderr } = programs.run("usage", "--heap", "24576", "--stack", "400");
  assert.equal(stderr, "");
  const usage = JSON.parse(stdout);
  assert.ok(usage.liveBytes < 4096, `${usage.liveBytes} bytes live`);
  assert.ok(usage.keys < 4096, `${usage.keys} bytes of key tables`);
  assert.ok(usage.reservedBytes <= 24_576);
  assert.ok(usage.rootBytes > 60_000 && usage.rootBytes < 160_000, `${usage.rootBytes} in flash`);
});

test("a board and its radio fit 32 KB, and run as in 64 bits", { skip }, async () => {
  const options = [...programs.choose("receive"), "--heap", "32768"];
  const frames = [0, 9, 0, 9].map((byte, i) => ({ at: 10_000 * (i + 1), frame: `0${byte}` }));
  const medium = await Medium.start(options, "m32");
  await medium.grant(0);
  const lines = await medium.grant(1_000_000, frames);
  const usage = await medium.usage();
  assert.ok(usage.liveBytes < 8192, `${usage.liveBytes} bytes live`);
  assert.ok(usage.stackPeak < 4096, `${usage.stackPeak} bytes of stack`);
  assert.equal(await medium.stop(), 0);
  // Virtual time depends on what is done, not on the build that does it.
  const release = new Programs("release");
  await release.build();
  const other = await Medium.start(release.choose("receive"), "release");
  await other.grant(0);
  assert.deepEqual(await other.grant(1_000_000, frames), lines);
  assert.equal(await other.stop(), 0);
});

test("the ceilings hold in 32 bits, too", { skip }, () => {
  for (const program of ["slots", "chunks", "keys"]) {
    const { status, stderr } = programs.run(program, "--heap", "49152", "--stack", "448");
    assert.match(stderr, /^lumicast: out of memory: .* in --heap 49152; .* stack 7168, /);
    assert.equal(status, 71);
  }
  assert.equal(programs.run("recurse").status, 72);
});
