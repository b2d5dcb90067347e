/** What a hand does at a device that is in use: reset, scenes stored, dimming taken back. */
import { KIND, key } from "../../modules/store/keys.js";
import { equal, test, throws } from "../harness.js";
import type { NorFlash } from "../support/flash.js";
import { blobFor, Joiner, LABEL_FILL, Newcomer } from "../support/newcomer.js";
import { opened } from "../support/partition.js";
import { type Rig, Room } from "../support/rig.js";

const NO_FADE = { settings: [[0, 0] as const] };
const SECOND = 1_000_000;
/** All bytes of the room's key. */
const KEY_FILL = 0xa1;

function press(room: Room, device: Pick<Rig, "button">, seconds = 0.1): void {
  device.button.onEdge?.(true, room.clock.micros());
  room.clock.advance(seconds * SECOND);
  device.button.onEdge?.(false, room.clock.micros());
}

/** Whether eight bytes of it stand together anywhere in the partition. */
function holds(flash: NorFlash, fill: number): boolean {
  let run = 0;
  return flash.snapshot().some((byte) => {
    run = byte === fill ? run + 1 : 0;
    return run === 8;
  });
}

function lampIn(): { room: Room; lamp: Rig } {
  const room = new Room();
  return { room, lamp: room.luminaire(20, NO_FADE) };
}

test("ten seconds arm the reset, and a press does it: no key is left in flash", () => {
  const { room, lamp } = lampIn();
  equal(holds(lamp.flash, KEY_FILL), true);
  press(room, lamp, 10.1);
  equal([lamp.patterns, lamp.restarts], [["armed"], []]);
  room.clock.advance(5 * SECOND);
  press(room, lamp);
  equal(lamp.restarts, [], "a second later");
  room.clock.advance(2 * SECOND);
  equal(lamp.restarts, ["factory reset asked for"]);
  equal(lamp.patterns, ["armed"], "until the restart");
  throws(() => lamp.restart(), /key not installed/);
  equal(holds(lamp.flash, KEY_FILL), false);
});

test("a joined device that was reset by a press is nobody's, and a fresh one arms nothing", () => {
  const room = new Room();
  const lamp = new Newcomer(room, { number: 20 });
  press(room, lamp, 10.1);
  lamp.press();
  const joiner = new Joiner(room);
  equal(joiner.join(20, blobFor(20)), "2.04");
  equal(lamp.restarts, []);
  lamp.restart();
  equal(lamp.device === undefined, false);
  press(room, lamp, 10.1);
  press(room, lamp);
  room.clock.advance(2 * SECOND);
  equal(lamp.restarts.at(-1), "factory reset asked for");
  lamp.restart();
  equal(
    [lamp.device, holds(lamp.flash, KEY_FILL), holds(lamp.flash, LABEL_FILL)],
    [undefined, false, false],
  );
});

for (const [name, does] of [
  ["time undoes it", (room: Room) => void room.clock.advance(10 * SECOND)],
  ["a hold undoes it", (room: Room, lamp: Rig) => press(room, lamp, 0.6)],
  ["a hold of ten seconds undoes it, too", (room: Room, lamp: Rig) => press(room, lamp, 12)],
] as const) {
  test(`an armed reset: ${name}`, () => {
    const { room, lamp } = lampIn();
    press(room, lamp, 10.1);
    room.clock.advance(SECOND);
    does(room, lamp);
    equal(lamp.patterns, ["armed", "off"]);
    room.clock.advance(SECOND);
    const level = lamp.level;
    press(room, lamp);
    room.clock.advance(5 * SECOND);
    equal([lamp.restarts, lamp.level === level], [[], false], "a press is for light again");
    equal(opened(lamp.flash, 500).has(key(KIND.RESET, 0)), false);
  });
}

test("a press that the end of the time overtakes does nothing", () => {
  const { room, lamp } = lampIn();
  press(room, lamp, 10.1);
  room.clock.advance(9.7 * SECOND);
  const shown = lamp.shown.length;
  press(room, lamp, 0.4);
  room.clock.advance(5 * SECOND);
  equal([lamp.restarts, lamp.patterns], [[], ["armed", "off"]]);
  equal(lamp.shown.slice(shown).at(-1)?.level, 254, "nor is it one for light");
});

