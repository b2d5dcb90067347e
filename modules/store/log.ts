/**
 * The ring of sectors that records are appended to: where the next record goes, which sectors are
 * part of the log, which wait for an erase. Says nothing about which record of a key is the newest:
 * store.ts.
 */
import type { Flash, Journal } from "../ports/flash.js";
import {
  CURSOR_WORDS,
  DEBRIS,
  END,
  GENERATION,
  KEEP,
  POSITION,
  SPARE,
  UNIT,
  WRITES,
} from "./cursor.js";
import { KIND_RESERVED } from "./keys.js";
import { Records } from "./records.js";
import { DIRTY, OPENED, READY, RECORDS_START, SectorHead } from "./sector.js";

/**
 * "What a cut left from this byte of the sector on is settled; go on behind me." Value: 2 bytes.
 */
export const RESUME = KIND_RESERVED * 0x1000000 + 1;
/** "The log begins with this generation now; what is older may be erased." Value: 4 bytes. */
export const RETIRE = KIND_RESERVED * 0x1000000 + 2;
const NOTE_BYTES = 2;
const RETIRE_BYTES = 4;

/** A sector whose erase or mark was refused: left alone until the next start. */
const REFUSED = 3;

/**
 * Erased sectors that only tidying may enter: it must be able to finish after any number of cuts.
 */
export const RESERVE_SECTORS = 2;

/** What scan.ts found the end of the log to be. */
export interface Tail {
  /** Where the next record goes. */
  readonly position: number;
  /** Begin of what a cut left unfinished before `position`; 0 when nothing is. */
  readonly debris: number;
  /**
   * End of what counts: `debris`, or the end of the record there when it is as good as finished.
   */
  readonly keep: number;
}

export class Log {
  readonly records: Records;
  readonly heads: SectorHead;
  readonly sectorBytes: number;
  readonly sectors: number;
  /** Where the next record goes; native help writes here too (platforms/native/journal.c). */
  readonly cursor = new Int32Array(CURSOR_WORDS);
  /** Counted since this object was made. */
  erases = 0;
  /** Native help, where the board has it. */
  readonly journal: Journal | undefined;
  readonly #flash: Flash;
  readonly #states: Uint8Array;
  readonly #generations: Int32Array;
  readonly #noteBytes: number;
  /** Kept free at the end of every sector, so that tidying can always retire another one. */
  readonly #retireBytes: number;
  #oldest = 0;

  constructor(flash: Flash) {
    this.#flash = flash;
    this.journal = flash.journal;
    this.records = new Records(flash);
    this.heads = new SectorHead(flash);
    this.sectorBytes = flash.eraseBytes;
    this.sectors = flash.size / flash.eraseBytes;
    const buffer = new ArrayBuffer(5 * this.sectors);
    this.#generations = new Int32Array(buffer, 0, this.sectors);
    this.#states = new Uint8Array(buffer, 4 * this.sectors, this.sectors);
    this.#noteBytes = this.records.sizeOf(RESUME, NOTE_BYTES);
    this.#retireBytes = this.records.sizeOf(RETIRE, RETIRE_BYTES);
    this.cursor[SPARE] = this.#retireBytes;
    this.cursor[UNIT] = flash.programBytes;
  }

  /** Most bytes of records a sector takes. */
  get payloadBytes(): number {
    return this.sectorBytes - RECORDS_START - this.#retireBytes;
  }

  /** Records, counted since this object was made. */
  get writes(): number {
    return this.cursor[WRITES];
  }

  get generation(): number {
    return this.cursor[GENERATION];
  }

  get oldest(): number {
    return this.#oldest;
  }

  /** Number of the sector that holds this generation. */
  sectorOf(generation: number): number {
    return generation % this.sectors;
  }

  /** Generation whose record lies at `offset`. */
  generationAt(offset: number): number {
    return this.#generations[Math.floor(offset / this.sectorBytes)];
  }

