import { isLit, SLOT_MICROS } from "../../modules/commission/patterns.js";
import type { Command } from "../../modules/lighting/command.js";
import { KIND, key } from "../../modules/store/keys.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { Lamp } from "../support/lamp.js";
import { MemoryRecords } from "../support/records.js";

const SECOND = 1_000_000;
const A = 3;
const B = 9;
const POWER = 1;

test("power-up without a stored state is on, full: the safe thing", () => {
  const lamp = new Lamp();
  equal(lamp.shown, [{ level: 254, mired: 370, atMicros: SECOND }]);
  equal(lamp.luminaire.state().on, true);
  equal(lamp.clock.pending, 0, "nothing to do, no timer");
});

test("a command shows in the turn it arrives in", () => {
  const lamp = new Lamp();
  for (const [command, level] of [
    [{ on: false }, 0],
    [{ on: true }, 254],
    [{ level: 100 }, 100],
    [{ level: 0 }, 0],
    [{ on: true, level: 7 }, 7],
    [{ on: true, level: 0 }, 0],
    [{ level: 254 }, 254],
  ] as const) {
    const before = lamp.shown.length;
    equal(lamp.luminaire.apply(command, A), "ok");
    equal([lamp.shown.length - before, lamp.level], [1, level], JSON.stringify(command));
  }
});

test("on without a level returns to the last one that was not zero", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ level: 77 }, A);
  lamp.luminaire.apply({ level: 0 }, A);
  lamp.luminaire.apply({ on: true }, A);
  equal(lamp.level, 77);
  lamp.luminaire.apply({ on: false }, A);
  lamp.luminaire.apply({ on: true }, A);
  equal(lamp.level, 77);
  lamp.luminaire.apply({ on: false, level: 30 }, A);
  equal(lamp.level, 0);
  lamp.luminaire.apply({ on: true }, A);
  equal(lamp.level, 30);
});

test("a fade is linear, shows its first step at once and ends exactly", () => {
  for (const [from, to, tenths] of [
    [0, 254, 10],
    [254, 0, 10],
    [200, 100, 33],
    [10, 12, 20],
    [0, 254, 1],
    [254, 1, 65535],
  ]) {
    const lamp = new Lamp();
    lamp.luminaire.apply({ level: from }, A);
    const start = lamp.clock.micros();
    const first = lamp.shown.length;
    lamp.luminaire.apply({ level: to, fadeTenths: tenths }, A);
    const what = `${from} to ${to} in ${tenths}`;
    equal(lamp.shown.length, first + 1, what);
    equal(lamp.level, from + Math.sign(to - from), `${what}: a step at once`);
    const end = start + tenths * 100_000;
    lamp.clock.advanceTo(end - 1);
    equal(
      lamp.level === to && Math.abs(to - from) > 2 && tenths < 100,
      false,
      `${what}: not early`,
    );
    lamp.clock.advanceTo(end);
    equal(lamp.level, to, what);
    for (const { level, atMicros } of lamp.shown.slice(first + 1)) {
      const ideal = from + ((to - from) * (atMicros - start)) / (end - start);
      equal(Math.abs(level - ideal) < 1, true, `${what}: ${level} for ${ideal}`);
    }
    lamp.clock.advance(10 * SECOND);
    const early = end - lamp.now.atMicros;
    equal(early >= 0 && early < 254, true, `${what}: there ${early} microseconds early, and stays`);
    equal(lamp.clock.pending, 0);
  }
});

test("a fade is moved every 20 ms at most, and every step of a slow one is shown", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ level: 0 }, A);
  const first = lamp.shown.length;
  lamp.luminaire.apply({ level: 254, fadeTenths: 20 }, A);
  lamp.clock.advance(3 * SECOND);
  const quick = lamp.shown.slice(first).map(({ atMicros }) => atMicros);
  equal(quick.length <= 101 && quick.length >= 99, true, `${quick.length} outputs in 2 s`);
  const slow = new Lamp();
  slow.luminaire.apply({ level: 10 }, A);
  const from = slow.shown.length;
  slow.luminaire.apply({ level: 20, fadeTenths: 100 }, A);
  slow.clock.advance(10 * SECOND);
  equal(
    slow.shown.slice(from).map(({ level }) => level),
    [11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
  );
});

