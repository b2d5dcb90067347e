/**
 * Opening: finds the log in a partition, checks all of it, and tells what a power cut may leave
 * from what only damage can. Writes nothing: what a cut left behind is settled by the next record
 * (log.ts).
 */
import type { Flash } from "../ports/flash.js";
import type { Index } from "./index.js";
import { KIND_RESERVED, kindOf, nameOf } from "./keys.js";
import { isErased, type Log, RESUME, RETIRE, type Tail } from "./log.js";
import { BLANK, DAMAGED, TORN_HEAD, UNSEALED, VALID } from "./records.js";
import { DIRTY, FOREIGN as FOREIGN_MARK, OPENED, READY, RECORDS_START } from "./sector.js";
import { Stride } from "./stride.js";

export interface StoreError {
  /**
   * `blank`: never formatted, or nothing was ever written; `damaged`: what was written is not what
   * is read; `geometry`: the partition has another size or program unit than the store in it, or
   * does not fit.
   */
  readonly kind: "blank" | "damaged" | "geometry";
  /** Where in the partition, in bytes. */
  readonly offset: number;
  /** Whose record it is, as far as that can be read. */
  readonly key: number | undefined;
  /** One line for a person, with the remedy. */
  readonly message: string;
}

/** Called for each record from the oldest to the newest; its fields are those of `log.records`. */
type Visit = (at: number) => void;

const REMEDY = "provision the device again, with a new sender id and new keys";

/** Brings `log` and `index` up to what is in flash, or says what is wrong. */
export function scan(flash: Flash, log: Log, index: Index): StoreError | undefined {
  const found = readHeads(log);
  const foreign = found.foreign * log.sectorBytes;
  if (foreign >= 0) return geometryError(foreign); // check: store-geometry
  const head = found.newest;
  if (head < 0) return headless(flash, log);
  const lost = lostHead(flash, log, found);
  if (lost !== undefined) return lost;
  const reading = { log, index, stride: new Stride(flash, log.records) };
  const headPlace = placeOf(log, found.generation[head], log.sectorBytes, true);
  let oldest = found.generation[head] - found.span[head];
  const tail = walk(reading, headPlace, false, (at) => {
    if (log.records.key === RETIRE) oldest = readRetired(log, at);
  });
  if ("kind" in tail) return tail;
  const isEnd = isErased(flash, alignUp(tail.position), headPlace.end);
  if (!isEnd) return damagedError(tail.position, undefined); // check: store-log-end
  const chain = chainFrom(log, found, oldest);
  if ("kind" in chain) return chain;
  for (const place of [...chain, headPlace]) {
    const end = walk(reading, place, true, (at) => enter(log, index, at));
    if ("kind" in end) return end;
  }
  dropOlder(log, found, [...chain, headPlace]);
  log.resume(oldest, found.generation[head], tail);
  return undefined;
}

/** The record at `at`, whose fields are in `log.records`, is the newest of its key. */
function enter({ records }: Log, index: Index, at: number): void {
  if (kindOf(records.key) >= KIND_RESERVED) return;
  if (records.isDeleted) index.remove(records.key);
  else index.set(records.key, at, records.size);
}

/** Of the sectors, by their numbers. */
interface Columns {
  readonly state: Int32Array;
  /** -1 of a sector that is not opened. */
  readonly generation: Int32Array;
  readonly step: Int32Array;
  readonly span: Int32Array;
  readonly end: Int32Array;
}

interface Heads extends Columns {
  /** Number of the sector with the highest generation; -1 when none verifies. */
  readonly newest: number;
  /** Number of a sector made for another geometry, -1. */
  readonly foreign: number;
}

/** What is needed to walk through records. */
interface Reading {
  readonly log: Log;
  readonly index: Index;
  readonly stride: Stride;
}

/** A stretch of records: one sector's. */
interface Place {
  readonly start: number;
  readonly end: number;
  readonly generation: number;
  /** The log's last sector: it may end in what a cut left. Another one was closed at `end`. */
  readonly isHead: boolean;
}

function readHeads(log: Log): Heads {
  const { sectors, sectorBytes, journal } = log;
  const words = new ArrayBuffer(5 * 4 * sectors);
  const column = (i: number) => new Int32Array(words, 4 * sectors * i, sectors);
  const state = column(0);
  const generation = column(1);
  const found = { state, generation, step: column(2), span: column(3), end: column(4) };
  if (journal === undefined) readEach(log, found);
  else journal.heads(log.cursor.buffer, sectorBytes, words);
  let foreign = -1;
  let newest = -1;
  for (let sector = 0; sector < sectors; sector++) {
    if (state[sector] === FOREIGN_MARK) foreign = sector;
    const isOpened = state[sector] === OPENED;
    log.setSector(sector, state[sector], generation[sector]);
    if (!isOpened) generation[sector] = -1;
    else if (newest < 0 || generation[sector] > generation[newest]) newest = sector;
  }
  return { ...found, foreign, newest };
}

