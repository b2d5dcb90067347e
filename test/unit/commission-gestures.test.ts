/** Presses and what they mean; patterns of an LED. */
import { GESTURES, STATES, TABLE, TAKEN_BACK } from "../../modules/commission/gestures.js";
import {
  isLit,
  PATTERNS,
  type PatternName,
  SLOT_MICROS,
  SLOTS,
} from "../../modules/commission/patterns.js";
import { Press } from "../../modules/commission/press.js";
import { ROLE_NAMES } from "../../modules/ports/role.js";
import { equal, test } from "../harness.js";
import { TestClock } from "../support/clock.js";

const SECOND = 1_000_000;

/** Presses and pauses in turn, in seconds. */
function told(...spans: readonly number[]): string[] {
  const clock = new TestClock();
  const seen: string[] = [];
  const press = new Press(clock, (gesture) => void seen.push(gesture));
  clock.advance(SECOND);
  spans.forEach((span, i) => {
    const isPress = i % 2 === 0;
    if (isPress) press.edge(true, clock.micros());
    clock.advance(Math.round(span * SECOND));
    if (isPress) press.edge(false, clock.micros());
  });
  clock.advance(20 * SECOND);
  return seen;
}

test("each press is what it is as soon as that can be told", () => {
  equal(told(0.1), ["short"]);
  equal(told(0.49), ["short"]);
  equal(told(0.6), ["hold", "released"]);
  equal(told(4.9), ["hold", "released"]);
  equal(told(5.1), ["hold", "hold5", "released"]);
  equal(told(12), ["hold", "hold5", "hold10", "released"]);
});

test("two are a double, and a third is a first again", () => {
  equal(told(0.1, 0.2, 0.1), ["short", "double"]);
  equal(told(0.1, 0.2, 0.1, 0.2, 0.1), ["short", "double", "short"]);
  equal(told(0.1, 0.31, 0.1), ["short", "short"]);
});

test("a hold behind a short press never becomes a longer one", () => {
  equal(told(0.1, 0.2, 0.7), ["short", "longDouble", "released"]);
  equal(told(0.1, 0.2, 15), ["short", "longDouble", "released"]);
  equal(told(0.7, 0.2, 0.1), ["hold", "released", "short"]);
});

test("a press while the clock was busy is the same press", () => {
  const clock = new TestClock();
  const seen: string[] = [];
  const press = new Press(clock, (gesture) => void seen.push(gesture));
  clock.advance(SECOND);
  press.edge(true, 0);
  clock.advance(0);
  press.edge(false, clock.micros());
  equal(seen, ["hold", "released"]);
});

test("no gesture has two meanings: what a longer hold passes, it takes back", () => {
  for (const role of ROLE_NAMES) {
    for (const state of STATES) {
      const { hold, hold5, hold10 } = TABLE[role][state];
      const where = `${role}, ${state}`;
      // What ends the state for good may be held on: nothing follows it there.
      if (hold === "disarm") continue;
      if (hold5 !== "nothing") equal(TAKEN_BACK.includes(hold), true, where);
      if (hold10 === "nothing") continue;
      equal(TAKEN_BACK.includes(hold) && TAKEN_BACK.includes(hold5), true, where);
    }
  }
});

test("nothing is forgotten by one press", () => {
  for (const role of ROLE_NAMES) {
    for (const state of STATES) {
      const isIn = GESTURES.some((gesture) => TABLE[role][state][gesture] === "reset");
      equal(isIn, state === "armed", `${role}, ${state}`);
    }
    const arming = STATES.filter((state) => TABLE[role][state].hold10 === "armReset");
    equal(arming, ["joined", "grouping"]);
  }
});

test("standalone is for a switch that nobody owns", () => {
  for (const role of ROLE_NAMES) {
    for (const state of STATES) {
      const isThere = Object.values(TABLE[role][state]).includes("standalone");
      equal(isThere, role === "switch" && state === "fresh", `${role}, ${state}`);
    }
  }
});

/** However it is turned: who looks up sees no beginning. */
function turned(lit: number): number {
  const all = Array.from(
    { length: SLOTS },
    (_, by) => ((lit << by) | (lit >> (SLOTS - by))) & 0xffff,
  );
  return Math.min(...all);
}

test("no two patterns look the same", () => {
  const seen = Object.values(PATTERNS).map(({ lit }) => turned(lit));
  equal(new Set(seen).size, seen.length);
});

test("a pattern in time", () => {
  const lit = (name: PatternName) =>
    Array.from({ length: SLOTS }, (_, slot) => (isLit(name, slot * SLOT_MICROS) ? "#" : "."));
  equal(lit("setup").join(""), "#..#..#.........");
  equal(isLit("setup", (SLOTS + 3) * SLOT_MICROS), true);
  equal(isLit("in", SLOTS * SLOT_MICROS - 1), false);
});
