import type { Command } from "../../modules/lighting/command.js";
import { DaylightSensor } from "../../modules/lighting/daylight.js";
import { PresenceSensor } from "../../modules/lighting/presence.js";
import * as setting from "../../modules/lighting/settings.js";
import { WearBudget } from "../../modules/lighting/wear.js";
import { KIND, key } from "../../modules/store/keys.js";
import { equal, test, throws } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { Lamp } from "../support/lamp.js";
import { MemoryRecords } from "../support/records.js";

const SECOND = 1_000_000;
const HOLD_S = 60;

function settingsOf(clock: TestClock, values: readonly (readonly [number, number])[] = []) {
  const initial = new Map([[setting.HOLD, HOLD_S], ...values]);
  const budget = new WearBudget(clock);
  return new setting.Settings({ records: new MemoryRecords(), budget, initial });
}

/** Sensors and lamps of one group on a net without delay; `lost` loses what it says true to. */
class Group {
  readonly clock = new TestClock(SECOND);
  readonly sensors: PresenceSensor[] = [];
  readonly lamps: Lamp[] = [];
  readonly sent: { sender: number; command: Command; atSeconds: number }[] = [];
  lost: (sender: number, command: Command) => boolean = () => false;

  constructor(sensors: number, values: readonly (readonly [number, number])[] = []) {
    this.lamps.push(new Lamp({ clock: this.clock }));
    for (let i = 0; i < sensors; i++) {
      const send = (command: Command) => this.say(i, command);
      const settings = settingsOf(this.clock, values);
      this.sensors.push(new PresenceSensor({ clock: this.clock, settings, send }));
    }
    this.say(99, { on: false });
    this.clock.advance(SECOND);
    this.sent.length = 0;
  }

  /** `sender` above the sensors' numbers is a switch, whose client id is larger than theirs. */
  say(sender: number, command: Command): void {
    this.sent.push({ sender, command, atSeconds: this.clock.micros() / SECOND });
    if (this.lost(sender, command)) return;
    for (const lamp of this.lamps) lamp.luminaire.apply(command, sender);
    this.sensors.forEach((sensor, i) => {
      if (i !== sender) sensor.heard(command, sender > i);
    });
  }

  originals(): string[] {
    return this.sent
      .filter(({ command }) => command.ageHundredths === undefined)
      .map(
        ({ sender, command }) => `${sender} ${command.on ? "on" : "off"} ${command.level ?? ""}`,
      );
  }

  get level(): number {
    return this.lamps[0].level;
  }

  wait(seconds: number): void {
    this.clock.advance(seconds * SECOND);
  }
}

test("presence: motion lights at once, off after the hold time", () => {
  const group = new Group(1);
  const [sensor] = group.sensors;
  const start = group.clock.micros() / SECOND;
  sensor.onMotion(true);
  equal([group.level, sensor.motion], [254, true]);
  equal(group.sent[0], { sender: 0, command: { on: true }, atSeconds: start });
  group.wait(300);
  equal(group.level, 254, "as long as there is motion");
  sensor.onMotion(false);
  group.wait(HOLD_S - 1);
  equal(group.level, 254);
  group.wait(1);
  equal(group.level, 0);
  equal(group.originals(), ["0 on ", "0 off "]);
  group.wait(100);
  equal(group.clock.pending, 0);
});

test("presence: the level is a setting", () => {
  const group = new Group(1, [[setting.SENSOR_LEVEL, 120]]);
  group.sensors[0].onMotion(true);
  equal(group.level, 120);
});

test("presence: retriggered, the hold time begins again", () => {
  const group = new Group(1);
  const [sensor] = group.sensors;
  sensor.onMotion(true);
  sensor.onMotion(false);
  for (let i = 0; i < 5; i++) {
    group.wait(HOLD_S - 5);
    sensor.onMotion(true);
    group.wait(1);
    sensor.onMotion(false);
  }
  equal(group.originals(), ["0 on "]);
  group.wait(HOLD_S);
  equal(group.level, 0);
});

