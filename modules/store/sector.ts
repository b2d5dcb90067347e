/**
 * The two heads of a sector.
 *
 *   0   mark, programmed when an erase is done:
 *         "LCS1", program unit(1), 0(1), sectors(2), 0(4), CRC-32(4)
 *       A sector without a mark was never erased completely and is not written to.
 *   16  opening, programmed when the log enters the sector:
 *         generation(4), step(2), span(2), end(2), 0(2), CRC-32(4)
 *       The generation modulo the number of sectors is the sector's place. The sector before it in
 *       the log has generation - step and holds records up to its byte `end`; the oldest one that
 *       is still part of the log has generation - span. Step 0: there is none before.
 *   32  records
 *
 * Each head is one program operation of 16 bytes; all numbers are big-endian.
 */
import type { Flash } from "../ports/flash.js";
import { CRC_START, crcStep } from "./crc32.js";
import { isBlank } from "./records.js";

export const RECORDS_START = 32;
const HEAD_BYTES = 16;
const OPENING_START = HEAD_BYTES;
const SUM_AT = 12;
const MAGIC = 0x4c435331;

/** No mark, or remains of something: to be erased. */
export const DIRTY = 0;
/** Erased and marked, nothing in it. */
export const READY = 1;
/** Part of the log, or once was: `generation` and the rest are set. */
export const OPENED = 2;
/** A mark that verifies but was made for another program unit or partition size. */
export const FOREIGN = 4;

export class SectorHead {
  generation = 0;
  step = 0;
  span = 0;
  end = 0;
  readonly #flash: Flash;
  readonly #sectors: number;
  readonly #bytes = new Uint8Array(HEAD_BYTES);

  constructor(flash: Flash) {
    this.#flash = flash;
    this.#sectors = flash.size / flash.eraseBytes;
  }

  /** Reads both heads of the sector with this number: DIRTY, READY, OPENED or FOREIGN. */
  read(sector: number): number {
    const bytes = this.#bytes;
    const base = sector * this.#flash.eraseBytes;
    this.#flash.read(base, bytes);
    if (u32(bytes, 0) !== MAGIC || !this.sumFits()) return DIRTY; // check: store-mark
    const isOurs = bytes[4] === this.#flash.programBytes && u16(bytes, 6) === this.#sectors;
    if (!isOurs) return FOREIGN; // check: store-foreign
    this.#flash.read(base + OPENING_START, bytes);
    if (isBlank(bytes, 0, HEAD_BYTES)) return this.isEmpty(base) ? READY : DIRTY;
    if (!this.sumFits()) return DIRTY; // check: store-opening
    this.generation = u32(bytes, 0);
    this.step = u16(bytes, 4);
    this.span = u16(bytes, 6);
    this.end = u16(bytes, 8);
    return this.generation % this.#sectors === sector ? OPENED : DIRTY;
  }

  /** Declares the sector's erase done. */
  writeMark(sector: number): boolean {
    const bytes = this.#bytes.fill(0);
    putU32(bytes, 0, MAGIC);
    bytes[4] = this.#flash.programBytes;
    putU16(bytes, 6, this.#sectors);
    return this.write(sector * this.#flash.eraseBytes);
  }

  /** Makes the sector of `opening.generation` the head of the log. */
  writeOpening(opening: { generation: number; step: number; span: number; end: number }): boolean {
    const bytes = this.#bytes.fill(0);
    putU32(bytes, 0, opening.generation);
    putU16(bytes, 4, opening.step);
    putU16(bytes, 6, opening.span);
    putU16(bytes, 8, opening.end);
    const sector = opening.generation % this.#sectors;
    return this.write(sector * this.#flash.eraseBytes + OPENING_START);
  }

  private write(offset: number): boolean {
    putU32(this.#bytes, SUM_AT, this.sum());
    return this.#flash.program(offset, this.#bytes);
  }

  private sum(): number {
    return ~crcStep(CRC_START, this.#bytes, 0, SUM_AT);
  }

  private sumFits(): boolean {
    return u32(this.#bytes, SUM_AT) === this.sum() >>> 0;
  }

  /** True when no record was begun. */
  private isEmpty(base: number): boolean {
    this.#flash.read(base + RECORDS_START, this.#bytes);
    return isBlank(this.#bytes, 0, HEAD_BYTES);
  }
}

function u16(bytes: Uint8Array, at: number): number {
  return bytes[at] * 256 + bytes[at + 1];
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x10000 + u16(bytes, at + 2);
}

function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  putU16(bytes, at, value >>> 16);
  putU16(bytes, at + 2, value);
}
