/**
 * Keys that come to their end by age or by their budget of messages (draft-somaraju §3.6): the next
 * one is made before, while the old one still serves.
 *
 * Messages everybody counts for himself, so a member says that its count nears the end. It gets the
 * new key when it asks again: by then those who listen were pushed it, and a press under it is
 * understood.
 */
import type { SpentKey } from "../access/delivery.js";
import { equalBytes } from "../bytes/equal.js";
import type { Center } from "./center.js";
import type { Rows } from "./ledger.js";
import { groups, inGroup, keys, members, NONE, numberKey } from "./records.js";
import { isYoung, renew } from "./renewal.js";

/** Of a key's age that is left when the next one is made: enough for pushes and those asleep. */
const EIGHTH = 8;
const MARGIN_SECONDS_MAX = 3600;

/** Whether it is time for the next key of a group, by its age. */
export function isDue(rows: Rows, group: number, now: number): boolean {
  const { epoch, validitySeconds } = groups.need(rows, numberKey(group));
  if (epoch === 0 || validitySeconds === NONE) return false;
  const { madeAt } = keys.need(rows, inGroup(group, epoch));
  const margin = Math.min(MARGIN_SECONDS_MAX, Math.floor(validitySeconds / EIGHTH));
  return now - madeAt >= validitySeconds - margin;
}

/** Makes the next keys of groups whose newest one a member has nearly used up; whether of any. */
export function renewSpent(
  rows: Rows,
  center: Center,
  clientId: Uint8Array,
  {
    spent,
    asked,
    now,
  }: {
    readonly spent: readonly SpentKey[];
    /** Application groups that he may be in, and their security groups. */
    readonly asked: readonly { readonly appGroup: number | null; readonly group: number }[];
    readonly now: number;
  },
): boolean {
  let isAny = false;
  for (const { appGroup, keyId } of spent) {
    const group = asked.find((one) => one.appGroup === appGroup)?.group;
    if (group === undefined || members.get(rows, inGroup(group, clientId)) === undefined) continue;
    const { epoch, messages } = groups.need(rows, numberKey(group));
    if (epoch === 0 || messages === NONE) continue;
    const newest = keys.need(rows, inGroup(group, epoch));
    const isNewest = equalBytes(keyId, newest.keyId);
    if (!isNewest) continue; // check: spent-newest
    if (isYoung(rows, group, now)) continue; // check: spent-young
    renew(rows, center, group, { isBroken: false, now });
    isAny = true;
  }
  return isAny;
}