test("a new command replaces a running fade, from what is shown", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ level: 0 }, A);
  lamp.luminaire.apply({ level: 200, fadeTenths: 20 }, A);
  lamp.clock.advance(SECOND);
  const midway = lamp.level;
  equal(Math.abs(midway - 100) <= 1, true);
  lamp.luminaire.apply({ level: 0, fadeTenths: 10 }, B);
  equal(lamp.level, midway - 1);
  lamp.clock.advance(SECOND / 2);
  equal(Math.abs(lamp.level - midway / 2) <= 1, true);
  lamp.clock.advance(SECOND / 2);
  equal(lamp.level, 0);
  lamp.clock.advance(10 * SECOND);
  equal(lamp.level, 0, "the first fade is gone");
});

test("the fade of a command, of its scene, of the device, in this order", () => {
  const lamp = new Lamp({ settings: [[0, 30]] });
  const timeLeft = (command: Command) => {
    lamp.luminaire.apply({ level: 1, fadeTenths: 0 }, A);
    lamp.luminaire.apply(command, A);
    return lamp.luminaire.state().leftMs;
  };
  equal(timeLeft({ level: 254 }), 3000);
  lamp.luminaire.fadeTenths = 7;
  equal(timeLeft({ level: 254 }), 700);
  lamp.luminaire.scenes.put(4, { level: 90, fadeTenths: 12 });
  equal(timeLeft({ scene: 4 }), 1200);
  equal(timeLeft({ scene: 4, fadeTenths: 5 }), 500);
  equal(timeLeft({ level: 254, fadeTenths: 0 }), 0);
});

test("state answers the target and the time left", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ level: 0 }, A);
  lamp.luminaire.apply({ on: true, level: 200, fadeTenths: 20, mired: 250 }, A);
  lamp.clock.advance(500_000);
  const state = { x: undefined, y: undefined, lampFailure: false, mired: 250 };
  equal(lamp.luminaire.state(), { ...state, on: true, level: 200, leftMs: 1500 });
  lamp.luminaire.apply({ on: false, fadeTenths: 0 }, A);
  equal(lamp.luminaire.state(), { ...state, on: false, level: 0, leftMs: 0 });
});

test("colour: mired fades, coordinates fade, one becomes the other at once", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ mired: 200 }, A);
  equal([lamp.level, lamp.now.mired], [254, 200]);
  lamp.luminaire.apply({ mired: 300, fadeTenths: 10 }, A);
  lamp.clock.advance(500_000);
  equal(lamp.now.mired, 250);
  lamp.clock.advance(SECOND);
  equal(lamp.now.mired, 300);
  lamp.luminaire.apply({ x: 20000, y: 21000, fadeTenths: 10 }, A);
  equal([lamp.now.x, lamp.now.y], [20000, 21000]);
  lamp.luminaire.apply({ x: 30000, y: 11000, fadeTenths: 10 }, A);
  lamp.clock.advance(500_000);
  // Shown in 39 steps: at most one of 257 behind.
  const { x = 0, y = 0 } = lamp.now;
  equal([x <= 25000, x > 24740, y >= 16000, y < 16260], [true, true, true, true]);
  lamp.clock.advance(SECOND);
  equal([lamp.luminaire.state().x, lamp.luminaire.state().y], [30000, 11000]);
  lamp.luminaire.apply({ mired: 153, fadeTenths: 0 }, A);
  equal(lamp.now, { level: 254, mired: 153, atMicros: lamp.clock.micros() });
});

test("colour: what is dark comes up in its new colour", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ on: false, mired: 500 }, A);
  lamp.luminaire.apply({ on: true, mired: 200, fadeTenths: 10 }, A);
  equal([lamp.level, lamp.now.mired], [1, 200]);
});

test("levels stay within the limits that are set", () => {
  const lamp = new Lamp({
    settings: [
      [6, 20],
      [7, 200],
    ],
  });
  equal(lamp.level, 200);
  for (const [level, shown] of [
    [1, 20],
    [19, 20],
    [21, 21],
    [254, 200],
    [0, 0],
  ]) {
    lamp.luminaire.apply({ level }, A);
    equal(lamp.level, shown);
  }
});

