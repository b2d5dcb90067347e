/**
 * When AT-Rs of a client are of, and what those of before no longer say.
 *
 * Receivers go by the time a token was issued: in each application group the newest counts. So
 * whatever is issued after a change of what a client may do has a later time than all before it,
 * also within one second, and where he may do less, receivers are told up to when nothing counts.
 * Only changes count on: who asks a hundred times is given one time, or receivers, which take it
 * for the time of day, would be led astray.
 */

import type { Revoked } from "../access/delivery.js";
import { RECEIVER, type Scope, type ScopeEntry, SENDER } from "../access/scope.js";
import { fromHex, toHex } from "../bytes/hex.js";
import { readUint, uintBytes } from "../bytes/uint.js";
import type { Rows } from "./ledger.js";
import {
  applications,
  clientIn,
  groups,
  inGroup,
  latestOf,
  membersOf,
  numberKey,
  numberOf,
  pushes,
} from "./records.js";

/** So far may AT-Rs of one client be ahead of the clock. */
export const AHEAD_SECONDS = 60;

/** When an AT-R of his is issued. */
export function issueTime(rows: Rows, clientId: Uint8Array, now: number): number {
  const soonest = latestOf(rows, fromCounter(clientId), 0);
  const time = Math.max(latestOf(rows, "clock", now), soonest);
  return latestOf(rows, issuedCounter(clientId), time);
}

/** Of the newest AT-R of his; 0 where there was none. */
export function lastIssued(rows: Rows, clientId: Uint8Array): number {
  return latestOf(rows, issuedCounter(clientId), 0);
}

/** Another KDC issued some of his until then: ours are newer. */
export function issueAfter(rows: Rows, clientId: Uint8Array, issuedAt: number): void {
  latestOf(rows, issuedCounter(clientId), issuedAt);
  noteChange(rows, clientId);
}

/** Whether he made his tokens change so often that they are far ahead of the clock. */
export function isAhead(rows: Rows, clientId: Uint8Array, now: number): boolean {
  return latestOf(rows, fromCounter(clientId), 0) > now + AHEAD_SECONDS;
}

/** What he may do is something else: what is issued from here on is newer than all before it. */
export function noteChange(rows: Rows, clientId: Uint8Array): void {
  const last = lastIssued(rows, clientId);
  if (last > 0) latestOf(rows, fromCounter(clientId), last + 1); // check: at-r-rises
}

/** What he was given for these entries counts no more; those who listen are told. */
export function takeBack(
  rows: Rows,
  { group, clientId }: { group: number; clientId: Uint8Array },
  entries: Scope,
): void {
  const upTo = lastIssued(rows, clientId);
  const shown = entries.filter(({ roles }) => (roles & SENDER) !== 0);
  // Who never had a token has shown none.
  if (upTo === 0 || shown.length === 0) return;
  noteChange(rows, clientId);
  for (const { appGroup } of shown) {
    if (appGroup === null) continue;
    rows.put("narrowed", inGroup(appGroup, clientId), uintBytes(upTo));
  }
  const { epoch } = groups.need(rows, numberKey(group));
  if (epoch === 0) return;
  for (const { clientId: listener, member } of membersOf(rows, group)) {
    if ((member.roles & RECEIVER) === 0) continue;
    // Anew: what is on its way does not say it yet.
    pushes.put(rows, inGroup(group, listener), { epoch, attempts: 0 }); // check: narrowed-told
  }
}

/** Whose older tokens count for nothing in application groups of these security groups. */
export function narrowedIn(rows: Rows, securityGroups: readonly number[]): Revoked[] {
  return applications.keys(rows).flatMap((key) => {
    if (!securityGroups.includes(applications.need(rows, key).group)) return [];
    return rows.keys("narrowed", numberKey(numberOf(key))).map((name) => {
      const upTo = readUint(rows.get("narrowed", name) ?? new Uint8Array(0));
      return { clientId: fromHex(clientIn(name)), upTo, appGroup: numberOf(key) };
    });
  });
}

/** What is left of an entry; undefined where that is nothing. */
export function lessened(entry: ScopeEntry, granted: Scope): ScopeEntry | undefined {
  const now = granted.find(({ appGroup }) => appGroup === entry.appGroup);
  if (now === undefined) return undefined;
  const roles = entry.roles & now.roles;
  if (roles === 0) return undefined;
  return now.level < entry.level || roles !== entry.roles
    ? { ...entry, level: now.level < entry.level ? now.level : entry.level, roles }
    : entry;
}

export function isSameEntry(a: ScopeEntry | undefined, b: ScopeEntry): boolean {
  return a !== undefined && a.level === b.level && a.roles === b.roles;
}

/** Whether something of `before` is not in `after`. */
export function isLess(before: ScopeEntry, after: ScopeEntry): boolean {
  return after.level < before.level || (before.roles & ~after.roles) !== 0;
}

function issuedCounter(clientId: Uint8Array): string {
  return `at-r/${toHex(clientId)}`;
}

function fromCounter(clientId: Uint8Array): string {
  return `at-r-from/${toHex(clientId)}`;
}