test("a lamp shows by its light that it is armed, and then what it was told meanwhile", () => {
  const { room, lamp } = lampIn();
  press(room, lamp, 10.1);
  const before = lamp.shown.length;
  room.clock.advance(4 * SECOND);
  const levels = new Set(lamp.shown.slice(before).map(({ level }) => level));
  equal(levels, new Set([20, 200]));
  lamp.device.role.face.luminaire?.apply({ on: true, level: 77 }, 1);
  room.clock.advance(10 * SECOND);
  equal(lamp.level, 77);
  const after = lamp.shown.length;
  room.clock.advance(5 * SECOND);
  equal(lamp.shown.length, after);
});

test("holding a lamp's button is none for its light", () => {
  const { room, lamp } = lampIn();
  press(room, lamp, 4);
  equal(lamp.level, 254);
  press(room, lamp);
  equal(lamp.level, 0);
  room.clock.advance(0.1 * SECOND);
  press(room, lamp);
  equal(lamp.level, 254, "two quick presses are two");
});

function switchAndLamp(): { room: Room; lamp: Rig; wall: Rig; scene: () => number | undefined } {
  const room = new Room();
  const lamp = room.luminaire(20, NO_FADE);
  const wall = room.switch(1);
  const scene = () => lamp.device.role.face.luminaire?.scenes.get(1)?.level;
  return { room, lamp, wall, scene };
}

test("a switch's reset takes no press for light", () => {
  const { room, lamp, wall } = switchAndLamp();
  press(room, wall, 10.1);
  room.clock.advance(SECOND);
  const shown = lamp.shown.length;
  press(room, wall);
  room.clock.advance(0.3 * SECOND);
  equal(lamp.shown.length, shown);
  room.clock.advance(SECOND);
  equal(wall.restarts, ["factory reset asked for"]);
});

test("a hold that goes on takes back what it dimmed", () => {
  const { room, lamp, wall } = switchAndLamp();
  press(room, wall);
  room.clock.advance(SECOND);
  press(room, wall, 1.5);
  room.clock.advance(SECOND);
  const before = lamp.level as number;
  equal(before < 254, true);
  for (const held of [5.5, 12]) {
    wall.button.onEdge?.(true, room.clock.micros());
    room.clock.advance(4 * SECOND);
    equal(lamp.level === before, false);
    room.clock.advance((held - 4) * SECOND);
    wall.button.onEdge?.(false, room.clock.micros());
    room.clock.advance(SECOND);
    equal(lamp.level, before, `${held} s`);
  }
});

test("what was dark is dark again, and returns to the level it had", () => {
  const { room, lamp, wall } = switchAndLamp();
  press(room, wall);
  room.clock.advance(SECOND);
  press(room, wall, 1.5);
  room.clock.advance(SECOND);
  const before = lamp.level;
  press(room, wall);
  room.clock.advance(SECOND);
  press(room, wall, 5.5);
  room.clock.advance(SECOND);
  equal(lamp.level, 0);
  press(room, wall);
  room.clock.advance(SECOND);
  equal(lamp.level, before);
});

test("a long double stores what the light was before its first press", () => {
  const { room, lamp, wall, scene } = switchAndLamp();
  press(room, wall);
  room.clock.advance(SECOND);
  press(room, wall, 1.5);
  room.clock.advance(SECOND);
  const dimmed = lamp.level as number;
  equal(dimmed < 254, true);
  press(room, wall);
  room.clock.advance(0.1 * SECOND);
  equal(lamp.level, 0, "the first press acts at once");
  press(room, wall, 0.8);
  room.clock.advance(SECOND);
  equal([lamp.level, scene()], [dimmed, dimmed]);
});

test("a scene is not stored when another press comes first", () => {
  const { room, wall, scene } = switchAndLamp();
  const before = scene();
  press(room, wall);
  room.clock.advance(0.1 * SECOND);
  press(room, wall, 0.55);
  room.clock.advance(0.1 * SECOND);
  press(room, wall);
  room.clock.advance(5 * SECOND);
  equal(scene(), before);
});