test("limits that contradict each other leave the lower one", () => {
  const lamp = new Lamp({
    settings: [
      [6, 100],
      [7, 50],
    ],
  });
  for (const level of [1, 75, 254]) {
    lamp.luminaire.apply({ level }, A);
    equal(lamp.level, 100);
  }
});

test("scenes: stored, recalled, deleted; an unknown one fails and changes nothing", () => {
  const lamp = new Lamp();
  const { luminaire } = lamp;
  equal(luminaire.apply({ scene: 9 }, A), "failed");
  equal([lamp.level, lamp.shown.length], [254, 1]);
  luminaire.apply({ level: 60, mired: 222 }, A);
  equal(luminaire.scenes.put(9, luminaire.asScene()), "stored");
  luminaire.apply({ on: false }, A);
  equal(luminaire.scenes.put(0, luminaire.asScene()), "stored");
  luminaire.apply({ x: 1000, y: 2000, level: 50 }, A);
  equal(luminaire.scenes.put(254, luminaire.asScene()), "stored");
  equal(luminaire.apply({ scene: 9 }, A), "ok");
  equal([lamp.level, lamp.now.mired, lamp.now.x], [60, 222, undefined]);
  luminaire.apply({ scene: 0 }, A);
  equal(lamp.level, 0);
  const again = lamp.restarted();
  again.luminaire.apply({ scene: 254 }, A);
  equal([again.level, again.now.x, again.now.y], [50, 1000, 2000]);
  equal(again.luminaire.scenes.delete(254), true);
  equal(again.luminaire.apply({ scene: 254 }, A), "failed");
  equal(again.luminaire.scenes.delete(254), true, "gone is gone");
});

test("scene 1 is half bright until somebody stores it", () => {
  const lamp = new Lamp();
  equal(lamp.luminaire.apply({ scene: 1, fadeTenths: 0 }, A), "ok");
  equal(lamp.luminaire.state().level, 127);
  equal(lamp.luminaire.scenes.put(1, { level: 9 }), "stored");
  lamp.luminaire.apply({ scene: 1, fadeTenths: 0 }, A);
  equal(lamp.luminaire.state().level, 9);
});

test("scenes: 32 of them; the next one is refused, none is evicted", () => {
  const lamp = new Lamp();
  const { scenes } = lamp.luminaire;
  for (let i = 0; i < 32; i++) equal(scenes.put(i, { level: i + 1 }), "stored");
  equal(scenes.put(99, { level: 9 }), "full");
  equal(scenes.put(3, { level: 200 }), "stored");
  equal(scenes.get(31), { level: 32 });
  equal(scenes.get(99), undefined);
  lamp.records.refuses = true;
  equal([scenes.put(3, { level: 7 }), scenes.delete(3)], ["refused", false]);
});

test("scenes: writing is bounded, whoever asks", () => {
  const lamp = new Lamp();
  const { scenes } = lamp.luminaire;
  let stored = 0;
  for (let i = 0; i < 500; i++) {
    if (scenes.put(1, { level: 1 + (i % 2) }) === "stored") stored++;
  }
  equal(lamp.records.writes, 64, "the burst");
  equal(stored > 64, true, "what is stored already costs nothing");
  lamp.clock.advance(300 * SECOND);
  equal(scenes.put(1, { level: 100 }), "stored");
  equal(scenes.put(1, { level: 101 }), "refused");
});

test("identify blinks, then shows what it would show", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ level: 40 }, A);
  const from = lamp.shown.length;
  lamp.luminaire.identify(3);
  lamp.clock.advance(10 * SECOND);
  equal(
    lamp.shown.slice(from).map(({ level }) => level),
    [254, 0, 254, 0, 254, 0, 40],
  );
  equal(lamp.clock.pending, 0);
});

test("a dark lamp that identifies itself looks as the table of patterns says", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ on: false }, A);
  lamp.luminaire.identify(10);
  for (let slot = 0; slot < 40; slot++) {
    equal(lamp.level > 0, isLit("identify", slot * SLOT_MICROS), `slot ${slot}`);
    lamp.clock.advance(SLOT_MICROS);
  }
});

