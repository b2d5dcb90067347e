/** A room whose switch is its authority, and the hands that work there. */
import { emitFactory, type Factory } from "../../modules/commission/factory.js";
import { equal } from "../harness.js";
import type { NorFlash } from "./flash.js";
import { factoryOf, Newcomer } from "./newcomer.js";
import { ROLE, type Room } from "./rig.js";

const SECOND = 1_000_000;
export const SWITCH = 10;

export interface Standalone {
  readonly room: Room;
  readonly wall: Newcomer;
  readonly lamps: Newcomer[];
}

export function pass(room: Room, seconds: number): void {
  room.clock.advance(seconds * SECOND);
}

export function hold(room: Room, device: Newcomer, seconds: number): void {
  device.button.onEdge?.(true, room.clock.micros());
  pass(room, seconds);
  device.button.onEdge?.(false, room.clock.micros());
  pass(room, 0.1);
}

/** A switch that is nobody's. */
export function wallIn(room: Room, flash?: NorFlash): Newcomer {
  const blob = emitFactory(factoryOf(SWITCH, { role: ROLE.SWITCH }));
  return new Newcomer(room, { number: SWITCH, blob, ...(flash && { flash }) });
}

/** Held for ten seconds, and started as what it is then. */
export function founded(room: Room, flash?: NorFlash): Standalone {
  const wall = wallIn(room, flash);
  hold(room, wall, 10.1);
  pass(room, 2);
  equal(wall.restarts, ["founded"], wall.log.join("; "));
  wall.restart();
  pass(room, 5);
  return { room, wall, lamps: [] };
}

/** A lamp that is nobody's, with a factory key. */
export function lampIn(
  room: Room,
  number: number,
  more: Partial<Factory> = {},
  flash?: NorFlash,
): Newcomer {
  const rawKey = new Uint8Array(32).fill(number);
  const made = factoryOf(number, { label: undefined, rawKey, trustOnPress: true, ...more });
  return new Newcomer(room, { number, blob: emitFactory(made), ...(flash && { flash }) });
}

/** With a press at the lamp and one at the switch, whose window is open. */
export function admitted({ room, wall, lamps }: Standalone, lamp: Newcomer): void {
  lamp.press();
  pass(room, 12);
  wall.press();
  pass(room, 3);
  equal(lamp.restarts, ["joined"], `${wall.log.join("; ")} / ${lamp.log.join("; ")}`);
  lamp.restarts.length = 0;
  lamp.restart();
  pass(room, 20);
  lamps.push(lamp);
}

/** Whether a press at the switch changes each lamp's light. */
export function lit({ room, wall, lamps }: Standalone): boolean[] {
  for (const { shown } of lamps) shown.length = 0;
  wall.press();
  pass(room, 1);
  return lamps.map(({ shown }) => shown.length > 0);
}
