import type { Flash } from "../../modules/ports/flash.js";

/** NOR flash in memory for the bench on Node: erased bytes are 0xFF, programming clears bits. */
export class MemoryFlash implements Flash {
  readonly size = 65536;
  readonly eraseBytes = 4096;
  readonly programBytes = 16;
  readonly #content = new Uint8Array(this.size).fill(0xff);

  read(offset: number, into: Uint8Array): void {
    into.set(this.#content.subarray(offset, offset + into.length));
  }

  program(offset: number, bytes: Uint8Array): boolean {
    for (let i = 0; i < bytes.length; i++) this.#content[offset + i] &= bytes[i];
    return true;
  }

  erase(offset: number): boolean {
    this.#content.fill(0xff, offset, offset + this.eraseBytes);
    return true;
  }
}
