/**
 * A stranger with a recorder and a transmitter: nothing once accepted moves a lamp a second time.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readPcap } from "../../hosts/pcap/pcap.js";
import { fromStranger, isCommand } from "../support/frames.js";
import { SECOND, type TestRoom, withRoom } from "../support/simulation.js";

const STRANGER = 0x7777;
/** Long enough for the forwarders to be done with a frame (MPL: 2 intervals of 64 ms). */
const GAP_MICROS = 200_000;

/**
 * Sends every recorded frame as it was, then every command once more under the stranger's address.
 */
async function replay(
  room: TestRoom,
  frames: readonly Uint8Array[],
  from: number,
): Promise<number> {
  const commands = frames.filter(isCommand);
  const disguised = commands.map((frame, index) => fromStranger(frame, STRANGER, index));
  let at = from;
  for (const frame of [...frames, ...disguised]) {
    room.medium.inject(frame, at);
    at += GAP_MICROS;
  }
  await room.run(at + SECOND);
  return commands.length;
}

test("a lamp loses power in a burst, the recording is played back: no lamp moves", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));
  try {
    const pcap = join(folder, "recording.pcap");
    await withRoom({ rogues: 1, pcap, room: { switches: 2 } }, async (room) => {
      let at = 3 * SECOND;
      for (let count = 0; count < 8; count++) {
        at = room.press(count % 2 === 0 ? "switch-1" : "switch-2", at) + 320_000;
      }
      // In the middle of the burst, just after a command was applied.
      const last = at - 320_000;
      room.medium.kill("lamp-2", last + 15_000);
      await room.run(last + 15_000);
      const levels = room.levels;
      room.medium.restart("lamp-2", last + 100_000);
      await room.run(last + 150_000);
      room.medium.kill("switch-1");
      room.medium.kill("switch-2");
      await room.run(last + 200_000);
      const frames = readPcap(readFileSync(pcap)).map(({ frame }) => frame);
      const from = last + 300_000;
      const count = await replay(room, frames, from);
      assert.ok(count > 30, `${count} commands recorded`);
      room.assertDark(from);
      assert.deepEqual([...new Set(levels)].length, 1);
      const drops = room.dropsSince(from);
      assert.deepEqual(Object.keys(drops), ["replayed"], JSON.stringify(drops));
      assert.ok(drops.replayed >= 4 * count);
      const restarted = room.drops.filter(({ device, at: when }) => {
        return device === "lamp-2" && when >= from;
      });
      assert.ok(restarted.length >= count);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("power cuts at every stage of a burst: the recording never moves the lamp again", async () => {
  for (let stage = 0; stage < 6; stage++) {
    await withRoom({ rogues: 1, room: { luminaires: 2, switches: 1 } }, async (room) => {
      let edge = 0;
      for (let count = 0; count < 3; count++) {
        edge = room.press("switch-1", (edge === 0 ? 3 * SECOND : edge) + 350_000);
      }
      // From before the frame's end on the air to after the light is switched and flash is written.
      const cut = edge + 5_000 + stage * 1_500;
      room.medium.kill("lamp-1", cut);
      room.medium.restart("lamp-1", cut + 200_000);
      await room.run(cut + 60_000);
      room.medium.kill("switch-1");
      await room.run(cut + 400_000);
      const from = cut + 500_000;
      // Without the last command if the lamp had no power when it came: it never accepted that one.
      const heard = room.air.filter(({ at }) => at < edge);
      await replay(
        room,
        heard.map(({ frame }) => frame),
        from,
      );
      room.assertDark(from);
      assert.deepEqual(Object.keys(room.dropsSince(from)), ["replayed"]);
    });
  }
});

test("after a restart in silence the next press is obeyed", async () => {
  await withRoom({ room: { luminaires: 2, switches: 1 } }, async (room) => {
    const first = room.press("switch-1", 3 * SECOND);
    await room.run(first + 5 * SECOND);
    assert.deepEqual(room.levels, [254, 254]);
    room.medium.kill("lamp-1");
    room.medium.restart("lamp-1", first + 6 * SECOND);
    await room.run(first + 7 * SECOND);
    const second = room.press("switch-1", first + 8 * SECOND);
    await room.run(second + SECOND);
    assert.deepEqual(room.levels, [0, 0]);
    const third = room.press("switch-1", second + SECOND);
    await room.run(third + 30_000);
    assert.deepEqual(room.levels, [254, 254]);
  });
});

test("power goes in the middle of a flash operation: no replay, presses go on", async () => {
  const cuts: string[] = [];
  for (const [index, mode] of ["not", "torn", "done", "torn", "not", "torn"].entries()) {
    const faults = [`${5 + 9 * index}:${mode}:${index}`];
    const devices = { "lamp-1": { faults } };
    const size = { luminaires: 2, switches: 1 };
    await withRoom({ rogues: 1, forwarders: false, devices, room: size }, async (room) => {
      room.medium.on("power", ({ device, at, on }) => {
        if (on) return;
        cuts.push(`${faults[0]} at ${at}`);
        room.medium.restart(device, at + 100_000);
      });
      let edge = 2 * SECOND;
      for (let count = 0; count < 40; count++) {
        edge = room.press("switch-1", edge + 330_000);
      }
      await room.run(edge + 20_000);
      const heard = room.air.map(({ frame }) => frame);
      // Silence until the last repeat is over.
      const from = edge + 31 * SECOND;
      await room.run(from);
      assert.equal(new Set(room.levels).size, 1, `${faults}: ${room.levels}`);
      await replay(room, heard, from);
      room.assertDark(from);
      const [before] = room.levels;
      const next = room.press("switch-1", room.medium.now + SECOND);
      await room.run(next + 30_000);
      assert.deepEqual(room.levels, [254 - before, 254 - before]);
    });
  }
  assert.equal(cuts.length, 6, `${cuts}`);
});
