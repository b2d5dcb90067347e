import type { Flash } from "../../modules/ports/flash.js";
import { SeededRandom } from "./random.js";

/** What becomes of the operation under way when the power goes. */
export type Fault = "not" | "torn" | "done";

export const FAULTS: readonly Fault[] = Object.freeze(["not", "torn", "done"]);

/** One change of flash: `bytes` is undefined for an erase. */
export interface FlashOperation {
  readonly offset: number;
  readonly bytes: Uint8Array | undefined;
}

/** Thrown out of the operation at which the power went; nothing of the device may catch it. */
export class PowerCut extends Error {}

/**
 * NOR flash in memory, for Node and XS. A program unit is programmed once per erase, or it throws.
 *
 * Operations (programs and erases) are numbered from 1. A fault at an operation leaves it not
 * begun, torn or done, and then the power is gone: PowerCut is thrown there and at every access
 * after it, until `restart`. A torn program has cleared a random part of the bits it should clear;
 * a torn erase has left random content. The same seed tears alike.
 */
export class NorFlash implements Flash {
  readonly size: number;
  readonly eraseBytes: number;
  readonly programBytes: number;
  /** Operations so far. */
  operations = 0;
  tornPrograms = 0;
  tornErases = 0;
  /** Erases of each sector. */
  readonly wear: number[];
  /** Called before each operation, with the content as it is then. */
  onOperation: ((operation: FlashOperation) => void) | undefined;
  /** Operations that the hardware refuses from now on: they return false and change nothing. */
  refuses: ((operation: FlashOperation) => boolean) | undefined;
  readonly #content: Uint8Array;
  /** One bit a program unit: programmed since its erase. */
  readonly #programmed: Uint8Array;
  readonly #random: SeededRandom;
  #cutAt = 0;
  #fault: Fault = "not";
  #isOff = false;

  constructor(options: { size: number; programBytes: number; eraseBytes?: number; seed?: number }) {
    this.size = options.size;
    this.programBytes = options.programBytes;
    this.eraseBytes = options.eraseBytes ?? 4096;
    if (this.size % this.eraseBytes !== 0) throw new RangeError("flash: not whole sectors");
    this.#content = new Uint8Array(this.size).fill(0xff);
    this.#programmed = new Uint8Array(this.size / this.programBytes);
    this.#random = new SeededRandom(options.seed ?? 1);
    this.wear = new Array<number>(this.size / this.eraseBytes).fill(0);
  }

  read(offset: number, into: Uint8Array): void {
    this.#needPower();
    this.#inside(offset, into.length);
    const content = this.#content;
    for (let i = 0; i < into.length; i++) into[i] = content[offset + i];
  }

  program(offset: number, bytes: Uint8Array): boolean {
    this.#needPower();
    this.#inside(offset, bytes.length);
    const unit = this.programBytes;
    if (offset % unit !== 0 || bytes.length % unit !== 0 || bytes.length === 0) {
      throw new RangeError(`flash: program of ${bytes.length} bytes at ${offset}, unit ${unit}`);
    }
    const operation = { offset, bytes };
    const fault = this.#begin(operation);
    if (this.refuses?.(operation) === true) return false;
    const isGood = fault === "not" || this.#program(offset, bytes, fault === "torn");
    this.#finish(fault);
    return isGood;
  }

  erase(offset: number): boolean {
    this.#needPower();
    this.#inside(offset, this.eraseBytes);
    if (offset % this.eraseBytes !== 0) throw new RangeError(`flash: erase at ${offset}`);
    const operation = { offset, bytes: undefined };
    const fault = this.#begin(operation);
    if (this.refuses?.(operation) === true) return false;
    if (fault !== "not") this.#erase(offset, fault === "torn");
    this.#finish(fault);
    return true;
  }

  /** The power goes at operation number `operation` (counted as `operations`). */
  cutAt(operation: number, fault: Fault): void {
    this.#cutAt = operation;
    this.#fault = fault;
  }

  /** The power is back. */
  restart(): void {
    this.#isOff = false;
    this.#cutAt = 0;
  }

  /** Another flash with this content and its own future; seeded by `seed`. */
  copy(seed: number): NorFlash {
    const { size, eraseBytes, programBytes } = this;
    const other = new NorFlash({ size, eraseBytes, programBytes, seed });
    other.#content.set(this.#content);
    other.#programmed.set(this.#programmed);
    return other;
  }

  /** Takes over the content of `other`, which has the same geometry; operations start from 0. */
  become(other: NorFlash): void {
    this.#content.set(other.#content);
    this.#programmed.set(other.#programmed);
    this.operations = 0;
    this.restart();
  }

  /** A copy of the content. */
  snapshot(): Uint8Array {
    return this.#content.slice();
  }

  /** Puts a snapshot back, or any content: units that do not read erased count as programmed. */
  restore(content: Uint8Array): void {
    this.#content.set(content);
    const unit = this.programBytes;
    for (let i = 0; i < this.#programmed.length; i++) {
      let isBlank = true;
      for (let j = 0; j < unit; j++) isBlank = isBlank && content[i * unit + j] === 0xff;
      this.#programmed[i] = isBlank ? 0 : 1;
    }
    this.restart();
  }

  /** Damage: flips the bits of `mask` in the byte at `offset`. */
  flip(offset: number, mask: number): void {
    this.#content[offset] ^= mask;
  }

  #begin(operation: FlashOperation): Fault {
    this.onOperation?.(operation);
    this.operations++;
    if (this.operations !== this.#cutAt) return "done";
    this.#isOff = true;
    return this.#fault;
  }

  #finish(fault: Fault): void {
    if (this.#isOff) throw new PowerCut(`power cut at operation ${this.operations}, ${fault}`);
  }

  /** False when what is read back differs: a cell was not erased to begin with. */
  #program(offset: number, bytes: Uint8Array, isTorn: boolean): boolean {
    let isGood = true;
    if (isTorn) this.tornPrograms++;
    const unit = this.programBytes;
    const content = this.#content;
    for (let start = 0; start < bytes.length; start += unit) {
      const at = offset + start;
      if (this.#programmed[at / unit] !== 0) {
        throw new RangeError(`flash: unit at ${at} programmed twice`);
      }
      let isBlank = true;
      for (let i = 0; i < unit; i++) {
        content[at + i] &= bytes[start + i] | (isTorn ? this.#random.u32() >>> 24 : 0);
        isBlank = isBlank && content[at + i] === 0xff;
        isGood = isGood && content[at + i] === bytes[start + i];
      }
      // Torn before the first bit: nothing has happened to this unit.
      this.#programmed[at / unit] = isTorn && isBlank ? 0 : 1;
    }
    return isGood;
  }

  #erase(offset: number, isTorn: boolean): void {
    if (isTorn) this.tornErases++;
    const end = offset + this.eraseBytes;
    const unit = this.programBytes;
    for (let i = offset; i < end; i++) this.#content[i] = isTorn ? this.#random.u32() >>> 24 : 0xff;
    this.#programmed.fill(isTorn ? 1 : 0, offset / unit, end / unit);
    this.wear[offset / this.eraseBytes]++;
  }

  #needPower(): void {
    if (this.#isOff) throw new PowerCut("no power");
  }

  #inside(offset: number, length: number): void {
    if (!(offset >= 0 && offset + length <= this.size)) {
      throw new RangeError(`flash: ${length} bytes at ${offset}, partition of ${this.size}`);
    }
  }
}
