/** What a resource is, and what goes in and out of it. */
import type { Level } from "../access/level.js";
import type { Drop } from "../bytes/outcome.js";
import { utf8 } from "../bytes/utf8.js";
import type { Option } from "../coap/message.js";
import {
  ACCEPT,
  BAD_OPTION,
  BAD_REQUEST,
  CHANGED,
  CONTENT,
  CONTENT_FORMAT,
  CREATED,
  DELETED,
  find,
  findUint,
  METHOD_NOT_ALLOWED,
  NOT_ACCEPTABLE,
  NOT_FOUND,
  SERVICE_UNAVAILABLE,
  TEXT_PLAIN,
  UNSUPPORTED_CONTENT_FORMAT,
} from "../coap/options.js";
import type { Command } from "../lighting/command.js";
import type { DaylightSensor } from "../lighting/daylight.js";
import type { Luminaire } from "../lighting/luminaire.js";
import type { PresenceSensor } from "../lighting/presence.js";
import type { Settings } from "../lighting/settings.js";
import type { Switch } from "../lighting/switch.js";

/** Roles as bits: a resource may be part of several. Bit n is role n of the installation file. */
export const LUMINAIRE = 1 << 1;
export const SWITCH = 1 << 2;
export const PRESENCE = 1 << 3;
export const DAYLIGHT = 1 << 4;
export const ANY_ROLE = LUMINAIRE | SWITCH | PRESENCE | DAYLIGHT;

/**
 * A request after every security check; `options` and `payload` are those inside the protection.
 */
export interface Request {
  /** GET, POST, PUT or DELETE. */
  readonly code: number;
  readonly options: readonly Option[];
  readonly payload: Uint8Array | undefined;
  /** A small number that is the same for all requests of one sender; orders their commands. */
  readonly sender: number;
  /** Of two commands that crossed in flight, the sender's wins over ours (the larger client id). */
  readonly prevails: boolean;
}

export interface Reply {
  readonly code: number;
  /** Content-Format of the payload. */
  readonly format?: number;
  readonly payload?: Uint8Array;
  /** More of them, in the order of their numbers. */
  readonly options?: readonly Option[];
  /**
   * A multicast request gets no answer: an error, or nothing worth the air time (RFC 7252 §8.2).
   */
  readonly quiet: boolean;
  /** What a request that came to nothing counts as; else it follows from the code. */
  readonly drop?: Drop;
}

/** The parts of the device that resources show. What a role does not have is undefined. */
export interface Face {
  readonly facts: Facts;
  readonly settings: Settings;
  readonly luminaire?: Luminaire;
  readonly wallSwitch?: Switch;
  readonly presence?: PresenceSensor;
  readonly daylight?: DaylightSensor;
  /** Hears what a group is told: switches and sensors follow it. */
  readonly follower?: Follower;
  /** Where a channel of two may be. */
  readonly upkeep?: Shown;
}

/** For whoever maintains the device. */
export interface Shown {
  readonly system: System;
  readonly structure: Structure;
  /** Where there is a second slot. */
  readonly firmware?: Firmware | undefined;
}

export interface Facts {
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  readonly firmware: string;
}

export interface Follower {
  heard(command: Command, prevails: boolean): void;
}

export interface System {
  /** Both are carried out after the reply has left. */
  restart(): void;
  /** False when it cannot be written down: then it does not happen. */
  factoryReset(): boolean;
}

/** `/fw/…`: from a signed manifest to an image that runs (device/update.ts). */
export interface Firmware {
  install(manifest: Uint8Array): Reply;
  /** CBOR. */
  state(): Uint8Array;
  act(wish: Uint8Array): Reply;
  block(block: Uint8Array): Reply;
}

/** `/loc` and `/grp/<application group>`: CBOR values under a path without the leading slash. */
export interface Structure {
  get(path: string): Uint8Array | undefined;
  /** "refused": flash would not; "malformed": not what this path holds. */
  put(path: string, value: Uint8Array): "changed" | "created" | "malformed" | "refused";
  delete(path: string): boolean;
}

/** Level of each method; a method without one does not exist. */
export interface Levels {
  readonly get?: Level;
  readonly post?: Level;
  readonly put?: Level;
  readonly delete?: Level;
}

/**
 * One row of the table. Frozen and shared by all devices of an image: nothing of a device is in
 * it.
 */
export interface Resource {
  /** Without the leading slash; a last segment of "#" is a number. */
  readonly path: string;
  /** Bits of the roles that have it. */
  readonly roles: number;
  readonly levels: Levels;
  /** Attributes in `/.well-known/core`, "" for none; undefined: not listed. */
  readonly attributes?: string;
  /** `role` is the device's bit. */
  readonly run: (request: Request, face: Face, role: number) => Reply;
}

/** A row of the table. */
export function row(
  path: string,
  roles: number,
  levels: Levels,
  run: Resource["run"],
  attributes?: string,
): Resource {
  const plain = { path, roles, levels, run };
  return Object.freeze(attributes === undefined ? plain : { ...plain, attributes });
}

function fixed(code: number): Reply {
  return Object.freeze({ code, quiet: true });
}

/** Replies without payload, shared: the common case of the hot path allocates nothing. */
export const REPLY = Object.freeze({
  changed: fixed(CHANGED),
  created: fixed(CREATED),
  deleted: fixed(DELETED),
  badRequest: fixed(BAD_REQUEST),
  badOption: fixed(BAD_OPTION),
  notFound: fixed(NOT_FOUND),
  methodNotAllowed: fixed(METHOD_NOT_ALLOWED),
  notAcceptable: fixed(NOT_ACCEPTABLE),
  unsupportedFormat: fixed(UNSUPPORTED_CONTENT_FORMAT),
  unavailable: fixed(SERVICE_UNAVAILABLE),
});

/** A reply worth sending, whoever asked. */
export function content(format: number, payload: Uint8Array, code = CONTENT): Reply {
  // CoAP has no payload of no bytes (RFC 7252 §3).
  return payload.length === 0 ? { code, quiet: false } : { code, format, payload, quiet: false };
}

/** GET of a single value. */
export function text(request: Request, value: string): Reply {
  if (!accepts(request, TEXT_PLAIN)) return REPLY.notAcceptable;
  return content(TEXT_PLAIN, utf8(value));
}

/**
 * True when the payload is of `format`, or does not say what it is. A format that is no number
 * fits nothing.
 */
export function isFormat(request: Request, format: number): boolean {
  return optionFits(request, CONTENT_FORMAT, format);
}

/** True when the client takes `format`, or takes anything. */
export function accepts(request: Request, format: number): boolean {
  return optionFits(request, ACCEPT, format);
}

function optionFits({ options }: Request, number: number, format: number): boolean {
  return find(options, number) === undefined || findUint(options, number) === format;
}