test("presence: keep-alives are repetitions of the command the light is on by", () => {
  const group = new Group(1);
  group.sensors[0].onMotion(true);
  group.wait(HOLD_S + 5);
  const ages = group.sent.slice(3).map(({ command }) => [command.on, command.ageHundredths]);
  equal(ages, [
    [true, 1500],
    [true, 3000],
    [true, 3000],
    [true, 4500],
    [true, 6000],
  ]);
});

test("presence: the light goes out when every corner is empty", () => {
  const group = new Group(2);
  const [one, two] = group.sensors;
  one.onMotion(true);
  group.wait(5);
  one.onMotion(false);
  two.onMotion(true);
  group.wait(10 * HOLD_S);
  equal(group.originals(), ["0 on "], "the other corner is occupied");
  two.onMotion(false);
  group.wait(HOLD_S);
  equal(group.level, 0);
  equal(group.originals(), ["0 on ", "1 off "]);
});

test("presence: a lost keep-alive or two do not darken a room", () => {
  const group = new Group(2);
  const [one, two] = group.sensors;
  let index = 0;
  group.lost = (sender, command) => sender === 1 && command.on === true && index++ % 3 !== 2;
  one.onMotion(true);
  one.onMotion(false);
  two.onMotion(true);
  group.wait(20 * HOLD_S);
  equal(group.level, 254);
});

test("presence: where the one that should darken is not heard, another one does", () => {
  const group = new Group(2);
  const [one, two] = group.sensors;
  one.onMotion(true);
  two.onMotion(true);
  one.onMotion(false);
  group.lost = (sender, command) => sender === 1 && command.on === false;
  two.onMotion(false);
  group.wait(3 * HOLD_S);
  equal(group.level, 0);
});

test("presence: who switches off by hand is obeyed while the corner is occupied", () => {
  const group = new Group(1);
  const [sensor] = group.sensors;
  sensor.onMotion(true);
  group.wait(30);
  group.say(9, { on: false });
  for (let i = 0; i < 10; i++) {
    group.wait(HOLD_S / 2);
    sensor.onMotion(i % 2 === 0);
    equal(group.level, 0, `motion ${i}`);
  }
  sensor.onMotion(false);
  group.wait(HOLD_S);
  sensor.onMotion(true);
  equal(group.level, 254, "who comes back into an empty room has light");
});

test("presence: a keep-alive does not undo what was done by hand", () => {
  const group = new Group(1);
  group.sensors[0].onMotion(true);
  group.wait(10);
  group.say(9, { on: true, level: 40 });
  group.wait(3 * HOLD_S);
  equal(group.level, 40);
  // A sensor that did not hear the hand.
  group.lost = (sender) => sender === 9;
  group.wait(1);
  group.lamps[0].luminaire.apply({ on: false }, 9);
  group.wait(2 * HOLD_S);
  equal(group.level, 0);
});

test("presence: light made by hand goes out when everybody left", () => {
  const group = new Group(1);
  const [sensor] = group.sensors;
  group.say(9, { on: true, level: 70 });
  group.wait(30);
  sensor.onMotion(true);
  equal(group.level, 70, "it is on: nothing is said");
  group.wait(30);
  sensor.onMotion(false);
  group.wait(HOLD_S);
  equal(group.level, 0);
  equal(group.originals(), ["9 on 70", "0 off "]);
});

test("presence: a lamp that missed the hand's command comes on with the keep-alive", () => {
  const group = new Group(1);
  group.sensors[0].heard({ on: true }, true);
  group.sensors[0].onMotion(true);
  equal(group.level, 0);
  group.wait(HOLD_S);
  equal(group.level, 254);
});

test("presence: what it said is repeated, until somebody says something newer", () => {
  const group = new Group(1);
  group.sensors[0].onMotion(true);
  group.wait(1);
  equal(
    group.sent.map(({ command }) => command.ageHundredths),
    [undefined, 25],
  );
  group.say(9, { mired: 200 });
  group.wait(13);
  equal(group.sent.length, 3);
});

