import { kindOf } from "../../modules/store/keys.js";

/**
 * What modules/store promises, in memory: durable at once, refusing when told to, writes counted.
 */
export class MemoryRecords {
  /** Set it to make `put` and `delete` fail, as flash does that is full or broken. */
  refuses = false;
  writes = 0;
  readonly #values = new Map<number, Uint8Array>();

  get(key: number): Uint8Array | undefined {
    return this.#values.get(key)?.slice();
  }

  put(key: number, value: Uint8Array): boolean {
    if (this.refuses) return false;
    this.writes++;
    this.#values.set(key, value.slice());
    return true;
  }

  delete(key: number): boolean {
    if (this.refuses) return false;
    this.writes++;
    this.#values.delete(key);
    return true;
  }

  keys(kind: number): number[] {
    return [...this.#values.keys()].filter((key) => kindOf(key) === kind).sort((a, b) => a - b);
  }
}
