/**
 * What the stack may hold and for how long. Every table here is filled by what comes from the
 * air.
 */

export interface LowpanLimits {
  /** Datagrams being put together from fragments at once. */
  readonly reassemblies: number;
  /** And their sizes, headers included, added up. */
  readonly reassemblyBytes: number;
  /** A datagram whose fragments have not all come by then is given up. */
  readonly reassemblyMicros: number;
  /** Largest IPv6 packet, sent or put together: the least MTU of IPv6 (RFC 8200 §5). */
  readonly packetBytes: number;
  /** Frames waiting for the radio. */
  readonly queueFrames: number;
  /** MPL seeds remembered to tell duplicates. */
  readonly seeds: number;
  /** How long a seed is remembered after its last new message. */
  readonly seedMicros: number;
  /** MPL messages held for transmissions still to come. */
  readonly heldMessages: number;
  /** Multicast groups joined. */
  readonly groups: number;
}

/**
 * OpenThread remembers a seed for 5 s too; 32 seeds are all switches and sensors of a large room.
 */
export const LOWPAN_LIMITS: LowpanLimits = {
  // A signed command comes from several forwarders at once, each copy 150 bytes: with two places
  // one lamp in 300 misses it at 10 % loss over three hops, with six none (test/simulation/mpl).
  reassemblies: 6,
  reassemblyBytes: 2560,
  reassemblyMicros: 5_000_000,
  packetBytes: 1280,
  queueFrames: 24,
  seeds: 32,
  seedMicros: 5_000_000,
  heldMessages: 8,
  groups: 16,
};

/** macMaxFrameRetries (IEEE 802.15.4-2006 §7.4.2): after the first attempt. */
export const FRAME_RETRIES = 3;
/** OpenThread's kDataMessageInterval, RFC 7731's DATA_MESSAGE_IMIN = IMAX. */
export const MPL_INTERVAL_MICROS = 64_000;
