/**
 * Rooms whose keys come from an authority on the medium: members that were off, a switch that is
 * lost, an authority that leaves for good, rights that end.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SECOND, type TestRoom, withRoom } from "../support/simulation.js";

const LAMPS = ["lamp-1", "lamp-2", "lamp-3", "lamp-4", "lamp-5", "lamp-6"];
const DEVICES = [...LAMPS, "switch-1", "switch-2"];
const ROOM = { luminaires: LAMPS.length, switches: 2, loss: 0.05 };
/** Everybody has keys by then, and every lamp knows both switches' rights. */
const READY = 100 * SECOND;
/** A restarted device asks within a minute whether its keys are the newest. */
const CHECKED = 75 * SECOND;

/** Lamps that turn within half a second of a press. */
async function obeying(room: TestRoom, name: string, at: number): Promise<string[]> {
  const edge = room.press(name, at);
  await room.run(edge - 1);
  const before = room.lights.length;
  await room.run(edge + SECOND / 2);
  return [...new Set(room.lights.slice(before).map(({ device }) => device))].sort();
}

/** When the authority heard of each node that it has the new key. */
function takenAt({ logs }: TestRoom, what: string): Map<string, number> {
  const taken = new Map<string, number>();
  for (const { at, text } of logs) {
    const [, node] = text.startsWith(what) ? (/: (\S+) done, /.exec(text) ?? []) : [];
    if (node !== undefined) taken.set(node, at);
  }
  return taken;
}

function cutPower({ medium }: TestRoom, names: readonly string[], at: number): void {
  for (const name of names) {
    medium.kill(name, at);
    medium.restart(name, at + SECOND);
  }
}

test("a lamp that was off during a renewal asks for the key when it is back", async () => {
  await withRoom({ room: ROOM, keeper: {} }, async (room) => {
    await room.run(READY);
    assert.deepEqual(await obeying(room, "switch-1", READY + SECOND), LAMPS);
    room.medium.kill("lamp-6", READY + 3 * SECOND);
    room.medium.command("rekey 1", READY + 4 * SECOND);
    const others = LAMPS.slice(0, -1);
    for (let second = 4; second < 10; second++) {
      const at = READY + second * SECOND;
      assert.deepEqual(await obeying(room, "switch-1", at), others, `${second} s`);
    }
    assert.deepEqual([...takenAt(room, "rekey 1").keys()].sort(), others);
    // Who sends waits half a minute for the lamp that does not answer, no longer.
    const back = READY + 40 * SECOND;
    await room.run(back);
    assert.equal(takenAt(room, "rekey 1").size, DEVICES.length - 1);
    assert.deepEqual(await obeying(room, "switch-1", back), others);
    room.medium.restart("lamp-6", back + SECOND);
    await room.run(back + CHECKED);
    assert.deepEqual(await obeying(room, "switch-2", back + CHECKED + SECOND), LAMPS);
  });
});

test("a lost switch: no lamp obeys it from the moment it has the new key", async () => {
  await withRoom({ room: ROOM, keeper: {} }, async (room) => {
    await room.run(READY);
    assert.deepEqual(await obeying(room, "switch-2", READY + SECOND), LAMPS);
    const lost = READY + 3 * SECOND;
    room.medium.command("lost switch-2", lost);
    // The thief presses all the time, before, in between and after.
    for (let press = -3; press < 30; press++) room.press("switch-2", lost + press * 300_000);
    const until = lost + 45 * SECOND;
    await room.run(until);
    const taken = takenAt(room, "lost switch-2");
    assert.deepEqual([...taken.keys()].sort(), [...LAMPS, "switch-1"]);
    for (const { device, at } of room.lights) {
      assert.ok(at <= (taken.get(device) ?? 0), `${device} turned at ${at}`);
    }
    const last = Math.max(...taken.values()) - lost;
    assert.ok(last < 5 * SECOND, `${last} µs`);
    // The others go on, and with a thief who has power again and asks for the new key.
    const [first] = await obeying(room, "switch-1", until + SECOND);
    if (first === undefined) await obeying(room, "switch-1", until + 2 * SECOND);
    assert.deepEqual(await obeying(room, "switch-1", until + 4 * SECOND), LAMPS);
    cutPower(room, ["switch-2"], until + 5 * SECOND);
    const again = until + 5 * SECOND + CHECKED;
    await room.run(again);
    assert.deepEqual(await obeying(room, "switch-2", again + SECOND), []);
    assert.deepEqual(await obeying(room, "switch-1", again + 3 * SECOND), LAMPS);
  });
});

test("the authority leaves for good: after a power cut the room works from flash", async () => {
  await withRoom({ room: ROOM, keeper: {} }, async (room) => {
    await room.run(READY);
    room.medium.kill("border", READY + SECOND);
    assert.deepEqual(await obeying(room, "switch-1", READY + 2 * SECOND), LAMPS);
    cutPower(room, DEVICES, READY + 40 * SECOND);
    for (const [index, name] of ["switch-1", "switch-1", "switch-2"].entries()) {
      // At once, while all look for the authority, and when they have given it up.
      const at = READY + [45, 120, 1200][index] * SECOND;
      await room.run(at);
      // After a start a switch says on, and lamps come up as they were set to: off.
      assert.deepEqual(await obeying(room, name, at + SECOND), LAMPS, `${at} µs`);
    }
  });
});

test("an ended right stays ended: no authority, a cut, time set back", async () => {
  // Renewed while there is an authority, and then no more.
  const keeper = { tokenSeconds: { "switch-2": 300 } };
  await withRoom({ room: ROOM, keeper }, async (room) => {
    await room.run(READY);
    assert.deepEqual(await obeying(room, "switch-2", READY + SECOND), LAMPS);
    room.medium.kill("border", READY + 3 * SECOND);
    const over = 480 * SECOND;
    await room.run(over);
    assert.deepEqual(await obeying(room, "switch-2", over + SECOND), []);
    assert.deepEqual(await obeying(room, "switch-1", over + 3 * SECOND), LAMPS);
    // The only clock of a device is the time since it has power: it is 480 s back.
    cutPower(room, DEVICES, over + 40 * SECOND);
    const again = over + 50 * SECOND;
    await room.run(again);
    assert.deepEqual(await obeying(room, "switch-2", again + SECOND), []);
    assert.deepEqual(await obeying(room, "switch-1", again + 3 * SECOND), LAMPS);
  });
});
