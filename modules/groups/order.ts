import type { Arriving, Groups } from "./groups.js";

/**
 * Whether no newer command of this sender was applied (ARCHITECTURE.md decision 9), under this key
 * or under a newer key of the group: what was held back while the key was replaced must not undo
 * what came after it. Where a sender counts all his messages by one counter, the number tells;
 * otherwise the key: a sender who has begun to command under a newer one does not go back. An older
 * key says nothing: whose flash was written anew counts from 0 again, under a newer one.
 */
export function isNewest({ recipients }: Groups, arriving: Arriving): boolean {
  const { association, option, row } = arriving;
  const { kid, sequence } = option;
  if (!recipients.isNewest(row, sequence)) return false; // check: order
  const { profile, associations } = association.security;
  if (associations.length === 1) return true;
  if (profile.numbering === "key") return !hasMovedOn(recipients, arriving);
  for (let i = associations.indexOf(association) + 1; i < associations.length; i++) {
    const other = recipients.find(associations[i].index, kid);
    const overtaken = other >= 0 && !recipients.isNewest(other, sequence);
    if (overtaken) return false; // check: order-across-keys
  }
  return true;
}

/** Whether a command of the same sender was applied under a newer key. */
function hasMovedOn(recipients: Groups["recipients"], { association, row }: Arriving): boolean {
  const { associations } = association.security;
  for (let i = associations.indexOf(association) + 1; i < associations.length; i++) {
    const newer = recipients.beside(row, associations[i].index);
    const applied = newer >= 0 && recipients.hasApplied(newer);
    if (applied) return true; // check: order-moved-on
  }
  return false;
}
