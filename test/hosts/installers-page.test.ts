/**
 * README's tables for who stands below a lamp are those of the firmware: what a press means
 * (modules/commission/gestures.ts), and what each blink says (patterns.ts).
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../../hosts/root.js";
import {
  type Action,
  GESTURES,
  STATES,
  type State,
  TABLE,
} from "../../modules/commission/gestures.js";
import { PATTERNS, type PatternName, SLOTS } from "../../modules/commission/patterns.js";

const text = readFileSync(join(ROOT, "README.md"), "utf8");

const WORDS: Readonly<Record<Action, string>> = {
  nothing: "–",
  toggle: "light on or off",
  recallScene: "scene",
  storeScene: "stores the scene",
  dim: "dims",
  openWindow: "may be joined",
  closeWindow: "may not any more",
  beginGrouping: "group begins",
  endGrouping: "group ends",
  changeMembership: "into the group or out",
  standalone: "becomes the authority",
  armReset: "arms the reset",
  reset: "resets",
  disarm: "disarms",
};

const PLACES: Readonly<Record<State, string>> = {
  fresh: "nobody's",
  open: "may be joined",
  joining: "is being joined",
  joined: "joined",
  grouping: "group open",
  armed: "reset armed",
};

/** One row a line, cells without their padding. */
function tableUnder(heading: string): string[][] {
  const from = text.indexOf(heading);
  assert.notEqual(from, -1, heading);
  const rest = text.slice(from).split("\n");
  const start = rest.findIndex((line) => line.startsWith("|"));
  const length = rest.slice(start).findIndex((line) => !line.startsWith("|"));
  return rest.slice(start, start + length).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test("what a press means", () => {
  const rows = (["luminaire", "switch", "presence"] as const).flatMap((role) =>
    STATES.map((state) => {
      const name = role === "presence" ? "sensor" : role;
      return [
        name,
        PLACES[state],
        ...GESTURES.map((gesture) => WORDS[TABLE[role][state][gesture]]),
      ];
    }),
  );
  const [, , ...said] = tableUnder("**What a press means.**");
  assert.deepEqual(said, rows);
  assert.deepEqual(TABLE.presence, TABLE.daylight);
});

test("what each blink says, and what to do", () => {
  const drawn = (name: PatternName) =>
    Array.from({ length: SLOTS }, (_, slot) => ((PATTERNS[name].lit >> slot) & 1 ? "█" : "·"));
  const rows = (Object.keys(PATTERNS) as PatternName[]).map((name) => {
    const { looks, says, todo } = PATTERNS[name];
    return [name, `\`${drawn(name).join("")}\``, looks, says, todo];
  });
  const [, , ...said] = tableUnder("**What each blink says.**");
  assert.deepEqual(said, rows);
});
