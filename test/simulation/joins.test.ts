/**
 * Fresh devices on the medium, each one a process with the real firmware: they have their EUI-64
 * and what is printed on them, no PAN, no key, and the room's authority joins them over 802.15.4.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { generate } from "../../hosts/installation/generate.js";
import type { Installation } from "../../hosts/installation/types.js";
import { Medium } from "../../hosts/medium/medium.js";
import type { MediumEvents, MediumOptions } from "../../hosts/medium/types.js";
import { commission } from "../../hosts/room/commission.js";
import { fresh, withoutKeys } from "../../hosts/room/managed.js";
import { measure } from "../../hosts/room/measure.js";
import { toHex } from "../../modules/bytes/hex.js";
import { emitFactory } from "../../modules/commission/factory.js";

const SECOND = 1_000_000;
const FRESH = /^fresh: may not be joined \((\w+)\)$/;

function roomOf(luminaires: number): Installation {
  const size = { luminaires, switches: 1, sensors: 0, hops: 1, loss: 0, seed: 11 };
  return withoutKeys(generate(size));
}

function labelOf({ devices }: Installation, name: string): Uint8Array {
  return devices.find((device) => device.name === name)?.factoryKey ?? new Uint8Array(0);
}

/** Of one device, in order. */
class Listener {
  readonly logs: MediumEvents["log"][] = [];
  readonly frames: MediumEvents["air"][] = [];

  constructor(medium: Medium) {
    medium.on("log", (event) => this.logs.push(event));
    medium.on("air", (event) => this.frames.push(event));
  }

  said(name: string): string[] {
    return this.logs.filter(({ device }) => device === name).map(({ text }) => text);
  }

  /** Steps that the authority told of one. */
  steps(name: string): string[] {
    const start = `join ${name}: `;
    const own = this.said("border").filter((text) => text.startsWith(start));
    return own.map((text) => text.slice(start.length).split(":")[0]);
  }
}

async function withFresh(
  room: Installation,
  more: Partial<MediumOptions>,
  use: (medium: Medium, heard: Listener) => Promise<void>,
): Promise<void> {
  const medium = await Medium.start({ ...fresh(room), ...more, pacing: "fast" });
  try {
    await use(medium, new Listener(medium));
  } finally {
    await medium.stop();
  }
}

function press(medium: Medium, name: string, at: number): void {
  medium.button(name, true, at);
  medium.button(name, false, at + 100_000);
}

const ALL = ["find", "prove", "enter", "hand over", "come back", "keys", "light"];

test("from the label to the first light, and the label is nowhere then", async () => {
  const room = roomOf(3);
  const flashFolder = mkdtempSync(join(tmpdir(), "lumicast-test-"));
  const labels = room.devices.map(({ name }) => Buffer.from(labelOf(room, name)));
  const holders = () =>
    readdirSync(flashFolder).filter((file) => {
      const image = readFileSync(join(flashFolder, file));
      return labels.some((label) =>
        [0, 4, 8, 12].some((at) => image.includes(label.subarray(at, at + 4))),
      );
    });
  try {
    await withFresh(room, { flashFolder }, async (medium, heard) => {
      await medium.run(SECOND / 2);
      assert.equal(holders().length, room.devices.length, "each has its own before");
      const { joined, devices, failures } = await commission(medium, room);
      assert.deepEqual([joined, devices, failures], [4, 4, []]);
      for (const { name } of room.devices) assert.deepEqual(heard.steps(name), ALL, name);
      // Nobody who has no PAN speaks on the room's, and its lamps are its from their next start.
      const panOf = ({ frame }: MediumEvents["air"]) => frame[3] | (frame[4] << 8);
      const first = heard.frames.find(({ device, ack }) => device === "lamp-1" && !ack);
      assert.equal(first && panOf(first), 0xffff);
      const last = heard.frames.filter(({ device, ack }) => device === "lamp-1" && !ack).at(-1);
      assert.equal(last && panOf(last), room.network.pan);
      assert.deepEqual(holders(), []);
      const all = heard.logs.map(({ text }) => text).join("\n");
      for (const label of labels) {
        assert.equal(all.includes(toHex(label).slice(0, 8)), false, "in no line");
        const isOnAir = heard.frames.some(({ frame }) =>
          Buffer.from(frame).includes(label.subarray(0, 4)),
        );
        assert.equal(isOnAir, false, "in no frame");
      }
    });
  } finally {
    rmSync(flashFolder, { recursive: true });
  }
});

test("a closed device is silent, and whose label is another one is not joined", async () => {
  const room = roomOf(2);
  const { blobOf, ...rest } = fresh(room);
  const other: MediumOptions["blobOf"] = (blob, device) => {
    if (device.name !== "lamp-2") return blobOf?.(blob, device) ?? blob;
    const more = { role: 1, n: 0, rawKey: undefined, trustOnPress: false };
    return emitFactory({ ...more, eui64: device.eui64, label: new Uint8Array(16).fill(0x5a) });
  };
  await withFresh(room, { ...rest, blobOf: other }, async (medium, heard) => {
    medium.command("join lamp-1", SECOND);
    press(medium, "lamp-2", SECOND);
    medium.command("join lamp-2", 1.5 * SECOND);
    await medium.run(60 * SECOND);
    const failures = heard.said("border").filter((text) => text.includes("failed"));
    assert.equal(failures.length, 2);
    assert.match(failures[0], /^join lamp-1: failed at find: it is not open here; press its/);
    assert.match(failures[1], /^join lamp-2: failed at prove: it does not know this label; look/);
    assert.deepEqual(heard.said("lamp-1").length, 1, "nobody's, and nothing else");
    const isJoined = heard.said("lamp-2").some((text) => text.startsWith("joined"));
    assert.equal(isJoined, false);
    assert.equal(
      heard.said("lamp-2").some((text) => FRESH.test(text)),
      false,
      "still open",
    );
  });
});

test("power that goes in the middle: in, or out, and the same join again goes on", async () => {
  const room = roomOf(1);
  await withFresh(room, {}, async (medium, heard) => {
    press(medium, "lamp-1", SECOND);
    medium.command("join lamp-1", 1.5 * SECOND);
    let cut = 0;
    medium.on("log", ({ device, at, text }) => {
      if (device !== "lamp-1" || !text.startsWith("joined")) return;
      cut = at;
      medium.kill("lamp-1", at + 1);
    });
    await medium.run(180 * SECOND);
    assert.ok(cut > 0);
    assert.match(
      heard.said("border").join("\n"),
      /join lamp-1: failed at come back: it was not heard/,
    );
    medium.restart("lamp-1", medium.now + 1);
    medium.command("join lamp-1", medium.now + 2 * SECOND);
    await medium.run(medium.now + 30 * SECOND);
    const last = heard.said("border").filter((text) => text.startsWith("join lamp-1: "));
    assert.equal(last.at(-1), "join lamp-1: light: it blinks");
  });
});

test("the same seed joins the same way, whatever is lost", async () => {
  const size = { luminaires: 2, switches: 1, sensors: 1, hops: 1, loss: 0.1, seed: 3 };
  const room = withoutKeys(generate(size));
  const runs = [1, 2].map(async () => measure({ ...fresh(room), presses: 1, joining: {} }));
  const [one, other] = await Promise.all(runs);
  assert.equal(one.joined?.devices, 4);
  assert.deepEqual(one, other);
});
