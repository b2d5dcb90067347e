/**
 * Sequence numbers for late joiners (draft-ietf-core-oscore-groupcomm-02 Appendix E,
 * draft-tiloca-core-multicast-oscoap-00 §7.2): what was said before somebody came, he must not take
 * for new when it is said again.
 *
 * Either the authority listens to the group and tells him the numbers of all senders, or he gets a
 * key that nothing was said under, or the group's members find out by themselves (a policy of
 * theirs). The second costs messages, so it is done only where somebody may have used the key: a
 * hundred lamps that are put up before their switch are one renewal at the most.
 */

import { RECEIVER, SENDER } from "../access/scope.js";
import { fromHex } from "../bytes/hex.js";
import type { Rows } from "./ledger.js";
import {
  clientIn,
  groups,
  heards,
  inGroup,
  latestOf,
  members,
  numberKey,
  policyOf,
} from "./records.js";

/** What a group's `numbers` policy can be. */
export const NUMBERS = ["renewed", "heard", "own"] as const;

/** What a receiver is told is one more, and still a number (modules/oscore/window.ts). */
const TOLD_MAX = Number.MAX_SAFE_INTEGER - 1;

/** A sender, and the highest number that was heard of him. */
export interface Overheard {
  readonly clientId: Uint8Array;
  readonly number: number;
}

/** What somebody who listens to a group knows of it (listener.ts). */
export interface Hearing {
  /** All that was said under keys of this epoch and later ones was heard, without a break. */
  readonly since: number;
  /** Of the key that `numbers` were heard under. */
  readonly epoch: number;
  readonly numbers: readonly Overheard[];
  /** Something was heard that is not understood yet. */
  readonly waits: boolean;
}

/** Who listens, on this very computer: what another authority hears, this one does not know. */
export interface Listening {
  of(group: number): Hearing | undefined;
}

/** A message of this sender was heard, and verified, under the key of `epoch`. */
export function noteHeard(
  rows: Rows,
  group: number,
  heard: { clientId: Uint8Array; epoch: number; number: number },
): void {
  const { clientId, epoch, number } = heard;
  const key = inGroup(group, clientId);
  const known = heards.get(rows, key);
  const isLater = known === undefined || epoch > known.epoch;
  const isOld = !isLater && (epoch < known.epoch || number <= known.number);
  if (isOld) return; // check: heard-rises
  heards.put(rows, key, { epoch, number });
}

/**
 * What is heard from now on is all that is ever said under keys of this epoch and later ones: the
 * newest, where nobody who speaks has it yet.
 */
export function hearsFrom(rows: Rows, group: number): number {
  const { epoch } = groups.need(rows, numberKey(group));
  let from = epoch;
  if (latestOf(rows, usedKey(group), 0) >= epoch) from = epoch + 1; // check: hears-from
  return from;
}

/** Where a sender stands. */
export interface NextNumber {
  readonly clientId: Uint8Array;
  readonly next: number;
}

/**
 * Senders heard under the newest key, where the authority listens. Under an older one nothing can
 * be said again, and in most schemes numbers begin anew with a key.
 *
 * What was heard is written down when it is told, not with every press. More is not needed: who
 * stopped listening, whatever made him, does not tell numbers of that key to a newcomer any more.
 */
export function numbersOf(rows: Rows, group: number, listening?: Listening): NextNumber[] {
  if (policyOf(rows, group).numbers !== "heard") return [];
  const newest = groups.need(rows, numberKey(group)).epoch;
  const hearing = listening?.of(group);
  for (const { clientId, number } of hearing?.epoch === newest ? hearing.numbers : []) {
    const isHere = members.get(rows, inGroup(group, clientId)) !== undefined;
    if (!isHere) continue; // check: heard-member
    noteHeard(rows, group, { clientId, epoch: newest, number: Math.min(number, TOLD_MAX) });
  }
  const all = heards.keys(rows, `${numberKey(group)}/`).map((key) => {
    const { epoch, number } = heards.need(rows, key);
    return { clientId: fromHex(clientIn(key)), next: number + 1, epoch };
  });
  return all.filter(({ epoch }) => epoch === newest);
}

/** A sender has the key of this epoch: from now on there may be messages under it. */
export function noteUse(rows: Rows, group: number, epoch: number): void {
  latestOf(rows, usedKey(group), epoch);
}

/** A member was told the newest key: whatever he says from now on may be under it. */
export function noteGiven(rows: Rows, group: number, clientId: Uint8Array): void {
  const key = inGroup(group, clientId);
  const member = members.need(rows, key);
  const { epoch } = groups.need(rows, numberKey(group));
  if (member.given >= epoch) return;
  members.put(rows, key, { ...member, given: epoch }); // check: given-noted
  if ((member.roles & SENDER) !== 0) noteUse(rows, group, epoch); // check: use-noted
}

/**
 * Whether one who comes now must not be given the newest key: others may have used it, and how far
 * they came nobody here knows for sure.
 */
export function mustRenewFor(
  rows: Rows,
  group: number,
  joining: { roles: number; epoch: number },
  listening?: Listening,
): boolean {
  const { roles, epoch } = joining;
  if ((roles & RECEIVER) === 0) return false;
  const { numbers } = policyOf(rows, group);
  if (numbers === "own") return false;
  if (numbers === "heard" && hasHeardAll(listening?.of(group), epoch)) return false;
  return latestOf(rows, usedKey(group), 0) >= epoch;
}

function hasHeardAll(hearing: Hearing | undefined, epoch: number): boolean {
  if (hearing === undefined) return false;
  if (hearing.since > epoch) return false; // check: heard-unbroken
  if (hearing.waits) return false; // check: heard-understood
  return true;
}

function usedKey(group: number): string {
  return `used/${group}`;
}

/** A sender who is gone. */
export function forgetHeard(rows: Rows, group: number, clientId: Uint8Array): void {
  heards.delete(rows, inGroup(group, clientId));
}