test("identify: 0 ends it, a fade runs on behind it, a new command ends it", () => {
  const lamp = new Lamp();
  lamp.luminaire.identify(60);
  equal(lamp.level, 0, "a bright lamp goes dark first");
  lamp.luminaire.identify(0);
  equal(lamp.level, 254);
  lamp.luminaire.apply({ level: 100, fadeTenths: 20 }, A);
  lamp.luminaire.identify(1);
  lamp.clock.advance(SECOND);
  equal(Math.abs(lamp.level - 177) <= 1, true, "half of the way");
  lamp.luminaire.identify(60);
  equal(lamp.luminaire.apply({ level: 100, ageHundredths: 25 }, A), "ok");
  equal(lamp.level === 0 || lamp.level === 254, true, "nothing new, it blinks on");
  lamp.luminaire.apply({ level: 99 }, A);
  equal(lamp.level, 99);
  lamp.clock.advance(10 * SECOND);
  equal(lamp.level, 99);
});

test("a lamp failure is told, and the state kept", () => {
  const lamp = new Lamp();
  lamp.light.failed = true;
  equal(lamp.luminaire.apply({ level: 5 }, A), "lampFailure");
  equal(lamp.luminaire.state().lampFailure, true);
  equal(lamp.luminaire.state().level, 5);
  equal(lamp.luminaire.apply({ report: true }, A), "lampFailure");
});

test("a question changes nothing, not even a fade", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ level: 0, fadeTenths: 10 }, A);
  lamp.clock.advance(500_000);
  const shown = lamp.shown.length;
  equal(lamp.luminaire.apply({ report: true }, B), "ok");
  equal(lamp.shown.length, shown);
  equal(lamp.luminaire.state().leftMs, 500);
});

test("repeat: what was obeyed already is not begun again", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ level: 0 }, A);
  lamp.luminaire.apply({ level: 200, fadeTenths: 20 }, A);
  lamp.clock.advance(250_000);
  const shown = lamp.shown.length;
  equal(lamp.luminaire.apply({ level: 200, fadeTenths: 20, ageHundredths: 25 }, A), "ok");
  equal([lamp.shown.length, lamp.luminaire.state().leftMs], [shown, 1750]);
  lamp.clock.advance(1_750_000);
  equal(lamp.level, 200);
});

test("repeat: who missed the original arrives with the others", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ level: 0 }, A);
  lamp.clock.advance(SECOND);
  lamp.luminaire.apply({ level: 200, fadeTenths: 20, ageHundredths: 25 }, A);
  equal([lamp.level, lamp.luminaire.state().leftMs], [1, 1750]);
  lamp.luminaire.apply({ level: 50, fadeTenths: 20, ageHundredths: 200 }, A);
  equal(lamp.level, 50, "the fade would be over");
});

test("repeat: older than another sender's command is ignored", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ level: 100 }, A);
  lamp.clock.advance(SECOND);
  lamp.luminaire.apply({ level: 20 }, B);
  lamp.clock.advance(SECOND);
  equal(lamp.luminaire.apply({ level: 100, ageHundredths: 200 }, A), "ok");
  equal(lamp.level, 20);
  // B's own repetition has nothing newer before it.
  lamp.luminaire.apply({ level: 20, ageHundredths: 100 }, B);
  equal(lamp.level, 20);
  // A command of A that was lost here, newer than B's.
  lamp.clock.advance(SECOND);
  lamp.luminaire.apply({ level: 130, ageHundredths: 150 }, A);
  equal(lamp.level, 130);
});

test("repeat: the age counts from the original, not from when it was obeyed", () => {
  const lamp = new Lamp();
  lamp.clock.advance(100 * SECOND);
  // B's command of 2 s ago arrives only now; A's of 1 s ago is newer.
  lamp.luminaire.apply({ level: 20, ageHundredths: 200 }, B);
  lamp.luminaire.apply({ level: 130, ageHundredths: 100 }, A);
  equal(lamp.level, 130);
  lamp.luminaire.apply({ level: 20, ageHundredths: 200 }, B);
  equal(lamp.level, 130);
});

test("repeat: of two originals that crossed, the one repeated stands", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ level: 100 }, A);
  lamp.clock.advance(100_000);
  lamp.luminaire.apply({ level: 20 }, B);
  lamp.clock.advance(150_000);
  lamp.luminaire.apply({ level: 100, ageHundredths: 25 }, A);
  equal(lamp.level, 100);
});

