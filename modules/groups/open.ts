import { drop, type Outcome } from "../bytes/outcome.js";
import type { Inner, RequestBinding } from "../profiles/profile.js";
import type { Arriving, Groups } from "./groups.js";
import type { Lifetime } from "./lifetime.js";

/** Rows of the replay table that answers never take. */
export const COMMANDERS = 16;

/**
 * Check, open, mark (ARCHITECTURE.md decision 4): the window is only read before the AEAD, and
 * moved, on flash first, only after it. A forgery with a huge number changes nothing.
 *
 * `request` is set when the message answers one of ours.
 */
export function open(
  groups: Groups,
  arriving: Arriving,
  request: RequestBinding | undefined,
): Outcome<Inner> {
  const { association, option, row } = arriving;
  const { recipients } = groups;
  const { lifetime } = association;
  if (lifetime !== undefined && isOver(lifetime, groups.uptime.seconds())) return drop("expired");
  if (row < 0) {
    // Who only answers leaves room for those who command.
    const reserve = request === undefined ? 0 : COMMANDERS;
    if (!recipients.hasRoom(reserve)) return drop("tableFull"); // check: recipients-room
  } else if (!recipients.isFresh(row, option.sequence)) {
    return drop("replayed"); // check: window-fresh
  }
  const opened = association.security.profile.open(association, arriving, {
    appGroup: arriving.appGroup,
    request,
    work: groups.work,
  });
  if (!opened.ok) return opened;
  // Our own multicast, reflected: every number of ours was used, by us.
  if (option.kid.is(groups.ownId)) return drop("replayed"); // check: own-message
  if (!mark(groups, arriving)) return drop("storeFailed"); // check: mark-durable
  if (lifetime === undefined) return opened;
  const spent = lifetime.spend();
  return spent.ok ? opened : spent;
}

export function isOver(lifetime: Lifetime, now: number): boolean {
  return lifetime.isRetired(now) || !lifetime.isValid(now);
}

/**
 * Moves the sender's window past this message; flash holds a bound that covers it when this is
 * true.
 */
function mark(groups: Groups, arriving: Arriving): boolean {
  const { association, option } = arriving;
  const { recipients } = groups;
  if (arriving.row >= 0) return recipients.mark(arriving.row, option.sequence);
  const { bytes } = arriving.outer;
  arriving.row = recipients.admit(association.index, {
    bytes,
    start: option.kidStart,
    length: option.kidLength,
    sequence: option.sequence,
  });
  return arriving.row >= 0;
}
