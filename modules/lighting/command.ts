/**
 * What a switch says to its group: the payload of POST /l. light.cddl is the format as others read
 * it:
 *
 *     light-command = action / recall / question
 *     action   = { common, ? 0 => bool, ? 1 => 0..254, ? colour }   ; on, level
 *     recall   = { common, 3 => 0..254 }                            ; scene
 *     question = { 7 => true }
 *     common   = ( ? 2 => 0..65535, ? 6 => 1..8640000, ? 7 => true) ; fade, repeat, report wanted
 *     colour   = ( 4 => 1..1000 // 5 => [ 0..65535, 0..65535 ] )    ; mired or xy
 *
 * The problem: 32 bytes of radio time for everything a press means, read by every lamp within its
 * budget of a few thousand instructions, and a wrong byte must do nothing at all. Rejected: the
 * paths of IPSO's light object (a message for each value), and a decoded Map (20 slots and a
 * lookup for each key). Chosen: small integer keys in ascending order, pulled one after another;
 * absent keys are absent fields.
 *
 * Unknown keys, values out of range, other types, an empty map, a command without an effect and
 * contradictions (a scene and a level, two colours) are malformed as a whole: half a command is
 * never carried out.
 */
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { Writer } from "../bytes/writer.js";
import { CborWriter } from "../cbor/encode.js";
import { CborReader } from "../cbor/reader.js";

export interface Command {
  readonly on?: boolean;
  /**
   * 0 (off) to 254. Above 0 it means on, unless `on` is false: then it is what the next `on`
   * returns to.
   */
  readonly level?: number;
  /** 1/10 s, up to 65535; absent: the luminaire's own. */
  readonly fadeTenths?: number;
  /** 0 to 254. Excludes on, level and colour. */
  readonly scene?: number;
  /** 1,000,000 / K, 1 to 1000. Excludes xy. */
  readonly mired?: number;
  /** CIE xy in 1/65536, both or none. */
  readonly x?: number;
  readonly y?: number;
  /** Set in a repetition: how long ago the original was sent, 1/100 s. */
  readonly ageHundredths?: number;
  /** An execution report is wanted; never false. */
  readonly report?: boolean;
}

export type MutableCommand = { -readonly [field in keyof Command]: Command[field] };

export const LEVEL_MAX = 254;
export const FADE_TENTHS_MAX = 65535;
export const SCENE_MAX = 254;
export const MIRED_MAX = 1000;
/** A day: presence sensors keep a command alive for as long as somebody is there (presence.ts). */
export const AGE_HUNDREDTHS_MAX = 8_640_000;
// Keys of the map.
const ON = 0;
const LEVEL = 1;
const FADE = 2;
const SCENE = 3;
const MIRED = 4;
const XY = 5;
const REPEAT = 6;
const REPORT = 7;

// Limits of the numbers, by key; of coordinates, each. The two booleans have none.
const NO_NUMBER = Number.NaN;
const LEAST: readonly number[] = Object.freeze([NO_NUMBER, 0, 0, 0, 1, 0, 1]);
const MOST: readonly number[] = Object.freeze([
  NO_NUMBER,
  LEVEL_MAX,
  FADE_TENTHS_MAX,
  SCENE_MAX,
  MIRED_MAX,
  65535,
  AGE_HUNDREDTHS_MAX,
]);

const MALFORMED = -1;

// First bytes of items, RFC 8949 §3.
const CBOR_MAP = 0xa0;
const CBOR_FALSE = 0xf4;
const CBOR_TRUE = 0xf5;
/** An integer below is its own encoding; this one has its value, 24 or more, in the next byte. */
const ONE_BYTE_FOLLOWS = 24;

/** True when the command asks for a change, not only for a report. */
export function acts(command: Command): boolean {
  return turns(command) !== undefined || command.mired !== undefined || command.x !== undefined;
}

/** Whether the command switches on or off; undefined when it does neither. */
export function turns(command: Command): boolean | undefined {
  const { on, level } = command;
  if (on === false || level === 0) return false;
  if (on === true || level !== undefined || command.scene !== undefined) return true;
  return undefined;
}

/** A command from the network; undefined when it is malformed. */
export function decodeCommand(payload: Uint8Array): Command | undefined {
  const command: MutableCommand = {};
  if (readCommand(payload, 0, command) !== payload.length) return undefined;
  if (command.scene !== undefined) {
    if (setsLight(command)) return undefined; // check: command-scene-alone
    return command;
  }
  if (command.on !== undefined || setsLight(command)) return command;
  // Only a question is left: a fade to nowhere, a repetition of nothing and an empty map are none.
  if (command.report === undefined) return undefined; // check: command-effect
  if (command.fadeTenths !== undefined || command.ageHundredths !== undefined) {
    return undefined; // check: command-question-alone
  }
  return command;
}

/**
 * The light of a scene, from the network or the store: a command of `action` without repeat and
 * report.
 */
