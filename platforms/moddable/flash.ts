import type { Flash, Journal } from "../../modules/ports/flash.js";
import { flashErase, flashOpen, flashProgram, flashRead } from "./bound.js";
import { journal } from "./journal.js";

/** The partition "lumicast", or the simulator's file. */
export class SdkFlash implements Flash {
  readonly size: number = 0;
  readonly eraseBytes: number = 0;
  readonly programBytes: number = 0;
  readonly journal: Journal = journal;

  /** Throws an Error that says what is wrong with the partition and what mends it. */
  constructor() {
    const wrong = flashOpen(this);
    if (wrong !== undefined) throw new Error(`flash: ${wrong}`);
  }

  read(offset: number, into: Uint8Array): void {
    this.#check(offset, into.length, 1);
    if (!flashRead(offset, into)) {
      throw new Error("flash: the board cannot read its partition");
    }
  }

  program(offset: number, bytes: Uint8Array): boolean {
    this.#check(offset, bytes.length, this.programBytes);
    return flashProgram(offset, bytes);
  }

  erase(offset: number): boolean {
    this.#check(offset, this.eraseBytes, this.eraseBytes);
    return flashErase(offset);
  }

  #check(offset: number, length: number, unit: number): void {
    const whole = offset % unit === 0 && length % unit === 0;
    if (!whole || offset < 0 || length > this.size - offset) {
      throw new RangeError(`flash: ${length} bytes at ${offset}: no whole units of ${unit} inside`);
    }
  }
}
