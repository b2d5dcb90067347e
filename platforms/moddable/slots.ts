/**
 * Two firmware slots over the natives of natives_slots.c, for boards that have them.
 *
 * The provisioning, too: an image that was built for one device holds it, one for many does not. So
 * an image that holds it keeps it on flash before another one is started, and it alone writes
 * there: nothing that came with somebody else's provisioning takes a device's own away.
 */
import type { Flash } from "../../modules/ports/flash.js";
import type { SlotImage, Slots } from "../../modules/ports/slots.js";

function slotsOpen(this: void, geometry: object): string | undefined {
  return native<string | undefined>("xs_lumicast_slots_open").call(this, geometry);
}

function slotsRunning(this: void): 0 | 1 {
  return native<0 | 1>("xs_lumicast_slots_running").call(this);
}

function slotsOnTrial(this: void): boolean {
  return native<boolean>("xs_lumicast_slots_on_trial").call(this);
}

function slotsRead(this: void, offset: number, into: Uint8Array): boolean {
  return native<boolean>("xs_lumicast_slots_read").call(this, offset, into);
}

function slotsProgram(this: void, offset: number, bytes: Uint8Array): boolean {
  return native<boolean>("xs_lumicast_slots_program").call(this, offset, bytes);
}

function slotsErase(this: void, offset: number): boolean {
  return native<boolean>("xs_lumicast_slots_erase").call(this, offset);
}

function slotsActivate(this: void, size: number, digest: Uint8Array): boolean {
  return native<boolean>("xs_lumicast_slots_activate").call(this, size, digest);
}

function slotsConfirm(this: void): boolean {
  return native<boolean>("xs_lumicast_slots_confirm").call(this);
}

/** What an image before this one kept. */
export function keptProvisioning(this: void): Uint8Array | undefined {
  return native<Uint8Array | undefined>("xs_lumicast_kept").call(this);
}

function keep(this: void, bytes: Uint8Array): boolean {
  return native<boolean>("xs_lumicast_keep").call(this, bytes);
}

class SpareSlot implements Flash {
  readonly size: number = 0;
  readonly eraseBytes: number = 0;
  readonly programBytes: number = 0;

  read(offset: number, into: Uint8Array): void {
    if (!slotsRead(offset, into)) throw new Error("flash: the spare slot cannot be read");
  }

  program(offset: number, bytes: Uint8Array): boolean {
    return slotsProgram(offset, bytes);
  }

  erase(offset: number): boolean {
    return slotsErase(offset);
  }
}

export class SdkSlots implements Slots {
  readonly kind: string;
  readonly spare: Flash;
  readonly #held: () => Uint8Array | undefined;

  /**
   * `held`: the provisioning that this image holds itself. Throws an Error that says why there is
   * one slot only.
   */
  constructor(kind: string, held: () => Uint8Array | undefined) {
    const spare = new SpareSlot();
    const wrong = slotsOpen(spare);
    if (wrong !== undefined) throw new Error(`slots: ${wrong}`);
    this.kind = kind;
    this.spare = spare;
    this.#held = held;
  }

  get running(): 0 | 1 {
    return slotsRunning();
  }

  get onTrial(): boolean {
    return slotsOnTrial();
  }

  activate({ size, digest }: SlotImage): boolean {
    const held = this.#held();
    if (held !== undefined && !keep(held)) return false;
    return slotsActivate(size, digest);
  }

  confirm(): boolean {
    return slotsConfirm();
  }
}
