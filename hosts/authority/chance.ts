/** The random port on Node, drawn a page at a time: a call for each nonce adds up over many. */
import { randomFillSync } from "node:crypto";
import type { Random } from "../../modules/ports/random.js";

const PAGE_BYTES = 4096;
/** What takes more goes past the page. */
const PART_BYTES_MAX = 256;

export class Chance implements Random {
  readonly #page = new Uint8Array(PAGE_BYTES);
  #at = PAGE_BYTES;

  fill(bytes: Uint8Array): void {
    if (bytes.length > PART_BYTES_MAX) {
      randomFillSync(bytes);
      return;
    }
    if (this.#at + bytes.length > PAGE_BYTES) {
      randomFillSync(this.#page);
      this.#at = 0;
    }
    const end = this.#at + bytes.length;
    bytes.set(this.#page.subarray(this.#at, end));
    // What was given out is nobody else's.
    this.#page.fill(0, this.#at, end);
    this.#at = end;
  }
}
