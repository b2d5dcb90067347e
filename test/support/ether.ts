/**
 * 802.15.4 radios in memory, for suites of modules/: what one sends its neighbours get after its
 * airtime, nothing collides, nothing backs off. Filtering and the immediate ACK are done as in
 * hardware. The real channel is hosts/radio; this one runs on XS and lets a test decide the fate
 * of every frame.
 */
import type { Clock } from "../../modules/ports/clock.js";
import type { Radio } from "../../modules/ports/radio.js";

/** One frame on the air. `index` counts all frames from 0. */
export interface OnAir {
  readonly frame: Uint8Array;
  readonly from: EtherRadio;
  readonly index: number;
  readonly atMicros: number;
}

/** 250 kbit/s: PHY header 6, FCS 2, link security 10. */
const FIXED_BYTES = 18;
const BYTE_MICROS = 32;

export class Ether {
  /** Every frame handed to a radio, in order. */
  readonly frames: OnAir[] = [];
  /** False loses this frame on its way to that radio. */
  hears: (air: OnAir, to: EtherRadio) => boolean = () => true;
  /** False loses the ACK on its way back to this sender. */
  ackArrives: (air: OnAir) => boolean = () => true;
  readonly #clock: Clock;
  readonly #radios: EtherRadio[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  radio(eui64: Uint8Array): EtherRadio {
    const radio = new EtherRadio(eui64, (frame, id) => this.#send(radio, frame, id));
    this.#radios.push(radio);
    return radio;
  }

  /** Who is heard by whom, both ways; others hear nothing of each other. */
  onlyLinks(links: readonly (readonly [EtherRadio, EtherRadio])[]): void {
    this.hears = ({ from }, to) =>
      links.some(([a, b]) => (a === from && b === to) || (b === from && a === to));
  }

  #send(from: EtherRadio, frame: Uint8Array, id: number): void {
    const air = { frame, from, index: this.frames.length, atMicros: this.#clock.micros() };
    this.frames.push(air);
    this.#clock.after((frame.length + FIXED_BYTES) * BYTE_MICROS, () => {
      let acked = false;
      for (const radio of this.#radios) {
        if (radio === from || !this.hears(air, radio) || !radio.accepts(frame)) continue;
        if ((frame[0] & 0x20) !== 0) acked = this.ackArrives(air) || acked;
        radio.onFrame?.(frame.slice(), this.#clock.micros());
      }
      from.onSent?.({ id, acked, transmitted: true });
    });
  }
}

export class EtherRadio implements Radio {
  readonly eui64: Uint8Array;
  onSent: Radio["onSent"] = undefined;
  onFrame: Radio["onFrame"] = undefined;
  pan = -1;
  short = -1;
  readonly #send: (frame: Uint8Array, id: number) => void;
  #lastId = 0;

  constructor(eui64: Uint8Array, send: (frame: Uint8Array, id: number) => void) {
    this.eui64 = eui64;
    this.#send = send;
  }

  setAddress(address: { pan: number; short: number }): void {
    this.pan = address.pan;
    this.short = address.short;
  }

  send(frame: Uint8Array): number {
    if (frame.length > 115) throw new RangeError(`a frame of ${frame.length} bytes`);
    this.#lastId += 1;
    this.#send(frame, this.#lastId);
    return this.#lastId;
  }

  accepts(frame: Uint8Array): boolean {
    const pan = frame[3] | (frame[4] << 8);
    // What is for PAN 0xffff is for every PAN (IEEE 802.15.4-2006 §7.5.6.2).
    if (pan !== this.pan && pan !== 0xffff) return false;
    if (((frame[1] >> 2) & 3) === 2) {
      const to = frame[5] | (frame[6] << 8);
      return to === 0xffff || to === this.short;
    }
    return this.eui64.every((byte, i) => frame[12 - i] === byte);
  }
}
