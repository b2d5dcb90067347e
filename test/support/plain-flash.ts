/** A partition as the port has it, without what a board's native code does beside. */
import type { Flash } from "../../modules/ports/flash.js";

export function plain(flash: Flash): Flash {
  const { size, eraseBytes, programBytes } = flash;
  return {
    ...{ size, eraseBytes, programBytes },
    read: (offset, into) => flash.read(offset, into),
    program: (offset, bytes) => flash.program(offset, bytes),
    erase: (offset) => flash.erase(offset),
  };
}
