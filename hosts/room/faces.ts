/**
 * One radio with two faces: as a node of the PAN, and towards those who have none yet
 * (modules/lowpan/link.ts), whose frames every radio takes.
 */
import type { Radio } from "../../modules/ports/radio.js";

/** Of a data frame: its destination's PAN (IEEE 802.15.4-2006 §7.2.2.2). */
const PAN_AT = 3;

interface Faces {
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
