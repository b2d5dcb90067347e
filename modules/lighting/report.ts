/**
 * What a luminaire answers when a report was wanted: light-report in light.cddl.
 *
 *     light-report = { 0 => 0 / 1 / 2, 1 => light-status, ? 2 => true }
 *
 * The status is the *target*, and the time left to it: what somebody who asks wants to know is
 * whether the command is in force, not how far a fade has come.
 */
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { Writer } from "../bytes/writer.js";
import { CborWriter } from "../cbor/encode.js";
import { CborReader } from "../cbor/reader.js";
import {
  type Command,
  FADE_TENTHS_MAX,
  type MutableCommand,
  pullCommand,
  writeFields,
} from "./command.js";
import type { LightState, Result } from "./luminaire.js";

export interface Report {
  readonly result: Result;
  /**
   * On, level and colour as in a command; `fadeTenths` is the time left, absent when there is
   * none.
   */
  readonly status: Command;
  readonly lampFailure: boolean;
}

const RESULTS: readonly Result[] = Object.freeze(["ok", "failed", "lampFailure"]);

// Keys of the map.
const RESULT = 0;
const STATUS = 1;
const LAMP_FAILURE = 2;

/** The report of a luminaire in `state` on a command that came to `result`. */
export function encodeReport(result: Result, state: LightState): Uint8Array {
  const writer = new Writer(32);
  const cbor = new CborWriter(writer);
  cbor.map(state.lampFailure ? 3 : 2);
  cbor.uint(RESULT);
  cbor.uint(RESULTS.indexOf(result));
  cbor.uint(STATUS);
  writeFields(cbor, statusOf(state));
  if (state.lampFailure) {
    cbor.uint(LAMP_FAILURE);
    cbor.bool(true);
  }
  return writer.finish();
}

function statusOf(state: LightState): Command {
  const status: MutableCommand = { on: state.on, level: state.level };
  const tenths = Math.min(FADE_TENTHS_MAX, Math.ceil(state.leftMs / 100));
  if (tenths > 0) status.fadeTenths = tenths;
  if (state.x === undefined || state.y === undefined) {
    status.mired = state.mired;
  } else {
    status.x = state.x;
    status.y = state.y;
  }
  return status;
}

/** A report from the network, or `malformed`. */
export function decodeReport(payload: Uint8Array): Outcome<Report> {
  const reader = new CborReader(payload);
  const pairs = reader.map();
  if (pairs !== 2 && pairs !== 3) return drop("malformed"); // check: report-pairs
  if (reader.key(-1) !== RESULT) return drop("malformed");
  const result = RESULTS[reader.uint()];
  if (reader.key(RESULT) !== STATUS) return drop("malformed");
  const status = pullCommand(reader);
  if (pairs === 3 && (reader.key(STATUS) !== LAMP_FAILURE || !reader.bool())) {
    return drop("malformed"); // check: report-lamp-failure
  }
  if (!reader.complete || result === undefined) return drop("malformed"); // check: report-complete
  if (status === undefined) return drop("malformed");
  if (!isStatus(status)) return drop("malformed"); // check: report-status
  return ok({ result, status, lampFailure: pairs === 3 });
}

function isStatus(status: Command): boolean {
  const { on, level, scene, ageHundredths, report } = status;
  return (
    on !== undefined &&
    level !== undefined &&
    scene === undefined &&
    ageHundredths === undefined &&
    report === undefined
  );
}