/** What native help does (platforms/native/journal.c). */
function readEach({ heads, sectors }: Log, found: Columns): void {
  for (let sector = 0; sector < sectors; sector++) {
    found.state[sector] = heads.read(sector);
    if (found.state[sector] !== OPENED) continue;
    found.generation[sector] = heads.generation;
    found.step[sector] = heads.step;
    found.span[sector] = heads.span;
    found.end[sector] = heads.end;
  }
}

/** No sector verifies as part of a log. */
function headless(flash: Flash, log: Log): StoreError {
  for (let sector = 0; sector < log.sectors; sector++) {
    const base = sector * log.sectorBytes;
    if (!isErased(flash, base + RECORDS_START, base + log.sectorBytes)) {
      return damagedSector(base);
    }
  }
  const message = "the store was never formatted: provision the device";
  return { kind: "blank", offset: 0, key: undefined, message };
}

/**
 * A damaged sector head must not make the newest part of the log disappear. In a sector that does
 * not verify, a record of the generation it would have next can only mean that, wherever it lies.
 */
function lostHead(flash: Flash, log: Log, found: Heads): StoreError | undefined {
  const newest = found.generation[found.newest];
  let isNext = true;
  for (let step = 1; step < log.sectors; step++) {
    const sector = log.sectorOf(newest + step);
    if (found.state[sector] === OPENED) continue;
    // Of the sectors that say they are erased, only the next one may have been entered.
    if (found.state[sector] === READY && !isNext) continue;
    if (found.state[sector] === READY) isNext = false;
    const place = placeOf(log, newest + step, log.sectorBytes, true);
    if (isErased(flash, place.start, place.end)) continue;
    const isLost = holdsRecord(flash, log, place);
    if (isLost) return damagedSector(sector * log.sectorBytes); // check: store-lost-head
    log.setSector(sector, DIRTY, 0);
  }
  return undefined;
}

/** True when a record of this generation is anywhere in the sector, whatever lies before it. */
function holdsRecord(flash: Flash, log: Log, place: Place): boolean {
  const { records } = log;
  const last = place.end - records.leastBytes;
  for (let at = place.start; at <= last; at += flash.programBytes) {
    if (records.read(at, place.generation, place.end) === VALID) return true;
  }
  return false;
}

function placeOf(log: Log, generation: number, end: number, isHead: boolean): Place {
  const base = log.sectorOf(generation) * log.sectorBytes;
  return { start: base + RECORDS_START, end: base + end, generation, isHead };
}

/** The closed sectors of the log, oldest first; each must be there. */
function chainFrom(log: Log, found: Heads, oldest: number): Place[] | StoreError {
  const chain: Place[] = [];
  let generation = found.generation[found.newest];
  while (generation > oldest) {
    const sector = log.sectorOf(generation);
    const before = generation - found.step[sector];
    const place = log.sectorOf(before);
    const isThere = found.generation[place] === before;
    if (!isThere) return damagedSector(place * log.sectorBytes); // check: store-chain
    if (before === generation || before < oldest) return damagedSector(sector * log.sectorBytes);
    chain.unshift(placeOf(log, before, found.end[sector], false));
    generation = before;
  }
  return chain;
}

/** Sectors that once were part of the log, or that the log stepped over, wait for an erase. */
function dropOlder(log: Log, found: Heads, places: readonly Place[]): void {
  for (let sector = 0; sector < log.sectors; sector++) {
    if (found.state[sector] !== OPENED) continue;
    const isPart = places.some((place) => place.generation === found.generation[sector]);
    if (!isPart) log.setSector(sector, DIRTY, 0);
  }
}

