/**
 * What radio hardware reads of a frame before the processor sees it: destination, ACK request,
 * number.
 */

export interface Addressed {
  readonly isAck: boolean;
  readonly wantsAck: boolean;
  readonly sequence: number;
  /** Undefined when the frame carries no destination. */
  readonly pan: number | undefined;
  /** Short address; undefined when the destination is an extended one or absent. */
  readonly short: number | undefined;
  /** Offset of the extended destination (8 bytes, least significant first) in the frame, or -1. */
  readonly extendedAt: number;
}

const BROADCAST = 0xffff;

/** Reads IEEE 802.15.4-2006 §7.2.1; undefined when the frame is too short for what it announces. */
export function addressed(frame: Uint8Array): Addressed | undefined {
  if (frame.length < 3) return undefined;
  const control = (frame[0] as number) | ((frame[1] as number) << 8);
  const mode = (control >> 10) & 3;
  const need = mode === 0 ? 3 : mode === 2 ? 7 : 13;
  if (mode === 1 || frame.length < need) return undefined;
  const pair = (at: number) => (frame[at] as number) | ((frame[at + 1] as number) << 8);
  return {
    isAck: (control & 7) === 2,
    wantsAck: (control & 0x20) !== 0,
    sequence: frame[2] as number,
    pan: mode === 0 ? undefined : pair(3),
    short: mode === 2 ? pair(5) : undefined,
    extendedAt: mode === 3 ? 5 : -1,
  };
}

/** "no": not for this node; "all": broadcast; "one": exactly this node, which acknowledges. */
export function passes(
  head: Addressed,
  frame: Uint8Array,
  own: { eui64: Uint8Array; pan: number; short: number },
): "no" | "all" | "one" {
  if (head.pan !== own.pan && head.pan !== BROADCAST) return "no";
  if (head.short === BROADCAST) return "all";
  if (head.short !== undefined) return head.short === own.short ? "one" : "no";
  if (head.extendedAt < 0) return "no";
  for (let i = 0; i < 8; i++) {
    if (frame[head.extendedAt + i] !== own.eui64[7 - i]) return "no";
  }
  return "one";
}

/** The immediate acknowledgement of a frame, §7.2.2.3, without FCS. */
export function acknowledgement(sequence: number): Uint8Array {
  return Uint8Array.of(0x02, 0x00, sequence);
}
