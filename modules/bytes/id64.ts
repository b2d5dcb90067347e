/**
 * An id of up to 8 bytes as the big-endian integer it is, in two signed halves of 32 bits: read
 * once from the message, then compared, looked up and combined without going over its bytes again.
 * Patterns of bits, not quantities.
 */
export class Id64 {
  /** Bytes it has; ids that differ only in leading zeros have equal halves. */
  length = 0;
  /** The bytes before the last four; 0 when there are none. */
  high = 0;
  low = 0;

  /** Takes the id at `start`. Of one longer than 8 bytes only the last 8 are in the halves. */
  read(bytes: Uint8Array, start: number, length: number): this {
    this.length = length;
    let at = start;
    if (length === 8) {
      // An EUI-64, as nearly all are: without the loops.
      this.high = (bytes[at++] << 24) | (bytes[at++] << 16) | (bytes[at++] << 8) | bytes[at++];
      this.low = (bytes[at++] << 24) | (bytes[at++] << 16) | (bytes[at++] << 8) | bytes[at];
      return this;
    }
    const end = start + length;
    let high = 0;
    let low = 0;
    for (; at < end - 4; at++) high = (high << 8) | bytes[at];
    for (; at < end; at++) low = (low << 8) | bytes[at];
    this.high = high;
    this.low = low;
    return this;
  }

  /** The same bytes, for ids of up to 8. */
  is(other: Id64): boolean {
    return this.low === other.low && this.high === other.high && this.length === other.length;
  }
}