/** Visits the records of one sector and finds where they end. */
function walk(reading: Reading, place: Place, enters: boolean, visit: Visit): Tail | StoreError {
  const { log } = reading;
  const { records } = log;
  const { generation, end, isHead } = place;
  let last = 0;
  const pass = (sound: number) => {
    last = sound;
    visit(sound);
  };
  let at = place.start;
  for (;;) {
    const passed = stride(reading, place, at, enters, pass);
    at = passed.at;
    if (passed.last !== 0) last = passed.last;
    if (at + records.leastBytes > end) break;
    const state = records.read(at, generation, end);
    if (state === BLANK) break;
    if (state === DAMAGED) return damagedError(at, records.key); // check: store-damaged
    if (state === VALID) {
      if (records.key !== RESUME) pass(at);
      else if (!isNoteFor(log, at, last)) return damagedError(at, undefined);
      at += records.size;
      continue;
    }
    // Unfinished: the end of the log, or settled by a note; anything else is damage.
    const isKept = state === UNSEALED;
    const key = state === TORN_HEAD ? undefined : records.key;
    const debris = at;
    at += records.size;
    const keep = isKept ? at : debris;
    if (isKept && records.key !== RESUME) visit(debris);
    const after = settle(log, place, debris, at);
    if (after.state === UNSETTLED) {
      if (isHead) return { position: after.at, debris, keep };
      return keep === end ? { position: end, debris: 0, keep } : damagedError(debris, key);
    }
    if (after.state === FOREIGN) return damagedError(debris, key); // check: store-unsettled
    at = after.at;
  }
  if (!isHead && at !== end) return damagedError(at, undefined); // check: store-sector-end
  return { position: at, debris: 0, keep: at };
}

/**
 * Over the sound short records from `at` on, by native help where there is some: to where it
 * stopped, and which was the last if `pass` was not called for it.
 */
function stride(
  { log, index, stride }: Reading,
  { generation, end }: Place,
  at: number,
  enters: boolean,
  pass: Visit,
): { at: number; last: number } {
  const { journal, cursor } = log;
  if (journal === undefined) return { at: stride.run(at, generation, end, pass), last: 0 };
  const scanned = new Int32Array(3);
  const room = enters ? index.capacity - index.count : -1;
  const { buffer } = scanned;
  const to = journal.scan(cursor.buffer, index.columns, at, end, generation, room, buffer);
  index.count += scanned[0];
  index.bytes += scanned[1];
  return { at: to, last: scanned[2] };
}

/** A note settles it; nothing more was written; something was that does not belong there. */
const SETTLED = 0;
const UNSETTLED = 1;
const FOREIGN = 2;

/**
 * What follows the unfinished business that begins at `debris` and ends at `from`, and where that
 * ends.
 */
function settle(
  log: Log,
  place: Place,
  debris: number,
  from: number,
): { state: number; at: number } {
  const { records } = log;
  const { generation, end } = place;
  const note = log.noteFor(debris);
  const noteBytes = records.sizeOf(RESUME, note.length);
  if (from + records.leastBytes > end) return { state: UNSETTLED, at: from };
  // Kept free: right behind a record whose head was damaged comes the rest of that record.
  const isGap = records.read(from, generation, end) === BLANK;
  if (!isGap) return { state: FOREIGN, at: from }; // check: store-gap
  let at = from + records.leastBytes;
  while (at + records.leastBytes <= end) {
    const state = records.read(at, generation, end);
    if (state === BLANK) break;
    if (!records.isRestOf(at, generation, RESUME, note)) return { state: FOREIGN, at };
    at += noteBytes;
    // Otherwise settling was cut as well, as often as you like.
    if (state === VALID) return { state: SETTLED, at };
  }
  return { state: UNSETTLED, at };
}

/** True when the note at `at` speaks of what begins at `offset`. */
function isNoteFor(log: Log, at: number, offset: number): boolean {
  const value = new Uint8Array(2);
  log.records.readValue(at, RESUME, value);
  const note = log.noteFor(offset);
  return value[0] === note[0] && value[1] === note[1];
}

function readRetired(log: Log, at: number): number {
  const value = new Uint8Array(4);
  log.records.readValue(at, RETIRE, value);
  return ((value[0] << 24) | (value[1] << 16) | (value[2] << 8) | value[3]) >>> 0;
}

function alignUp(offset: number): number {
  return Math.ceil(offset / 4) * 4;
}

function damagedError(offset: number, key: number | undefined): StoreError {
  const whose = key === undefined ? "" : ` for ${nameOf(key)}`;
  const message = `damaged record${whose} at ${hex(offset)} of the store: ${REMEDY}`;
  return { kind: "damaged", offset, key, message };
}

function damagedSector(offset: number): StoreError {
  const message = `damaged sector head at ${hex(offset)} of the store: ${REMEDY}`;
  return { kind: "damaged", offset, key: undefined, message };
}

export function geometryError(offset: number): StoreError {
  const what = "made for another partition size or program unit";
  const message = `the store at ${hex(offset)} was ${what}: use its own board, or ${REMEDY}`;
  return { kind: "geometry", offset, key: undefined, message };
}

function hex(offset: number): string {
  return `0x${offset.toString(16)}`;
}
