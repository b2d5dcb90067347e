/**
 * Small durable records over raw flash: the one place on every platform where anything outlives a
 * power cut.
 *
 * PROBLEM. Security hangs on it: a sender number read back too low repeats a nonce, a replay bound
 * read back too low accepts a recorded command. Power goes at any moment, also in the middle of a
 * program or an erase, and again while recovering. Flash wears out: nRF52 stands 10,000 erases of a
 * page, and 50 senders x 200 messages a day x 20 years are 73 million bounds to be written before
 * acting on each. And cells rot: what was acknowledged and cannot be read any more has to be told
 * from what a cut never finished, or damage passes for "nothing was written yet" and a counter
 * starts again.
 *
 * REJECTED. Moddable's preferences and ECMA-419 key-value on nRF52 (erase or invalidate first: a
 * counter is lost at 75 % of cut points). Two banks swapped by copying (erases under way whenever a
 * bank is full; a bit of damage takes a bank). A file system (littlefs bundled with the SDK is old,
 * 20 KB of code, no typed error for damage). One program operation a record (a torn record and a
 * damaged newest record look alike: rot would roll a counter back silently). Closing the sector
 * behind every torn record (a series of cuts uses up the erased sectors).
 *
 * CHOICE. A ring of sectors (sector.ts, log.ts), records appended (records.ts), the newest of a key
 * counts.
 * - put() appends: head, value, seal, in this order, and returns true when the seal is programmed.
 *   It never erases; when no erased sector is left but the reserve it returns false.
 * - tidy(), called while nobody waits, does one bounded step: erases a sector that is out of the
 *   log, or copies up to eight live records from the oldest sector to the end. The sector leaves
 *   the log by a record that says so, durable before the erase begins; a torn erase hits only what
 *   is out of the log.
 * - Every sector is marked after its erase is complete and entered by a programmed head with a
 *   generation; random content has to hit two CRCs and a magic number, 2^-96, to pass for a sector.
 * - The order of operations tells a cut from damage (records.ts). What a cut left stays where it is
 *   and is settled by a note in front of the next record: the note names where the unfinished part
 *   begins, so neither it nor any number of cut notes can hide a later record, and nothing is ever
 *   searched for. A little is left blank before the note: behind a record with a damaged head that
 *   place is not blank. A sector head tells where the records of the one before end.
 * - Everything else that does not verify is damage: open() says where and whose, and there is no
 *   store. Undetectable here: a whole image restored from a copy; a newest sector of which nothing
 *   is left; newest records that read as if they were never written; and, for the very last record
 *   only, damage that happens to look like a cut: an unfinished right seal (1 in 10,000 of random
 *   damage), or a head with another length whose check fits (1 in 256 of what hits that byte).
 *
 * WEAR. A replay bound below 2^32 takes 12 bytes with 4-byte program units, 32 with units of 16.
 * Exact bounds, a record a message, for the 73 million make 251,000 erases on nRF52 with what
 * tidying copies, and the ring spreads them evenly. test/unit/store-wear.test.ts simulates it:
 *   nRF52, 10,000 cycles:  256 KB 39 %, 192 KB 52 %, 128 KB 78 %; 64 KB are worn out in 12 years
 *   ESP32, 100,000 cycles: 64 KB 50 %, 128 KB 25 %
 * Five messages in a row cost six records, which is the worst; a hundred cost eight
 * (oscore/recipients.ts).
 *
 * MEMORY. With 250 keys and 16 sectors 5.5 KB in all on a 32-bit XS (measured), half of it the
 * index. put() allocates nothing.
 */
import type { Flash, Journal } from "../ports/flash.js";
import { Index } from "./index.js";
import { KIND_RESERVED, kindOf } from "./keys.js";
import { Log, RESERVE_SECTORS } from "./log.js";
import { VALUE_MAX } from "./records.js";
import { geometryError, type StoreError, scan } from "./scan.js";
import { DIRTY, OPENED, READY } from "./sector.js";

export type { StoreError } from "./scan.js";

export type Opened =
  | { readonly ok: true; readonly store: Store }
  | { readonly ok: false; readonly error: StoreError };

