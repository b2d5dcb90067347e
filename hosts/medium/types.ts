/** What the medium is told and what it tells. */

import type { PatternName } from "../../modules/ports/indicator.js";
import type { Installation } from "../installation/types.js";
import type { BlobOf, CommandOf, DeviceOptions, Engine } from "./launch.js";
import type { LightState } from "./protocol.js";

export interface MediumOptions {
  readonly installation: Installation;
  /** Default: the installation's. */
  readonly seed?: number;
  /** `real`: never ahead of the wall clock. Default `fast`. */
  readonly pacing?: "fast" | "real";
  /** Every frame on the air goes to this file. */
  readonly pcap?: string;
  readonly engine?: Engine;
  /** Instead of the headless host of `engine`. */
  readonly command?: CommandOf;
  /** Starts the border router, for `real` pacing; without it there is none. */
  readonly border?: CommandOf;
  /** Starts an authority in the border router's place, at any pacing. */
  readonly authority?: CommandOf;
  readonly blobOf?: BlobOf;
  /** By device name. */
  readonly devices?: Readonly<Record<string, DeviceOptions>>;
  /** Folder of the flash files, one a device, named by EUI-64; kept. Default: temporary. */
  readonly flashFolder?: string;
  /** Strangers with a radio that reaches everybody: they only send, by `inject`. */
  readonly rogues?: number;
  /** How long a process may take for one answer. Default 20 s. */
  readonly watchdogMs?: number;
}

export interface MediumEvents {
  readonly light: { readonly device: string; readonly at: number; readonly light: LightState };
  /** What its status LED says from now on. A start without a word says nothing: "off". */
  readonly indicator: {
    readonly device: string;
    readonly at: number;
    readonly pattern: PatternName;
  };
  readonly trace: { readonly device: string; readonly at: number; readonly event: string };
  readonly log: { readonly device: string; readonly at: number; readonly text: string };
  /** A transmission begins. `device` is undefined for a rogue. */
  readonly air: {
    readonly device: string | undefined;
    readonly at: number;
    readonly frame: Uint8Array;
    readonly ack: boolean;
  };
  /** A device starts, or its power goes: by `kill`, or by a fault of its flash. */
  readonly power: { readonly device: string; readonly at: number; readonly on: boolean };
}
