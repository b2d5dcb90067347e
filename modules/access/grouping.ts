/**
 * What is said while a group is changed by presses: a switch and its KDC (POST `/grouping`), a
 * tapped device and the KDC (POST `/tapped`), and the KDC to whom a tap would mean something (PUT
 * `/grouping`). CBOR maps in one encoding, over channels of two.
 *
 *   POST /grouping  {0: application group}  -> 2.01 {1: number, 3: seconds}
 *   POST /grouping  {1: number}             -> 2.04: it is over
 *   POST /tapped    {1: number, 2: wanted}  -> 2.04 or 4.09 {2: whether it is in}
 *   PUT /grouping   {1: number, ? 2: whether it is in, 3: seconds}, without 2 it is over
 *
 * Each grouping has a number of its own that never comes again, and a tap says what is wanted and
 * not "the other way": what is said twice changes nothing, and what is said of another grouping
 * than the one that is open means nothing.
 */
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";

const GROUP = 0;
const NUMBER = 1;
const IS_IN = 2;
const SECONDS = 3;

/** Without a tap for so long it is over. */
export const GROUPING_SECONDS = 180;

const GROUP_MAX = 0xffffffff;
const LIMITS = { depthMax: 1, itemsMax: 8 };

/** To open that of an application group, or to end one by its number. */
export type GroupingWish = { readonly appGroup: number } | { readonly number: number };

/** A grouping as its switch is told of it. */
export interface Opened {
  readonly number: number;
  readonly seconds: number;
}

export interface Tap {
  readonly number: number;
  readonly isIn: boolean;
}

/** To who can be tapped; `isIn` undefined: it is over. */
export interface Announcement extends Opened {
  readonly isIn: boolean | undefined;
}

export function emitWish(wish: GroupingWish): Uint8Array {
  return "appGroup" in wish ? emit([GROUP, wish.appGroup]) : emit([NUMBER, wish.number]);
}

/** Undefined for anything but what `emitWish` writes; so do the others. */
export function parseWish(bytes: Uint8Array): GroupingWish | undefined {
  const map = mapOf(bytes, 1);
  const appGroup = uintOf(map?.get(GROUP), GROUP_MAX);
  const number = numberOf(map);
  if (appGroup !== undefined) return { appGroup };
  return number === undefined ? undefined : { number };
}

export function emitOpened({ number, seconds }: Opened): Uint8Array {
  return emit([NUMBER, number], [SECONDS, seconds]);
}

export function parseOpened(bytes: Uint8Array): Opened | undefined {
  const map = mapOf(bytes, 2);
  const number = numberOf(map);
  const seconds = uintOf(map?.get(SECONDS), GROUPING_SECONDS);
  return number === undefined || seconds === undefined ? undefined : { number, seconds };
}

export function emitTap({ number, isIn }: Tap): Uint8Array {
  return emit([NUMBER, number], [IS_IN, isIn]);
}

export function parseTap(bytes: Uint8Array): Tap | undefined {
  const map = mapOf(bytes, 2);
  const number = numberOf(map);
  const isIn = map?.get(IS_IN);
  return number === undefined || typeof isIn !== "boolean" ? undefined : { number, isIn };
}

export function emitTapped(isIn: boolean): Uint8Array {
  return emit([IS_IN, isIn]);
}

export function parseTapped(bytes: Uint8Array): boolean | undefined {
  const isIn = mapOf(bytes, 1)?.get(IS_IN);
  return typeof isIn === "boolean" ? isIn : undefined;
}

export function emitAnnouncement({ number, isIn, seconds }: Announcement): Uint8Array {
  const state: [number, Cbor][] = isIn === undefined ? [] : [[IS_IN, isIn]];
  return emit([NUMBER, number], ...state, [SECONDS, seconds]);
}

export function parseAnnouncement(bytes: Uint8Array): Announcement | undefined {
  const map = mapOf(bytes, 3) ?? mapOf(bytes, 2);
  const number = numberOf(map);
  const seconds = uintOf(map?.get(SECONDS), GROUPING_SECONDS);
  const isIn = map?.get(IS_IN);
  if (number === undefined || seconds === undefined) return undefined;
  if (map?.size === 2) return map.has(IS_IN) ? undefined : { number, isIn: undefined, seconds };
  return typeof isIn === "boolean" ? { number, isIn, seconds } : undefined;
}

function emit(...entries: readonly [number, Cbor][]): Uint8Array {
  return encode(new Map<Cbor, Cbor>(entries));
}

function mapOf(bytes: Uint8Array, size: number): Map<Cbor, Cbor> | undefined {
  const decoded = decode(bytes, LIMITS);
  if (!decoded.ok || !(decoded.value instanceof Map)) return undefined;
  return decoded.value.size === size ? decoded.value : undefined;
}

function numberOf(map: Map<Cbor, Cbor> | undefined): number | undefined {
  return uintOf(map?.get(NUMBER), Number.MAX_SAFE_INTEGER);
}

function uintOf(value: Cbor, most: number): number | undefined {
  const isUint = typeof value === "number" && Number.isInteger(value) && value >= 0;
  return isUint && value <= most ? value : undefined;
}