const KEYS_MAX = 250;
/** Below this tidying could not always free a sector. */
const SECTORS_MIN = 8;
/** Live records copied in one step of tidy(). */
const COPIES_A_STEP = 8;
/**
 * The log is kept about this long, for opening reads all of it: some 300 records a sector, 6 µs
 * each on XS here, about 100 times that on a Cortex-M4 (estimated). With 8 sectors wear is 5 %
 * less.
 */
const LOG_SECTORS = 5;
/** Erased sectors that put() finds when all is tidied: one for use, the others for cuts. */
const SPARE_SECTORS = 3;
/** A record as long as they get, which may not fit at the end of a sector. */
const RECORD_BYTES_MAX = 1056;

export class Store {
  readonly #log: Log;
  readonly #index: Index;
  /** Bytes that find room in a sector however long the records are. */
  readonly #sureBytes: number;
  /** Live bytes the store takes: then there is always a sector to write to once it is tidied. */
  readonly #bytesMax: number;

  private constructor(log: Log, index: Index) {
    this.#log = log;
    this.#index = index;
    this.#sureBytes = log.payloadBytes - RECORD_BYTES_MAX;
    this.#bytesMax = (log.sectors - RESERVE_SECTORS - 4) * this.#sureBytes;
  }

  /**
   * Opens the store in a partition; reads all of it, writes nothing. `keys`: how many there may be.
   * An error means that there is no store: never go on as if it were empty.
   */
  static open(options: { flash: Flash; keys?: number }): Opened {
    const { flash } = options;
    if (!fits(flash)) return { ok: false, error: geometryError(0) };
    const log = new Log(flash);
    const index = new Index(options.keys ?? KEYS_MAX, flash.size);
    const error = scan(flash, log, index);
    return error === undefined ? { ok: true, store: new Store(log, index) } : { ok: false, error };
  }

  /**
   * Makes an empty store; what was in the partition is gone. Only for provisioning: whoever formats
   * owes the device a new sender id and new keys. False when flash refuses. Takes up to 0.1 s a
   * sector.
   */
  static format(options: { flash: Flash }): boolean {
    if (!fits(options.flash)) throw new RangeError(geometryError(0).message);
    return new Log(options.flash).format();
  }

  /** A copy of the value, 0 to 1024 bytes; undefined when there is none. */
  get(key: number): Uint8Array | undefined {
    const journal = this.#log.journal;
    if (journal !== undefined) return this.#read(journal, key);
    const place = this.#index.find(key);
    return place < 0 ? undefined : this.#valueAt(place);
  }

