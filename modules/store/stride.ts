/**
 * The quick way through a sector when the store opens: a lamp waits for it at every start.
 *
 * Nearly everything in a log is short records, whole and undamaged. Those are verified here from a
 * window of flash, without a call for each of their parts: a third of the time Records.read takes.
 * Whatever is anything else is left to it: this never judges, it only goes on or stops.
 */
import type { Flash } from "../ports/flash.js";
import { CRC_TABLE } from "./crc32.js";
import { KIND_RESERVED } from "./keys.js";
import { fold8, type Records, SHORT_HEAD, SHORT_LENGTH_MAX } from "./records.js";

const WINDOW_BYTES = 512;

export class Stride {
  readonly #flash: Flash;
  readonly #records: Records;
  readonly #unit: number;
  readonly #window = new Uint8Array(WINDOW_BYTES);
  /** The longest short record. */
  readonly #longest: number;

  constructor(flash: Flash, records: Records) {
    this.#flash = flash;
    this.#records = records;
    this.#unit = flash.programBytes;
    this.#longest = SHORT_HEAD + SHORT_LENGTH_MAX + 2 * this.#unit;
  }

  /**
   * Calls `visit` for the sound short records from `start` on, with their fields in `records`.
   * Returns where it stopped: at `end`, or at something that wants a closer look.
   */
  run(start: number, generation: number, end: number, visit: (at: number) => void): number {
    const window = this.#window;
    const records = this.#records;
    const longest = this.#longest;
    let base = start;
    let filled = 0;
    let at = start;
    for (;;) {
      if (at + longest > base + filled && base + filled < end) {
        base = at;
        filled = Math.min(WINDOW_BYTES, end - at);
        this.#flash.read(base, filled === WINDOW_BYTES ? window : window.subarray(0, filled));
      }
      const size = this.#size(at - base, generation, filled);
      if (size === 0) return at;
      records.size = size;
      visit(at);
      at += size;
    }
  }

  /** Size of the sound record at `from` in the window, its fields set; 0 when it is not one. */
  #size(from: number, generation: number, filled: number): number {
    const window = this.#window;
    const unit = this.#unit;
    if (from + SHORT_HEAD > filled) return 0;
    const kind = window[from];
    const index = window[from + 1];
    const length = window[from + 2];
    if (kind >= KIND_RESERVED || length > SHORT_LENGTH_MAX) return 0;
    const valueEnd = from + SHORT_HEAD + length;
    const seal = from + ((SHORT_HEAD + length + unit - 1) & -unit);
    if (seal + unit > filled) return 0;
    let crc = ~generation;
    crc = CRC_TABLE[(crc ^ kind) & 0xff] ^ (crc >>> 8);
    crc = CRC_TABLE[(crc ^ index) & 0xff] ^ (crc >>> 8);
    crc = CRC_TABLE[(crc ^ length) & 0xff] ^ (crc >>> 8);
    if (window[from + 3] !== fold8(crc)) return 0;
    let at = from + SHORT_HEAD;
    while (at < valueEnd) crc = CRC_TABLE[(crc ^ window[at++]) & 0xff] ^ (crc >>> 8);
    while (at < seal) if (window[at++] !== 0xff) return 0;
    if (!this.#isSealed(seal, crc)) return 0; // check: store-stride-seal
    const records = this.#records;
    records.key = kind * 0x1000000 + index;
    records.length = length;
    records.isDeleted = false;
    return seal + unit - from;
  }

  #isSealed(seal: number, crc: number): boolean {
    const window = this.#window;
    const sum = ~crc;
    if (window[seal] !== sum >>> 24 || window[seal + 1] !== ((sum >>> 16) & 0xff)) return false;
    if (window[seal + 2] !== ((sum >>> 8) & 0xff) || window[seal + 3] !== (sum & 0xff))
      return false;
    for (let i = seal + 4; i < seal + this.#unit; i++) if (window[i] !== 0xff) return false;
    // The checksum that looks erased is written as another one.
    return crc !== 0;
  }
}
