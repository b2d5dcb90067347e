/**
 * The mesh side of a border router: a node of the mesh that takes out what is for others than the
 * mesh, and puts in what comes from there.
 *
 *     mesh -> outward: source on the mesh? checksum? hop limit? rate? -> onOutward
 *     inward: source outside? destination on the mesh? size? rate? -> frames, as MPL's seed
 *
 * Addresses and ports stay as they are, so the UDP checksum does, too: on the way out it is
 * verified, on the way in computed over the same bytes. A datagram for a group goes into the mesh
 * with the MPL option in its own hop-by-hop header, as this mesh has it (stack.ts), and with the
 * border as its seed: 16 bits, and all sources outside are one seed to the forwarders.
 *
 * Nothing goes round in circles, also with two borders on one link: what comes from the mesh has a
 * source on the mesh, what comes from outside has none (RFC 2827), and each way only that is let
 * through. Realm-local scope and below stays where it is (RFC 7346).
 *
 * It has no keys. Who takes it over sees what anybody in radio range sees, can drop everything, and
 * can hold a message back as long as its receivers' policy takes it for fresh; commands can be
 * neither read nor made, changed or repeated.
 */
import { toHex } from "../bytes/hex.js";
import type { Drop } from "../bytes/outcome.js";
import type { Endpoint } from "../ports/datagram.js";
import { FULL, MESH } from "./address.js";
import { checksumOf, fold, sumBytes, udpSum } from "./checksum.js";
import { plainHeaderBytes } from "./compress.js";
import { Gate, type GateLimits } from "./gate.js";
import type { Arrival } from "./intake.js";
import { LOWPAN_LIMITS } from "./limits.js";
import { Listeners } from "./listeners.js";
import { BROADCAST, MacHeader, SHORT } from "./mac.js";
import * as mld from "./mld.js";
import { Packet, SEED_16 } from "./packet.js";
import { type LowpanConfig, LowpanStack } from "./stack.js";

/** A datagram on its way through the border. */
export interface Passing {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly bytes: Uint8Array;
}

export interface BorderConfig extends Omit<LowpanConfig, "router" | "short"> {
  readonly short: number;
  /** `hopLimit` is what the datagram goes on with. */
  readonly onOutward: (passing: Passing & { readonly hopLimit: number }) => void;
  /** Somebody on the mesh listens to the group, or nobody does any more. */
  readonly onListeners: (group: Uint8Array, listened: boolean) => void;
  /** Default 125, at most 127. */
  readonly querySeconds?: number;
}

/** Groups with listeners. */
const GROUPS_MAX = 64;
/** The mesh's air is what is short: 32 commands a second are half of it. */
const INTO_GROUPS: GateLimits = { burst: 64, perSecond: 32 };
const INTO_GROUPS_EACH: GateLimits = { burst: 16, perSecond: 8 };
const INTO_DEVICES: GateLimits = { burst: 128, perSecond: 64 };
const INTO_DEVICES_EACH: GateLimits = { burst: 64, perSecond: 32 };
/** A hundred lamps answer at once. */
const OUT: GateLimits = { burst: 512, perSecond: 256 };
const OUT_EACH: GateLimits = { burst: 32, perSecond: 16 };

/**
 * The hop limit a datagram came with from outside is told to nobody without a raw socket. What
 * goes on is one less than what our devices send (platforms/native/udp6.c), or hosts by default.
 */
const GROUP_HOPS = 15;
const DEVICE_HOPS = 63;

export class BorderStack extends LowpanStack {
  readonly listeners: Listeners;
  readonly gates: Readonly<Record<"groups" | "devices" | "out", Gate>>;
  readonly #onOutward: BorderConfig["onOutward"];
  readonly #prefix: Uint8Array;
  readonly #prefixSum: number;
  readonly #short: number;
  readonly #packetBytes: number;
  readonly #packet = new Packet();
  readonly #own: MacHeader;
  /** Datagrams passed, each way. */
  outward = 0;
  inward = 0;