  /** The same with native help. */
  #read(journal: Journal, key: number): Uint8Array | undefined {
    const cursor = this.#log.cursor.buffer;
    const scratch = this.#log.records.scratch;
    const length = journal.read(cursor, this.#index.columns, key, scratch);
    if (length < 0) return undefined;
    if (length <= scratch.length) return scratch.slice(0, length);
    const value = new Uint8Array(length);
    journal.read(cursor, this.#index.columns, key, value);
    return value;
  }

  has(key: number): boolean {
    return this.#index.find(key) >= 0;
  }

  /**
   * True when the value is durable; after a cut in here it is the old one or the new one. False
   * when the store is full (until tidied, or for good) or flash refused; then the old value counts,
   * though after a restart it may be the new one. Throws RangeError for a value over 1024 bytes.
   */
  put(key: number, value: Uint8Array): boolean {
    if (value.length > VALUE_MAX) throw new RangeError(`store: a value of ${value.length} bytes`);
    if (!(key >>> 0 === key && kindOf(key) < KIND_RESERVED && kindOf(key) > 0)) {
      throw new RangeError(`store: no such key ${key}`);
    }
    const index = this.#index;
    const size = this.#log.records.sizeOf(key, value.length);
    const place = index.find(key);
    const replaced = place < 0 ? 0 : index.sizeAt(place);
    if (place < 0 && index.count === index.capacity) return false; // check: store-keys-max
    if (index.bytes + size - replaced > this.#bytesMax) return false; // check: store-bytes-max
    const at = this.#log.append(key, value, size, false);
    if (at === 0) return false; // check: store-refused
    if (place < 0) index.set(key, at, size);
    else index.setAt(place, at, size);
    return true;
  }

  /** True when the key is durably gone, or was not there. */
  delete(key: number): boolean {
    if (this.#index.find(key) < 0) return true;
    const size = this.#log.records.sizeOf(key, 0);
    if (this.#log.append(key, undefined, size, false) === 0) return false;
    this.#index.remove(key);
    return true;
  }

  /** All keys of a kind, by index. */
  keys(kind: number): number[] {
    const { journal, cursor } = this.#log;
    if (journal !== undefined) return journal.keys(cursor.buffer, this.#index.columns, kind);
    return this.#index.keysOf(kind).sort((a, b) => a - b);
  }

  /**
   * Fills the columns of `Rights` or `Recipients` with the rows of a kind by native help, as
   * ports/flash.ts Journal says. -1 also where there is none.
   */
  load(kind: number, columns: ArrayBuffer, capacity: number): number {
    const { journal, cursor } = this.#log;
    if (journal === undefined) return -1;
    return journal.load(cursor.buffer, this.#index.columns, kind, columns, capacity);
  }

  /** Where the log stands and where records lie, for native help on the receive path. */
  get journal(): { readonly cursor: ArrayBuffer; readonly index: ArrayBuffer } {
    return { cursor: this.#log.cursor.buffer, index: this.#index.columns };
  }

  /** Records written, and sectors erased, since this object was made. */
  get writes(): number {
    return this.#log.writes;
  }

  get erases(): number {
    return this.#log.erases;
  }

  /** Erased sectors that put() may still enter; with none it ends where the newest sector does. */
  get spareSectors(): number {
    return Math.max(0, this.#log.count(READY) - RESERVE_SECTORS);
  }

  /** True while tidy() has something to do. */
  get needsTidy(): boolean {
    return this.#log.count(DIRTY) > 0 || this.#log.count(OPENED) > this.#sectorsMax();
  }

  /**
   * One step towards having erased sectors again: one erase (up to 90 ms) or a few records copied.
   * Only while nobody waits for this device. Returns `needsTidy`.
   */
  tidy(): boolean {
    if (!this.needsTidy) return false;
    if (!this.#log.eraseOne() && !this.#copySome()) return false;
    return this.needsTidy;
  }

  /** Moves live records out of the oldest sector, or lets go of it. False when flash refuses. */
  #copySome(): boolean {
    const index = this.#index;
    const start = this.#log.sectorOf(this.#log.oldest) * this.#log.sectorBytes;
    const end = start + this.#log.sectorBytes;
    let copies = 0;
    for (let place = 0; place < index.places; place++) {
      if (!index.has(place)) continue;
      const offset = index.offsetAt(place);
      if (offset < start || offset >= end) continue;
      if (copies++ === COPIES_A_STEP) return true;
      const storeKey = index.keyAt(place);
      const value = this.#valueAt(place);
      const size = this.#log.records.sizeOf(storeKey, value.length);
      const at = this.#log.append(storeKey, value, size, true);
      if (at === 0) return false;
      index.setAt(place, at, size);
    }
    return this.#log.retire();
  }

  #valueAt(place: number): Uint8Array {
    const { records } = this.#log;
    const offset = this.#index.offsetAt(place);
    const value = new Uint8Array(records.readLength(offset));
    records.readValue(offset, this.#index.keyAt(place), value);
    return value;
  }

  /** Sectors of the log after which tidying begins; what is live always fits into fewer. */
  #sectorsMax(): number {
    const least = Math.ceil(this.#index.bytes / this.#sureBytes) + 2;
    return Math.max(
      least,
      Math.min(LOG_SECTORS, this.#log.sectors - RESERVE_SECTORS - SPARE_SECTORS),
    );
  }
}

function fits(flash: Flash): boolean {
  const { size, eraseBytes, programBytes } = flash;
  const isUnit = programBytes === 4 || programBytes === 8 || programBytes === 16;
  const isSector = eraseBytes >= 4096 && eraseBytes < 0x10000 && eraseBytes % 64 === 0;
  return isUnit && isSector && size % eraseBytes === 0 && size / eraseBytes >= SECTORS_MIN;
}
