import type { Command } from "../../modules/lighting/command.js";
import { Contact } from "../../modules/lighting/contact.js";
import { aged, Repeater } from "../../modules/lighting/repeater.js";
import { Settings } from "../../modules/lighting/settings.js";
import { type Gestures, Switch } from "../../modules/lighting/switch.js";
import { WearBudget } from "../../modules/lighting/wear.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { Lamp } from "../support/lamp.js";
import { SeededRandom } from "../support/random.js";
import { MemoryRecords } from "../support/records.js";

const MS = 1000;
const SECOND = 1_000_000;

interface Sent {
  readonly command: Command;
  readonly atMs: number;
}

/** A switch on a test's clock; `sent` holds originals and repetitions with the time in ms. */
class Wall {
  readonly clock: TestClock;
  readonly sent: Sent[] = [];
  readonly switch: Switch;

  constructor(wish: { gestures?: Gestures; clock?: TestClock; wantsReports?: boolean } = {}) {
    this.clock = wish.clock ?? new TestClock(SECOND);
    const budget = new WearBudget(this.clock);
    const settings = new Settings({ records: new MemoryRecords(), budget });
    const send = (command: Command) => {
      this.sent.push({ command, atMs: this.clock.micros() / MS });
    };
    this.switch = new Switch({ ...wish, clock: this.clock, settings, send });
  }

  edge(down: boolean): void {
    this.switch.edge(down, this.clock.micros());
  }

  /** A clean press of `ms`. */
  press(ms = 100): void {
    this.edge(true);
    this.clock.advance(ms * MS);
    this.edge(false);
  }

  wait(ms: number): void {
    this.clock.advance(ms * MS);
  }

  /** Originals only. */
  get said(): Command[] {
    return this.sent
      .map(({ command }) => command)
      .filter(({ ageHundredths }) => ageHundredths === undefined);
  }

  get last(): Sent {
    return this.sent[this.sent.length - 1];
  }
}

test("a short press acts at its release, in the same turn", () => {
  const wall = new Wall();
  wall.edge(true);
  wall.wait(120);
  equal(wall.sent, []);
  wall.edge(false);
  equal(wall.sent, [{ command: { on: true }, atMs: 1120 }]);
});

test("presses toggle, in absolute words", () => {
  const wall = new Wall();
  for (let i = 0; i < 4; i++) {
    wall.press();
    wall.wait(1000);
  }
  equal(wall.said, [{ on: true }, { on: false }, { on: true }, { on: false }]);
});

test("contact bounce is one press, and costs the press nothing", () => {
  const random = new SeededRandom(5);
  for (let round = 0; round < 50; round++) {
    const wall = new Wall();
    for (const down of [true, false]) {
      const begin = wall.clock.micros();
      let level = down;
      for (let at = begin; at < begin + 12 * MS; at += 100 + random.below(2000)) {
        wall.clock.advanceTo(at);
        wall.edge(level);
        if (at === begin && !down) equal(wall.said.length, 1, "at the first edge");
        level = !level;
      }
      wall.clock.advanceTo(begin + 12 * MS);
      wall.edge(down);
      wall.wait(90);
      equal(wall.switch.pressed, down);
    }
    equal(wall.said, [{ on: true }], `round ${round}`);
  }
});

test("a tap shorter than the lock-out is not lost", () => {
  const wall = new Wall();
  wall.edge(true);
  wall.wait(4);
  wall.edge(false);
  equal(wall.sent.length, 0);
  wall.wait(11);
  equal(wall.sent, [{ command: { on: true }, atMs: 1015 }]);
});

test("edges that come before a late timer are put in order", () => {
  const edges: string[] = [];
  const clock = new TestClock();
  const contact = new Contact({ clock, onEdge: (down, at) => void edges.push(`${down} ${at}`) });
  contact.edge(true, 0);
  contact.edge(false, 5 * MS);
  contact.edge(true, 40 * MS);
  equal(edges, ["true 0", "false 15000", "true 40000"]);
});

test("an edge that repeats the level is none", () => {
  const wall = new Wall();
  wall.edge(false);
  wall.wait(100);
  wall.edge(false);
  wall.wait(100);
  equal([wall.sent.length, wall.switch.pressed], [0, false]);
});

test("a second release within 300 ms recalls the scene", () => {
  const wall = new Wall();
  wall.press(80);
  wall.wait(100);
  wall.press(80);
  equal(wall.said, [{ on: true }, { scene: 1 }]);
  wall.wait(40);
  wall.press(80);
  equal(wall.said.length, 3, "a third press is a first one again");
  equal(wall.said[2], { on: false });
});

test("a second release after 300 ms is another press", () => {
  const wall = new Wall();
  wall.press(80);
  wall.wait(221);
  wall.press(80);
  equal(wall.said, [{ on: true }, { on: false }]);
});

