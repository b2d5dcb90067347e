/**
 * `lumicast join code` whose commissioner is killed at each of its steps, and which is made again:
 * there is no half member, and what it says to do next is enough. Lamps are XS as sold.
 */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { lacksLan, testOnLan } from "../interop/lan.js";
import type { Program } from "../interop/programs.js";
import { euiOf, Hall, type Joined, press } from "../support/hall.js";
import { Programs, until } from "../support/running.js";

const test = testOnLan();
const programs = new Programs();
const STEPS = ["find", "prove", "enter", "hand over"];
const FIRST = 20;
/** One finds that there is another joiner, the next one a device that has to be pressed. */
const TRIES = 3;
const skip = false;
let hall: Hall;

before(async () => {
  if (lacksLan === false) hall = await Hall.open(programs, STEPS.length);
});
after(() => hall?.close());

async function isOpen(lamp: Program): Promise<boolean> {
  const said = lamp.lines.filter((line) => /fresh: may|joined: by/.test(line)).at(-1);
  return said === undefined || !/may not be joined/.test(said);
}

/** As the command says: made again, after a press where it asks for one. */
async function again(lamp: Program, words: readonly string[]): Promise<Joined> {
  let joined = await hall.join(...words);
  for (let tries = 1; !joined.ok && tries < TRIES; tries++) {
    assert.match(joined.failure?.next ?? "", /press/, JSON.stringify(joined.failure));
    if (!(await isOpen(lamp))) await press(lamp);
    await until(
      () => isOpen(lamp),
      () => lamp.lines.join("\n"),
    );
    joined = await hall.join(...words);
  }
  return joined;
}

for (const [at, step] of STEPS.entries()) {
  test(`killed after "${step}": made again, it comes about, and once`, { skip }, async () => {
    const number = FIRST + at;
    const lamp = await hall.pressed(number);
    const words = [hall.qrOf(number), "--name", `lamp-${number}`, "--group", "hall"];
    const first = hall.command("join", "code", ...words);
    await first.complained(new RegExp(`^${step}: `, "m"), 60);
    await hall.kill();
    await first.over();
    assert.notEqual(first.exitCode, 0);
    await hall.start();
    const joined = await again(lamp, words);
    assert.ok(joined.ok, JSON.stringify(joined));
    const { devices } = await hall.desk.json<{ devices: { name: string; eui64: string }[] }>(
      ...["device", "list", ...hall.state],
    );
    const own = devices.filter(({ eui64 }) => eui64 === euiOf(number));
    assert.deepEqual(
      own.map(({ name }) => name),
      [`lamp-${number}`],
    );
    assert.deepEqual(await hall.pending(), []);
  });
}