test("presence: two that see the same person say it once", () => {
  const group = new Group(2);
  group.sensors[0].onMotion(true);
  group.sensors[1].onMotion(true);
  equal(group.originals(), ["0 on "]);
});

test("presence: of two that speak at once, one goes on", () => {
  const clock = new TestClock(SECOND);
  const counts = [0, 0];
  const sensors = [0, 1].map((i) => {
    const send = () => void counts[i]++;
    return new PresenceSensor({ clock, settings: settingsOf(clock), send });
  });
  for (const sensor of sensors) sensor.onMotion(true);
  sensors[0].heard({ on: true }, true);
  sensors[1].heard({ on: true }, false);
  clock.advance(10 * SECOND);
  equal(counts, [1, 3]);
});

class Sky {
  readonly clock = new TestClock(SECOND);
  readonly sent: Command[] = [];
  readonly sensor: DaylightSensor;

  constructor(values: readonly (readonly [number, number])[] = []) {
    const thresholds = [
      [setting.LUX_LOW, 100],
      [setting.LUX_HIGH, 300],
    ] as const;
    const settings = settingsOf(this.clock, [...thresholds, ...values]);
    const send = (command: Command) => {
      if (command.ageHundredths === undefined) this.sent.push(command);
    };
    this.sensor = new DaylightSensor({ clock: this.clock, settings, send });
  }

  /** A reading each second. */
  lux(lux: number, seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.sensor.onLux(lux);
      this.clock.advance(SECOND);
    }
  }
}

test("daylight: on below, off above, nothing between", () => {
  const sky = new Sky();
  sky.lux(200, 60);
  equal(sky.sent, []);
  sky.lux(100, 60);
  equal(sky.sent, [], "the threshold itself is between");
  sky.lux(99, 60);
  equal(sky.sent, [{ on: true }]);
  sky.lux(300, 60);
  equal(sky.sent.length, 1);
  sky.lux(301, 60);
  equal(sky.sent, [{ on: true }, { on: false }]);
  sky.lux(150, 60);
  sky.lux(50, 60);
  equal(sky.sent.length, 3);
});

test("daylight: flicker around a threshold is one command", () => {
  const sky = new Sky();
  sky.lux(50, 20);
  for (let i = 0; i < 50; i++) {
    sky.lux(95, 3);
    sky.lux(105, 3);
  }
  equal(sky.sent, [{ on: true }]);
});

test("daylight: a cloud or a torch does not count", () => {
  const sky = new Sky();
  sky.lux(400, 20);
  equal(sky.sent, [{ on: false }]);
  for (let i = 0; i < 20; i++) {
    sky.lux(10, 9);
    sky.lux(400, 2);
  }
  equal(sky.sent.length, 1);
  sky.lux(10, 11);
  equal(sky.sent.length, 2);
});

test("daylight: one reading is enough when it stays the last", () => {
  const sky = new Sky();
  sky.sensor.onLux(5);
  sky.clock.advance(60 * SECOND);
  equal(sky.sent, [{ on: true }]);
});

test("daylight: readings that no daylight causes are ignored", () => {
  const sky = new Sky();
  for (const lux of [-1, Number.NaN, Number.POSITIVE_INFINITY, 200_001]) sky.lux(lux, 20);
  equal([sky.sensor.lux, sky.sent.length], [undefined, 0]);
  sky.lux(0, 20);
  equal([sky.sensor.lux, sky.sent], [0, [{ on: true }]]);
});

test("daylight: level and thresholds are settings, also the wrong way round", () => {
  const sky = new Sky([
    [setting.SENSOR_LEVEL, 90],
    [setting.LUX_LOW, 500],
  ]);
  sky.lux(499, 20);
  sky.lux(500, 20);
  sky.lux(501, 20);
  equal(sky.sent, [{ on: true, level: 90 }, { on: false }]);
});

