/**
 * From a frame to a packet with its payload: filter, headers, copies, fragments. Decides nothing
 * else.
 */
import type { Drop } from "../bytes/outcome.js";
import type { Clock } from "../ports/clock.js";
import type { Trace } from "../ports/trace.js";
import { DISPATCH_FRAG1, DISPATCH_FRAGN, FRAG1_BYTES, FRAGN_BYTES } from "./build.js";
import { DISPATCH_IPV6, type Reading, readIphc, readIpv6 } from "./iphc.js";
import type { LowpanLimits } from "./limits.js";
import { BROADCAST, MacHeader, readMac, SHORT, word } from "./mac.js";
import { readHopByHop, readUdp } from "./next-header.js";
import { Packet } from "./packet.js";
import { Reassembler, type Reassembly } from "./reassembly.js";
import { NEW, SEEN, SeedSet } from "./seeds.js";

/** A whole packet. Valid during the call that hands it over, but for the payload. */
export interface Arrival {
  readonly packet: Packet;
  readonly payload: Uint8Array;
  readonly atMicros: number;
  /** The frame's link destination was everybody. */
  readonly byBroadcast: boolean;
  /** Known to come for the first time: an MPL message that may be passed on. */
  readonly isNew: boolean;
}

/** Who decides about packets: the stack. */
export interface IntakeOwner {
  /** Whether a packet is for us, or ours to pass on. */
  wanted(packet: Packet): boolean;
  take(arrival: Arrival): Drop | undefined;
  /** A packet in one frame that is not UDP; its message begins at `packet.next`. */
  other?(packet: Packet, frame: Uint8Array, byBroadcast: boolean): Drop | undefined;
}

interface IntakeConfig {
  readonly clock: Clock;
  readonly trace: Trace;
  readonly prefix: Uint8Array;
  readonly limits: LowpanLimits;
  /** PAN and source of what we send, and the EUI-64 the radio answers to as well. */
  readonly link: { readonly own: MacHeader; readonly eui64: Uint8Array };
  readonly owner: IntakeOwner;
}

/**
 * Unicast frames remembered to tell a repetition after a lost ACK, and for how long: all its
 * retries.
 */
const RECENT_FRAMES = 4;
const RECENT_MICROS = 200_000;

export class Intake {
  readonly #clock: Clock;
  readonly #trace: Trace;
  readonly #owner: IntakeOwner;
  /** PAN and source are ours. */
  readonly #own: MacHeader;
  readonly #euiHigh: number;
  readonly #euiLow: number;
  readonly #mac = new MacHeader();
  readonly #packet = new Packet();
  readonly #reading: Reading;
  readonly #head: { readonly mac: MacHeader; size: number; tag: number };
  readonly #seeds: SeedSet;
  readonly #reassembler: Reassembler;
  /** Source high, source low, sequence, time: one after the other. */
  readonly #recent = new Float64Array(4 * RECENT_FRAMES);
  #recentAt = 0;
  /** Copies dropped in silence. */
  copies = 0;

  constructor(config: IntakeConfig) {
    const { clock, trace, limits, prefix, link } = config;
    this.#clock = clock;
    this.#trace = trace;
    this.#owner = config.owner;
    this.#own = link.own;
    this.#euiHigh = word(link.eui64, 0);
    this.#euiLow = word(link.eui64, 4);
    this.#reading = { bytes: prefix, end: 0, mac: this.#mac, prefix };
    this.#head = { mac: this.#mac, size: 0, tag: 0 };
    this.#seeds = new SeedSet(limits.seeds, limits.seedMicros);
    this.#reassembler = new Reassembler({ clock, trace, limits });
  }

  /** One frame from the radio, without FCS. Counts what is dropped. */
  receive(frame: Uint8Array, atMicros: number): void {
    const reason = this.read(frame, atMicros);
    if (reason !== undefined) this.#trace.count(reason);
  }

  /** An own MPL message goes out: its copies are not news. */
  own(packet: Packet): void {
    const { seedHigh, seedLow, sequence } = packet;
    this.#seeds.admit(seedHigh, seedLow, sequence, this.#clock.micros());
  }

