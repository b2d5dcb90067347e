/** The room at a terminal without the terminal: keys in, what would be drawn out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { generate } from "../../hosts/installation/generate.js";
import { Medium } from "../../hosts/medium/medium.js";
import { LiveRoom } from "../../hosts/room/live.js";
import type { View } from "../../hosts/room/screen.js";

const FAKE = fileURLToPath(new URL("../support/fake-device.js", import.meta.url));
const room = { luminaires: 2, switches: 2, sensors: 1, hops: 1, loss: 0, seed: 7 };

/** Polls until `done`; the watchdog of the runner ends what never comes. */
async function until(live: LiveRoom, done: (view: View) => boolean): Promise<View> {
  for (;;) {
    const view = live.view();
    if (done(view)) return view;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("keys press, double press, hold and let go, move and quit", { timeout: 60_000 }, async () => {
  const installation = generate(room);
  const command = (args: readonly string[]) => {
    return { file: process.execPath, args: [FAKE, "normal", ...args] };
  };
  const medium = await Medium.start({ installation, command, pacing: "real" });
  try {
    const live = new LiveRoom(medium, installation);
    const running = medium.run(Number.POSITIVE_INFINITY);
    live.key("1");
    assert.equal(live.view().switches[0].active, true);
    const lit = await until(live, ({ lamps }) => lamps.every(({ level }) => level === 254));
    assert.ok(lit.lamps.every(({ latencyMicros = 0 }) => latencyMicros >= 5_000));
    assert.match(lit.presses[0], /switch-1 press: 2 of 2 lamps changed, first \d+\.\d ms, last/);

    live.key("d");
    assert.match(live.view().help, /double press of which switch\? 1 2/);
    live.key("2");
    await until(live, ({ presses }) => /switch-2 second press: 2 of 2/.test(presses[0]));
    assert.match(live.view().presses[1], /switch-2 press: 2 of 2/);

    live.key("h");
    live.key("1");
    await until(live, ({ nowMicros }) => nowMicros > lit.nowMicros + 500_000);
    assert.equal(live.view().switches[0].active, true);
    live.key("1");
    await until(live, ({ switches }) => !switches[0].active);
    assert.match(live.view().presses[0], /switch-1 let go/);

    live.key("m");
    assert.match(live.view().presses[0], /sensor-1 motion/);
    assert.equal(live.view().sensors[0].active, true);
    live.key("7");
    live.key("?");
    assert.match(live.view().help, /1 2 press · .* m motion · q quit/);
    live.key("q");
    await running;
  } finally {
    await medium.stop();
  }
});