test("daylight: what was done by hand stands until the next crossing", () => {
  const sky = new Sky();
  sky.lux(50, 20);
  sky.sensor.heard({ on: false }, true);
  sky.lux(40, 600);
  equal(sky.sent.length, 1);
  sky.lux(400, 20);
  sky.lux(50, 20);
  equal(sky.sent, [{ on: true }, { on: false }, { on: true }]);
});

test("daylight: what it said is repeated until a newer command is heard", () => {
  const clock = new TestClock(SECOND);
  let count = 0;
  const send = () => void count++;
  const sensor = new DaylightSensor({ clock, settings: settingsOf(clock), send });
  sensor.onLux(5);
  clock.advance(11 * SECOND);
  equal(count, 2);
  sensor.heard({ on: true, ageHundredths: 6000 }, true);
  sensor.heard({ report: true }, true);
  clock.advance(2 * SECOND);
  equal(count, 3);
  sensor.heard({ on: false }, true);
  clock.advance(60 * SECOND);
  equal(count, 3);
});

test("settings: initial, installation's, stored, in this order", () => {
  const clock = new TestClock();
  const records = new MemoryRecords();
  const budget = new WearBudget(clock);
  const initial = new Map([[setting.HOLD, 30]]);
  const settings = new setting.Settings({ records, budget, initial });
  equal([settings.get(setting.HOLD), settings.get(setting.LEVEL_MAX)], [30, 254]);
  equal(settings.set(setting.HOLD, 45), true);
  equal(settings.set(setting.LUX_HIGH, 70_000), true);
  const again = new setting.Settings({ records, budget, initial });
  equal([again.get(setting.HOLD), again.get(setting.LUX_HIGH)], [45, 70_000]);
});

test("settings: out of bounds is refused, and named where it comes from a file or flash", () => {
  const clock = new TestClock();
  const budget = new WearBudget(clock);
  const make = (initial: readonly (readonly [number, number])[], records = new MemoryRecords()) =>
    new setting.Settings({ records, budget, initial: new Map(initial) });
  throws(() => make([[setting.HOLD, 0]]), /installation: setting hold is 0, expected 1 to 65535/);
  throws(() => make([[77, 0]]), /no setting 77/);
  const records = new MemoryRecords();
  records.put(key(KIND.SETTING, setting.POWER_ON), Uint8Array.of(9));
  throws(() => make([], records), /store: setting power is 9, expected 0 to 2/);
  records.put(key(KIND.SETTING, setting.POWER_ON), Uint8Array.of(1, 2, 3, 4, 5));
  throws(() => make([], records), /store: setting power/);
  const settings = make([]);
  for (const [id, value] of [
    [setting.HOLD, 0],
    [setting.HOLD, 65536],
    [setting.HOLD, 1.5],
    [setting.LEVEL_MIN, 0],
    [99, 1],
  ]) {
    equal(settings.fits(id, value), false);
  }
  throws(() => settings.set(setting.HOLD, 0), /setting 2 = 0/);
});

test("settings: durable or unchanged", () => {
  const clock = new TestClock();
  const records = new MemoryRecords();
  const budget = new WearBudget(clock);
  const settings = new setting.Settings({ records, budget });
  records.refuses = true;
  equal([settings.set(setting.HOLD, 45), settings.get(setting.HOLD)], [false, 600]);
  equal(settings.set(setting.HOLD, 600), true, "what is in force needs no flash");
});

test("wear: 64 writes at once, then one in five minutes", () => {
  const clock = new TestClock();
  const budget = new WearBudget(clock);
  const drain = () => {
    let count = 0;
    while (count < 100 && budget.take()) count++;
    return count;
  };
  equal(drain(), 64);
  equal(budget.waitMicros(), 300 * SECOND);
  clock.advance(299 * SECOND);
  equal([drain(), budget.waitMicros()], [0, SECOND]);
  clock.advance(SECOND);
  equal(budget.waitMicros(), 0);
  equal(drain(), 1);
  clock.advance(3000 * SECOND);
  equal(drain(), 10);
  clock.advance(1_000_000 * SECOND);
  equal(drain(), 64);
});
