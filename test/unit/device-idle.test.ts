import { TsCrypto } from "../../modules/crypto/crypto.js";
import { Idle } from "../../modules/device/idle.js";
import { Directory } from "../../modules/groups/directory.js";
import { Keyring } from "../../modules/groups/keyring.js";
import { Recipients } from "../../modules/oscore/recipients.js";
import { Uptime } from "../../modules/store/uptime.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { craft, OFF, ON } from "../support/craft.js";
import { NorFlash } from "../support/flash.js";
import { formatted, opened } from "../support/partition.js";
import { SeededRandom } from "../support/random.js";
import { Rig, ROLE, Room } from "../support/rig.js";

const SECOND = 1_000_000;
/** The smallest partition there is: 750 records. */
const SMALL = { size: 8 * 4096, programBytes: 16 };
/** So far apart that each number needs a bound of its own on flash. */
const STRIDE = 40;

function lampOn(room: Room, flash: NorFlash): Rig {
  return new Rig(room, { number: 20, role: ROLE.LUMINAIRE, settings: [[0, 0]] }, flash);
}

/** A genuine command, arriving now. */
function commanded(room: Room, rig: Rig, sequence: number, payload = ON): boolean {
  const atMicros = room.clock.micros();
  return rig.device.receive({ ...craft({ sequence, payload }), atMicros }).ok;
}

/** Commands without a pause, until there is something to tidy; returns the last number. */
function untilUntidy(room: Room, lamp: Rig): number {
  let sequence = 0;
  for (; !lamp.device.store.needsTidy; sequence += STRIDE) {
    equal(commanded(room, lamp, sequence + STRIDE), true);
  }
  return sequence;
}

/**
 * How often a lamp refused commands with such gaps; sectors erased; the shortest quiet before
 * anything was done to flash but what a command does itself.
 */
function underTraffic(gapMicros: () => number, messages: number) {
  const room = new Room();
  const flash = new NorFlash(SMALL);
  const lamp = lampOn(room, flash);
  let refused = 0;
  let lastMicros = room.clock.micros();
  let leastQuiet = Number.POSITIVE_INFINITY;
  const apart = () => {
    leastQuiet = Math.min(leastQuiet, room.clock.micros() - lastMicros);
  };
  for (let i = 0; i < messages; i++) {
    flash.onOperation = apart;
    room.clock.advance(gapMicros());
    lastMicros = room.clock.micros();
    flash.onOperation = ({ bytes }) => equal(bytes === undefined, false, "erased before the light");
    if (!commanded(room, lamp, i * STRIDE)) refused++;
  }
  return { refused, leastQuiet, erases: lamp.device.store.erases };
}

test("commands less than two seconds apart for as long as it takes: none is refused", () => {
  const random = new SeededRandom(4);
  const gap = () => 150_000 + random.below(1_800_000);
  const { refused, leastQuiet, erases } = underTraffic(gap, 1000);
  equal([refused, erases > 3], [0, true]);
  equal(leastQuiet >= 100_000, true, `tidied in lulls only: ${leastQuiet}`);
});

test("commands without any lull: none is refused, and no erase comes before the light", () => {
  const { refused, leastQuiet, erases } = underTraffic(() => 90_000, 1000);
  equal([refused, erases > 3], [0, true]);
  equal(leastQuiet > 0, true, "in turns of their own");
});

test("20,000 messages one second apart, of four senders, on the smallest partition", () => {
  const clock = new TestClock();
  const flash = formatted(16, 8);
  const store = opened(flash);
  const recipients = new Recipients({ store, capacity: 8 });
  const keyring = new Keyring({
    store,
    crypto: new TsCrypto(),
    recipients,
    uptime: new Uptime(store, clock),
    directory: new Directory(),
    keysMax: 4,
  });
  const idle = new Idle({ clock, store, recipients, keyring });
  const rows = [1, 2, 3, 4].map((id) =>
    recipients.admit(0, { bytes: Uint8Array.of(id), start: 0, length: 1, sequence: 0 }),
  );
  let refused = 0;
  for (let i = 4; i < 20_004; i++) {
    clock.advance(SECOND);
    // Each restarted now and then, and so skipping numbers.
    const number = Math.floor(i / 4) + Math.floor(i / 16) * STRIDE;
    if (!recipients.mark(rows[i % 4], number)) refused++;
    idle.lastMicros = clock.micros();
    idle.watch();
  }
  equal(refused, 0);
  equal(store.erases > 10, true);
});

test("while there is room to write to, flash is left alone until nobody was heard for 2 s", () => {
  const room = new Room();
  const flash = new NorFlash(SMALL);
  const lamp = lampOn(room, flash);
  const sequence = untilUntidy(room, lamp);
  for (let i = 1; i <= 5; i++) {
    room.clock.advance(SECOND);
    equal(commanded(room, lamp, sequence + i * STRIDE), true);
  }
  equal(lamp.device.store.erases, 0);
  room.clock.advance(10 * SECOND);
  equal([lamp.device.store.erases > 0, lamp.device.store.needsTidy], [true, false]);
});

test("junk does not keep a device from pulling its bounds back and tidying", () => {
  const room = new Room();
  const lamp = lampOn(room, new NorFlash(SMALL));
  const sequence = untilUntidy(room, lamp);
  for (let i = 1; i <= 10; i++) equal(commanded(room, lamp, sequence + i), true);
  const forged = craft({ sequence: sequence + 11, fill: 0x55 });
  for (let i = 0; i < 40; i++) {
    room.clock.advance(SECOND / 4);
    const atMicros = room.clock.micros();
    equal(lamp.device.receive({ ...forged, atMicros }), { ok: false, drop: "forged" });
  }
  equal(lamp.device.store.needsTidy, false);
  lamp.restart();
  equal(commanded(room, lamp, sequence + 11, OFF), true, "the bound on flash was exact");
});

test("a switch that hears nobody tidies all the same, and never refuses to send", () => {
  const room = new Room();
  const spec = { number: 1, role: ROLE.SWITCH };
  const wall = new Rig(room, spec, new NorFlash(SMALL));
  // Uptime alone takes a record an hour: 750 of them are 31 days.
  room.clock.advance(40 * 24 * 3600 * SECOND);
  for (let i = 0; i < 40; i++) {
    room.press(wall);
    room.clock.advance(60 * SECOND);
  }
  equal(wall.count("sendRefused"), 0);
  equal(wall.count("sent") > 128, true, "more than two blocks of numbers");
});

test("a log left full has room again before a restarted device listens", () => {
  const room = new Room();
  const lamp = lampOn(room, new NorFlash(SMALL));
  let sequence = 0;
  while (commanded(room, lamp, sequence)) sequence += STRIDE;
  equal(lamp.count("storeFailed"), 1);
  lamp.restart();
  equal(lamp.device.store.needsTidy, false);
  for (let i = 0; i < 100; i++) equal(commanded(room, lamp, sequence + i * STRIDE), true);
});
