/**
 * The desktop simulator as a person has it, on a virtual display: a click on one window changes the
 * lamps in the others, to be seen in what they print and in their pixels; and a lamp that was ended
 * and started again knows what it had obeyed before.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { appOf, build, findSdk } from "../../hosts/sdk/sdk.js";
import { Instance } from "../../hosts/simulator/instance.js";
import { emitFactory } from "../../modules/commission/factory.js";
import { factoryOf } from "../support/newcomer.js";
import { Desk, Room } from "./desk.js";
import { needsSdk } from "./needs.js";
import { type Colour, type Picture, Screen, type Spot } from "./screen.js";

/** What the device of platforms/simulator/device draws. */
const OFF: Colour = [0x30, 0x30, 0x30];
const BUTTON: Colour = [0xb0, 0xb4, 0xb8];
const STATUS_LIT: Colour = [0x40, 0xa0, 0xff];
const LED_FATAL: Colour = [0xe0, 0x20, 0x20];
const LED_PIXELS = 150;

const missing = needsSdk("mcsim", "Xvfb", "xdotool", "imagemagick");

test("a click on one simulator changes the lamps of the others, and replays stay refused", {
  skip: missing,
  timeout: 900_000,
}, async (context) => {
  const sdk = findSdk();
  const made = { platform: "lin", out: join(ROOT, "build/sdk/out") };
  await build(sdk, made);
  const room = await Room.open(sdk, made);
  if (room === undefined) {
    context.skip("needs root, user namespaces, or an interface with IPv6 multicast");
    return;
  }
  try {
    equal(await room.ear.next(), "ready");
    const spots = await start(room);
    const command = await switchOn(room, spots);
    await replay(room, command);
    await switchOff(room, spots);
  } finally {
    await room.close();
  }
});

test("a device that cannot start says why, and its window stays", {
  skip: missing,
  timeout: 900_000,
}, async () => {
  const sdk = findSdk();
  const made = { platform: "lin", out: join(ROOT, "build/sdk/out") };
  await build(sdk, made);
  const screen = await Screen.open();
  const folder = mkdtempSync(join(tmpdir(), "lumicast-sdk-"));
  const desk = new Desk(0, ({ place, heard }) => {
    const windowed = { name: "lamp", folder, place, env: { DISPLAY: screen.display }, hear: heard };
    const damaged = Uint8Array.of(0xa1, 0x00, 0x01);
    return new Instance({ ...windowed, provisioning: damaged, sdk, app: appOf(made) });
  });
  try {
    void desk.instance.run();
    const { fatal } = await desk.line("reason", (line) => line.fatal !== undefined);
    match(fatal ?? "", /^provisioning\.eui64: /);
    const isRed = (picture: Picture) => picture.find(desk.place, LED_FATAL, LED_PIXELS);
    ok(isRed(await screen.settled((picture) => isRed(picture) !== undefined)) !== undefined);
  } finally {
    await desk.instance.stop();
    screen.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a fresh lamp says by its status LED that it is nobody's, and that it may be joined", {
  skip: missing,
  timeout: 900_000,
}, async () => {
  const sdk = findSdk();
  const made = { platform: "lin", out: join(ROOT, "build/sdk/out") };
  await build(sdk, made);
  const screen = await Screen.open();
  const folder = mkdtempSync(join(tmpdir(), "lumicast-sdk-"));
  const factory = emitFactory(factoryOf(20, { label: new Uint8Array(16).fill(7) }));
  const desk = new Desk(0, ({ place, heard }) => {
    const windowed = { name: "lamp", folder, place, env: { DISPLAY: screen.display }, hear: heard };
    return new Instance({ ...windowed, provisioning: factory, sdk, app: appOf(made) });
  });
  const led = (picture: Picture) => picture.find(desk.place, STATUS_LIT, LED_PIXELS);
  try {
    void desk.instance.run();
    await desk.line("fresh", ({ indicator }) => indicator === "fresh");
    const lit = await screen.settled((picture) => led(picture) !== undefined);
    ok(led(lit) !== undefined, "a second lit");
    const dark = await screen.settled((picture) => led(picture) === undefined);
    ok(led(dark) === undefined, "a second dark");
    const button = dark.find(desk.place, BUTTON);
    if (button === undefined) throw new Error("the button is not to be seen");
    screen.click(button);
    await desk.line("open", ({ indicator }) => indicator === "open");
  } finally {
    await desk.instance.stop();
    screen.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

interface Spots {
  readonly bulbs: readonly Spot[];
  readonly button: Spot;
}

/** Opens the windows; where in them to look and to click. */
async function start(room: Room): Promise<Spots> {
  const { desks } = room;
  const [lamp, other, wall] = desks;
  for (const { instance } of desks) void instance.run();
  await Promise.all([lamp.light(0), other.light(0)]);
  await wall.line("network", ({ network }) => network === "open");
  const dark = await room.screen.settled((picture) =>
    desks.every(({ place }) => picture.find(place, BUTTON)),
  );
  const bulbs = [lamp, other].map(({ place }) => dark.find(place, OFF));
  const button = dark.find(wall.place, BUTTON);
  if (button === undefined || bulbs.some((bulb) => bulb === undefined)) {
    throw new Error("a lamp or the button is not to be seen");
  }
  return { bulbs: bulbs as Spot[], button };
}

/** The datagram of the press. */
async function switchOn(room: Room, { bulbs, button }: Spots) {
  const { desks, ear, screen } = room;
  const [lamp, other, wall] = desks;
  screen.click(button);
  const command = await ear.next();
  await Promise.all([lamp.light(254), other.light(254)]);
  await Promise.all([lamp.traced("accepted"), other.traced("accepted")]);
  // The press, and its repetitions after 0.25 and 2 s; the last one comes after 30 s.
  for (let sent = 0; sent < 3; sent++) await wall.traced("sent");
  const bright = await room.screen.settled((picture) =>
    bulbs.every((bulb) => picture.at(bulb)[0] > 128),
  );
  for (const bulb of bulbs) {
    const [red, green, blue] = bright.at(bulb);
    ok(red > green && green > blue && red > 128, `warm white, not ${red}, ${green}, ${blue}`);
  }
  return command;
}

/** A recording of what both have obeyed: also after one of them was ended and started again. */
async function replay(room: Room, command: string): Promise<void> {
  const { desks, ear } = room;
  const [lamp, other] = desks;
  await lamp.instance.stop();
  void lamp.instance.run();
  await lamp.light(0);
  const before = [lamp, other].map(({ levels }) => levels.length);
  ear.send(command);
  await Promise.all([lamp.traced("replayed"), other.traced("replayed")]);
  const after = [lamp, other].map(({ levels }) => levels.length);
  deepEqual(after, before);
}

/** What is fresh is still obeyed: the switch says "off", and the one lamp that is on goes out. */
async function switchOff(room: Room, { bulbs, button }: Spots) {
  const { desks, screen } = room;
  const [lamp, other] = desks;
  screen.click(button);
  await Promise.all([lamp.traced("accepted"), other.light(0)]);
  const out = await room.screen.settled((picture) =>
    bulbs.every((bulb) => picture.at(bulb)[0] < 128),
  );
  for (const bulb of bulbs) deepEqual(out.at(bulb), OFF);
}