export function decodeScene(payload: Uint8Array): Outcome<Command> {
  const command = readFields(payload);
  if (command === undefined || !setsLight(command)) return drop("malformed");
  if (command.scene !== undefined) return drop("malformed"); // check: scene-no-scene
  if (command.ageHundredths !== undefined) return drop("malformed"); // check: scene-no-repeat
  if (command.report !== undefined) return drop("malformed"); // check: scene-no-report
  return ok(command);
}

/**
 * The payload of a command, or of a scene. Throws RangeError on a field that is no whole number.
 */
export function encodeCommand(command: Command): Uint8Array {
  const writer = new Writer(24);
  writeFields(new CborWriter(writer), command);
  return writer.finish();
}

/** As `encodeCommand`, into a larger item. */
export function writeFields(cbor: CborWriter, command: Command): void {
  const { on, level, fadeTenths, scene, mired, x, y, ageHundredths, report } = command;
  let count = x === undefined ? 0 : 1;
  for (const field of [on, level, fadeTenths, scene, mired, ageHundredths, report]) {
    if (field !== undefined) count++;
  }
  cbor.map(count);
  if (on !== undefined) {
    cbor.uint(ON);
    cbor.bool(on);
  }
  writeNumber(cbor, LEVEL, level);
  writeNumber(cbor, FADE, fadeTenths);
  writeNumber(cbor, SCENE, scene);
  writeNumber(cbor, MIRED, mired);
  if (x !== undefined && y !== undefined) {
    cbor.uint(XY);
    cbor.array(2);
    cbor.uint(x);
    cbor.uint(y);
  }
  writeNumber(cbor, REPEAT, ageHundredths);
  if (report !== undefined) {
    cbor.uint(REPORT);
    cbor.bool(report);
  }
}

function writeNumber(cbor: CborWriter, key: number, value: number | undefined): void {
  if (value === undefined) return;
  cbor.uint(key);
  cbor.uint(value);
}

function setsLight(command: Command): boolean {
  return (
    command.on !== undefined ||
    command.level !== undefined ||
    command.mired !== undefined ||
    command.x !== undefined
  );
}

/** Every field well-formed and in range, at most one colour; undefined otherwise. */
function readFields(payload: Uint8Array): Command | undefined {
  const command: MutableCommand = {};
  return readCommand(payload, 0, command) === payload.length ? command : undefined;
}

/** The next item of `reader` as a command; undefined, and the reader fails, when it is none. */
export function pullCommand(reader: CborReader): Command | undefined {
  const command: MutableCommand = {};
  const end = readCommand(reader.bytes, reader.pos, command);
  reader.pos = end;
  if (end === MALFORMED) reader.fail();
  return reader.failed ? undefined : command;
}

/**
 * Fills `command` from the item at `start`; returns where it ends, or MALFORMED.
 *
 * A reader for a handful of bytes costs a device as much as reading them, and nearly all items here
 * have one or two: those are read in place, the rest is the reader's. What reaches past the end
 * reads undefined, and no test below lets that pass.
 */
function readCommand(bytes: Uint8Array, start: number, command: MutableCommand): number {
  let at = start;
  let last = -1;
  // What is no map of up to 23 pairs counts down to no end, and runs out of keys.
  for (let pairs = bytes[at++] - CBOR_MAP; pairs !== 0; pairs--) {
    const key = bytes[at++];
    if (!(key > last)) return MALFORMED; // check: command-key-order
    last = key;
    let value = bytes[at++];
    if (key === ON) {
      if (value !== CBOR_TRUE && value !== CBOR_FALSE) return MALFORMED; // check: command-bool
      command.on = value === CBOR_TRUE;
      continue;
    }
    if (value === ONE_BYTE_FOLLOWS && key !== XY) {
      value = bytes[at++];
      if (value < ONE_BYTE_FOLLOWS) return MALFORMED; // check: command-minimal
    } else if (value > ONE_BYTE_FOLLOWS || key === XY) {
      if (key === REPORT) {
        if (value !== CBOR_TRUE) return MALFORMED; // check: command-report-true
        command.report = true;
        continue;
      }
      const reader = new CborReader(bytes, at - 1);
      value = key === XY ? pullXy(reader, command) : reader.uint();
      at = reader.pos;
    }
    // A key without limits is an unknown one.
    if (!(value >= LEAST[key] && value <= MOST[key])) return MALFORMED; // check: command-range
    if (key === LEVEL) command.level = value;
    else if (key === FADE) command.fadeTenths = value;
    else if (key === SCENE) command.scene = value;
    else if (key === MIRED) command.mired = value;
    else if (key === REPEAT) command.ageHundredths = value;
  }
  if (command.mired !== undefined && command.x !== undefined) {
    return MALFORMED; // check: command-one-colour
  }
  return at;
}

/** Returns the y; -1 when this is no pair of coordinates. */
function pullXy(reader: CborReader, command: MutableCommand): number {
  const items = reader.array();
  if (items !== 2) return reader.fail(); // check: command-xy-pair
  const x = reader.uint();
  const y = reader.uint();
  if (x < 0 || x > MOST[XY]) return reader.fail(); // check: command-xy-range
  command.x = x;
  command.y = y;
  return y;
}
