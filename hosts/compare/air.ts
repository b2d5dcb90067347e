/** The 802.15.4 frames that carry a datagram: the firmware's stack over a radio that keeps them. */
import { LowpanStack } from "../../modules/lowpan/stack.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import type { Radio } from "../../modules/ports/radio.js";

/** PAN, short addresses and prefix of a made-up room; the lamp's is in variants.ts. */
const PAN = 0x4c55;
const SWITCH = 1;
const PREFIX = Uint8Array.of(0xfd, 0x6c, 0x75, 0x6d, 0x69, 0x63, 0, 1);
/** Auxiliary security header and MIC, which the stack leaves room for, and the FCS. */
const SECURED_BYTES = 10;
const FCS_BYTES = 2;

/**
 * Lengths on air of the frames of one transmission, link-layer security counted; at most 127.
 * Throws an Error when the stack does not take the datagram.
 */
export function framesOf(bytes: Uint8Array, to: Endpoint): number[] {
  return rawFrames(bytes, to).map(({ length }) => length + SECURED_BYTES + FCS_BYTES);
}

/** The frames themselves, without security and FCS: to a group with the MPL option. */
export function rawFrames(bytes: Uint8Array, to: Endpoint): Uint8Array[] {
  const radio = new Listener();
  const stack = new LowpanStack({
    radio,
    clock: { micros: () => 0, after: () => 0, cancel: () => {} },
    random: { fill: (into) => void into.fill(0) },
    trace: { count: () => {} },
    pan: PAN,
    short: SWITCH,
    prefix: PREFIX,
  });
  if (!stack.send({ to, fromPort: to.port, bytes })) throw new Error("the stack takes no datagram");
  radio.drain();
  return radio.frames;
}

class Listener implements Radio {
  readonly eui64 = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 1);
  onFrame: Radio["onFrame"] = undefined;
  onSent: Radio["onSent"] = undefined;
  readonly frames: Uint8Array[] = [];

  send(frame: Uint8Array): number {
    this.frames.push(frame);
    return this.frames.length;
  }

  /** Every frame arrived: the next one goes. */
  drain(): void {
    for (let id = 1; id <= this.frames.length; id++) {
      this.onSent?.({ id, acked: true, transmitted: true });
    }
  }

  setAddress(): void {}
}
