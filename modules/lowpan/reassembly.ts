/**
 * Putting fragments together (RFC 4944 §5.3), against whoever sends them.
 *
 * A datagram is bound to (source link address, destination link address, size, tag): a neighbour
 * cannot slip its own piece into another's. Only a first fragment opens one, as in OpenThread: by
 * then the headers say whether anybody here wants it, and a flood of later fragments takes
 * nothing. What is held is bounded in number, in bytes and in time; a newcomer never evicts,
 * except that a new datagram of the same sender ends the sender's old one (fragments of one
 * sender come in order). A fragment that comes twice, exactly, is a repetition; any other overlap
 * destroys the datagram.
 */
import type { Drop } from "../bytes/outcome.js";
import type { Clock, Timer } from "../ports/clock.js";
import type { Trace } from "../ports/trace.js";
import type { LowpanLimits } from "./limits.js";
import type { MacHeader } from "./mac.js";

/** What a fragment's own header and its frame's say. */
export interface FragmentHead {
  readonly mac: MacHeader;
  size: number;
  tag: number;
}

/**
 * A datagram under way. The first fragment's frame is kept: its headers are read again at the
 * end.
 */
export interface Reassembly {
  readonly size: number;
  readonly first: Uint8Array;
  readonly payload: Uint8Array;
}

/** Which MPL message a datagram is: the same one comes from every forwarder under another tag. */
export interface MessageName {
  readonly seedHigh: number;
  readonly seedLow: number;
  readonly sequence: number;
}

interface Slot extends Reassembly {
  readonly message: MessageName | undefined;
  readonly sourceHigh: number;
  readonly sourceLow: number;
  readonly destinationHigh: number;
  readonly destinationLow: number;
  readonly tag: number;
  /** Uncompressed header bytes: what lies before `payload` in the packet. */
  readonly headerBytes: number;
  /**
   * By unit of 8 bytes: 0 missing, 255 inside a fragment, else the length of the fragment that
   * begins.
   */
  readonly units: Uint8Array;
  missing: number;
  timer: Timer | undefined;
}

const INSIDE = 255;
/**
 * Datagrams declined or destroyed are remembered, so that their other fragments are not counted
 * again.
 */
const IGNORED = 8;

export class Reassembler {
  readonly #clock: Clock;
  readonly #limits: LowpanLimits;
  readonly #trace: Trace;
  #slots: Slot[] = [];
  #bytes = 0;
  readonly #ignored: number[] = [];

  /** Counts every datagram that never became whole, once. */
  constructor(input: { clock: Clock; trace: Trace; limits: LowpanLimits }) {
    this.#clock = input.clock;
    this.#limits = input.limits;
    this.#trace = input.trace;
  }

  /** Datagrams under way. */
  get held(): number {
    return this.#slots.length;
  }

  /**
   * Nobody here wants the datagram of this first fragment: its other fragments are ignored in
   * silence.
   */
  decline(head: FragmentHead): void {
    this.ignore(mark(head.mac.sourceLow, head.tag));
  }

