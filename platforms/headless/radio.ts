import type { Radio } from "../../modules/ports/radio.js";

/** The 802.15.4 radio at the medium. The host calls onSent and onFrame. */
export class HostRadio implements Radio {
  readonly eui64 = lumicastHost.eui64();
  onSent: ((sent: { id: number; acked: boolean; transmitted: boolean }) => void) | undefined =
    undefined;
  onFrame: ((frame: Uint8Array, atMicros: number) => void) | undefined = undefined;

  setAddress(address: { pan: number; short: number }): void {
    lumicastHost.radioAddress(address.pan, address.short);
  }

  send(frame: Uint8Array): number {
    return lumicastHost.radioSend(frame);
  }
}
