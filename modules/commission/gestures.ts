/**
 * What a press means: one table, state by gesture, for each kind of device. Whoever asks "what does
 * holding do now?" finds the answer here, in README's copy of it (a test holds them together), and
 * nowhere else.
 *
 * The problem: one button says everything, from "light" to "forget everything", and a hold passes
 * the shorter ones on its way. So what a shorter hold begins has to be something that a longer one
 * takes back (`TAKEN_BACK`), and what cannot be taken back needs a second press of its own: ten
 * seconds arm the reset, and only a press within the next ten does it.
 */
import type { RoleName } from "../ports/role.js";

/** Where a device is in its life, as far as its button is concerned. */
export const STATES = Object.freeze([
  /** Nobody's. */
  "fresh",
  /** Nobody's, and lets itself be joined. */
  "open",
  /** Somebody has shown a proof, and is at work. */
  "joining",
  "joined",
  /** Its group is being changed: a switch's own, or one that a lamp could be in. */
  "grouping",
  /** The next press resets it. */
  "armed",
] as const);

export type State = (typeof STATES)[number];

/** In the order in which a hand comes to them. */
export const GESTURES = Object.freeze([
  /** Released before half a second. */
  "short",
  /** A second one within 0.3 s of the first, which has acted already. */
  "double",
  /** The same, and the second one held for half a second. */
  "longDouble",
  /** Half a second; what it begins ends with the release. */
  "hold",
  "hold5",
  "hold10",
] as const);

export type Gesture = (typeof GESTURES)[number];

export type Action =
  | "nothing"
  /** The group's light, or the lamp's own. */
  | "toggle"
  | "recallScene"
  | "storeScene"
  | "dim"
  /** The window (window.ts). */
  | "openWindow"
  | "closeWindow"
  /** Which lamps are in the switch's group. */
  | "beginGrouping"
  | "endGrouping"
  | "changeMembership"
  /** This switch becomes the authority of a room that has no other. */
  | "standalone"
  | "armReset"
  | "reset"
  | "disarm";

type Row = Readonly<Record<Gesture, Action>>;

/** What a longer hold undoes of a shorter one. */
export const TAKEN_BACK: readonly Action[] = Object.freeze(["nothing", "dim", "beginGrouping"]);

function row(actions: Partial<Row>): Row {
  const nothing = "nothing";
  return Object.freeze({
    ...{ short: nothing, double: nothing, longDouble: nothing },
    ...{ hold: nothing, hold5: nothing, hold10: nothing },
    ...actions,
  });
}

const OPEN = row({ short: "closeWindow" });
/** What is under way takes seconds; who wants out waits for its end, or takes the power. */
const JOINING = row({});
const ARMED = row({ short: "reset", hold: "disarm" });

const LUMINAIRE = Object.freeze({
  fresh: row({ short: "openWindow" }),
  open: OPEN,
  joining: JOINING,
  // Two quick presses are two presses: nothing else is meant by them here.
  joined: row({ short: "toggle", double: "toggle", hold10: "armReset" }),
  grouping: row({ short: "changeMembership", hold10: "armReset" }),
  armed: ARMED,
});

const SWITCH = Object.freeze({
  fresh: row({ short: "openWindow", hold10: "standalone" }),
  open: OPEN,
  joining: JOINING,
  joined: row({
    ...{ short: "toggle", double: "recallScene", longDouble: "storeScene" },
    ...{ hold: "dim", hold5: "beginGrouping", hold10: "armReset" },
  }),
  grouping: row({ short: "endGrouping", hold10: "armReset" }),
  armed: ARMED,
});

const SENSOR = Object.freeze({
  fresh: row({ short: "openWindow" }),
  open: OPEN,
  joining: JOINING,
  joined: row({ hold10: "armReset" }),
  grouping: row({ short: "changeMembership", hold10: "armReset" }),
  armed: ARMED,
});

export const TABLE: Readonly<Record<RoleName, Readonly<Record<State, Row>>>> = Object.freeze({
  luminaire: LUMINAIRE,
  switch: SWITCH,
  presence: SENSOR,
  daylight: SENSOR,
});
