/** A room in which one lamp is an emulated Cortex-M4: it does what the other lamps do. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { cortexm } from "../../hosts/cortexm/launch.js";
import { type CommandOf, headless } from "../../hosts/medium/launch.js";
import { ROOT } from "../../hosts/root.js";
import { SECOND, type TestRoom, withRoom } from "../support/simulation.js";
import { build, skipped } from "./board.js";

const EMULATED = "lamp-2";
/** Long enough for the forwarders to be done with a frame. */
const GAP_MICROS = 200_000;
const SIZE = { luminaires: 3, switches: 1 };
const PROGRAM = join(ROOT, "build/node/hosts/room/main.js");

before(build);

function mixed(): CommandOf {
  const [board, others] = [cortexm(), headless("release")];
  return (args, device) => (device.name === EMULATED ? board : others)(args, device);
}

function inRoom(use: (room: TestRoom) => Promise<void>): Promise<void> {
  return withRoom({ command: mixed(), room: SIZE, rogues: 1 }, use);
}

test("it obeys with the others, twice the same to the microsecond", { skip: skipped }, async () => {
  const runs: unknown[] = [];
  for (let run = 0; run < 2; run++) {
    await inRoom(async (room) => {
      assert.match(Object.keys(room.medium.engines).join(), /Cortex-M4/);
      const edge = room.press("switch-1", 3 * SECOND);
      await room.run(edge + SECOND);
      assert.deepEqual(new Set(room.levels).size, 1);
      assert.ok(room.levels[0] > 0);
      assert.deepEqual(room.dropsSince(0), {});
      const usage = await room.medium.usage(EMULATED);
      assert.ok(usage.reservedBytes <= 65_536, JSON.stringify(usage));
      runs.push(room.lights, usage);
    });
  }
  assert.deepEqual(runs.slice(2), runs.slice(0, 2));
});

test("it loses power in a burst: what it obeyed never moves it again", {
  skip: skipped,
}, async () => {
  await inRoom(async (room) => {
    let edge = 3 * SECOND;
    for (let count = 0; count < 4; count++) edge = room.press("switch-1", edge + 320_000);
    room.medium.kill(EMULATED, edge + 60_000);
    await room.run(edge + 60_000);
    room.medium.kill("switch-1");
    const frames = room.air.filter(({ device, ack }) => device === "switch-1" && !ack);
    room.medium.restart(EMULATED, edge + 200_000);
    const from = edge + 2 * SECOND;
    await room.run(from);
    for (const [index, { frame }] of frames.entries()) {
      room.medium.inject(frame, from + (index + 1) * GAP_MICROS);
    }
    await room.run(from + (frames.length + 1) * GAP_MICROS + SECOND);
    assert.ok(frames.length >= 4);
    room.assertDark(from);
    assert.deepEqual(Object.keys(room.dropsSince(from)), ["replayed"]);
  });
});

test("a flash that loses power ends it; started again it goes on", { skip: skipped }, async () => {
  const devices = { [EMULATED]: { faults: ["30:torn:5"] } };
  await withRoom({ command: mixed(), room: SIZE, devices }, async (room) => {
    const edge = room.press("switch-1", 3 * SECOND);
    await room.run(edge + SECOND);
    room.medium.restart(EMULATED);
    const again = room.press("switch-1", edge + 5 * SECOND);
    await room.run(again + SECOND);
    assert.deepEqual(new Set(room.levels).size, 1);
  });
});

test("too small a heap: told with what was asked for", { skip: skipped }, async () => {
  const devices = { [EMULATED]: { heapBytes: 16_384 } };
  const start = withRoom({ command: mixed(), room: SIZE, devices }, (room) => room.run(SECOND));
  await assert.rejects(start, /lamp-2: .*heap ceiling reached: out of memory: .*--heap 16384/);
});

/** Emulators, by the folder of their medium. */
function emulators(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return ""; // ended meanwhile
      }
    })
    .filter((line) => line.includes("mps2-an386"));
}

function folderOf(line: string): string | undefined {
  return /path=([^\0]*)\/medium\.sock/.exec(line)?.[1];
}

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  test(`npm start --cortexm ended by ${signal} leaves no emulator behind`, {
    skip: skipped,
  }, async () => {
    const before = new Set(emulators().map(folderOf));
    const args = [
      PROGRAM,
      "--cortexm",
      "1",
      "--keys",
      "file",
      "--luminaires",
      "2",
      "--presses",
      "1000",
    ];
    const room = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    const ours = () =>
      emulators()
        .map(folderOf)
        .filter((folder) => !before.has(folder));
    while (ours().length === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    const [folder] = ours();
    room.kill(signal);
    await once(room, "close");
    for (let wait = 0; wait < 50 && emulators().map(folderOf).includes(folder); wait++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(!emulators().map(folderOf).includes(folder));
  });
}