test("after a scene each lamp returns to its own level", () => {
  const wall = new Wall();
  wall.switch.heard({ on: true, level: 90 }, true);
  wall.press();
  wall.wait(100);
  wall.press();
  equal(wall.said, [{ on: false }, { scene: 1 }]);
  wall.wait(1000);
  wall.press();
  wall.wait(1000);
  wall.press();
  equal(wall.said.slice(2), [{ on: false }, { on: true }]);
});

test("hold: one long fade at once, then the level it reached", () => {
  const wall = new Wall();
  wall.switch.heard({ on: true, level: 100 }, true);
  wall.edge(true);
  wall.wait(499);
  equal(wall.sent, []);
  wall.wait(1);
  // 154 levels at 254 in 4 s are 2.425 s.
  equal(wall.sent, [{ command: { on: true, level: 254, fadeTenths: 24 }, atMs: 1500 }]);
  wall.wait(1200);
  wall.edge(false);
  equal(wall.last, { command: { on: true, level: 177, fadeTenths: 2 }, atMs: 2700 });
});

test("hold: every other one goes the other way, and the bounds turn it", () => {
  const wall = new Wall();
  wall.switch.heard({ on: true, level: 100 }, true);
  const bounds: (number | undefined)[] = [];
  const hold = (ms: number) => {
    wall.edge(true);
    wall.wait(500);
    bounds.push(wall.last.command.level);
    wall.wait(ms);
    wall.edge(false);
    wall.wait(1000);
  };
  for (let i = 0; i < 3; i++) hold(200);
  equal(bounds, [254, 1, 254]);
  hold(9000);
  equal(wall.said[wall.said.length - 1].level, 1, "held past the bound");
  hold(100);
  hold(9000);
  hold(9000);
  equal(bounds, [254, 1, 254, 1, 254, 1, 254]);
  wall.switch.heard({ level: 254 }, true);
  hold(100);
  wall.switch.heard({ on: false }, true);
  hold(100);
  equal(bounds.slice(7), [1, 254], "down from the top, up from the dark");
});

test("hold from the dark starts there", () => {
  const wall = new Wall();
  wall.switch.heard({ on: false }, true);
  wall.edge(true);
  wall.wait(500);
  equal(wall.last.command, { on: true, level: 254, fadeTenths: 40 });
  wall.wait(1000);
  wall.edge(false);
  equal(wall.last.command.level, 64);
});

test("hold: lamps and switch agree on the level, within what the network takes", () => {
  const clock = new TestClock(SECOND);
  const wall = new Wall({ clock });
  const lamp = new Lamp({ clock });
  lamp.luminaire.apply({ level: 30 }, 1);
  wall.switch.heard({ level: 30 }, true);
  let taken = 0;
  const deliver = () => {
    for (; taken < wall.sent.length; taken++) lamp.luminaire.apply(wall.sent[taken].command, 1);
  };
  wall.edge(true);
  wall.wait(500);
  deliver();
  wall.wait(1500);
  const before = lamp.level;
  wall.edge(false);
  deliver();
  wall.wait(300);
  equal(Math.abs(lamp.level - before) <= 1, true, `${before} then ${lamp.level}`);
  equal(lamp.level, wall.last.command.level);
});

test("a hold that somebody else ends is not ended again", () => {
  const wall = new Wall();
  wall.switch.heard({ level: 100 }, true);
  wall.edge(true);
  wall.wait(1500);
  wall.switch.heard({ on: false }, true);
  const count = wall.sent.length;
  wall.edge(false);
  wall.wait(60_000);
  equal(wall.sent.length, count);
});

test("repeats: after 0.25, 2 and 30 s, with their age", () => {
  const wall = new Wall();
  wall.press();
  wall.wait(60_000);
  equal(wall.sent, [
    { command: { on: true }, atMs: 1100 },
    { command: { on: true, ageHundredths: 25 }, atMs: 1350 },
    { command: { on: true, ageHundredths: 200 }, atMs: 3100 },
    { command: { on: true, ageHundredths: 3000 }, atMs: 31_100 },
  ]);
  equal(wall.clock.pending, 0);
});

test("repeats: a newer command of our own ends them", () => {
  const wall = new Wall();
  wall.press();
  wall.wait(1000);
  wall.press();
  wall.wait(60_000);
  equal(
    wall.sent.map(({ command }) => command.on),
    [true, true, false, false, false, false],
  );
});

test("repeats: a newer command that is heard ends them", () => {
  const wall = new Wall();
  wall.press();
  wall.wait(1000);
  const count = wall.sent.length;
  wall.switch.heard({ mired: 200 }, false);
  wall.wait(60_000);
  equal(wall.sent.length, count);
});

test("repeats: an older command that is heard changes nothing", () => {
  const wall = new Wall();
  wall.wait(10_000);
  wall.press();
  wall.wait(1000);
  wall.switch.heard({ on: false, ageHundredths: 200 }, true);
  wall.wait(60_000);
  equal(wall.sent.length, 4);
  wall.press();
  equal(wall.last.command, { on: false }, "the light is on, as we said last");
});

