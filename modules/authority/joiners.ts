/**
 * Devices that are being joined. Each is *pending* before any key leaves: written down with a
 * credential of its own that nobody had before, with what it will be, how it proved itself and who
 * said so. It has no right until it has shown that credential, or said that it has it in flash;
 * then it is a device like others.
 *
 * The answer to a join may get lost, and the lamp be without power the next day: so nothing is
 * taken back when it was not heard, the same join made again goes on where it was, and what was
 * never shown is forgotten after a month.
 */
import type { Scope } from "../access/scope.js";
import { equalBytes } from "../bytes/equal.js";
import { fromHex, toHex } from "../bytes/hex.js";
import { readUint, uintBytes } from "../bytes/uint.js";
import type { Random } from "../ports/random.js";
import { noteRole } from "./grouping.js";
import type { Rows } from "./ledger.js";
import {
  clientIn,
  type Device,
  devices,
  FIELDS,
  groups,
  latestOf,
  members,
  NONE,
  numberKey,
  numberOf,
  pushes,
  Records,
} from "./records.js";
import { enrol, freeClientId } from "./server.js";

/** How the device is known to be the one that is meant. */
export type JoinerProof = "label" | "press";

export interface Joiner {
  readonly eui64: Uint8Array;
  readonly name: string;
  readonly clientId: Uint8Array;
  /** What it may be granted besides what it may already. */
  readonly scope: Scope;
  /** ports/role.ts */
  readonly role: number;
  readonly proof: string;
  /** Who authorised it. */
  readonly by: string;
  /** Unix seconds. */
  readonly since: number;
}

const { bytes, text, uint, scope } = FIELDS;
const joiners = new Records<Joiner>("joiner", {
  eui64: bytes,
  name: text,
  clientId: bytes,
  scope,
  role: uint,
  proof: text,
  by: text,
  since: uint,
});

/** What is wanted of it. */
export interface WantedJoiner extends Pick<Joiner, "eui64" | "name" | "role" | "scope" | "by"> {
  readonly proof: JoinerProof;
  /** What a plan of the place calls it; absent: it is given one that is free. */
  readonly clientId?: Uint8Array;
}

export interface Pending {
  readonly clientId: Uint8Array;
  /** What it will show this authority. */
  readonly identity: Uint8Array;
  readonly secret: Uint8Array;
  /** All that it may be granted then. */
  readonly scope: Scope;
}

const EUI64_BYTES = 8;
const IDENTITY_BYTES = 16;
const SECRET_BYTES = 16;
const DAY_SECONDS = 86_400;
/** A lamp may be without power for a while. */
export const PENDING_SECONDS = 30 * DAY_SECONDS;
/** Of whom a press alone let in. */
const PRESS_LEVEL_MAX = 2;

/**
 * Writes down that this device is about to be joined; once more for the same one changes nothing
 * but what is wanted. Throws an Error that says what is in the way.
 */
export function expectJoiner(
  rows: Rows,
  wanted: WantedJoiner,
  { random, now }: { random: Random; now: number },
): Pending {
  const { eui64, name, proof } = wanted;
  const key = toHex(eui64);
  const known = devices.get(rows, key);
  if (known?.isLost === true) {
    throw new Error(`${known.name} (${key}) was reported lost, which is for good`);
  }
  const isTaken = isNamed(rows, name, key);
  if (isTaken) throw new Error(nameText(name)); // check: joiner-name
  const most = Math.max(0, ...wanted.scope.map(({ level }) => level));
  const isMore = proof === "press" && most > PRESS_LEVEL_MAX;
  if (isMore) throw new Error("a press alone gives level 2"); // check: joiner-press
  const before = pendingOf(rows, eui64);
  const isSame = before !== undefined && joiners.need(rows, before).proof === proof;
  if (before !== undefined && !isSame) drop(rows, before); // check: joiner-other-proof
  const credential = isSame ? before : freshCredential(rows, random);
  const pendingId = isSame ? joiners.need(rows, credential).clientId : undefined;
  const clientId = known?.clientId ?? pendingId ?? wanted.clientId ?? freeClientId(rows);
  const owner = rows.get("client", toHex(clientId));
  const isOthers = owner !== undefined && !equalBytes(owner, eui64);
  if (isOthers) throw new Error(`client ${toHex(clientId)} is another device`); // check: joiner-id
  rows.put("client", toHex(clientId), eui64);
  joiners.put(rows, credential, { ...wanted, clientId, since: now });
  return {
    clientId,
    identity: fromHex(credential),
    secret: rows.get("factory", credential) as Uint8Array,
    scope: withEntries(known?.scope ?? [], wanted.scope),
  };
}

