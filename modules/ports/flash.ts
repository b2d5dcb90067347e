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
}
