/**
 * Groups changed by presses: a switch is held, lamps and sensors are tapped, the switch is tapped.
 *
 * WHO MAY. A switch opens a grouping for a group that it sends to at level 2, everyday use. Not
 * level 4 (addressing, membership), which it would need if it told lamps itself: then each switch
 * on a wall would hold a right that also resets lamps. It tells nobody anything. It asks; what
 * follows is this KDC's decision, made for a device that was tapped itself and said so over its own
 * channel, and carried to that device by the KDC's own level on it. Nobody is given more than
 * `group add` gives: level 2 in that one group.
 *
 * ONE AT A TIME, in the whole place: a tap has to mean one thing. Another switch of the same group
 * is told of the same grouping, and either ends it; for another group there is none meanwhile. It
 * is over three minutes after the last tap, after an hour whatever happens, and when its switch is
 * lost or may no longer speak there. Its number never comes again, and a tap says what is wanted:
 * of what was recorded, delayed or said twice nothing comes that the first did not bring.
 *
 * HALF-WAY. That it may be in, and that it is to be told so, is one transaction; the row of the
 * second stays until the device has it in flash and was asked to start by it. So whichever of them
 * loses power, the next try ends where both say the same: told twice is told once. A device that
 * refuses a group is out of it here, too.
 */
import {
  emitOpened,
  emitTapped,
  GROUPING_SECONDS,
  type Opened,
  parseTap,
  parseWish,
} from "../access/grouping.js";
import { USE } from "../access/level.js";
import { COMMANDER, RECEIVER, SENDER } from "../access/scope.js";
import { equalBytes } from "../bytes/equal.js";
import { fromHex, toHex } from "../bytes/hex.js";
import { type Cbor, encode } from "../cbor/encode.js";
import type { SecureRequest } from "../secure/request.js";
import {
  BAD_REQUEST,
  CBOR_FORMAT,
  CHANGED,
  CONFLICT,
  CREATED,
  FORBIDDEN,
  NOT_FOUND,
  type Reply,
  refuse,
  UNSUPPORTED_FORMAT,
} from "./answers.js";
import type { Center } from "./center.js";
import { commandedBy, letIn, nextIssue, takeOut, whyBarred } from "./granting.js";
import type { Rows } from "./ledger.js";
import { schemeOf } from "./material.js";
import {
  applications,
  type Device,
  devices,
  FIELDS,
  groups,
  inGroup,
  latestOf,
  membersOf,
  nextOf,
  numberKey,
  pushes,
  Records,
} from "./records.js";

/** As provisioning counts roles. */
const LUMINAIRE = 1;
const SWITCH = 2;
const LONGEST_SECONDS = 3600;

const { uint, bytes } = FIELDS;

/** What the devices that were joined are for, by EUI-64 in hex: those can be told of groups. */
const roles = new Records<{ role: number }>("role", { role: uint });

interface Grouping {
  readonly number: number;
  readonly appGroup: number;
  /** Client id of its switch. */
  readonly by: Uint8Array;
  /** Unix seconds. */
  readonly since: number;
  readonly lastTap: number;
}

const OPEN = "open";
const groupings = new Records<Grouping>("grouping", {
  number: uint,
  appGroup: uint,
  by: bytes,
  since: uint,
  lastTap: uint,
});

const TELLING = "tell/";
/** What a device is to be told; `serial` says whether it is still the same. */
const tellings = new Records<{ eui64: Uint8Array; appGroup: number; isIn: number; serial: number }>(
  "grouping",
  { eui64: bytes, appGroup: uint, isIn: uint, serial: uint },
);

/** What its decisions are made with. */
interface Decision {
  readonly center: Center;
  /** Unix seconds, as far as is known. */
  readonly now: () => number;
}

/** A device was joined: it has a manager (modules/device/authority.ts), and takes groups. */
export function noteRole(rows: Rows, eui64: string, role: number): void {
  roles.put(rows, eui64, { role });
}

