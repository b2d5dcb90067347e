/**
 * The replay window: which of the last 64 numbers of a sender were seen (RFC 8613 §7.4, RFC 6347
 * §4.1.2.6).
 *
 * Functions over columns, one row a sender: an object for each of a hundred senders would cost a
 * lamp 10 KB. Numbers go to 2^53 - 1, so they are compared and subtracted, never shifted; the 64
 * bits are two halves of 32. Bit k says that highest - k was seen.
 */

export const WINDOW_BITS = 64;

/** The largest number a window takes: beyond it Number is not exact. */
export const NUMBER_MAX = Number.MAX_SAFE_INTEGER;

export interface Windows {
  readonly highest: Float64Array;
  /** Bits 0 to 31 of each row, then bits 32 to 63; whatever comes behind is not the windows'. */
  readonly bits: Int32Array;
  readonly rows: number;
}

/** Starts a row with `number` as the first one seen; up to 63 below it may still come, late. */
export function startWindow(windows: Windows, row: number, number: number): void {
  windows.highest[row] = number;
  windows.bits[row] = 1;
  windows.bits[windows.rows + row] = 0;
}

/** Starts a row after a restart: everything up to `number` counts as seen. */
export function closeWindow(windows: Windows, row: number, number: number): void {
  windows.highest[row] = number;
  windows.bits[row] = -1;
  windows.bits[windows.rows + row] = -1;
}

/** True when `number` was not seen and is not too old to tell. Changes nothing. */
export function isFreshIn(windows: Windows, row: number, number: number): boolean {
  if (!(number >= 0 && number <= NUMBER_MAX)) return false; // check: window-number
  const age = windows.highest[row] - number;
  if (age < 0) return true;
  if (age >= WINDOW_BITS) return false; // check: window-too-old
  const half = windows.bits[age < 32 ? row : windows.rows + row];
  if (((half >>> (age & 31)) & 1) !== 0) return false; // check: window-seen
  return true;
}

/** Marks `number` as seen; it is fresh. */
export function markIn(windows: Windows, row: number, number: number): void {
  const { highest, bits, rows } = windows;
  const step = number - highest[row];
  const far = rows + row;
  if (step > 0) {
    const near = bits[row];
    if (step < 32) {
      bits[row] = (near << step) | 1;
      bits[far] = (bits[far] << step) | (near >>> (32 - step));
    } else {
      bits[row] = 1;
      bits[far] = step < WINDOW_BITS ? near << (step - 32) : 0;
    }
    highest[row] = number;
  } else if (step > -32) bits[row] |= 1 << -step;
  else bits[far] |= 1 << (-step - 32);
}