  /**
   * Opens a datagram with its first fragment: `frame`, whose UDP payload begins at `payloadAt`
   * and is preceded by `headerBytes` of headers, uncompressed. A reason when it cannot be.
   */
  open(
    head: FragmentHead,
    input: {
      frame: Uint8Array;
      payloadAt: number;
      headerBytes: number;
      message: MessageName | undefined;
    },
  ): Drop | undefined {
    const { frame, payloadAt, headerBytes } = input;
    const known = this.find(head);
    if (known !== undefined) {
      const same = sameFrom(known.first, frame, head.mac.payloadAt);
      return same ? undefined : this.ruin(known); // check: fragment-first-differs
    }
    const part = frame.length - payloadAt;
    if (head.size > this.#limits.packetBytes) return "fragment"; // check: fragment-size-limit
    if ((headerBytes + part) % 8 !== 0) return "fragment"; // check: fragment-first-unit
    if (headerBytes + part >= head.size) return "fragment"; // check: fragment-first-whole
    this.endOlder(head);
    const { reassemblies, reassemblyBytes } = this.#limits;
    if (this.#slots.length >= reassemblies) return "overflow"; // check: fragment-bounded
    const bytes = this.#bytes + head.size;
    if (bytes > reassemblyBytes) return "overflow"; // check: fragment-bytes-bounded
    const payload = new Uint8Array(head.size - headerBytes);
    payload.set(frame.slice(payloadAt));
    const slot: Slot = {
      first: frame.slice(),
      message: input.message,
      payload,
      sourceHigh: head.mac.sourceHigh,
      sourceLow: head.mac.sourceLow,
      destinationHigh: head.mac.destinationHigh,
      destinationLow: head.mac.destinationLow,
      size: head.size,
      tag: head.tag,
      headerBytes,
      units: new Uint8Array(Math.ceil(head.size / 8)),
      missing: payload.length - part,
      timer: undefined,
    };
    slot.units.fill(INSIDE, 0, (headerBytes + part) / 8);
    // A first fragment may carry nothing of the payload.
    slot.units[0] = part === 0 ? INSIDE : part;
    slot.timer = this.#clock.after(this.#limits.reassemblyMicros, () => this.expire(slot));
    this.#slots.push(slot);
    this.#bytes += slot.size;
    return undefined;
  }

  /** A copy of this message is whole: the others make room, and what comes of them is ignored. */
  endCopies(name: MessageName): void {
    for (const slot of this.#slots) {
      const { message } = slot;
      if (
        message !== undefined &&
        message.sequence === name.sequence &&
        message.seedLow === name.seedLow &&
        message.seedHigh === name.seedHigh
      ) {
        this.ruin(slot);
      }
    }
  }

  /**
   * Adds a later fragment: `frame` from `payloadAt`, at `offset` units. The datagram when this
   * one makes it whole, a reason when it is dropped, undefined when more have to come.
   */
  add(
    head: FragmentHead,
    input: { frame: Uint8Array; payloadAt: number; offset: number },
  ): Reassembly | Drop | undefined {
    const { frame, payloadAt, offset } = input;
    const slot = this.find(head);
    if (slot === undefined) return this.strange(head);
    const length = frame.length - payloadAt;
    const from = offset * 8;
    const end = from + length;
    const last = end === slot.size;
    if (length === 0 || end > slot.size) return this.ruin(slot); // check: fragment-beyond
    if (!last && length % 8 !== 0) return this.ruin(slot); // check: fragment-unit
    const count = Math.ceil(length / 8);
    if (slot.units[offset] === length && from >= slot.headerBytes) {
      const same = this.repeated(slot, input);
      return same ? undefined : this.ruin(slot); // check: fragment-repeated-differs
    }
    for (let i = 0; i < count; i++) {
      if (slot.units[offset + i] !== 0) return this.ruin(slot); // check: fragment-overlap
    }
    slot.units.fill(INSIDE, offset, offset + count);
    slot.units[offset] = length;
    slot.payload.set(frame.slice(payloadAt), from - slot.headerBytes);
    slot.missing -= length;
    if (slot.missing > 0) return undefined;
    this.free(slot);
    // The second MPL transmission of the same datagram comes under the same tag.
    this.decline(head);
    return slot;
  }

  private find(head: FragmentHead): Slot | undefined {
    const { mac } = head;
    for (const slot of this.#slots) {
      if (
        slot.tag === head.tag &&
        slot.size === head.size &&
        slot.sourceLow === mac.sourceLow && // check: fragment-source
        slot.sourceHigh === mac.sourceHigh &&
        slot.destinationLow === mac.destinationLow && // check: fragment-destination
        slot.destinationHigh === mac.destinationHigh
      ) {
        return slot;
      }
    }
    return undefined;
  }

  /**
   * Fragments of one sender come in order: a new datagram means that the old one will not be
   * finished.
   */
  private endOlder(head: FragmentHead): void {
    const { sourceHigh, sourceLow } = head.mac;
    for (const slot of this.#slots) {
      if (slot.sourceLow === sourceLow && slot.sourceHigh === sourceHigh) {
        this.expire(slot);
        return;
      }
    }
  }

  private repeated(
    slot: Slot,
    input: { frame: Uint8Array; payloadAt: number; offset: number },
  ): boolean {
    const at = input.offset * 8 - slot.headerBytes;
    for (let i = input.payloadAt; i < input.frame.length; i++) {
      if (slot.payload[at + i - input.payloadAt] !== input.frame[i]) return false;
    }
    return true;
  }

  private strange(head: FragmentHead): Drop | undefined {
    if (this.#ignored.includes(mark(head.mac.sourceLow, head.tag))) return undefined;
    // Its first fragment was lost: counted once for the whole datagram.
    this.decline(head);
    return "fragment";
  }

  private ruin(slot: Slot): Drop {
    this.free(slot);
    this.ignore(mark(slot.sourceLow, slot.tag));
    return "fragment";
  }

  private ignore(value: number): void {
    if (this.#ignored.length >= IGNORED) this.#ignored.shift();
    this.#ignored.push(value);
  }

  private expire(slot: Slot): void {
    this.free(slot);
    this.#trace.count("fragment");
  }

  private free(slot: Slot): void {
    if (slot.timer !== undefined) this.#clock.cancel(slot.timer);
    this.#slots = this.#slots.filter((other) => other !== slot);
    this.#bytes -= slot.size;
  }
}

/** Tells datagrams whose rest is ignored; a coincidence costs a count, nothing else. */
function mark(sourceLow: number, tag: number): number {
  return sourceLow * 65536 + tag;
}

function sameFrom(one: Uint8Array, other: Uint8Array, at: number): boolean {
  if (one.length !== other.length) return false;
  for (let i = at; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}
