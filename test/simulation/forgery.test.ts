/**
 * A stranger with a fresh, genuine command that no lamp has seen yet, and no key. The command comes
 * from a second room with the same keys and seed in which the switch was pressed once more;
 * untouched it would be obeyed (the last test shows it), so what keeps the lamps dark here is only
 * what was changed in it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { coapOf, fromStranger, isCommand, withCoapByte } from "../support/frames.js";
import { SECOND, type TestRoom, withRoom } from "../support/simulation.js";

const STRANGER = 0x7777;
const GAP_MICROS = 12_000;
/** RFC 7252 §3, message id: not protected, and means nothing to a group request. */
const UNPROTECTED = [2, 3];
const ROOM = { luminaires: 3, switches: 1 };
/** Nobody forwards: every frame of the stranger's is heard exactly once. */
const STRANGE = { rogues: 1, forwarders: false, room: ROOM };
const PRESS_AT = 3 * SECOND;

/** The first frame a switch sends for its `presses`-th press. */
async function freshCommand(seed: number, presses: number): Promise<Uint8Array> {
  let found: Uint8Array | undefined;
  await withRoom({ seed, room: { ...ROOM, seed } }, async (room) => {
    let edge = PRESS_AT;
    for (let count = 0; count < presses; count++) edge = room.press("switch-1", edge + SECOND);
    await room.run(edge + 100_000);
    found = room.air.find(({ at, frame }) => at >= edge && isCommand(frame))?.frame;
  });
  return found ?? assert.fail("the switch sent nothing");
}

/** One press in a room with a stranger, then silence. Returns when the stranger may begin. */
async function pressed(room: TestRoom): Promise<number> {
  const edge = room.press("switch-1", PRESS_AT + SECOND);
  await room.run(edge + 100_000);
  room.medium.kill("switch-1");
  assert.deepEqual(room.levels, [254, 254, 254]);
  return edge + SECOND;
}

/** One after the other, as they are. */
async function send(room: TestRoom, frames: readonly Uint8Array[], from: number): Promise<void> {
  for (const [index, frame] of frames.entries()) {
    room.medium.inject(frame, from + index * GAP_MICROS);
  }
  await room.run(from + frames.length * GAP_MICROS + SECOND);
}

/** Each as a new datagram of the stranger's. */
function disguised(frames: readonly Uint8Array[]): Uint8Array[] {
  return frames.map((frame, index) => fromStranger(frame, STRANGER, index));
}

function flips(frame: Uint8Array): Uint8Array[] {
  const coap = coapOf(frame);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < coap.length; at++) {
    if (UNPROTECTED.includes(at)) continue;
    for (let bit = 0; bit < 8; bit++) frames.push(withCoapByte(frame, at, coap[at] ^ (1 << bit)));
  }
  return frames;
}

test("every flipped bit of a fresh command: no lamp moves, each has a reason", async () => {
  const fresh = await freshCommand(7, 2);
  await withRoom(STRANGE, async (room) => {
    const from = await pressed(room);
    const frames = flips(fresh);
    await send(room, disguised(frames), from);
    room.assertDark(from);
    const drops = room.dropsSince(from);
    const total = Object.values(drops).reduce((sum, count) => sum + count, 0);
    assert.equal(total, 3 * frames.length, JSON.stringify(drops));
    for (const reason of ["malformed", "forged", "unknownGroup", "unknownKey"]) {
      assert.ok(drops[reason] > 0, `${reason}: ${JSON.stringify(drops)}`);
    }
  });
});

test("bits flipped without mending the checksum never get as far as the security", async () => {
  const fresh = await freshCommand(7, 2);
  await withRoom(STRANGE, async (room) => {
    const from = await pressed(room);
    const frames = Array.from({ length: 40 }, (_, index) => {
      const frame = fromStranger(fresh, STRANGER, index);
      frame[frame.length - 1 - (index % 20)] ^= 1 << (index % 8);
      return frame;
    });
    await send(room, frames, from);
    room.assertDark(from);
    assert.deepEqual(room.dropsSince(from), { malformed: 3 * frames.length });
  });
});

test("commands of another installation with the same ids: forged", async () => {
  const foreign = await freshCommand(8, 9);
  await withRoom(STRANGE, async (room) => {
    const from = await pressed(room);
    await send(room, disguised([foreign, foreign, foreign]), from);
    room.assertDark(from);
    assert.deepEqual(room.dropsSince(from), { forged: 9 });
  });
});

test("truncated and stretched commands: no lamp moves", async () => {
  const fresh = await freshCommand(7, 2);
  await withRoom(STRANGE, async (room) => {
    const from = await pressed(room);
    const copies = new Array<Uint8Array>(fresh.length - 9).fill(fresh);
    const frames = disguised(copies).map((frame, index) => frame.slice(0, 9 + index));
    for (const more of [1, 2, 8]) {
      const frame = fromStranger(fresh, STRANGER, 100 + more);
      frames.push(Uint8Array.of(...frame, ...new Uint8Array(more)));
    }
    await send(room, frames, from);
    room.assertDark(from);
    const drops = room.dropsSince(from);
    const total = Object.values(drops).reduce((sum, count) => sum + count, 0);
    assert.ok(total === 3 * frames.length, JSON.stringify(drops));
  });
});

test("noise: random frames move nothing and leave every device running", async () => {
  await withRoom(STRANGE, async (room) => {
    const from = await pressed(room);
    const { Chance } = await import("../../hosts/installation/chance.js");
    const chance = new Chance(7, "noise");
    for (let count = 0; count < 200; count++) {
      const bytes = Array.from({ length: chance.integer(3, 110) }, () => chance.integer(0, 255));
      // A third of it as a data frame to everybody, so that it is not filtered by address.
      const head = [0x41, 0x88, count & 0xff, 0x55, 0x4c, 0xff, 0xff, 0x77, 0x77];
      const frame = Uint8Array.from(count % 3 === 0 ? [...head, ...bytes.slice(0, 100)] : bytes);
      room.medium.inject(frame, from + count * GAP_MICROS);
    }
    await room.run(from + 200 * GAP_MICROS + SECOND);
    room.assertDark(from);
    const usage = await room.medium.usage("lamp-1");
    assert.ok(usage.liveBytes > 0);
  });
});

test("untouched, the very same command is obeyed: the tests above prove something", async () => {
  const fresh = await freshCommand(7, 2);
  await withRoom(STRANGE, async (room) => {
    const from = await pressed(room);
    const [first, second] = disguised([fresh, fresh]);
    await send(room, [first], from);
    assert.deepEqual(room.levels, [0, 0, 0]);
    await send(room, [second], from + 2 * SECOND);
    assert.deepEqual(room.levels, [0, 0, 0]);
    assert.deepEqual(room.dropsSince(from), { replayed: 3 });
  });
});
