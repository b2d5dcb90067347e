/**
 * The multicast groups joined: a short list, compared as numbers. Columns rather than objects,
 * because of the 400 bytes that an address, its bytes and its sum take as such.
 */
import { Address, FULL, GROUP, same } from "./address.js";

// Columns of a row.
const HIGH = 0;
const LOW = 1;
const SUM = 2;
const COLUMNS = 3;

/** In HIGH: an address that has no short form. */
const LONG = -1;

export class Groups {
  readonly #most: number;
  readonly #prefix: Uint8Array;
  /** The addresses as they were given to `join`. */
  readonly #bytes: Uint8Array[] = [];
  /** The pairs of the addresses, and the sums of their words for the UDP checksum. */
  readonly #rows: Float64Array;

  constructor(most: number, prefix: Uint8Array) {
    this.#most = most;
    this.#prefix = prefix;
    this.#rows = new Float64Array(most * COLUMNS);
  }

  /** False when it is no multicast address or the list is full. Keeps the array. */
  join(bytes: Uint8Array): boolean {
    if (bytes.length !== 16) return false;
    const address = new Address();
    address.setBytes(bytes, 0, this.#prefix);
    if (!address.isMulticast()) return false;
    if (this.find(address) >= 0) return true;
    const row = this.#bytes.length;
    if (row >= this.#most) return false;
    this.#bytes.push(bytes);
    this.#rows[row * COLUMNS + HIGH] = address.kind === GROUP ? address.high : LONG;
    this.#rows[row * COLUMNS + LOW] = address.low;
    this.#rows[row * COLUMNS + SUM] = address.sum(0);
    return true;
  }

  leave(bytes: Uint8Array): void {
    if (bytes.length !== 16) return;
    const address = new Address();
    address.setBytes(bytes, 0, this.#prefix);
    const row = this.find(address);
    if (row < 0) return;
    this.#bytes.splice(row, 1);
    this.#rows.copyWithin(row * COLUMNS, (row + 1) * COLUMNS);
  }

  /** Row of a multicast address, -1 when it was not joined. */
  find(address: Address): number {
    const { kind, low } = address;
    const high = kind === GROUP ? address.high : LONG;
    const rows = this.#rows;
    const count = this.#bytes.length;
    for (let row = 0; row < count; row++) {
      if (rows[row * COLUMNS + LOW] !== low || rows[row * COLUMNS + HIGH] !== high) continue;
      if (kind === GROUP) return row;
      if (kind === FULL && same(address.full, 0, this.#bytes[row], 16)) return row;
    }
    return -1;
  }

  /** The address in `row`: not the caller's to change. */
  bytes(row: number): Uint8Array {
    return this.#bytes[row];
  }

  /** Sum of its words for the UDP checksum. */
  sum(row: number): number {
    return this.#rows[row * COLUMNS + SUM];
  }
}
