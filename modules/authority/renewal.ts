/**
 * Keys that follow one another: when a group gets the next, who has to hear of it, and who is no
 * member any more (draft-somaraju §5.5, RFC 9594 §5 and §6).
 */
import { type Scope, SENDER } from "../access/scope.js";
import { sealingKeyOf } from "../access/tree.js";
import { toHex } from "../bytes/hex.js";
import { readUint, uintBytes } from "../bytes/uint.js";
import type { Center } from "./center.js";
import { forgetHeard, noteUse } from "./heard.js";
import { keepMessages, prune, renewalMessages, rootOf, type Wrap } from "./keytree.js";
import type { Rows } from "./ledger.js";
import { draw, drawMaterial } from "./material.js";
import { lastIssued, lessened, noteChange, takeBack } from "./narrowing.js";
import {
  groups,
  inGroup,
  keys,
  latestOf,
  type Member,
  members,
  membersOf,
  NONE,
  nextOf,
  numberKey,
  numberOf,
  policyOf,
  pushes,
} from "./records.js";
import { addStale, openStaleSet } from "./stale.js";
import { rolesOf, tasksWithin } from "./tasks.js";

export const KEK_BYTES = 16;

/** How a key is renewed. */
export interface Renewal {
  /** The old one is in the wrong hands: nobody accepts it any longer. */
  readonly isBroken: boolean;
  /** Unix seconds, as far as is known. */
  readonly now: number;
  /** New keys of the group's tree, where it has one. */
  readonly wraps?: readonly Wrap[];
}

/**
 * The group's next key, and a push to each of its members; returns its epoch. All of it in the
 * caller's transaction: after a cut there is the old key alone, or the new one and its pushes.
 */
export function renew(rows: Rows, center: Center, group: number, renewal: Renewal): number {
  dropEnded(rows, center, group, renewal);
  const record = groups.need(rows, numberKey(group));
  const { random, managerCredential } = center;
  const epoch = Math.max(record.epoch, latestOf(rows, usedCounter(group), 0)) + 1;
  const { prefix, profile, algorithm } = record;
  const drawn = drawMaterial(profile, { prefix, epoch, random, managerCredential, algorithm });
  keys.put(rows, inGroup(group, epoch), { ...drawn, madeAt: renewal.now });
  openStaleSet(rows, group, epoch);
  const kekNumber = nextOf(rows, "kek");
  const kek = drawSealing(rows, center, group, epoch);
  groups.put(rows, numberKey(group), {
    ...record,
    epoch,
    ...(renewal.isBroken ? { brokenBefore: epoch } : {}),
    // Tokens that are shown bring the key under it: who is gone would read on with the old one, and
    // who is new what was shown before.
    ...{ kek, kekNumber }, // check: renewal-kek
  });
  for (const { clientId } of membersOf(rows, group)) {
    pushes.put(rows, inGroup(group, clientId), { epoch, attempts: 0 });
  }
  if (policyOf(rows, group).hasTree) {
    const messages = renewalMessages(rows, center, group, renewal.wraps ?? []);
    keepMessages(rows, group, messages);
  }
  return epoch;
}

/** Members of a tree derive it, each for himself. */
function drawSealing(rows: Rows, center: Center, group: number, epoch: number): Uint8Array {
  const root = rootOf(rows, group);
  const securityGroup = uintBytes(group);
  let kek = draw(center.random, KEK_BYTES);
  const renewed = { securityGroup, epoch };
  if (root !== undefined) kek = sealingKeyOf(center.crypto, renewed, root.key); // check: tree-kek
  return kek;
}

/** Keys that another KDC gave its members, in a group of the same number here. */
export interface Used {
  readonly group: number;
  /** As a number. */
  readonly prefix: number;
  readonly epoch: number;
}

/** The group's key ids go on above these: members take nothing that is not above what they have. */
export function goOnAbove(
  rows: Rows,
  center: Center,
  { group, prefix, epoch }: Used,
  now: number,
): void {
  latestOf(rows, "prefix", prefix);
  latestOf(rows, usedCounter(group), epoch);
  const record = groups.get(rows, numberKey(group));
  if (record === undefined) return;
  const isAbove = readUint(record.prefix) > prefix && (record.epoch === 0 || record.epoch > epoch);
  if (isAbove) return;
  groups.put(rows, numberKey(group), { ...record, prefix: uintBytes(nextOf(rows, "prefix")) });
  if (record.epoch > 0) renew(rows, center, group, { isBroken: false, now });
}

function usedCounter(group: number): string {
  return `used/${numberKey(group)}`;
}

/** Between two keys that a group gets because one member has to begin anew. */
export const AGAIN_SECONDS = 60;

/** Whether the group's key is younger than one who begins anew may make it. */
export function isYoung(rows: Rows, group: number, now: number): boolean {
  const { epoch } = groups.need(rows, numberKey(group));
  if (epoch === 0) return false;
  return now - keys.need(rows, inGroup(group, epoch)).madeAt < AGAIN_SECONDS;
}

/** Whose token is over does not hear of the next key. */
function dropEnded(rows: Rows, center: Center, group: number, renewal: Renewal): void {
  // New keys of a tree are in their order already; endMemberships takes these out.
  if (renewal.wraps !== undefined && renewal.wraps.length > 0) return;
  const now = latestOf(rows, "clock", renewal.now);
  for (const { clientId, member } of membersOf(rows, group)) {
    if (!isEnded(member, now)) continue;
    if (policyOf(rows, group).hasTree) leave(rows, center, group, clientId);
    else remove(rows, center, group, clientId);
  }
}