test("a question of another switch ends nothing", () => {
  const wall = new Wall();
  wall.press();
  wall.wait(1000);
  wall.switch.heard({ report: true }, true);
  wall.wait(60_000);
  equal(wall.sent.length, 4);
});

test("following: a repetition older than what another sender said since is ignored", () => {
  const wall = new Wall();
  wall.wait(60_000);
  wall.switch.heard({ on: true, level: 50 }, true);
  wall.wait(1000);
  wall.switch.heard({ on: false, ageHundredths: 200 }, true);
  wall.press();
  equal(wall.last.command, { on: false });
});

test("following: a press departs from what the group was told last", () => {
  const wall = new Wall();
  wall.switch.heard({ on: true, level: 50 }, true);
  wall.press();
  equal(wall.last.command, { on: false });
  wall.wait(1000);
  wall.press();
  equal(wall.last.command, { on: true, level: 50 });
  wall.wait(1000);
  wall.switch.heard({ level: 0 }, true);
  wall.press();
  equal(wall.last.command, { on: true, level: 50 });
  wall.wait(1000);
  wall.switch.heard({ scene: 4 }, true);
  wall.press();
  equal(wall.last.command, { on: false });
});

test("crossing: of two originals in flight the one that prevails goes on", () => {
  for (const prevails of [true, false]) {
    const wall = new Wall();
    wall.press();
    wall.wait(100);
    wall.switch.heard({ on: false }, prevails);
    wall.wait(60_000);
    equal(wall.sent.length, prevails ? 1 : 4);
    wall.press();
    equal(wall.last.command.on, prevails);
  }
});

test("crossing: all lamps end up with the command that prevails", () => {
  const clock = new TestClock(SECOND);
  const one = new Wall({ clock });
  const two = new Wall({ clock });
  const lamps = [new Lamp({ clock }), new Lamp({ clock })];
  one.switch.heard({ on: true, level: 200 }, true);
  two.switch.heard({ on: true, level: 200 }, true);
  one.press();
  two.edge(true);
  wallRelease(two);
  // Lamp 0 hears them in this order, lamp 1 in the other.
  const [off, dim] = [one.last.command, { on: true, level: 30 }];
  lamps[0].luminaire.apply(off, 1);
  lamps[0].luminaire.apply(dim, 2);
  lamps[1].luminaire.apply(dim, 2);
  lamps[1].luminaire.apply(off, 1);
  equal(
    lamps.map(({ level }) => level),
    [30, 0],
  );
  one.switch.heard(dim, false);
  two.switch.heard(off, true);
  const [firstOfOne, firstOfTwo] = [one.sent.length, two.sent.length];
  clock.advance(250 * MS);
  for (const { command } of one.sent.slice(firstOfOne)) {
    for (const lamp of lamps) lamp.luminaire.apply(command, 1);
  }
  equal(two.sent.length, firstOfTwo, "the other one is silent");
  equal(
    lamps.map(({ level }) => level),
    [0, 0],
  );
});

/** The second switch says its own at the same moment as the first. */
function wallRelease(wall: Wall): void {
  wall.wait(20);
  wall.edge(false);
}

test("reports are asked for by the original, not by its repetitions", () => {
  const wall = new Wall({ wantsReports: true });
  wall.press();
  wall.wait(300);
  equal(
    wall.sent.map(({ command }) => command),
    [
      { on: true, report: true },
      { on: true, ageHundredths: 25 },
    ],
  );
});

test("gestures are data", () => {
  const wall = new Wall({
    gestures: {
      short: { does: "scene", scene: 7 },
      double: { does: "nothing" },
      hold: { does: "toggle" },
    },
  });
  wall.press();
  wall.press();
  wall.press(600);
  wall.wait(1000);
  equal(wall.said, [{ scene: 7 }, { scene: 7 }, { on: false }]);
});

test("the age of a repetition is what has passed, within a day", () => {
  equal(aged({ on: true, report: true }, 250_000), { on: true, ageHundredths: 25 });
  equal(aged({ on: true }, 0).ageHundredths, 1);
  equal(aged({ on: true }, 400 * 3600 * SECOND).ageHundredths, 8_640_000);
});

test("a command sent from within the sending of another is repeated alone", () => {
  const clock = new TestClock();
  const sent: Command[] = [];
  const repeater: Repeater = new Repeater({
    clock,
    send: (command) => {
      sent.push(command);
      if (sent.length === 1) repeater.start({ on: false });
    },
  });
  repeater.start({ on: true });
  clock.advance(60 * SECOND);
  equal(
    sent.map(({ on }) => on),
    [true, false, false, false, false],
  );
  equal(clock.pending, 0);
});