  private read(frame: Uint8Array, atMicros: number): Drop | undefined {
    const mac = this.#mac;
    const reason = readMac(frame, mac) ?? this.filter(mac);
    if (reason !== undefined) return reason;
    const at = mac.payloadAt;
    if (at >= frame.length) return "malformed"; // check: payload-missing
    if (mac.wantsAck && this.isRepeated(mac, atMicros)) return this.copy();
    const dispatch = frame[at] & 0xf8;
    if (dispatch === DISPATCH_FRAG1) return this.firstFragment(frame, atMicros);
    if (dispatch === DISPATCH_FRAGN) return this.laterFragment(frame, atMicros);
    const packet = this.#packet;
    const wrong = this.readIp(frame, at);
    if (wrong !== undefined) return wrong;
    const admitted = this.admit(packet, atMicros);
    if (admitted === SEEN) return this.copy(); // check: mpl-seen
    // Before anything is copied: most of what is on the air is for other groups.
    if (!this.#owner.wanted(packet)) return "notForUs"; // check: packet-wanted
    const bad = readUdp(this.#reading, -1, packet);
    if (bad !== undefined) return this.other(frame, bad);
    return this.handOver(frame.slice(packet.next), admitted === NEW, atMicros);
  }

  /** What radio hardware filters; a radio that listens to all relies on us. */
  private filter(mac: MacHeader): Drop | undefined {
    const own = this.#own;
    if (mac.pan !== own.pan && mac.pan !== BROADCAST) return "notForUs"; // check: link-pan
    const { destinationHigh: high, destinationLow: low } = mac;
    if (high === SHORT && low === BROADCAST) return undefined;
    if (high === own.sourceHigh && low === own.sourceLow) return undefined;
    if (high === this.#euiHigh && low === this.#euiLow) return undefined;
    return "notForUs"; // check: link-destination
  }

  private readIp(frame: Uint8Array, at: number): Drop | undefined {
    const reading = this.#reading;
    reading.bytes = frame;
    reading.end = frame.length;
    const dispatch = frame[at];
    let reason: Drop | undefined = "unsupported";
    if ((dispatch & 0xe0) === 0x60) reason = readIphc(reading, at, this.#packet);
    else if (dispatch === DISPATCH_IPV6) reason = readIpv6(reading, at + 1, this.#packet);
    return reason ?? readHopByHop(reading, this.#packet);
  }

  /**
   * For a packet without MPL nobody can tell; it is delivered, and not passed on as a group
   * message.
   */
  private admit(packet: Packet, atMicros: number): number {
    if (!packet.mpl) return NEW;
    return this.#seeds.admit(packet.seedHigh, packet.seedLow, packet.sequence, atMicros);
  }

  private copy(): undefined {
    this.copies += 1;
    return undefined;
  }

  private handOver(payload: Uint8Array, isNew: boolean, atMicros: number): Drop | undefined {
    const byBroadcast = this.isBroadcast();
    return this.#owner.take({ packet: this.#packet, payload, isNew, byBroadcast, atMicros });
  }

  /** What is not UDP is for some owners not the end of it. */
  private other(frame: Uint8Array, reason: Drop): Drop | undefined {
    const owner = this.#owner;
    if (reason !== "unsupported" || owner.other === undefined) return reason;
    return owner.other(this.#packet, frame, this.isBroadcast());
  }

  private isBroadcast(): boolean {
    const { destinationHigh, destinationLow } = this.#mac;
    return destinationHigh === SHORT && destinationLow === BROADCAST;
  }

  private readFragmentHead(frame: Uint8Array): void {
    const at = this.#mac.payloadAt;
    this.#head.size = ((frame[at] & 7) << 8) | frame[at + 1];
    this.#head.tag = (frame[at + 2] << 8) | frame[at + 3];
  }

  private firstFragment(frame: Uint8Array, atMicros: number): Drop | undefined {
    const at = this.#mac.payloadAt + FRAG1_BYTES;
    if (at >= frame.length) return "malformed"; // check: fragment-first-truncated
    this.readFragmentHead(frame);
    const head = this.#head;
    const packet = this.#packet;
    const wrong = this.readIp(frame, at);
    if (wrong !== undefined) return this.declined(wrong);
    const { mpl, seedHigh, seedLow, sequence } = packet;
    if (mpl && this.#seeds.has(seedHigh, seedLow, sequence, atMicros)) {
      this.#reassembler.decline(head);
      return this.copy();
    }
    const bad = readUdp(this.#reading, head.size, packet);
    if (bad !== undefined) return this.declined(bad);
    if (!this.#owner.wanted(packet)) {
      this.admit(packet, atMicros);
      return this.declined("notForUs"); // check: fragment-wanted
    }
    const { next: payloadAt, headerBytes } = packet;
    const message = mpl ? { seedHigh, seedLow, sequence } : undefined;
    const refused = this.#reassembler.open(head, { frame, payloadAt, headerBytes, message });
    return refused === undefined ? undefined : this.declined(refused);
  }

  private declined(reason: Drop): Drop {
    this.#reassembler.decline(this.#head);
    return reason;
  }

  private laterFragment(frame: Uint8Array, atMicros: number): Drop | undefined {
    const at = this.#mac.payloadAt;
    const payloadAt = at + FRAGN_BYTES;
    if (payloadAt > frame.length) return "malformed"; // check: fragment-later-truncated
    this.readFragmentHead(frame);
    const offset = frame[at + FRAG1_BYTES];
    const result = this.#reassembler.add(this.#head, { frame, payloadAt, offset });
    if (result === undefined || typeof result === "string") return result;
    return this.complete(result, atMicros);
  }

  /** The headers are in the first fragment: read once more, now that the rest is here. */
  private complete(whole: Reassembly, atMicros: number): Drop | undefined {
    const { first, size, payload } = whole;
    const packet = this.#packet;
    const reason =
      readMac(first, this.#mac) ??
      this.readIp(first, this.#mac.payloadAt + FRAG1_BYTES) ??
      readUdp(this.#reading, size, packet);
    if (reason !== undefined) return reason;
    const admitted = this.admit(packet, atMicros);
    if (admitted === SEEN) return this.copy(); // check: mpl-seen-whole
    if (packet.mpl) this.#reassembler.endCopies(packet);
    return this.handOver(payload, admitted === NEW, atMicros);
  }

  /** Whether this unicast frame came a moment ago, from the same sender under the same number. */
  private isRepeated(mac: MacHeader, atMicros: number): boolean {
    const recent = this.#recent;
    for (let i = 0; i < recent.length; i += 4) {
      if (
        recent[i + 1] === mac.sourceLow &&
        recent[i] === mac.sourceHigh &&
        recent[i + 2] === mac.sequence &&
        recent[i + 3] > atMicros
      ) {
        return true;
      }
    }
    const at = this.#recentAt;
    recent[at] = mac.sourceHigh;
    recent[at + 1] = mac.sourceLow;
    recent[at + 2] = mac.sequence;
    recent[at + 3] = atMicros + RECENT_MICROS;
    this.#recentAt = (at + 4) % recent.length;
    return false;
  }
}
