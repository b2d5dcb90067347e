/**
 * The power returns to a hundred lamps that ask who commands them whether he is there (RFC 10021
 * §9), and somebody presses the switch: one radio, one Cortex-M4 to agree on a hundred keys.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SECOND, type TestRoom, withRoom } from "../support/simulation.js";

const LAMPS = 100;
/** 115 ms of most of them, and 3 s for what they pass on of the three commands. */
const DONE_MICROS = 16 * SECOND;
/** A challenge and its answer of each lamp; few are said again. */
const UNICASTS_MAX = 2 * LAMPS + 40;
/** A switch's, in which a hundred members are known and fifty contexts kept. */
const HEAP_BYTES_MAX = 400_000;

interface Press {
  /** When the last lamp turned. */
  readonly lastMicros: number;
  readonly turned: number;
  /** Frames to one device, not to the group. */
  readonly unicasts: number;
}

/** Presses the switch, and waits until a hundred challenges are over. */
async function press(room: TestRoom, at: number): Promise<Press> {
  const edge = room.press("switch-1", at);
  await room.run(at - 1);
  const [lights, air] = [room.lights.length, room.air.length];
  await room.run(edge + 20 * SECOND);
  const turned = room.lights.slice(lights).map((light) => light.at - edge);
  const frames = room.air.slice(air).map(({ frame }) => frame);
  const unicasts = frames.filter(isToOne).length;
  return { lastMicros: Math.max(...turned), turned: turned.length, unicasts };
}

/** Of data that is acknowledged (IEEE 802.15.4-2006 §7.2.1.1.4). */
function isToOne(frame: Uint8Array): boolean {
  return frame.length > 5 && (frame[0] & 0x20) !== 0;
}

test("a hundred lamps challenge one switch: all obey in time, none is left out", async (t) => {
  const size = { luminaires: LAMPS, switches: 1, sensors: 0, profile: "group-oscore" } as const;
  await withRoom({ room: size, synchronisation: "challenge" }, async (room) => {
    const assertChallenged = ({ lastMicros, turned, unicasts }: Press, why: string) => {
      const seconds = (lastMicros / SECOND).toFixed(1);
      const figures = `${why}: ${turned} lamps in ${seconds} s, ${unicasts} frames to one`;
      t.diagnostic(figures);
      assert.equal(turned, LAMPS, figures);
      assert.ok(lastMicros < DONE_MICROS, figures);
      assert.ok(unicasts >= 2 * LAMPS && unicasts < UNICASTS_MAX, figures);
    };
    assertChallenged(await press(room, 3 * SECOND), "first contact");
    const known = await press(room, 40 * SECOND);
    assert.deepEqual([known.turned, known.unicasts], [LAMPS, 0], "from then on he is known");
    for (let lamp = 1; lamp <= LAMPS; lamp++) {
      room.medium.kill(`lamp-${lamp}`, 80 * SECOND);
      room.medium.restart(`lamp-${lamp}`, 81 * SECOND);
    }
    await room.run(89 * SECOND);
    assertChallenged(await press(room, 90 * SECOND), "the power was cut");
    const { peakBytes } = await room.medium.usage("switch-1");
    assert.ok(peakBytes < HEAP_BYTES_MAX, `${peakBytes} bytes`);
  });
});
