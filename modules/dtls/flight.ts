/**
 * Flights: messages that are sent together, and again until they are answered (RFC 6347 §4.2.4).
 * The timer doubles from its first value to its longest; a peer that repeats what it sent last asks
 * for ours again.
 */
import { concat } from "../bytes/concat.js";
import { readUint } from "../bytes/uint.js";
import type { Clock, Timer } from "../ports/clock.js";
import type { Random } from "../ports/random.js";
import { MESSAGE_HEADER_BYTES, messageHeader } from "./messages.js";
import { HANDSHAKE } from "./numbers.js";
import type { WriteEpoch } from "./records.js";

/** One record's content: a whole handshake message with its header, or a ChangeCipherSpec. */
export interface FlightItem {
  readonly type: number;
  readonly epoch: number;
  readonly bytes: Uint8Array;
}

/** In microseconds, but for the count. */
export interface FlightTimes {
  /** RFC 6347 §4.2.4.1: a second; more where a peer needs seconds to compute. */
  readonly firstMicros: number;
  readonly longestMicros: number;
  /** After the first transmission. */
  readonly retransmissions: number;
  /**
   * Up to so much more at first, by chance: who gets power at one moment would go on at one moment,
   * each time on one channel. Absent: none.
   */
  readonly spreadMicros?: number;
}

export const FLIGHT_TIMES: FlightTimes = Object.freeze({
  firstMicros: 1_000_000,
  longestMicros: 60_000_000,
  retransmissions: 6,
});

export class Flight {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #times: FlightTimes;
  readonly #transmit: (items: readonly FlightItem[]) => void;
  readonly #expire: () => void;
  /** Told at every timeout before anything is sent: true when it is over for another reason. */
  readonly #isOver: () => boolean;
  #items: readonly FlightItem[] = [];
  #timer: Timer | undefined = undefined;
  #waitMicros = 0;
  #left = 0;
  #sentMicros = 0;

  constructor(
    { clock, random }: { readonly clock: Clock; readonly random: Random },
    times: FlightTimes,
    then: {
      readonly transmit: (items: readonly FlightItem[]) => void;
      readonly isOver: () => boolean;
      readonly expire: () => void;
    },
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#times = times;
    this.#transmit = then.transmit;
    this.#isOver = then.isOver;
    this.#expire = then.expire;
  }

  /** Bytes kept for sending again. */
  get heldBytes(): number {
    return this.#items.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Sends a new flight in place of the last. The one that ends a handshake `waits` for none. */
  send(items: readonly FlightItem[], waits: boolean): void {
    this.rest();
    this.#items = items;
    this.#waitMicros = this.#times.firstMicros + this.#spread();
    this.#left = this.#times.retransmissions;
    this.#now();
    if (waits) this.#arm();
  }

  /**
   * The peer repeated itself: it has not got ours. Not oftener than four times a first timeout, for
   * it costs anybody one datagram to ask.
   */
  again(): void {
    const since = this.#clock.micros() - this.#sentMicros;
    if (this.#items.length === 0) return;
    if (since < this.#times.firstMicros / 4) return; // check: flight-rate
    this.#now();
  }

  /** Whether an answer is to come. */
  get waits(): boolean {
    return this.#timer !== undefined;
  }

  /** The timer stops; the flight may still be asked for. */
  rest(): void {
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    this.#timer = undefined;
  }

  /** Nothing is kept. */
  clear(): void {
    this.rest();
    this.#items = [];
  }

  #spread(): number {
    const { spreadMicros } = this.#times;
    if (spreadMicros === undefined) return 0;
    const chance = new Uint8Array(2);
    this.#random.fill(chance);
    return Math.floor((spreadMicros * readUint(chance)) / 0xffff);
  }

  #now(): void {
    this.#sentMicros = this.#clock.micros();
    this.#transmit(this.#items);
  }

  #arm(): void {
    this.#timer = this.#clock.after(this.#waitMicros, () => this.#timeout());
  }

  #timeout(): void {
    this.#timer = undefined;
    if (this.#isOver() || this.#left === 0) {
      this.#expire();
      return;
    }
    this.#left--;
    this.#waitMicros = Math.min(this.#waitMicros * 2, this.#times.longestMicros);
    this.#now();
    this.#arm();
  }
}

/**
 * The datagrams of a flight, of at most `datagramBytes` each: as many records in one as fit,
 * messages that do not fit in fragments. Undefined when an epoch's numbers are used up. Throws
 * RangeError where a datagram holds no fragment at all.
 */
export function datagramsOf(
  items: readonly FlightItem[],
  epochs: readonly WriteEpoch[],
  datagramBytes: number,
): Uint8Array[] | undefined {
  const datagrams: Uint8Array[] = [];
  let records: Uint8Array[] = [];
  let left = datagramBytes;
  const close = () => {
    if (records.length > 0) datagrams.push(concat(...records));
    records = [];
    left = datagramBytes;
  };
  for (const { type, epoch, bytes } of items) {
    const writer = epochs[epoch];
    const smallest = type === HANDSHAKE ? MESSAGE_HEADER_BYTES + 1 : bytes.length;
    const least = writer.overhead + smallest;
    if (least > datagramBytes) throw new RangeError(`datagrams of ${datagramBytes} bytes`);
    for (let at = 0; at === 0 || at < bytes.length; ) {
      // What fits as it is goes into this datagram or the next; what never does is cut.
      const fits = writer.overhead + bytes.length <= datagramBytes;
      const wanted = fits ? writer.overhead + bytes.length : least;
      if (left < wanted) close();
      const room = left - writer.overhead;
      const piece = fits || type !== HANDSHAKE ? bytes : fragment(bytes, at, room);
      const record = writer.seal(type, piece);
      if (record === undefined) return undefined;
      records.push(record);
      left -= record.length;
      at = piece === bytes ? bytes.length : Math.max(at, MESSAGE_HEADER_BYTES) + bodyOf(piece);
    }
  }
  close();
  return datagrams;
}

function bodyOf(piece: Uint8Array): number {
  return piece.length - MESSAGE_HEADER_BYTES;
}

/** The fragment of a whole message from its byte `at` (0: from the first) that fits in `room`. */
function fragment(message: Uint8Array, at: number, room: number): Uint8Array {
  const start = Math.max(at, MESSAGE_HEADER_BYTES);
  const end = Math.min(message.length, start + room - MESSAGE_HEADER_BYTES);
  const header = messageHeader({
    type: message[0],
    sequence: readUint(message, 4, 2),
    length: message.length - MESSAGE_HEADER_BYTES,
    offset: start - MESSAGE_HEADER_BYTES,
    part: end - start,
  });
  return concat(header, message.subarray(start, end));
}
