/**
 * Numbers of senders, handed over with a group's key by whoever heard them all along: the third way
 * of joining late in draft-tiloca-core-multicast-oscoap-00 §7.2 ("the GC can provide them with the
 * list of sequence number values to be stored in the Recipient Contexts"). As good a reference as
 * the controller is trusted, and no first message is lost.
 */
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import type { Association } from "./directory.js";
import type { Groups } from "./groups.js";
import type { Schemes } from "./schemes.js";

export interface Numbered {
  readonly id: Uint8Array;
  /** The highest that was heard of this sender. */
  readonly sequence: number;
}

/**
 * Whatever is not above these numbers counts as seen, durably, and their senders as synchronised.
 * `tableFull`, or `storeFailed`; what came before in the list stays.
 */
export function handOver(
  { recipients }: Groups,
  schemes: Pick<Schemes, "fileOf" | "filedAs" | "synchronisation">,
  association: Association,
  numbers: Iterable<Numbered>,
): Outcome<true> {
  for (const { id, sequence } of numbers) {
    const bytes = schemes.fileOf(id);
    const { length } = bytes;
    let row = recipients.find(association.index, schemes.filedAs.read(bytes, 0, length));
    if (row < 0) {
      if (!recipients.hasRoom()) return drop("tableFull");
      row = recipients.admit(association.index, { bytes, start: 0, length, sequence });
      if (row < 0) return drop("storeFailed");
    } else if (sequence > recipients.highest(row)) {
      if (!recipients.mark(row, sequence)) return drop("storeFailed"); // check: handover-durable
    }
    recipients.close(row, sequence); // check: handover-closed
    schemes.synchronisation?.handedOver(association, row);
  }
  return ok(true);
}

/** The highest number of a member under this key, as a controller has it. */
export function heardOf(
  { recipients }: Groups,
  schemes: Schemes,
  association: Association,
  id: Uint8Array,
): number | undefined {
  const bytes = schemes.fileOf(id);
  const row = recipients.find(association.index, schemes.filedAs.read(bytes, 0, bytes.length));
  return row < 0 ? undefined : recipients.highest(row);
}
