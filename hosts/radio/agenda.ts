/**
 * A binary heap of pending events, earliest first; ties by rank, then node, then order of entry.
 */

export interface Entry<T> {
  readonly at: number;
  readonly rank: number;
  readonly node: number;
  readonly what: T;
}

interface Stamped<T> extends Entry<T> {
  readonly serial: number;
}

function before<T>(a: Stamped<T>, b: Stamped<T>): boolean {
  if (a.at !== b.at) return a.at < b.at;
  if (a.rank !== b.rank) return a.rank < b.rank;
  if (a.node !== b.node) return a.node < b.node;
  return a.serial < b.serial;
}

export class Agenda<T> {
  readonly #heap: Stamped<T>[] = [];
  #serial = 0;

  /** Time of the earliest entry. */
  get first(): number | undefined {
    return this.#heap[0]?.at;
  }

  add(entry: Entry<T>): void {
    const heap = this.#heap;
    const item: Stamped<T> = { ...entry, serial: this.#serial++ };
    let i = heap.length;
    heap.push(item);
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = heap[up] as Stamped<T>;
      if (!before(item, parent)) break;
      heap[i] = parent;
      i = up;
    }
    heap[i] = item;
  }

  take(): Entry<T> | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const item = heap.pop();
    if (top === undefined || item === undefined || heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, heap[child] as Stamped<T>)) child += 1;
      const least = heap[child] as Stamped<T>;
      if (!before(least, item)) break;
      heap[i] = least;
      i = child;
    }
    heap[i] = item;
    return top;
  }
}
