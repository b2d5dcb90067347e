import { Uptime } from "../../modules/store/uptime.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";
import { formatted, opened } from "../support/partition.js";

const SECOND = 1_000_000;
const HOUR = 3600 * SECOND;

test("uptime runs with the clock, in whole seconds", () => {
  const clock = new TestClock(5 * SECOND);
  const uptime = new Uptime(opened(formatted(4)), clock);
  equal(uptime.seconds(), 0);
  clock.advance(SECOND - 1);
  equal(uptime.seconds(), 0);
  clock.advance(1);
  equal(uptime.seconds(), 1);
  clock.advance(100 * HOUR);
  equal(uptime.seconds(), 360_001);
});

test("at most one write an hour, besides the one at the start", () => {
  const clock = new TestClock();
  const store = opened(formatted(4));
  const uptime = new Uptime(store, clock);
  equal(store.writes, 1);
  for (let minute = 0; minute < 48 * 60; minute++) {
    clock.advance(HOUR / 60);
    uptime.tick();
    equal(store.writes <= 1 + Math.floor((minute + 1) / 60), true);
  }
  equal(store.writes, 49);
});

test("after a cut the hour that was covered counts as used: keys live no longer", () => {
  const flash = formatted(4);
  // Switched off every ten minutes, never running for an hour: it ages all the same.
  let before = 0;
  for (let day = 0; day < 20; day++) {
    const clock = new TestClock(day * 17);
    const uptime = new Uptime(opened(flash), clock);
    equal(uptime.seconds() >= before, true, "never less than before");
    clock.advance(HOUR / 6);
    before = uptime.seconds();
    equal(before >= (day + 1) * 600, true);
    equal(before <= (day + 1) * 3600, true);
  }
});

test("flash that refuses does not stop time, and is asked again a minute later", () => {
  const flash = formatted(4);
  const store = opened(flash);
  const clock = new TestClock();
  const uptime = new Uptime(store, clock);
  let asked = 0;
  flash.refuses = () => ++asked > 0;
  clock.advance(HOUR);
  equal(uptime.seconds(), 3600);
  const first = asked;
  equal(first > 0, true);
  clock.advance(59 * SECOND);
  equal(uptime.seconds(), 3659);
  equal(asked, first);
  flash.refuses = undefined;
  clock.advance(SECOND);
  uptime.tick();
  equal(new Uptime(opened(flash), clock).seconds(), 3660 + 3600);
});