test("state restored: after it settled, as before the power cut", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ level: 33, mired: 200, fadeTenths: 50 }, A);
  lamp.clock.advance(4_900_000);
  equal(lamp.records.writes, 0, "not while it fades");
  lamp.clock.advance(SECOND);
  equal(lamp.records.writes, 1);
  equal(lamp.restarted().shown, [{ level: 33, mired: 200, atMicros: SECOND }]);
  lamp.luminaire.apply({ on: false }, A);
  lamp.clock.advance(2_900_000);
  equal(lamp.restarted().level, 33, "not within 3 s");
  lamp.clock.advance(100_000);
  const off = lamp.restarted();
  equal(off.level, 0);
  off.luminaire.apply({ on: true }, A);
  equal([off.level, off.now.mired], [33, 200]);
});

test("state restored: coordinates too", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ level: 33, x: 500, y: 600 }, A);
  lamp.clock.advance(4 * SECOND);
  const again = lamp.restarted();
  equal([again.level, again.now.x, again.now.y], [33, 500, 600]);
});

test("power-up as it is set: off, full, as before", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ level: 33 }, A);
  lamp.clock.advance(4 * SECOND);
  const off = lamp.restarted([[POWER, 0]]);
  equal(off.level, 0);
  off.luminaire.apply({ on: true }, A);
  equal(off.level, 33);
  equal(lamp.restarted([[POWER, 1]]).level, 254);
  equal(lamp.restarted([[POWER, 2]]).level, 33);
});

test("power-up with a record that is no state is on, full", () => {
  const records = new MemoryRecords();
  records.put(key(KIND.LIGHT, 0), Uint8Array.of(1, 2, 3));
  equal(new Lamp({ records }).level, 254);
});

test("the state is written when it is left alone, and no more often than flash can bear", () => {
  const lamp = new Lamp();
  for (let i = 0; i < 50; i++) {
    lamp.luminaire.apply({ level: 1 + (i % 2) }, A);
    lamp.clock.advance(SECOND);
  }
  equal(lamp.records.writes, 0, "never alone for 3 s");
  const day = 86_400 / 5;
  for (let i = 0; i < day; i++) {
    lamp.luminaire.apply({ level: 1 + (i % 2) }, A);
    lamp.clock.advance(5 * SECOND);
  }
  equal(lamp.records.writes <= 64 + 288, true, `${lamp.records.writes} writes in a day`);
  lamp.clock.advance(600 * SECOND);
  const { level } = lamp;
  equal(lamp.restarted().level, level, "the last state is not forgotten");
});

test("the state that is stored already is not written again", () => {
  const lamp = new Lamp();
  lamp.luminaire.apply({ level: 33 }, A);
  lamp.clock.advance(4 * SECOND);
  lamp.luminaire.apply({ level: 34 }, A);
  lamp.clock.advance(SECOND);
  lamp.luminaire.apply({ level: 33 }, A);
  lamp.clock.advance(10 * SECOND);
  equal(lamp.records.writes, 1);
});

test("flash that refuses is asked again, and the light goes on", () => {
  const lamp = new Lamp();
  lamp.records.refuses = true;
  lamp.luminaire.apply({ level: 33 }, A);
  lamp.clock.advance(30 * SECOND);
  equal([lamp.level, lamp.records.writes], [33, 0]);
  lamp.records.refuses = false;
  lamp.clock.advance(60 * SECOND);
  equal(lamp.restarted().level, 33);
});

test("two lamps that lost different messages end up the same", () => {
  const clock = new TestClock(SECOND);
  const one = new Lamp({ clock });
  const two = new Lamp({ clock });
  const say = (command: Command, sender: number, lamps: readonly Lamp[]) => {
    for (const lamp of lamps) lamp.luminaire.apply(command, sender);
  };
  say({ on: true, level: 200 }, A, [one]);
  clock.advance(200_000);
  say({ on: false }, B, [two]);
  clock.advance(50_000);
  say({ on: true, level: 200, ageHundredths: 25 }, A, [one, two]);
  clock.advance(200_000);
  say({ on: false, ageHundredths: 25 }, B, [one, two]);
  clock.advance(1_550_000);
  say({ on: true, level: 200, ageHundredths: 200 }, A, [one, two]);
  equal([one.level, two.level], [0, 0]);
});
