/**
 * One radio with two faces: as a node of the PAN, and towards those who have none yet (link.ts),
 * whose frames every radio takes. For whoever joins them: an authority, or a switch that is one.
 */
import type { DatagramPort } from "../ports/datagram.js";
import type { Radio } from "../ports/radio.js";

/** Of a data frame: its destination's PAN (IEEE 802.15.4-2006 §7.2.2.2). */
const PAN_AT = 3;

export interface Faces {
  readonly pan: Radio;
  readonly link: Radio;
}

/** `radio` is theirs from here on. */
export function twoFaces(radio: Radio): Faces {
  const mine = new Set<number>();
  const pan = face(radio, (frame) => radio.send(frame));
  const link = face(radio, (frame) => {
    const id = radio.send(frame);
    mine.add(id);
    return id;
  });
  // A radio filters for one PAN; what is for PAN 0xffff comes through all the same.
  pan.setAddress = (address) => radio.setAddress(address);
  radio.onFrame = (frame, atMicros) => {
    const isForAll = frame[PAN_AT] === 0xff && frame[PAN_AT + 1] === 0xff;
    (isForAll ? link : pan).onFrame?.(frame, atMicros);
  };
  radio.onSent = (sent) => (mine.delete(sent.id) ? link : pan).onSent?.(sent);
  return { pan, link };
}

function face({ eui64 }: Radio, send: Radio["send"]): Radio {
  return { eui64, send, setAddress: () => {}, onSent: undefined, onFrame: undefined };
}

/** Both as one network: what is said to the link goes to those without a PAN. */
export class TwoNetworks implements DatagramPort {
  onDatagram: DatagramPort["onDatagram"] = undefined;
  readonly #pan: DatagramPort;
  readonly #link: DatagramPort;

  constructor(pan: DatagramPort, link: DatagramPort) {
    this.#pan = pan;
    this.#link = link;
    for (const net of [pan, link]) net.onDatagram = (datagram) => this.onDatagram?.(datagram);
  }

  get address(): Uint8Array {
    return this.#pan.address;
  }

  join(group: Uint8Array): boolean {
    return this.#pan.join(group);
  }

  leave(group: Uint8Array): void {
    this.#pan.leave(group);
  }

  send(datagram: Parameters<DatagramPort["send"]>[0]): boolean {
    const { address } = datagram.to;
    return (isOfLink(address) ? this.#link : this.#pan).send(datagram);
  }
}

/** fe80::/10, and multicast of link-local scope (RFC 4291 §2.5.6, §2.7). */
function isOfLink(address: Uint8Array): boolean {
  if (address[0] === 0xff) return (address[1] & 0xf) === 2;
  return address[0] === 0xfe && (address[1] & 0xc0) === 0x80;
}
