/**
 * Group identifiers that tell how often a group's keys were renewed: prefix ‖ epoch
 * (draft-tiloca-core-multicast-oscoap-04 Appendix B, draft-ietf-core-oscore-groupcomm-02
 * Appendix C). The prefix is the group's for as long as it lives, the epoch starts at 0 and goes up
 * by one with every renewal, in 2 bytes as in the drafts' example.
 *
 * Only who makes Gids and who installs keys looks inside; to a message's reader they are names. Of
 * one group, the order of epochs is also that of the whole Gids as big-endian numbers.
 */
import { equalBytes } from "../bytes/equal.js";

const EPOCH_BYTES = 2;
export const EPOCH_MAX = 0xffff;

/** A Gid taken apart. */
export interface GidParts {
  /** At least one byte. */
  readonly prefix: Uint8Array;
  /** 0 to EPOCH_MAX. */
  readonly epoch: number;
}

/** Undefined for what is too short to have both parts. The prefix is a view. */
export function splitGid(gid: Uint8Array): GidParts | undefined {
  const at = gid.length - EPOCH_BYTES;
  if (at < 1) return undefined;
  return { prefix: gid.subarray(0, at), epoch: gid[at] * 256 + gid[at + 1] };
}

/**
 * Throws RangeError beyond EPOCH_MAX: a group that was renewed that often gets a new prefix, never
 * an old Gid once more.
 */
export function joinGid({ prefix, epoch }: GidParts): Uint8Array {
  if (prefix.length === 0) throw new RangeError("a Gid without a prefix");
  if (!(Number.isInteger(epoch) && epoch >= 0 && epoch <= EPOCH_MAX)) {
    throw new RangeError(`epoch ${epoch}`);
  }
  const gid = new Uint8Array(prefix.length + EPOCH_BYTES);
  gid.set(prefix);
  gid[prefix.length] = epoch >> 8;
  gid[prefix.length + 1] = epoch;
  return gid;
}

/**
 * Renewals between two Gids of one group: negative when `a` is the older, 0 when they are equal;
 * undefined when they do not belong to the same group.
 */
export function compareGids(a: Uint8Array, b: Uint8Array): number | undefined {
  const first = splitGid(a);
  const second = splitGid(b);
  if (first === undefined || second === undefined) return undefined;
  if (!equalBytes(first.prefix, second.prefix)) return undefined;
  return first.epoch - second.epoch;
}
