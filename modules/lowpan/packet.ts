/** One IPv6 + [MPL] + UDP header, read from a frame or about to become one. No bytes of its own. */
import { Address, UNSPECIFIED } from "./address.js";

/** IPv6 next header numbers. */
export const HOP_BY_HOP = 0;
export const UDP = 17;
/** `protocol` when a compressed next header (RFC 6282 §4) follows. */
export const COMPRESSED = -1;

/** `seedForm` (RFC 7731 §6.1, S): no seed id (it is the source address), 16 bits, 64 bits. */
export const SEED_SOURCE = 0;
export const SEED_16 = 1;
export const SEED_64 = 2;

export class Packet {
  trafficClass = 0;
  flowLabel = 0;
  hopLimit = 0;
  readonly source = new Address();
  readonly destination = new Address();

  /** Whether there is a hop-by-hop header with an MPL option, and what it says. */
  mpl = false;
  sequence = 0;
  seedForm = SEED_SOURCE;
  /** Who the seed is, as an interface identifier; of the source when `seedForm` is SEED_SOURCE. */
  seedHigh = 0;
  seedLow = 0;

  sourcePort = 0;
  destinationPort = 0;
  /** As in the UDP header. */
  checksum = 0;

  /** While reading: where the next header begins, and what it is. */
  next = 0;
  protocol = COMPRESSED;
  /** Length of what was read so far had it not been compressed: fragment offsets count in it. */
  headerBytes = 0;
  /** Length of the whole IPv6 packet when the headers say it, else -1. */
  statedBytes = -1;

  /** Takes the seed to be the source. False when there is none. */
  seedIsSource(): boolean {
    if (this.source.kind === UNSPECIFIED || this.source.isMulticast()) return false;
    this.seedForm = SEED_SOURCE;
    this.seedHigh = this.source.high;
    this.seedLow = this.source.low;
    return true;
  }
}
