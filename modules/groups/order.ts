import type { Arriving, Groups } from "./groups.js";

/**
 * Whether no newer command of this sender was applied (ARCHITECTURE.md decision 9), under this key
 * or, where a sender counts all his messages by one counter, under another key of the group: what
 * was held back while the key was replaced must not undo what came after it.
 */
export function isNewest({ recipients }: Groups, arriving: Arriving): boolean {
  const { association, option, row } = arriving;
  const { kid, sequence } = option;
  if (!recipients.isNewest(row, sequence)) return false; // check: order
  const { profile, associations } = association.security;
  if (associations.length === 1 || profile.numbering === "key") return true;
  for (let i = 0; i < associations.length; i++) {
    const other = recipients.find(associations[i].index, kid);
    const overtaken = other >= 0 && !recipients.isNewest(other, sequence);
    if (overtaken) return false; // check: order-across-keys
  }
  return true;
}
