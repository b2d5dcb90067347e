/**
 * Cuts the power at every flash operation while a switch that is its room's authority takes a lamp
 * in: at the switch, or at the lamp. Whenever it was, the lamp is in or out, on both sides, once
 * both have power again and had time: in, it has the room's key; out, it is fresh, and the next
 * press brings it in.
 */
import { FlashLedger } from "../../modules/authority/flash-ledger.js";
import { luminairesIn } from "../../modules/commission/room.js";
import { founded, hold, lampIn, pass, type Standalone } from "./alone.js";
import { FAULTS, type Fault, NorFlash, PowerCut } from "./flash.js";
import { opened } from "./partition.js";
import { Room } from "./rig.js";

export interface AdmittingCuts {
  /** What the lamp was when both had power again. */
  in: number;
  out: number;
}

const LAMP = 20;
const STORE_KEYS = 800;

export type Side = "switch" | "lamp";

/** Each operation in one of the ways, in turn. Throws an Error that says where it is neither. */
export function cutAdmitting(side: Side, options: { every: number }): AdmittingCuts {
  const cuts = { in: 0, out: 0 };
  let at = 1;
  for (let isCut = true; isCut; at += options.every) {
    const fault = FAULTS[((at - 1) / options.every) % FAULTS.length];
    isCut = cutOnce(side, at, fault, cuts);
  }
  return cuts;
}

/** False: the whole of it was done before that operation. */
function cutOnce(side: Side, at: number, fault: Fault, cuts: AdmittingCuts): boolean {
  const where = `cut of the ${side} at operation ${at} (${fault})`;
  const flashes = { switch: flashOf(), lamp: flashOf() };
  const alone = founded(new Room(), flashes.switch);
  const lamp = lampIn(alone.room, LAMP, {}, flashes.lamp);
  hold(alone.room, alone.wall, 5.1);
  lamp.press();
  pass(alone.room, 12);
  const flash = flashes[side];
  const { port } = side === "switch" ? alone.wall : lamp;
  const last = flash.operations + at;
  flash.cutAt(last, fault);
  // From there on it says nothing, whatever its program makes of it.
  flash.onOperation = () => {
    port.refuses ||= flash.operations + 1 >= last;
  };
  admit(alone, lamp);
  flash.onOperation = undefined;
  if (!port.refuses) return false;
  port.refuses = false;
  flash.restart();
  alone.wall.restart();
  lamp.restart();
  pass(alone.room, 120);
  const isIn = lamp.device?.channels?.joining.state === "resting" && hasKey(lamp);
  const isKnown = known(alone);
  const isFresh = lamp.device === undefined;
  if (isIn === isFresh) throw new Error(`${where}: ${lamp.log.join("; ")}`);
  if (isIn && !isKnown) throw new Error(`${where}: it is in, and the switch knows nothing of it`);
  cuts[isIn ? "in" : "out"]++;
  if (isIn) return true;
  again(alone, lamp, where);
  return true;
}

function admit({ room, wall }: Standalone, lamp: Standalone["wall"]): void {
  const steps = [
    () => wall.press(),
    () => pass(room, 3),
    () => {
      if (lamp.restarts.length > 0) lamp.restart();
    },
    () => pass(room, 20),
  ];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      if (!isCutOff(error)) throw error;
    }
  }
}

/** What a program without power says is nothing. */
function isCutOff(error: unknown): boolean {
  return error instanceof PowerCut || /flash/.test(String(error));
}

/** The same once more, with nobody in the way. */
function again(alone: Standalone, lamp: Standalone["wall"], where: string): void {
  const { room, wall } = alone;
  hold(room, wall, 5.1);
  lamp.press();
  pass(room, 12);
  wall.press();
  pass(room, 3);
  lamp.restart();
  pass(room, 20);
  if (!hasKey(lamp)) throw new Error(`${where}: and never in again: ${wall.log.join("; ")}`);
}

function hasKey({ device }: Standalone["wall"]): boolean {
  if (device === undefined) return false;
  const { directory, keyring } = device.groups;
  const [security] = directory.securities();
  return security !== undefined && keyring.current(security) !== undefined;
}

function known({ wall }: Standalone): boolean {
  return FlashLedger.open(opened(wall.flash, STORE_KEYS)).run(luminairesIn).length > 0;
}

function flashOf(): NorFlash {
  return new NorFlash({ size: 65536, programBytes: 16 });
}
