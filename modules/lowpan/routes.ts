/** Static next hops by short address, two numbers an entry. */
export class Routes {
  /** Sorted by destination: destination, next hop, destination, ... */
  readonly #table: Uint16Array;

  constructor(routes: ReadonlyMap<number, number>) {
    const sorted = [...routes].sort((a, b) => a[0] - b[0]);
    this.#table = new Uint16Array(2 * sorted.length);
    for (let i = 0; i < sorted.length; i++) {
      this.#table[2 * i] = sorted[i][0];
      this.#table[2 * i + 1] = sorted[i][1];
    }
  }

  /** The neighbour to hand it to: the destination itself when the table does not name another. */
  next(destination: number): number {
    let low = 0;
    let high = this.#table.length / 2 - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.#table[2 * middle];
      if (found === destination) return this.#table[2 * middle + 1];
      if (found < destination) low = middle + 1;
      else high = middle - 1;
    }
    return destination;
  }
}
