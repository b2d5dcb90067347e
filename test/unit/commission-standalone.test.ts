import { FlashLedger } from "../../modules/authority/flash-ledger.js";
import { devices } from "../../modules/authority/records.js";
import type { Factory } from "../../modules/commission/factory.js";
import { expectLuminaire, LUMINAIRES_MAX, luminairesIn } from "../../modules/commission/room.js";
import { equal, test, throws } from "../harness.js";
import { admitted, founded, hold, lampIn, lit, pass, type Standalone } from "../support/alone.js";
import { opened } from "../support/partition.js";
import { SeededRandom } from "../support/random.js";
import { eui64, Room } from "../support/rig.js";

const LAMP = 20;
const OTHER = 21;

/** A room with lamps in it. */
function roomOf(...numbers: number[]): Standalone {
  const alone = founded(new Room());
  hold(alone.room, alone.wall, 5.1);
  for (const number of numbers) admitted(alone, lampIn(alone.room, number));
  if (numbers.length > 0) alone.wall.press();
  pass(alone.room, 1);
  return alone;
}

/** Client ids and names, as they stand in the switch's flash. */
function membersOf({ wall }: Standalone): string[] {
  return FlashLedger.open(opened(wall.flash, 800)).run(luminairesIn);
}

test("ten seconds on a switch, and two presses for each lamp: the room has light", () => {
  const alone = roomOf(LAMP, OTHER);
  equal(lit(alone), [true, true], alone.wall.log.join("; "));
  equal(alone.wall.log.filter((line) => line.includes("has joined")).length, 2);
  // All of it lasts.
  for (const device of [alone.wall, ...alone.lamps]) device.restart();
  pass(alone.room, 5);
  equal(lit(alone), [true, true], alone.wall.log.join("; "));
});

test("a luminaire alone cannot found a room, nor a switch that belongs to somebody", () => {
  const { room, wall } = roomOf();
  const lamp = lampIn(room, LAMP);
  hold(room, lamp, 10.1);
  pass(room, 3);
  equal(lamp.restarts, []);
  wall.restarts.length = 0;
  hold(room, wall, 10.1);
  pass(room, 15);
  equal(wall.restarts, []);
});

test("without a press at the switch no lamp is in, and none is written down", () => {
  const alone = roomOf();
  const lamp = lampIn(alone.room, LAMP);
  lamp.press();
  pass(alone.room, 60);
  equal(alone.wall.log.at(-1), "room: 0200000000000014 blinks; press this switch if it is the one");
  equal(lamp.shown.length > 100, true, "it blinks for a minute");
  pass(alone.room, 150);
  equal([lamp.restarts, membersOf(alone)], [[], []]);
  equal(alone.wall.log.at(-1), "room: closed (time)");
});

test("of two lamps that are open at the same time neither is joined, and the window closes", () => {
  const alone = roomOf();
  const lamps = [lampIn(alone.room, LAMP), lampIn(alone.room, OTHER)];
  for (const lamp of lamps) lamp.press();
  pass(alone.room, 12);
  const { log } = alone.wall;
  equal(log.includes("room: closed (two joiners)"), true, log.join("; "));
  alone.wall.press();
  pass(alone.room, 10);
  equal(
    lamps.map(({ restarts }) => restarts),
    [[], []],
  );
  equal(membersOf(alone), []);
});

test("a lamp without a factory key, or whose factory does not trust presses, is not joined", () => {
  for (const other of [{ trustOnPress: false, label: new Uint8Array(16) }] as Partial<Factory>[]) {
    const alone = roomOf();
    const lamp = lampIn(alone.room, LAMP, other);
    lamp.press();
    pass(alone.room, 40);
    alone.wall.press();
    pass(alone.room, 10);
    equal([lamp.restarts, membersOf(alone)], [[], []]);
  }
});

test("a lamp that was reset is out as soon as it shows so, and the others get another key", () => {
  const alone = roomOf(LAMP, OTHER);
  const [lamp, other] = alone.lamps;
  const before = keyOf(alone, other);
  equal(lamp.device?.role.face.upkeep?.system.factoryReset(), true);
  lamp.restart();
  pass(alone.room, 10);
  hold(alone.room, alone.wall, 5.1);
  lamp.press();
  pass(alone.room, 20);
  equal(alone.wall.log.includes("room: 0200000000000014 is out; the others get other keys"), true);
  equal(membersOf(alone), ["0200000000000015"]);
  equal(keyOf(alone, other) === before, false);
  // It blinks, and may come in again, as somebody else.
  alone.wall.press();
  pass(alone.room, 3);
  equal(lamp.restarts.at(-1), "joined", alone.wall.log.join("; "));
  lamp.restart();
  pass(alone.room, 20);
  alone.wall.press();
  pass(alone.room, 1);
  equal(lit(alone), [true, true], alone.wall.log.join("; "));
  const ids = FlashLedger.open(opened(alone.wall.flash, 800)).run((rows) =>
    [LAMP, OTHER].map((one) => devices.need(rows, `02000000000000${one.toString(16)}`).clientId[0]),
  );
  equal(ids, [4, 3]);
});

/** The id of the newest key. */
function keyOf(alone: Standalone, lamp: Standalone["wall"]): string {
  const { groups } = lamp.device ?? alone.wall.device!;
  const [security] = groups.directory.securities();
  return `${groups.keyring.current(security)?.keyId}`;
}

test("who says with another key that it is a lamp of the room puts nobody out", () => {
  const alone = roomOf(LAMP);
  const { room, wall } = alone;
  alone.lamps[0].port.onDatagram = undefined;
  const forger = lampIn(room, LAMP, { rawKey: new Uint8Array(32).fill(99) });
  hold(room, wall, 5.1);
  forger.press();
  pass(room, 12);
  equal(membersOf(alone), ["0200000000000014"]);
  wall.press();
  pass(room, 5);
  equal(forger.restarts, []);
  equal(
    wall.log.some((line) => line.includes("is not joined")),
    true,
    wall.log.join("; "),
  );
  equal(
    wall.log.some((line) => line.includes("is out")),
    false,
  );
});

test("what a press confirmed is the key that blinked, not one that came in its place", () => {
  const { room, wall } = founded(new Room());
  const lamp = lampIn(room, LAMP);
  lamp.press();
  pass(room, 150);
  hold(room, wall, 5.1);
  pass(room, 12);
  equal(wall.log.at(-1), "room: 0200000000000014 blinks; press this switch if it is the one");
  // Its window is closed, and with it the connection.
  pass(room, 15);
  lamp.port.onDatagram = undefined;
  const forger = lampIn(room, LAMP, { rawKey: new Uint8Array(32).fill(99) });
  forger.press();
  wall.press();
  pass(room, 20);
  equal([lamp.restarts, forger.restarts], [[], []], wall.log.join("; "));
});

test("64 luminaires are all that a switch keeps", () => {
  const alone = roomOf();
  const ledger = FlashLedger.open(opened(alone.wall.flash, 800));
  const around = { random: new SeededRandom(3), now: 5 };
  const keySum = new Uint8Array(32);
  for (let number = 1; number <= LUMINAIRES_MAX; number++) {
    ledger.run((rows) => expectLuminaire(rows, { eui64: eui64(100 + number), keySum }, around));
  }
  throws(() => {
    ledger.run((rows) => expectLuminaire(rows, { eui64: eui64(99), keySum }, around));
  }, /64 luminaires are all/);
  // One that is there already comes again.
  ledger.run((rows) => expectLuminaire(rows, { eui64: eui64(101), keySum }, around));
});
