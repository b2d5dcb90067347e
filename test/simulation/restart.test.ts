/**
 * A switch that loses power again and again never uses a sequence number twice, and keeps being
 * obeyed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMessage } from "../../modules/coap/message.js";
import { find, OSCORE } from "../../modules/coap/options.js";
import { coapOf, isCommand } from "../support/frames.js";
import { SECOND, withRoom } from "../support/simulation.js";

/** WIRE.md, lowlatency: flags 000hknnn, then n bytes of sequence number. */
function sequenceNumber(coap: Uint8Array): number {
  const message = parseMessage(coap);
  assert.ok(message.ok);
  const option = find(message.value.options, OSCORE);
  assert.ok(option !== undefined);
  const bytes = option.slice(1, 1 + (option[0] & 7));
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}

test("a switch loses power at any stage: no number twice, the next press obeyed", async () => {
  await withRoom({ room: { luminaires: 2, switches: 1 } }, async (room) => {
    let at = 3 * SECOND;
    for (let round = 0; round < 16; round++) {
      const edge = room.press("switch-1", at);
      // From the very edge over sealing, the reservation on flash and the frame, to the first
      // repeat.
      const cut = edge + [0, 300, 1_000, 2_000, 3_200, 4_000, 9_000, 251_000][round % 8];
      room.medium.kill("switch-1", cut);
      room.medium.restart("switch-1", cut + 300_000);
      await room.run(cut + 600_000);
      const since = room.lights.length;
      const next = room.press("switch-1", cut + 700_000);
      await room.run(next + 100_000);
      // Back from a power cut a switch knows no state and says "on"; that may be what the lamps
      // show.
      const moved = room.lights.slice(since).map(({ device }) => device);
      const on = room.levels.every((level) => level === 254);
      assert.ok(on, `round ${round}: ${room.levels}, moved: ${moved}`);
      at = next + 3 * SECOND;
      await room.run(at - 1);
    }
    const sent = new Map<number, string>();
    for (const { frame } of room.air) {
      if (!isCommand(frame)) continue;
      const coap = coapOf(frame);
      const number = sequenceNumber(coap);
      const text = Buffer.from(coap).toString("hex");
      assert.equal(sent.get(number) ?? text, text, `number ${number} protects two messages`);
      sent.set(number, text);
    }
    assert.ok(sent.size > 40, `${sent.size} numbers`);
    const drops = room.dropsSince(0);
    assert.equal(drops.replayed, undefined, JSON.stringify(drops));
  });
});
