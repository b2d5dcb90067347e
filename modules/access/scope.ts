/**
 * What a token grants (WIRE.md "Tokens and keys"): levels within application groups, as CBOR
 * `[[app_group, level, roles], …]` in a byte string (RFC 9200 §5.8.1, RFC 8693 claim 9).
 *
 * Strict, and in one order (the device itself first, then groups rising), so that a scope has one
 * encoding and is compared entry by entry.
 */
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { isLevel, type Level } from "./level.js";

export const SENDER = 1;
export const RECEIVER = 2;
/** Of who commands a group by a switch or a sensor: it follows what others say there. */
export const COMMANDER = SENDER | RECEIVER;
const ROLES_MAX = SENDER | RECEIVER;
const APP_GROUP_MAX = 0xffffffff;

/** Application groups a token names at the most. */
export const SCOPE_ENTRIES_MAX = 64;
const LIMITS = { depthMax: 2, itemsMax: 1 + 4 * SCOPE_ENTRIES_MAX };

export interface ScopeEntry {
  /** Null: the device itself, over unicast. */
  readonly appGroup: number | null;
  readonly level: Level;
  /** `SENDER`, `RECEIVER` or both. */
  readonly roles: number;
}

export type Scope = readonly ScopeEntry[];

/** Throws RangeError on what no scope can be. */
export function emitScope(scope: Scope): Uint8Array {
  const sorted = [...scope].sort((a, b) => place(a) - place(b));
  const bytes = encode(sorted.map(({ appGroup, level, roles }): Cbor => [appGroup, level, roles]));
  if (parseScope(bytes) === undefined) throw new RangeError("a scope names a group once, or none");
  return bytes;
}

/** Undefined for anything but what `emitScope` writes. */
export function parseScope(bytes: Uint8Array): Scope | undefined {
  const decoded = decode(bytes, LIMITS);
  if (!decoded.ok || !Array.isArray(decoded.value)) return undefined;
  const scope: ScopeEntry[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const item of decoded.value) {
    const entry = entryOf(item);
    if (entry === undefined) return undefined;
    // A group named twice would have two levels.
    if (place(entry) <= last) return undefined; // check: scope-order
    last = place(entry);
    scope.push(entry);
  }
  return scope.length > 0 && scope.length <= SCOPE_ENTRIES_MAX ? scope : undefined;
}

/** The level within a group for one who sends; 0 where the scope says nothing. */
export function levelIn(scope: Scope, appGroup: number | null): Level {
  const entry = scope.find((one) => one.appGroup === appGroup);
  if (entry === undefined) return 0;
  if ((entry.roles & SENDER) === 0) return 0; // check: scope-sender
  return entry.level;
}

/** Whether everything `narrow` grants is granted by `wide` as well. */
export function isWithin(narrow: Scope, wide: Scope): boolean {
  return narrow.every(({ appGroup, level, roles }) => {
    const entry = wide.find((one) => one.appGroup === appGroup);
    if (entry === undefined) return false;
    if (level > entry.level) return false; // check: scope-within-level
    return (roles & ~entry.roles) === 0; // check: scope-within-roles
  });
}

function entryOf(item: Cbor): ScopeEntry | undefined {
  if (!Array.isArray(item) || item.length !== 3) return undefined;
  const [appGroup, level, roles] = item;
  if (!(appGroup === null || isUint(appGroup, APP_GROUP_MAX))) return undefined;
  if (!isLevel(level) || !isUint(roles, ROLES_MAX) || roles === 0) return undefined;
  return { appGroup, level, roles };
}

function isUint(value: Cbor, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
}

function place({ appGroup }: ScopeEntry): number {
  return appGroup ?? -1;
}

/** The same, with no level above `levelMax`; undefined: all are as they are. */
export function upTo(scope: Scope, levelMax: Level | undefined): Scope {
  if (levelMax === undefined) return scope;
  return scope.map((one) => {
    if (one.level > levelMax) return { ...one, level: levelMax }; // check: scope-level-max
    return one;
  });
}
