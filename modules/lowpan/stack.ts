/**
 * UDP datagrams over an 802.15.4 radio: 6LoWPAN with MPL, for platforms without a stack of their
 * own (headless, QEMU). Boards with OpenThread use OpenThread, whose frames have the same
 * layout and size but are secured at the link (below).
 *
 * Problem: a press has to reach every luminaire of a group over several hops within 200 ms, in
 * frames of 127 bytes, and one hop has to be one frame on air. Rejected: a full IPv6 stack
 * (neighbour discovery, ICMPv6, routing protocol: none of it is on the path of a press); IP-in-IP
 * for groups wider than the realm, as RFC 7731 §5 has it (it costs 18 bytes: 64 instead of 82 for
 * the datagram). Choice: compressed headers, the MPL option in the datagram's own hop-by-hop
 * header whatever the group's scope from realm-local up, and a static table of next hops for
 * unicast.
 *
 *     radio.onFrame -> mac -> iphc -> hop-by-hop: seen before? -> UDP, checksum -> onDatagram
 *                               + fragments wait in reassembly      + forward (relay, next hop)
 *     send -> packet -> compress, fragment (build) -> transmit -> radio
 *
 * Addresses: the mesh prefix, which is also context 0, and 0000:00ff:fe00:XXXX for the short
 * address XXXX (RFC 6282 §3.2.2); a node without one uses its EUI-64 (U/L bit inverted). All
 * groups go out as link broadcast 0xffff, as in Thread. Unicast goes to the next hop of the
 * table, where the destination is not in it straight to the destination, and where that is not on
 * the mesh to the border if there is one (border.ts); an unacknowledged frame is repeated up to
 * three times.
 *
 * **Link-layer security is counted, not done.** Thread protects every frame with AES-CCM* under a
 * network key: an auxiliary header of 6 bytes and a MIC of 4. The crypto port has no 4-byte tag,
 * and a frame that claims a MIC it does not have could not be told from a damaged one. So the ten
 * bytes are left free in every frame and counted in the airtime by the radio channel: sizes and
 * times are those of secured frames, but whoever is in radio range can read headers, inject
 * frames, use up tables, and suppress a message by sending its (seed, sequence) first. None of
 * this can light a lamp or read a command: the application's own protection is end to end and
 * does not know the link. Losing messages to a jammer or a suppressor is what repeats with fresh
 * numbers are for (ARCHITECTURE.md decision 10).
 *
 * Everything from the air ends in a datagram, in silence (a copy, the other fragments of
 * something counted), or in one count of a Drop reason. A frame for others or a copy of an MPL
 * message allocates nothing.
 */
import type { Drop } from "../bytes/outcome.js";
import type { Clock } from "../ports/clock.js";
import type { Datagram, DatagramPort, Endpoint } from "../ports/datagram.js";
import type { Radio } from "../ports/radio.js";
import type { Random } from "../ports/random.js";
import type { Trace } from "../ports/trace.js";
import { Address, FULL, invertUniversal, MESH, UNSPECIFIED } from "./address.js";
import { FrameBuilder } from "./build.js";
import { checksumOf, fold, sumBytes, udpSum } from "./checksum.js";
import { plainHeaderBytes } from "./compress.js";
import { Groups } from "./groups.js";
import { type Arrival, Intake, type IntakeOwner } from "./intake.js";
import { LOWPAN_LIMITS, type LowpanLimits } from "./limits.js";
import { BROADCAST, MacHeader, NO_SHORT, SHORT, word } from "./mac.js";
import { Packet } from "./packet.js";
import { Relay } from "./relay.js";
import { Routes } from "./routes.js";
import { TransmitQueue } from "./transmit.js";