  constructor(config: BorderConfig) {
    super({ ...config, router: true });
    const { clock } = config;
    this.#onOutward = config.onOutward;
    this.#prefix = config.prefix;
    this.#prefixSum = sumBytes(config.prefix, 0, 8);
    this.#short = config.short;
    this.#packetBytes = config.limits?.packetBytes ?? LOWPAN_LIMITS.packetBytes;
    this.#own = new MacHeader();
    this.#own.pan = config.pan;
    this.#own.sourceHigh = SHORT;
    this.#own.sourceLow = config.short;
    this.#own.destinationHigh = SHORT;
    this.#own.destinationLow = BROADCAST;
    const { querySeconds = 125 } = config;
    this.listeners = new Listeners({
      clock,
      querySeconds,
      most: GROUPS_MAX,
      ask: (query) => {
        const body = mld.queryBody(query, querySeconds);
        this.push([mld.mldFrame(this.#own, mld.ALL_NODES, body)], false);
      },
      onChange: config.onListeners,
    });
    this.gates = {
      groups: new Gate(clock, INTO_GROUPS, INTO_GROUPS_EACH),
      devices: new Gate(clock, INTO_DEVICES, INTO_DEVICES_EACH),
      out: new Gate(clock, OUT, OUT_EACH),
    };
  }

  override wanted(packet: Packet): boolean {
    return packet.protocol === mld.ICMPV6 || super.wanted(packet);
  }

  /** For the intake. */
  other(packet: Packet, frame: Uint8Array): Drop | undefined {
    const read = mld.readMld(packet, frame);
    if (!read.ok) return read.drop;
    if (read.value[0] !== mld.REPORT) return "notForUs";
    const records = mld.readReport(read.value);
    if (records === undefined) return "malformed";
    this.listeners.take(records);
    return undefined;
  }

  /** For the intake: out of the mesh, onward in it, or both. */
  override take(arrival: Arrival): Drop | undefined {
    const { destination } = arrival.packet;
    if (!destination.isMulticast()) {
      return destination.kind === FULL ? this.passOut(arrival) : super.take(arrival);
    }
    if (!arrival.isNew || destination.scope() <= mld.REALM_SCOPE) return super.take(arrival);
    const reason = this.passOut(arrival);
    const passed = super.take(arrival);
    return reason ?? passed;
  }

  /** Out of the mesh. A reason when it stays. */
  private passOut(arrival: Arrival): Drop | undefined {
    const { packet, payload, byBroadcast } = arrival;
    const { source, destination, hopLimit, checksum } = packet;
    // What came in must not go out again, and nobody speaks for others outside.
    if (source.kind !== MESH) return "notForUs"; // check: border-source-mesh
    if (hopLimit <= 1) return "notForUs"; // check: border-hop-limit
    if (!destination.isMulticast()) {
      if (byBroadcast) return "notForUs"; // check: border-not-broadcast
      if (!isRoutable(destination.full)) return "notForUs"; // check: border-routable
    }
    if (checksum === 0) return "malformed"; // check: border-checksum-zero
    const sum = udpSum(packet, this.sumOf(packet), payload);
    if (fold(sum + checksum) !== 0xffff) return "malformed"; // check: border-checksum
    const from = { address: source.bytes(this.#prefix), port: packet.sourcePort };
    const to = { address: destination.bytes(this.#prefix), port: packet.destinationPort };
    if (!this.gates.out.take(toHex(from.address))) return "overflow"; // check: border-rate-out
    this.outward += 1;
    this.#onOutward({ from, to, bytes: payload.slice(), hopLimit: hopLimit - 1 });
    return undefined;
  }

  /** Into the mesh. The reason when it was not, counted by the caller. */
  enter({ from, to, bytes }: Passing): Drop | undefined {
    const packet = this.#packet;
    const { source, destination } = packet;
    source.setBytes(from.address, 0, this.#prefix);
    destination.setBytes(to.address, 0, this.#prefix);
    if (source.kind !== FULL) return "notForUs"; // check: border-ingress
    if (!isRoutable(source.full)) return "notForUs"; // check: border-source
    if (from.port === 0) return "notForUs"; // check: border-source-port
    const isGroup = destination.isMulticast();
    if (isGroup && !mld.mayCross(to.address)) return "notForUs"; // check: border-scope
    const isDevice = destination.kind === MESH && destination.low !== this.#short;
    if (!isGroup && !isDevice) return "notForUs"; // check: border-device
    packet.sourcePort = from.port;
    packet.destinationPort = to.port;
    packet.mpl = isGroup;
    packet.hopLimit = isGroup ? GROUP_HOPS : DEVICE_HOPS;
    if (isGroup) this.seed(packet);
    const whole = plainHeaderBytes(packet) + bytes.length;
    if (whole > this.#packetBytes) return "malformed"; // check: border-size
    const gate = isGroup ? this.gates.groups : this.gates.devices;
    if (!gate.take(toHex(from.address))) return "overflow"; // check: border-rate-in
    packet.checksum = checksumOf(udpSum(packet, this.sumOf(packet), bytes));
    const sent = isGroup ? this.sendToAll(packet, bytes) : this.sendTo(packet, bytes);
    if (!sent) return "overflow";
    this.inward += 1;
    return undefined;
  }

  /** The border, whoever wrote the datagram. */
  protected override seed(packet: Packet): void {
    packet.seedForm = SEED_16;
    packet.seedHigh = SHORT;
    packet.seedLow = this.#short;
  }

  private sumOf({ source, destination }: Packet): number {
    return source.sum(this.#prefixSum) + destination.sum(this.#prefixSum);
  }
}

/** Global or unique local unicast (RFC 4291 §2.4, RFC 4193): nothing that means one machine. */
function isRoutable(address: Uint8Array): boolean {
  return (address[0] & 0xe0) === 0x20 || (address[0] & 0xfe) === 0xfc;
}
