/**
 * Members that come late to a key: they were off when it was made, and it may have been used since.
 * What was said under it meanwhile must be no command to them when it is said again.
 *
 * PROBLEM. Such a member has empty windows under that key. Where the authority heard all that was
 * said, it tells the numbers (heard.ts). Where it did not, only another key helps; but that makes
 * everybody late who is off just then, and a hall whose lamps lose power every day would renew for
 * ever, each time for everybody.
 *
 * CHOICE. A key is new for its first minute: who gets it then counts as one of those it was made
 * for, so one renewal serves all whose power came back together, and there is one a minute at the
 * most. In the long run there is one an hour: `BURST` of them are in reserve, for a day on which
 * the power fails again and again. Where the reserve is used up, who comes late waits for the next
 * one. Key ids of two bytes last for twenty years at one in two and a half hours, so groups of such
 * a scheme are given that many.
 *
 * REJECTED. Giving him the key after all: then what is refused would depend on how often somebody
 * asked. Asking each sender where it stands: those that sleep do not answer.
 */
import type { Center } from "./center.js";
import { type Listening, mustRenewFor } from "./heard.js";
import type { Rows } from "./ledger.js";
import { schemeOf } from "./material.js";
import { groups, inGroup, latestOf, members, numberKey } from "./records.js";
import { isYoung, renew } from "./renewal.js";

/** Renewals for late ones that may follow one another within minutes. */
export const BURST = 48;
const HOUR_SECONDS = 3600;
const TWENTY_YEARS_SECONDS = 20 * 365.25 * 24 * HOUR_SECONDS;

/** A member that is to be given a group's newest key. */
export interface Comer {
  readonly group: number;
  readonly clientId: Uint8Array;
  /** Unix seconds, as far as is known. */
  readonly now: number;
}

/** Whether he gets the newest key for the first time, and others may have used it. */
export function isLate(rows: Rows, comer: Comer, listening?: Listening): boolean {
  const { group, clientId, now } = comer;
  const member = members.get(rows, inGroup(group, clientId));
  const { epoch } = groups.need(rows, numberKey(group));
  if (member === undefined || epoch <= 0) return false;
  // Who was given it and has it not refuses it, or was kept from it: another would be no use.
  const isGiven = Math.max(member.given, member.confirmed) >= epoch;
  if (isGiven || isYoung(rows, group, now)) return false;
  return mustRenewFor(rows, group, { roles: member.roles, epoch }, listening);
}

/** Whether the group can be given another key now for who is late. */
export function mayRenewFor(rows: Rows, group: number, now: number): boolean {
  const seconds = everySeconds(rows, group);
  const spent = latestOf(rows, lateClock(group), 0) - now;
  if (spent > (BURST - 1) * seconds) return false; // check: late-reserve
  return true;
}

/** Gives the group another key; before it, `mayRenewFor`. */
export function renewForLate(rows: Rows, center: Center, group: number, now: number): void {
  const seconds = everySeconds(rows, group);
  const clock = lateClock(group);
  latestOf(rows, clock, Math.max(latestOf(rows, clock, 0), now) + seconds);
  renew(rows, center, group, { isBroken: false, now });
}

/**
 * A member of these groups, who was late for their keys when he was called, has answered: he is
 * there.
 */
export function renewForPresent(
  rows: Rows,
  center: Center,
  present: { clientId: Uint8Array; groups: readonly number[]; now: number },
): void {
  const { clientId, now } = present;
  for (const group of present.groups) {
    // Others may have been there in between.
    const isStill = isLate(rows, { group, clientId, now }, center.listening);
    if (isStill && mayRenewFor(rows, group, now)) renewForLate(rows, center, group, now);
  }
}

function everySeconds(rows: Rows, group: number): number {
  const { profile } = groups.need(rows, numberKey(group));
  return Math.max(HOUR_SECONDS, Math.ceil(TWENTY_YEARS_SECONDS / schemeOf(profile).epochMax));
}

/** When all of the reserve is there again. */
function lateClock(group: number): string {
  return `late/${numberKey(group)}`;
}