export interface LowpanConfig {
  readonly radio: Radio;
  readonly clock: Clock;
  readonly random: Random;
  readonly trace: Trace;
  readonly pan: number;
  /** 16-bit short address, 0 to 0xfffd; without one the EUI-64 is used. */
  readonly short?: number;
  /** First 8 bytes of the mesh's addresses: context 0. */
  readonly prefix: Uint8Array;
  /** Passes on others' datagrams, unicast and MPL. Default false. */
  readonly router?: boolean;
  /**
   * Destination short address -> next hop's. What is not listed is a direct neighbour. 0xffff ->
   * the border's short address, when there is one: what is not on the mesh goes there.
   */
  readonly routes?: ReadonlyMap<number, number>;
  /** 1 to 255; default 64, which compresses to nothing in unicast. */
  readonly hopLimit?: number;
  readonly limits?: Partial<LowpanLimits>;
}

/** What happened below the datagrams, since the start. */
export interface LowpanStatistics {
  /** Frames handed to the radio, repetitions included. */
  readonly frames: number;
  readonly retries: number;
  /** Datagrams given up because a frame was never acknowledged or the channel stayed busy. */
  readonly undelivered: number;
  /** Datagrams passed on for others: unicast and MPL. */
  readonly forwarded: number;
  /** Datagrams to pass on for which a queue had no room. */
  readonly notForwarded: number;
  /** Copies of MPL messages, and unicast frames repeated because our ACK was lost. */
  readonly copies: number;
}

/** Link-local scope and below never leave the link (RFC 4291 §2.7). */
const LINK_SCOPE = 2;
const INTERFACE_SCOPE = 1;

export class LowpanStack implements DatagramPort, IntakeOwner {
  /** Mesh prefix and interface identifier. */
  readonly address: Uint8Array;
  onDatagram: ((datagram: Datagram) => void) | undefined = undefined;

  readonly #limits: LowpanLimits;
  readonly #prefix: Uint8Array;
  readonly #prefixSum: number;
  readonly #router: boolean;
  readonly #hopLimit: number;
  protected readonly own = new Address();
  readonly #ownSum: number;
  readonly #groups: Groups;
  readonly #routes: Routes;
  readonly #intake: Intake;
  readonly #builder: FrameBuilder;
  readonly #queue: TransmitQueue;
  readonly #relay: Relay;
  /** Scratch of `send`. */
  readonly #packet = new Packet();
  /** Header of outgoing frames; the source is always ours. */
  readonly #mac = new MacHeader();
  #sequence: number;
  #forwarded = 0;
  #notForwarded = 0;

  constructor(config: LowpanConfig) {
    const { radio, clock, random, prefix, pan } = config;
    const { limits } = config;
    this.#limits = limits === undefined ? LOWPAN_LIMITS : { ...LOWPAN_LIMITS, ...limits };
    this.#prefix = prefix;
    this.#prefixSum = sumBytes(prefix, 0, 8);
    this.#router = config.router ?? false;
    this.#hopLimit = config.hopLimit ?? 64;
    this.#routes = new Routes(config.routes ?? new Map());
    this.#groups = new Groups(this.#limits.groups, prefix);
    const { short } = config;
    const mac = this.#mac;
    mac.pan = pan;
    mac.sourceHigh = short === undefined ? word(radio.eui64, 0) : SHORT;
    mac.sourceLow = short ?? word(radio.eui64, 4);
    this.own.setLink(MESH, mac.sourceHigh, mac.sourceLow);
    this.#ownSum = this.own.sum(this.#prefixSum);
    this.address = this.own.bytes(prefix);
    // Numbers of different starts should not meet: where they begin is chance.
    const begin = new Uint8Array(4);
    random.fill(begin);
    this.#sequence = begin[0];
    this.#builder = new FrameBuilder(prefix, begin[1] * 256 + begin[2]);
    const most = this.#limits.queueFrames;
    this.#queue = new TransmitQueue({ radio, most, firstSequence: begin[3] });
    const { heldMessages } = this.#limits;
    this.#relay = new Relay({ clock, random, most: heldMessages, queue: this.#queue });
    const { trace } = config;
    const link = { own: mac, eui64: radio.eui64 };
    this.#intake = new Intake({ clock, trace, prefix, limits: this.#limits, link, owner: this });
    radio.onFrame = (frame, atMicros) => this.#intake.receive(frame, atMicros);
    radio.setAddress({ pan, short: short ?? NO_SHORT });
  }