/** Whether the token that let a member in is over. */
export function isEnded({ expiresAt }: Member, now: number): boolean {
  if (expiresAt === NONE) return false;
  if (expiresAt <= now) return true; // check: member-ended
  return false;
}

/** Whether the newest key of a group has come to its end. */
export function isOver(rows: Rows, group: number, now: number): boolean {
  const { epoch, validitySeconds } = groups.need(rows, numberKey(group));
  if (epoch === 0 || validitySeconds === NONE) return false;
  const { madeAt } = keys.need(rows, inGroup(group, epoch));
  return now - madeAt >= validitySeconds;
}

/** A member has the key of `epoch` in flash: what was on its way to him is done. */
export function confirm(rows: Rows, group: number, clientId: Uint8Array, epoch: number): void {
  const key = inGroup(group, clientId);
  const member = members.get(rows, key);
  if (member === undefined) return;
  if (epoch > member.confirmed) members.put(rows, key, { ...member, confirmed: epoch });
  if ((member.roles & SENDER) !== 0) noteUse(rows, group, epoch);
  const push = pushes.get(rows, key);
  if (push !== undefined && push.epoch <= epoch) pushes.delete(rows, key);
}

/**
 * The three steps of draft-somaraju §5.5 at the KDC: no token of his is taken any more, no key is
 * given to him, and every group he was in has a new one that he cannot read. Returns those groups.
 */
export function expel(rows: Rows, center: Center, clientId: Uint8Array, now: number): number[] {
  // Compared with dates of tokens: a clock that was set back is no date of theirs.
  const given = lastIssued(rows, clientId);
  let upTo = now;
  upTo = Math.max(latestOf(rows, "clock", now), given); // check: expel-clock
  endMemberships(rows, center, upTo);
  rows.put("revoked", toHex(clientId), uintBytes(upTo));
  const left: number[] = [];
  for (const key of groups.keys(rows)) {
    const group = Number(key);
    const member = inGroup(group, clientId);
    if (members.get(rows, member) === undefined) continue;
    const wraps = remove(rows, center, group, clientId);
    renew(rows, center, group, { isBroken: true, now: upTo, wraps });
    left.push(group);
  }
  return left;
}

/** Takes a member out of one group in peace; a new key where the group's policy says so. */
export function leave(rows: Rows, center: Center, group: number, clientId: Uint8Array): void {
  const member = members.get(rows, inGroup(group, clientId));
  const wraps = remove(rows, center, group, clientId);
  // Tokens of whose time is over say so themselves.
  const isOver = member === undefined || isEnded(member, latestOf(rows, "clock", 0));
  if (!isOver) takeBack(rows, { group, clientId }, member.scope); // check: leave-told
  const { renewsOnLeave, epoch } = groups.need(rows, numberKey(group));
  const isRenewed = renewsOnLeave || policyOf(rows, group).hasTree;
  if (!isRenewed || epoch === 0) return;
  renew(rows, center, group, { isBroken: false, now: latestOf(rows, "clock", 0), wraps });
}

/** He may do no more than this from now on, whatever group he is in. */
export function narrow(rows: Rows, center: Center, clientId: Uint8Array, granted: Scope): void {
  for (const key of groups.keys(rows)) {
    const group = numberOf(key);
    const place = inGroup(group, clientId);
    const member = members.get(rows, place);
    if (member === undefined) continue;
    const went = member.scope.filter((entry) => lessened(entry, granted) !== entry);
    if (went.length === 0) continue;
    const scope = member.scope.flatMap((entry) => lessened(entry, granted) ?? []);
    if (scope.length === 0) {
      leave(rows, center, group, clientId);
      continue;
    }
    const roles = rolesOf(scope);
    members.put(rows, place, { ...member, scope, roles, tasks: tasksWithin(member.tasks, roles) });
    noteChange(rows, clientId);
    takeBack(rows, { group, clientId }, went);
    const { epoch } = groups.need(rows, key);
    if (epoch > 0) pushes.put(rows, place, { epoch, attempts: 0 });
  }
}

/**
 * Takes out whose authorization is over (RFC 9594 §5, the third reason); a new key where the
 * group's policy says so. Returns how many those were.
 */
export function endMemberships(rows: Rows, center: Center, now: number): number {
  let ended = 0;
  for (const key of groups.keys(rows)) {
    const group = numberOf(key);
    for (const { clientId, member } of membersOf(rows, group)) {
      if (!isEnded(member, now)) continue;
      leave(rows, center, group, clientId);
      ended++;
    }
  }
  return ended;
}

/** Nothing of him is left but that he is stale; new keys of the group's tree. */
function remove(rows: Rows, center: Center, group: number, clientId: Uint8Array): Wrap[] {
  const key = inGroup(group, clientId);
  members.delete(rows, key);
  pushes.delete(rows, key);
  rows.delete("subject", key);
  forgetHeard(rows, group, clientId);
  const { epoch } = groups.need(rows, numberKey(group));
  if (epoch > 0) addStale(rows, group, epoch, clientId);
  return prune(rows, center, group, clientId);
}
