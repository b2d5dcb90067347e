/**
 * What the medium and a device process say to each other over their socket: JSON, one object a
 * line, times in whole microseconds of virtual time. The device's end is platforms/headless.
 */
import { fromHex } from "../../modules/bytes/hex.js";
import { PATTERN_NAMES, type PatternName } from "../../modules/ports/indicator.js";

/** Medium to device: something happens to it while it runs up to the granted time. */
export type DeviceEvent =
  | { readonly at: number; readonly frame: string }
  | {
      readonly at: number;
      readonly sent: number;
      readonly acked: boolean;
      readonly transmitted: boolean;
    }
  | { readonly at: number; readonly button: boolean }
  | { readonly at: number; readonly motion: boolean }
  | { readonly at: number; readonly lux: number }
  /** An operator's word to an authority; devices are told none. */
  | { readonly at: number; readonly command: string };

export interface LightState {
  /** 0 (off) to 254. */
  readonly level: number;
  readonly mired: number;
  readonly x?: number;
  readonly y?: number;
}

/** Device to medium: what it did, and when in virtual time. */
export type Output =
  | { readonly kind: "tx"; readonly at: number; readonly frame: Uint8Array; readonly id: number }
  | { readonly kind: "address"; readonly at: number; readonly pan: number; readonly short: number }
  | { readonly kind: "light"; readonly at: number; readonly light: LightState }
  | { readonly kind: "indicator"; readonly at: number; readonly pattern: PatternName }
  | { readonly kind: "trace"; readonly at: number; readonly event: string }
  | { readonly kind: "log"; readonly at: number; readonly text: string };

/** Figures of a device's memory; see platforms/headless. */
export interface Usage {
  readonly liveBytes: number;
  readonly peakBytes: number;
  readonly [figure: string]: number;
}

export type DeviceLine =
  | Output
  | { readonly kind: "hello"; readonly eui64: string; readonly engine: string }
  | { readonly kind: "done"; readonly at: number; readonly next: number | undefined }
  | { readonly kind: "usage"; readonly usage: Usage }
  /** Between grants: it wants one now. For who hears of something beside the medium. */
  | { readonly kind: "wake" }
  | { readonly kind: "fatal"; readonly reason: string };

/** Longest line a device may send: a usage line with every counter is below 4 KB. */
export const LINE_CHARACTERS_MAX = 65_536;

type Json = Record<string, unknown>;

/** Throws an Error that quotes the line: a device process that says anything else is broken. */
export function parseLine(line: string): DeviceLine {
  const parsed = parseObject(line);
  const found = parsed === undefined ? undefined : (readOutput(parsed) ?? readControl(parsed));
  if (found === undefined) throw new Error(`not a line of the control protocol: ${cut(line)}`);
  return found;
}

function parseObject(line: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

function readOutput(line: Json): Output | undefined {
  const { at } = line;
  if (!isTime(at)) return undefined;
  if (typeof line.tx === "string" && isTime(line.id)) {
    return { kind: "tx", at, frame: fromHex(line.tx), id: line.id };
  }
  if (typeof line.trace === "string") return { kind: "trace", at, event: line.trace };
  if (typeof line.log === "string") return { kind: "log", at, text: line.log };
  const pattern = PATTERN_NAMES.find((name) => name === line.indicator);
  if (pattern !== undefined) return { kind: "indicator", at, pattern };
  const light = line.light as LightState | undefined;
  if (typeof light?.level === "number") return { kind: "light", at, light };
  const address = line.address as Json | undefined;
  if (isTime(address?.pan) && isTime(address?.short)) {
    return { kind: "address", at, pan: address.pan, short: address.short };
  }
  return undefined;
}

function readControl(line: Json): DeviceLine | undefined {
  const { done, next, hello, fatal } = line;
  if (isTime(done) && next === null) return { kind: "done", at: done, next: undefined };
  if (isTime(done) && isTime(next)) return { kind: "done", at: done, next };
  if (typeof fatal === "string") return { kind: "fatal", reason: fatal };
  if (line.wake === true) return { kind: "wake" };
  const usage = line.usage as Usage | undefined;
  if (typeof usage?.liveBytes === "number" && typeof usage.peakBytes === "number") {
    return { kind: "usage", usage };
  }
  const { eui64, engine } = (hello ?? {}) as Json;
  if (typeof eui64 !== "string" || typeof engine !== "string") return undefined;
  return { kind: "hello", eui64: eui64.toLowerCase(), engine };
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function cut(line: string): string {
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
