/** NOR flash. Erased bytes read 0xFF; a program unit is programmed at most once per erase. */
export interface Flash {
  /** Total size in bytes, a multiple of `eraseBytes`. */
  readonly size: number;
  /** Smallest erasable area in bytes: 4096. */
  readonly eraseBytes: number;
  /** Program unit in bytes: 4 (nRF) or 16 (ESP with flash encryption). */
  readonly programBytes: number;
  /**
   * Fills `into` from `offset`. Any alignment. Throws RangeError outside the partition (our bug).
   */
  read(offset: number, into: Uint8Array): void;
  /**
   * Programs whole units: `offset` and `bytes.length` are multiples of `programBytes`.
   * False when the hardware refused or read back otherwise; throws RangeError on misuse.
   */
  program(offset: number, bytes: Uint8Array): boolean;
  /** Erases the sector that begins at `offset` (a multiple of `eraseBytes`). Takes up to 90 ms. */
  erase(offset: number): boolean;
  /** Native help for modules/store, over this very partition. */
  readonly journal?: Journal;
}

/**
 * Steps of modules/store that cost a device most at its start. `cursor` is `Log.cursor`'s buffer,
 * `index` is `Index.columns`.
 */
export interface Journal {
  /**
   * As Stride.run, the records entered into the index while `placesLeft` (-1: not at all) allows;
   * returns the offset where it stopped. `scanned`, three words of 32 bits: keys that are new in
   * the index, bytes that are, offset of the last record passed (0: none).
   */
  scan(
    cursor: ArrayBuffer,
    index: ArrayBuffer,
    start: number,
    end: number,
    generation: number,
    placesLeft: number,
    scanned: ArrayBuffer,
  ): number;
  /**
   * Both heads of every sector, in columns of 32-bit words: states (modules/store/sector.ts),
   * generations, steps, spans, ends; what is not opened has 0 in all but the first.
   */
  heads(cursor: ArrayBuffer, sectorBytes: number, columns: ArrayBuffer): void;
  /** True when flash reads 0xFF from `start` to `end`. */
  isErased(start: number, end: number): boolean;
  /** All keys of a kind, ascending. */
  keys(cursor: ArrayBuffer, index: ArrayBuffer, kind: number): number[];
  /**
   * Fills the columns of `Rights` or `Recipients` with the rows of a kind; how many there are, plus
   * 256 where the key of a replay row is not there. -1 when a record is not as it should be, or has
   * no place: then the columns are all zero.
   */
  load(
    cursor: ArrayBuffer,
    index: ArrayBuffer,
    kind: number,
    columns: ArrayBuffer,
    capacity: number,
  ): number;
  /** Fills `into` with as much of a key's value as fits; its length, -1 when there is none. */
  read(cursor: ArrayBuffer, index: ArrayBuffer, key: number, into: Uint8Array): number;
}