/** The device that a pending one becomes by showing this; undefined where it is none of those. */
export function admitJoiner(rows: Rows, credential: Uint8Array): Device | undefined {
  const name = toHex(credential);
  const joiner = joiners.get(rows, name);
  if (joiner === undefined) return undefined;
  const key = toHex(joiner.eui64);
  const known = devices.get(rows, key);
  const isLost = known?.isLost === true;
  if (isLost) drop(rows, name);
  if (isLost) return undefined; // check: joiner-lost
  const { clientId } = joiner;
  const isReplaced = known !== undefined && !equalBytes(known.credential, credential);
  if (isReplaced) rows.delete("factory", toHex(known.credential)); // check: joiner-replaces
  joiners.delete(rows, name);
  noteRole(rows, key, joiner.role);
  return enrol(rows, joiner.eui64, {
    name: joiner.name,
    credential,
    scope: withEntries(known?.scope ?? [], joiner.scope),
    tokenSeconds: known?.tokenSeconds ?? NONE,
    clientId,
  });
}

/** Of a member that asked for its newest keys: nobody knows whether the answer arrived. */
export function silentIn(rows: Rows, clientId: Uint8Array): string[] {
  const client = toHex(clientId);
  return members.keys(rows).filter((key) => {
    const { epoch } = groups.need(rows, numberKey(numberOf(key)));
    const isOwn = clientIn(key) === client;
    if (!isOwn || pushes.get(rows, key) !== undefined) return false;
    return members.need(rows, key).confirmed < epoch;
  });
}

/** It is sent them once more, and says then that it has them. */
export function askWord(rows: Rows, clientId: Uint8Array): void {
  for (const key of silentIn(rows, clientId)) {
    const { epoch } = groups.need(rows, numberKey(numberOf(key)));
    pushes.put(rows, key, { epoch, attempts: 0 });
  }
}

/**
 * The factory key that this device showed when a press let it in: that, and no other, from its
 * first join on, whatever happened to it since. Throws an Error that says what to do.
 */
export function pinKey(rows: Rows, eui64: Uint8Array, sum: Uint8Array): void {
  const before = rows.get("pin", toHex(eui64));
  const isOther = before !== undefined && !equalBytes(before, sum);
  if (isOther) throw new Error(otherKeyText(toHex(eui64))); // check: joiner-pinned
  rows.put("pin", toHex(eui64), sum);
}

/** Of the key that is believed of this device; undefined: it has shown none yet. */
export function pinOf(rows: Rows, eui64: string): Uint8Array | undefined {
  return rows.get("pin", eui64);
}

function otherKeyText(eui64: string): string {
  return (
    `${eui64} showed another factory key when it was joined first, so this is not that device; ` +
    "look who else is open, or join it by its label"
  );
}

/** Forgets who was never seen; their credentials open nothing any more. */
export function forgetJoiners(rows: Rows, now: number): void {
  for (const name of joiners.keys(rows)) {
    const isOver = joiners.need(rows, name).since + PENDING_SECONDS <= now;
    if (isOver) drop(rows, name); // check: joiner-forgotten
  }
}

/** Who is pending, and what each will show, in hex. */
export function joinersIn(rows: Rows): (Joiner & { readonly credential: string })[] {
  return joiners.keys(rows).map((name) => ({ ...joiners.need(rows, name), credential: name }));
}

/** As whom this authority commands devices: a client id of its own, given once. */
export function managerId(rows: Rows): Uint8Array {
  const known = latestOf(rows, "manager", 0);
  if (known > 0) return uintBytes(known);
  const id = freeClientId(rows);
  rows.put("client", toHex(id), new Uint8Array(EUI64_BYTES));
  latestOf(rows, "manager", readUint(id));
  return id;
}

function pendingOf(rows: Rows, eui64: Uint8Array): string | undefined {
  return joiners.keys(rows).find((name) => equalBytes(joiners.need(rows, name).eui64, eui64));
}

function drop(rows: Rows, credential: string): void {
  joiners.delete(rows, credential);
  rows.delete("factory", credential);
}

/** Of chance alone, and nobody's. */
function freshCredential(rows: Rows, random: Random): string {
  const identity = new Uint8Array(IDENTITY_BYTES);
  const secret = new Uint8Array(SECRET_BYTES);
  random.fill(identity);
  random.fill(secret);
  const name = toHex(identity);
  const isTaken = rows.get("factory", name) !== undefined;
  if (isTaken) throw new Error("chance repeats itself; nothing is safe on this computer");
  rows.put("factory", name, secret);
  return name;
}

function nameText(name: string): string {
  return `${name} is another device's name; give another --name`;
}

/** Whether another device than this one is called so, or will be. */
export function isNamed(rows: Rows, name: string, eui64: string): boolean {
  const isOther = (key: string, called: string) => called === name && key !== eui64;
  return (
    devices.keys(rows).some((key) => isOther(key, devices.need(rows, key).name)) ||
    joinersIn(rows).some((joiner) => isOther(toHex(joiner.eui64), joiner.name))
  );
}

function withEntries(all: Scope, some: Scope): Scope {
  const place = (appGroup: number | null) => appGroup ?? -1;
  const others = all.filter(({ appGroup }) => !some.some((one) => one.appGroup === appGroup));
  return [...others, ...some].sort((a, b) => place(a.appGroup) - place(b.appGroup));
}