export function roleOf(rows: Rows, eui64: string): number | undefined {
  return roles.get(rows, eui64)?.role;
}

/** POST /grouping, of a switch. */
export function answerGrouping(rows: Rows, { now }: Decision, request: SecureRequest): Reply {
  if (request.format !== CBOR_FORMAT) return { response: { code: UNSUPPORTED_FORMAT } };
  const wish = parseWish(request.payload);
  if (wish === undefined) return refuse("malformed", { code: BAD_REQUEST });
  const time = latestOf(rows, "clock", now());
  const open = openAt(rows, time);
  const device = knownBy(rows, request)?.device;
  if ("number" in wish) {
    const isOver = { response: { code: CHANGED } };
    if (open === undefined) return isOver;
    const isOther = open.number !== wish.number;
    if (isOther) return isOver; // check: grouping-number
    if (!mayChange(device, open.appGroup)) return refuse("scope", { code: FORBIDDEN });
    groupings.delete(rows, OPEN);
    return isOver;
  }
  const { appGroup } = wish;
  const isThere = applications.get(rows, numberKey(appGroup)) !== undefined;
  if (!isThere || !mayChange(device, appGroup)) return refuse("scope", { code: FORBIDDEN });
  const isOther = open !== undefined && open.appGroup !== appGroup;
  if (isOther) return refuse("open", { code: CONFLICT }); // check: grouping-one
  const begun = { number: 0, appGroup, by: device.clientId, since: time, lastTap: time };
  const number = open?.number ?? nextOf(rows, "grouping");
  groupings.put(rows, OPEN, { ...(open ?? begun), number, lastTap: time });
  const payload = emitOpened({ number, seconds: GROUPING_SECONDS });
  return { response: { code: CREATED, format: CBOR_FORMAT, payload } };
}

/** POST /tapped, of a lamp or sensor. */
export function answerTapped(rows: Rows, { center, now }: Decision, request: SecureRequest): Reply {
  if (request.format !== CBOR_FORMAT) return { response: { code: UNSUPPORTED_FORMAT } };
  const tap = parseTap(request.payload);
  if (tap === undefined) return refuse("malformed", { code: BAD_REQUEST });
  const known = knownBy(rows, request);
  if (known === undefined) return refuse("holder", { code: FORBIDDEN });
  const isHand = isTappable(rows, known.key);
  if (!isHand) return refuse("role", { code: FORBIDDEN }); // check: tapped-joined
  const time = latestOf(rows, "clock", now());
  const open = openAt(rows, time);
  const closed = refuse("closed", { code: NOT_FOUND });
  if (open === undefined) return closed;
  const isOther = open.number !== tap.number;
  if (isOther) return closed; // check: tapped-number
  groupings.put(rows, OPEN, { ...open, lastTap: time });
  const { appGroup } = open;
  const isIn = isMember(known.device, appGroup);
  const change = { key: known.key, appGroup, now: time };
  const why = isIn === tap.isIn ? undefined : whyUnchanged(rows, center, change, tap.isIn);
  const payload = emitTapped(why === undefined ? tap.isIn : isIn);
  const response = { code: why === undefined ? CHANGED : CONFLICT, format: CBOR_FORMAT, payload };
  return why === undefined ? { response } : refuse(why, response);
}

interface Change {
  /** EUI-64 in hex. */
  readonly key: string;
  readonly appGroup: number;
  readonly now: number;
}

