/**
 * The LED language: how a device says what it is doing to the person below it. One table, for the
 * boards (platforms/native/pattern.c, by number), the simulator, the room view and README.
 *
 * A pattern takes two seconds, sixteen slots of an eighth, the lowest bit first. Nothing is said by
 * colour, and two patterns differ in what can be counted or in how long they are lit: quick or
 * slow, mostly lit or mostly dark. A lamp without an LED says the same by its light.
 */

import type { PatternName } from "../ports/indicator.js";

export const SLOT_MICROS = 125_000;
export const SLOTS = 16;

export interface Pattern {
  /** What it looks like, for README. */
  readonly looks: string;
  /** What it says, and what to do about it. */
  readonly says: string;
  readonly todo: string;
  /** Lit slots, a bit each. */
  readonly lit: number;
}

function pattern(lit: number, looks: string, says: string, todo: string): Pattern {
  return Object.freeze({ lit, looks, says, todo });
}

/** In the order of ports/indicator.ts. */
export const PATTERNS = Object.freeze({
  off: pattern(0x0000, "dark", "all is well", "nothing"),
  network: pattern(
    0x0001,
    "one flash",
    "looks for its network",
    "wait a minute; then see whether the room's routers or access point have power",
  ),
  flash: pattern(
    0x0009,
    "two flashes",
    "its memory fails; it obeys nobody",
    "replace the device: lumicast replace",
  ),
  setup: pattern(
    0x0049,
    "three flashes",
    "has no place in an installation, or a wrong one",
    "its console says which part is wrong; flash it anew",
  ),
  fatal: pattern(0x5555, "flickers", "starts anew in a moment", "wait"),
  fresh: pattern(
    0x00ff,
    "breathes: a second lit, a second dark",
    "belongs to nobody",
    "press it once to let it be joined",
  ),
  open: pattern(
    0x3333,
    "blinks quickly",
    "waits to be joined, or a switch for taps on its lamps",
    "join it within three minutes; another press ends it",
  ),
  joining: pattern(0x1111, "quick short flashes", "is being joined", "wait a few seconds"),
  identify: pattern(
    0x0f0f,
    "blinks slowly: half a second each",
    "somebody asked which one it is",
    "say yes where that was asked, if it is the right one",
  ),
  in: pattern(0x7fff, "lit, with a short gap", "is in the group", "tap it to take it out"),
  out: pattern(0x0505, "flashes in pairs", "is not in the group", "tap it to put it in"),
  armed: pattern(
    0x7777,
    "lit, with quick gaps",
    "forgets everything at the next press",
    "press to reset it, or do nothing for ten seconds",
  ),
} satisfies Record<PatternName, Pattern>);

export type { PatternName };

/** Whether a light that shows `name` is lit at this time. */
export function isLit(name: PatternName, micros: number): boolean {
  const slot = Math.floor(micros / SLOT_MICROS) % SLOTS;
  return ((PATTERNS[name].lit >> slot) & 1) === 1;
}