  get statistics(): LowpanStatistics {
    const { frames, retries, undelivered } = this.#queue;
    return {
      frames,
      retries,
      undelivered,
      forwarded: this.#forwarded,
      notForwarded: this.#notForwarded + this.#relay.lost,
      copies: this.#intake.copies,
    };
  }

  join(group: Uint8Array): boolean {
    return this.#groups.join(group);
  }

  leave(group: Uint8Array): void {
    this.#groups.leave(group);
  }

  send(datagram: { to: Endpoint; fromPort: number; bytes: Uint8Array }): boolean {
    const { to, bytes } = datagram;
    if (to.address.length !== 16) return false;
    const packet = this.#packet;
    const { destination } = packet;
    packet.source.copy(this.own);
    destination.setBytes(to.address, 0, this.#prefix);
    if (destination.kind === UNSPECIFIED || destination.equals(this.own)) return false;
    const multicast = destination.isMulticast();
    if (multicast && destination.scope() <= INTERFACE_SCOPE) return false;
    packet.hopLimit = this.#hopLimit;
    packet.sourcePort = datagram.fromPort;
    packet.destinationPort = to.port;
    const sum = this.#ownSum + destination.sum(this.#prefixSum);
    packet.checksum = checksumOf(udpSum(packet, sum, bytes));
    packet.mpl = multicast && destination.scope() > LINK_SCOPE;
    if (plainHeaderBytes(packet) + bytes.length > this.#limits.packetBytes) return false;
    if (!multicast) return this.sendTo(packet, bytes);
    return this.sendToAll(packet, bytes);
  }

  protected sendTo(packet: Packet, bytes: Uint8Array): boolean {
    if (!this.setNextHop(packet.destination)) return false;
    const frames = this.#builder.frames(packet, bytes, this.#mac);
    return this.#queue.push({ frames, wantsAck: true });
  }

  protected sendToAll(packet: Packet, bytes: Uint8Array): boolean {
    if (packet.mpl) {
      this.#sequence = (this.#sequence + 1) & 255;
      packet.sequence = this.#sequence;
      this.seed(packet);
    }
    this.setBroadcast();
    const frames = this.#builder.frames(packet, bytes, this.#mac);
    if (!this.#queue.push({ frames, wantsAck: false })) return false;
    if (packet.mpl) {
      // Forwarders send it back to us: it counts as seen.
      this.#intake.own(packet);
      this.#relay.seed(frames);
    }
    return true;
  }

  /** Frames of a datagram made elsewhere; false when there is no room. */
  protected push(frames: readonly Uint8Array[], wantsAck: boolean): boolean {
    return this.#queue.push({ frames, wantsAck });
  }

  /** Who it is that brings an MPL message into the mesh. */
  protected seed(packet: Packet): void {
    packet.seedIsSource();
  }

  private setBroadcast(): void {
    this.#mac.wantsAck = false;
    this.#mac.destinationHigh = SHORT;
    this.#mac.destinationLow = BROADCAST;
  }

  /** False when the address belongs to no node of this mesh, and there is no way out of it. */
  protected setNextHop(destination: Address): boolean {
    const leaves = destination.kind === FULL;
    if (destination.kind !== MESH && !leaves) return false;
    const mac = this.#mac;
    mac.wantsAck = true;
    if (leaves || destination.high === SHORT) {
      const to = leaves ? this.#routes.next(BROADCAST) : destination.low;
      mac.destinationHigh = SHORT;
      mac.destinationLow = this.#routes.next(to);
      return mac.destinationLow !== BROADCAST;
    }
    // Only direct neighbours are reached by their EUI-64: the table is by short address.
    mac.destinationHigh = invertUniversal(destination.high);
    mac.destinationLow = destination.low;
    return true;
  }

  /** For the intake: whether a packet is for us, or ours to pass on. */
  wanted(packet: Packet): boolean {
    const { destination } = packet;
    if (!destination.isMulticast()) return this.#router || destination.equals(this.own);
    return this.#groups.find(destination) >= 0 || (this.#router && packet.mpl);
  }

  /** For the intake: a whole packet. A reason when it is dropped. */
  take(arrival: Arrival): Drop | undefined {
    const { packet } = arrival;
    const { source, destination } = packet;
    // Our own message come back, or somebody in our name: either way not for us.
    if (source.equals(this.own)) return "notForUs"; // check: own-source
    if (!destination.isMulticast()) {
      if (destination.equals(this.own)) return this.deliver(arrival, -1);
      return this.forward(arrival);
    }
    const group = this.#groups.find(destination);
    const passOn = packet.mpl && arrival.isNew && this.#router;
    if (group < 0) return passOn ? this.passOn(arrival) : "notForUs";
    // The lamp first: forwarding waits a random time anyway.
    const reason = this.deliver(arrival, group);
    return passOn && reason === undefined ? this.passOn(arrival) : reason;
  }

  private deliver(arrival: Arrival, group: number): Drop | undefined {
    const { packet, payload } = arrival;
    const { source, checksum } = packet;
    if (source.kind === UNSPECIFIED) return "malformed"; // check: source-unspecified
    // RFC 8200 §8.1: over IPv6 a checksum of zero is no checksum, and that is not allowed.
    if (checksum === 0) return "malformed"; // check: udp-checksum-zero
    const groupSum = group < 0 ? this.#ownSum : this.#groups.sum(group);
    const addresses = source.sum(this.#prefixSum) + groupSum;
    const sum = udpSum(packet, addresses, payload);
    if (fold(sum + checksum) !== 0xffff) return "malformed"; // check: udp-checksum
    const to = group < 0 ? this.address : this.#groups.bytes(group);
    this.onDatagram?.({
      from: { address: source.bytes(this.#prefix), port: packet.sourcePort },
      to: { address: to, port: packet.destinationPort },
      // A router passes the same bytes on afterwards: what the owner does with his is his own
      // matter.
      bytes: this.#router ? payload.slice() : payload,
      atMicros: arrival.atMicros,
    });
    return undefined;
  }

  /** Unicast for somebody else; only routers want such a packet. */
  private forward(arrival: Arrival): Drop | undefined {
    const { packet, payload, byBroadcast } = arrival;
    // One broadcast frame must not set every router sending.
    if (byBroadcast) return "notForUs"; // check: forward-not-broadcast
    if (packet.hopLimit <= 1) return "notForUs"; // check: forward-hop-limit
    if (!this.setNextHop(packet.destination)) return "notForUs"; // check: forward-on-mesh
    packet.hopLimit -= 1;
    const frames = this.#builder.frames(packet, payload, this.#mac);
    if (this.#queue.push({ frames, wantsAck: true })) this.#forwarded += 1;
    else this.#notForwarded += 1;
    return undefined;
  }

  /** An MPL message, once. */
  private passOn(arrival: Arrival): Drop | undefined {
    const { packet, payload } = arrival;
    if (packet.hopLimit <= 1) return undefined; // check: mpl-hop-limit
    if (packet.destination.scope() <= LINK_SCOPE) return undefined; // check: mpl-scope
    packet.hopLimit -= 1;
    this.setBroadcast();
    const frames = this.#builder.frames(packet, payload, this.#mac);
    if (this.#relay.forward(frames)) this.#forwarded += 1;
    else this.#notForwarded += 1;
    return undefined;
  }
}
