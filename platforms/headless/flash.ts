import type { Flash, Journal } from "../../modules/ports/flash.js";

/** The partition in the host's flash file; --fault cuts the power in the middle of an operation. */
export class HostFlash implements Flash {
  readonly size = lumicastHost.flashSize();
  readonly eraseBytes = 4096;
  readonly journal: Journal = {
    scan: lumicastHost.journalScan,
    read: lumicastHost.journalRead,
    isErased: lumicastHost.journalIsErased,
    keys: lumicastHost.journalKeys,
    load: lumicastHost.journalLoad,
    heads: lumicastHost.journalHeads,
  };
  readonly programBytes = lumicastHost.flashProgramBytes();

  read(offset: number, into: Uint8Array): void {
    lumicastHost.flashRead(offset, into);
  }

  program(offset: number, bytes: Uint8Array): boolean {
    return lumicastHost.flashProgram(offset, bytes);
  }

  erase(offset: number): boolean {
    return lumicastHost.flashErase(offset);
  }
}
