import type { Flash } from "../../modules/ports/flash.js";
import type { SlotImage, Slots } from "../../modules/ports/slots.js";

const PROGRAM_BYTES = 16;

/** The slot that does not run, in the slots' file. */
class SpareSlot implements Flash {
  readonly size = lumicastHost.slotSize();
  readonly eraseBytes = 4096;
  readonly programBytes = PROGRAM_BYTES;

  read(offset: number, into: Uint8Array): void {
    lumicastHost.slotRead(offset, into);
  }

  program(offset: number, bytes: Uint8Array): boolean {
    return lumicastHost.slotProgram(offset, bytes);
  }

  erase(offset: number): boolean {
    return lumicastHost.slotErase(offset);
  }
}

/** --slots: which of its two images was started says the boot loader (slots_file.c). */
export class HostSlots implements Slots {
  /** Byte code for this version of the engine. */
  readonly kind = "headless-xs13";
  readonly running = lumicastHost.slotRunning();
  readonly onTrial = lumicastHost.slotOnTrial();
  readonly spare: Flash = new SpareSlot();

  activate({ size, digest }: SlotImage): boolean {
    return lumicastHost.slotActivate(size, digest);
  }

  confirm(): boolean {
    return lumicastHost.slotConfirm();
  }
}