/** Undefined: it is so from now on. */
function whyUnchanged(
  rows: Rows,
  center: Center,
  { key, appGroup, now }: Change,
  isIn: boolean,
): string | undefined {
  const { scope, clientId } = devices.need(rows, key);
  const isLamp = roleOf(rows, key) === LUMINAIRE;
  if (!isIn) {
    // A sensor without a group to command does not start.
    const isLast = !isLamp && commandedBy(scope) <= 1;
    if (isLast) return "last"; // check: tapped-last
    takeOut(rows, center, { key, number: appGroup, from: nextIssue(rows, now) });
  } else {
    const barred = whyBarred(rows, appGroup, [key]);
    if (barred !== undefined) return barred.why;
    const { group } = applications.need(rows, numberKey(appGroup));
    const { idBytesMax } = schemeOf(groups.need(rows, numberKey(group)).profile);
    if (!isLamp && clientId.length > idBytesMax) return "id";
    letIn(rows, key, { appGroup, level: USE, roles: isLamp ? RECEIVER : COMMANDER });
  }
  tellLater(rows, key, appGroup, isIn);
  return undefined;
}

/** That a device is in a group, or is not any more, is to be told to it, where it was joined. */
export function tellLater(rows: Rows, key: string, appGroup: number, isIn: boolean): void {
  if (roleOf(rows, key) === undefined) return;
  tellings.put(rows, `${TELLING}${key}/${numberKey(appGroup)}`, {
    ...{ eui64: fromHex(key), appGroup, isIn: isIn ? 1 : 0 },
    serial: nextOf(rows, "telling"),
  });
}

/** What one device is to be told of one group. */
export interface Telling {
  readonly clientId: Uint8Array;
  /** What its channel shows, in hex. */
  readonly credential: string;
  readonly appGroup: number;
  /** PUT to /grp/<group>; undefined: DELETE. */
  readonly payload: Uint8Array | undefined;
  readonly row: string;
  readonly serial: number;
}

/** Field 4 of a security group's part of provisioning, and what is behind it. */
export type OwnPart = (
  rows: Rows,
  device: Device & { readonly eui64: string },
  profile: string,
) => readonly (readonly [number, Cbor])[];

/** `own`: the device as a member, in schemes that have those. */
export function tellingsIn(rows: Rows, own: OwnPart): Telling[] {
  return tellings.keys(rows, TELLING).flatMap((row): Telling[] => {
    const { eui64: bytes, appGroup, isIn, serial } = tellings.need(rows, row);
    const eui64 = toHex(bytes);
    const device = devices.get(rows, eui64);
    if (device === undefined || device.isLost) return [];
    const { clientId } = device;
    const told = { clientId, credential: toHex(device.credential), appGroup, row, serial };
    const isThere = applications.get(rows, numberKey(appGroup)) !== undefined;
    const asked = isIn === 1 && isThere;
    const payload = asked ? partFor(rows, { ...device, eui64 }, appGroup, own) : undefined;
    return [{ ...told, payload }];
  });
}

/** modules/device/places.ts */
function partFor(
  rows: Rows,
  device: Parameters<OwnPart>[1],
  appGroup: number,
  own: OwnPart,
): Uint8Array {
  const { group, address, port } = applications.need(rows, numberKey(appGroup));
  const { profile, graceSeconds } = groups.need(rows, numberKey(group));
  const head = [[0, group] as const, [1, profile] as const, [2, []] as const];
  const part = [...head, [3, graceSeconds] as const, ...own(rows, device, profile)];
  const commands = roleOf(rows, device.eui64) === LUMINAIRE ? [] : [[6, true] as const];
  return encode(
    new Map<Cbor, Cbor>([
      [0, group],
      [1, address],
      [2, port],
      [5, encode(new Map<Cbor, Cbor>(part as [Cbor, Cbor][]))],
      ...commands,
    ]),
  );
}

/**
 * It is in the device's flash; what was decided meanwhile is still to be told. Whoever speaks in
 * its new group is sent what it has once more: it shows that to receivers then, and a lamp that is
 * new does not wait for hours to know what a switch may do.
 */
