/** A byte for the length, 16 for the longest address. */
const STRIDE = 17;
const CAPACITY_LEAST = 4;

/**
 * A column of IP addresses in one buffer that grows as it is written. An object and a copy for each
 * would cost a luminaire 80 bytes an address instead of 17.
 */
export class Addresses {
  #bytes = new Uint8Array(CAPACITY_LEAST * STRIDE);

  /** Sets row `row`. `address` is 4 or 16 bytes and is copied. */
  set(row: number, address: Uint8Array): void {
    const start = row * STRIDE;
    let bytes = this.#bytes;
    if (start + STRIDE > bytes.length) {
      const bigger = new Uint8Array(Math.max(row + 1, (row * 3) >> 1) * STRIDE);
      bigger.set(bytes);
      bytes = bigger;
      this.#bytes = bytes;
    }
    bytes[start] = address.length;
    bytes.set(address, start + 1);
  }

  /** True when row `row`, which was set, holds `address`. */
  is(row: number, address: Uint8Array): boolean {
    const bytes = this.#bytes;
    const start = row * STRIDE;
    if (bytes[start] !== address.length) return false;
    // Backwards: neighbours share a prefix and differ at the end.
    for (let i = address.length; i > 0; i--) if (bytes[start + i] !== address[i - 1]) return false;
    return true;
  }

  /** Copies row `from`, which was set, to row `to`, which was set before. */
  move(to: number, from: number): void {
    const start = from * STRIDE;
    this.#bytes.copyWithin(to * STRIDE, start, start + STRIDE);
  }
}

/** IPv6 ff00::/8, IPv4 224.0.0.0/4. */
export function isMulticast(address: Uint8Array): boolean {
  return address.length === 16 ? address[0] === 0xff : address[0] >> 4 === 14;
}