  /** How many sectors are in this state: DIRTY, READY or OPENED. */
  count(state: number): number {
    let count = 0;
    for (let i = 0; i < this.sectors; i++) if (this.#states[i] === state) count++;
    return count;
  }

  /** What scan.ts found out about one sector. */
  setSector(sector: number, state: number, generation: number): void {
    this.#states[sector] = state;
    this.#generations[sector] = generation;
  }

  /** Takes the log up where scan.ts found its end. */
  resume(oldest: number, head: number, tail: Tail): void {
    this.#oldest = oldest;
    this.begin(head);
    this.cursor[POSITION] = tail.position;
    this.cursor[DEBRIS] = tail.debris;
    this.cursor[KEEP] = tail.keep;
  }

  /**
   * Erases what is not blank, marks every sector, and enters the first one last. The oldest part of
   * an earlier log goes first: without it nothing opens, so that a cut in here cannot bring back an
   * old state. `spared` is a sector that is left alone (wipe.ts), not the first one.
   */
  format(spared = -1): boolean {
    const order: { sector: number; generation: number }[] = [];
    for (let sector = 0; sector < this.sectors; sector++) {
      const isOpened = this.heads.read(sector) === OPENED;
      order.push({ sector, generation: isOpened ? this.heads.generation : 0 });
    }
    order.sort((a, b) => a.generation - b.generation);
    for (const { sector } of order) {
      if (sector === spared) continue;
      const base = sector * this.sectorBytes;
      const isClean = isErased(this.#flash, base + RECORDS_START, base + this.sectorBytes);
      if (isClean && this.heads.read(sector) === READY) continue;
      const isBlank = isClean && isErased(this.#flash, base, base + RECORDS_START);
      if (!isBlank && !this.#flash.erase(base)) return false;
      if (!this.heads.writeMark(sector)) return false;
    }
    return this.heads.writeOpening({ generation: this.sectors, step: 0, span: 0, end: 0 });
  }

  /**
   * Appends a record of `size` bytes in flash (`value` undefined: "deleted") and returns its
   * offset, 0 when there is no room or flash refused. `isTidying` may enter the reserve.
   */
  append(key: number, value: Uint8Array | undefined, size: number, isTidying: boolean): number {
    const spare = key === RETIRE ? 0 : this.#retireBytes;
    if (!this.makeRoom(size + spare, isTidying)) return 0;
    return this.write(key, value, size);
  }

  /** Ends the part of the oldest sector in the log, on flash first. */
  retire(): boolean {
    const next = this.generationAfter(this.#oldest);
    const value = new Uint8Array(RETIRE_BYTES);
    value[0] = next >>> 24;
    value[1] = next >>> 16;
    value[2] = next >>> 8;
    value[3] = next;
    if (this.append(RETIRE, value, this.#retireBytes, true) === 0) return false;
    this.#states[this.sectorOf(this.#oldest)] = DIRTY;
    this.#oldest = next;
    return true;
  }

  /** Erases one dirty sector; false when there is none. */
  eraseOne(): boolean {
    const sector = this.#states.indexOf(DIRTY);
    if (sector < 0) return false;
    this.erases++;
    const isDone = this.#flash.erase(sector * this.sectorBytes) && this.heads.writeMark(sector);
    this.#states[sector] = isDone ? READY : REFUSED;
    return true;
  }

  /** The value of the note that settles debris beginning at `offset`. */
  noteFor(offset: number): Uint8Array {
    const within = offset % this.sectorBytes;
    return Uint8Array.of(within >>> 8, within);
  }

  private makeRoom(bytes: number, isTidying: boolean): boolean {
    if (this.cursor[DEBRIS] === 0) {
      return this.cursor[POSITION] + bytes <= this.cursor[END] || this.enter(isTidying);
    }
    if (this.cursor[POSITION] + this.#noteBytes + bytes <= this.cursor[END]) {
      const debris = this.cursor[DEBRIS];
      if (this.write(RESUME, this.noteFor(debris), this.#noteBytes) !== 0) {
        this.cursor[DEBRIS] = 0;
        return true;
      }
    }
    return this.enter(isTidying);
  }

  private write(key: number, value: Uint8Array | undefined, size: number): number {
    const at = this.cursor[POSITION];
    if (!this.records.write(at, this.cursor[GENERATION], key, value)) {
      // A worn cell. What was begun here is left behind: the next record goes into the next sector.
      if (this.cursor[DEBRIS] === 0) {
        this.cursor[DEBRIS] = at;
        this.cursor[KEEP] = at;
      }
      this.cursor[POSITION] = this.cursor[END];
      return 0;
    }
    this.cursor[WRITES]++;
    this.cursor[POSITION] = at + size;
    return at;
  }

  /** Makes the next erased sector the head of the log. */
  private enter(isTidying: boolean): boolean {
    if (this.count(READY) <= (isTidying ? 0 : RESERVE_SECTORS)) return false;
    const base = this.sectorOf(this.cursor[GENERATION]) * this.sectorBytes;
    const end = (this.cursor[DEBRIS] === 0 ? this.cursor[POSITION] : this.cursor[KEEP]) - base;
    for (let step = 1; step < this.sectors; step++) {
      const generation = this.cursor[GENERATION] + step;
      const sector = this.sectorOf(generation);
      if (this.#states[sector] !== READY) continue;
      // `end` is being written down: from here on nothing more may go into the old head.
      this.close(end + base);
      const span = generation - this.#oldest;
      const isDone = this.heads.writeOpening({ generation, step, span, end });
      this.setSector(sector, isDone ? OPENED : DIRTY, generation);
      if (isDone) this.begin(generation);
      // Where flash refused once, the next record may try the next sector.
      return isDone;
    }
    return false;
  }

  private begin(generation: number): void {
    const base = this.sectorOf(generation) * this.sectorBytes;
    this.cursor[GENERATION] = generation;
    this.cursor[POSITION] = base + RECORDS_START;
    this.cursor[END] = base + this.sectorBytes;
    this.cursor[DEBRIS] = 0;
  }

  private close(end: number): void {
    if (this.cursor[DEBRIS] === 0) {
      this.cursor[DEBRIS] = end;
      this.cursor[KEEP] = end;
    }
    this.cursor[POSITION] = this.cursor[END];
  }

  private generationAfter(generation: number): number {
    let next = this.cursor[GENERATION];
    for (let i = 0; i < this.sectors; i++) {
      const other = this.#generations[i];
      if (this.#states[i] === OPENED && other > generation && other < next) next = other;
    }
    return next;
  }
}

/** True when flash reads 0xFF from `start` to `end`, both multiples of 4. */
export function isErased(flash: Flash, start: number, end: number): boolean {
  if (flash.journal !== undefined) return flash.journal.isErased(start, end);
  const bytes = new Uint8Array(256);
  const words = new Int32Array(bytes.buffer);
  for (let at = start; at < end; at += bytes.length) {
    const length = Math.min(bytes.length, end - at);
    flash.read(at, length === bytes.length ? bytes : bytes.subarray(0, length));
    for (let i = 0; i < length >> 2; i++) if (words[i] !== -1) return false;
  }
  return true;
}