export function noteTold(rows: Rows, { row, serial, appGroup, payload }: Telling): void {
  if (tellings.get(rows, row)?.serial === serial) tellings.delete(rows, row); // check: told-same
  const application = applications.get(rows, numberKey(appGroup));
  if (payload === undefined || application === undefined) return;
  const { group } = application;
  const { epoch } = groups.need(rows, numberKey(group));
  for (const { clientId, member } of membersOf(rows, group)) {
    const key = inGroup(group, clientId);
    const isUnderWay = epoch === 0 || pushes.get(rows, key) !== undefined;
    if (isUnderWay || (member.roles & SENDER) === 0) continue;
    pushes.put(rows, key, { epoch, attempts: 0 });
  }
}

/** The device does not take it: then it is not in that group. */
export function noteRefused(rows: Rows, { center, now }: Decision, told: Telling): void {
  const { row, serial, appGroup, payload } = told;
  const telling = tellings.get(rows, row);
  if (telling?.serial !== serial) return;
  tellings.delete(rows, row);
  const key = toHex(telling.eui64);
  const device = devices.get(rows, key);
  if (payload === undefined || device === undefined || !isMember(device, appGroup)) return;
  takeOut(rows, center, { key, number: appGroup, from: nextIssue(rows, now()) });
}

/** What is said to all who can be tapped. */
export interface Announced extends Opened {
  readonly devices: readonly {
    readonly clientId: Uint8Array;
    /** What its channel shows, in hex. */
    readonly credential: string;
    readonly isIn: boolean;
  }[];
}

/** Undefined: none is open. */
export function announcedAt(rows: Rows, now: number): Announced | undefined {
  // Reads alone.
  const time = Math.max(now, groupings.get(rows, OPEN)?.lastTap ?? 0);
  const open = openAt(rows, time);
  if (open === undefined) return undefined;
  const { number, appGroup } = open;
  const all = roles.keys(rows).flatMap((key) => {
    const device = devices.get(rows, key);
    if (device === undefined || device.isLost || !isTappable(rows, key)) return [];
    const { clientId, credential } = device;
    return [{ clientId, credential: toHex(credential), isIn: isMember(device, appGroup) }];
  });
  return { number, seconds: endOf(open) - time, devices: all };
}

/** The one that is open. */
function openAt(rows: Rows, time: number): Grouping | undefined {
  const open = groupings.get(rows, OPEN);
  if (open === undefined) return undefined;
  const isOver = endOf(open) <= time;
  if (isOver) return undefined; // check: grouping-over
  const eui64 = rows.get("client", toHex(open.by));
  const by = eui64 && devices.get(rows, toHex(eui64));
  if (by === undefined || !mayChange(by, open.appGroup)) return undefined;
  return open;
}

/** A lamp that is tapped on and on keeps it open no longer than that. */
function endOf({ since, lastTap }: Grouping): number {
  let end = lastTap + GROUPING_SECONDS;
  end = Math.min(end, since + LONGEST_SECONDS); // check: grouping-longest
  return end;
}

function knownBy(rows: Rows, { from }: SecureRequest): { key: string; device: Device } | undefined {
  const eui64 = rows.get("credential", from.id);
  const key = eui64 && toHex(eui64);
  const device = key === undefined ? undefined : devices.get(rows, key);
  if (key === undefined || device === undefined) return undefined;
  const isShown = equalBytes(device.credential, fromHex(from.id));
  return isShown && !device.isLost ? { key, device } : undefined;
}

function mayChange(device: Device | undefined, appGroup: number): device is Device {
  if (device === undefined) return false;
  if (device.isLost) return false; // check: grouping-lost
  return device.scope.some((entry) => {
    if (entry.appGroup !== appGroup) return false; // check: grouping-group
    if ((entry.roles & SENDER) === 0) return false; // check: grouping-sender
    if (entry.level < USE) return false; // check: grouping-level
    return true;
  });
}

function isTappable(rows: Rows, key: string): boolean {
  const role = roleOf(rows, key);
  if (role === SWITCH) return false; // check: tapped-role
  return role !== undefined;
}

function isMember({ scope }: Device, appGroup: number): boolean {
  return scope.some((entry) => entry.appGroup === appGroup);
}
