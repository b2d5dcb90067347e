/**
 * Keys on their way to members who did not ask (WIRE.md `/keys/push`): who waits for which, what he
 * is sent, and that he has it. A push is written down with the renewal it comes from, and goes when
 * its member has said that the key is durable; so it survives the program, and the network.
 */
import { emitDelivery } from "../access/delivery.js";
import { SENDER } from "../access/scope.js";
import { fromHex, toHex } from "../bytes/hex.js";
import type { EnvelopeKey } from "../cose/envelope.js";
import { termsFor } from "./deliveries.js";
import { accessToken, type Center, confirm, leave, sealingOf } from "./distribution.js";
import { noteUse } from "./heard.js";
import { isLate, mayRenewFor } from "./late.js";
import type { Rows } from "./ledger.js";
import {
  clientIn,
  groups,
  inGroup,
  latestOf,
  members,
  NONE,
  numberKey,
  numberOf,
  pushes,
} from "./records.js";
import { isEnded } from "./renewal.js";

/** Groups in one push. */
const PUSHED_AT_ONCE_MAX = 8;

/** One member, and the security groups whose newest keys it waits for. */
export interface Awaiting {
  readonly clientId: Uint8Array;
  readonly groups: readonly number[];
  /** The most of them. */
  readonly attempts: number;
  /** Whether it sends in one of them. */
  readonly sends: boolean;
  /** Whether its key in one of them is in the wrong hands. */
  readonly isBroken: boolean;
}

export function awaiting(rows: Rows): Awaiting[] {
  const found = new Map<string, Omit<Awaiting, "clientId"> & { groups: number[] }>();
  for (const key of pushes.keys(rows)) {
    const client = clientIn(key);
    const group = numberOf(key);
    const { roles = 0, confirmed = 0 } = members.get(rows, key) ?? {};
    const { brokenBefore } = groups.need(rows, numberKey(group));
    const known = found.get(client);
    found.set(client, {
      groups: [...(known?.groups ?? []), group],
      attempts: Math.max(known?.attempts ?? 0, pushes.need(rows, key).attempts),
      sends: known?.sends === true || (roles & SENDER) !== 0,
      isBroken: known?.isBroken === true || (brokenBefore > confirmed && brokenBefore > 0),
    });
  }
  return [...found].map(([client, one]) => ({ clientId: fromHex(client), ...one }));
}

/** The key of a group, and how often that was tried. */
export interface Sent {
  readonly group: number;
  readonly epoch: number;
  readonly attempt: number;
}

export interface Sending {
  /** A delivery (modules/access/delivery.ts). */
  readonly payload: Uint8Array;
  /** What it brings, to be confirmed. */
  readonly epochs: readonly Sent[];
  /**
   * Groups whose newest key others may have used before he got it: he gets the next one, which is
   * made when he has answered (late.ts, renewForPresent).
   */
  readonly late: readonly number[];
  /** There is nothing to send until a next one may be made. */
  readonly isHeld: boolean;
}

/** What a member is sent now, and one attempt more; undefined when nothing is left for him. */
export function sendingFor(
  rows: Rows,
  center: Center,
  to: { clientId: Uint8Array; pairwise: EnvelopeKey; now: number },
): Sending | undefined {
  const { clientId, pairwise, now } = to;
  const client = toHex(clientId);
  const keys = pushes.keys(rows).filter((key) => clientIn(key) === client);
  const clock = latestOf(rows, "clock", now);
  for (const key of keys) {
    const member = members.get(rows, key);
    const isOver = member !== undefined && isEnded(member, clock);
    if (isOver) leave(rows, center, numberOf(key), clientId); // check: push-ended
  }
  // The others when these are there: a message has its bounds.
  const all = keys.filter((key) => members.get(rows, key) !== undefined);
  if (all.length === 0) return undefined;
  const late: number[] = [];
  for (const group of all.map(numberOf)) {
    const comer = { group, clientId, now: clock };
    if (isLate(rows, comer, center.listening)) late.push(group); // check: push-late
  }
  const waiting = all.filter((key) => !late.includes(numberOf(key))).slice(0, PUSHED_AT_ONCE_MAX);
  const tokens: Uint8Array[] = [];
  const epochs: Sent[] = [];
  for (const key of waiting) {
    const group = numberOf(key);
    const push = pushes.need(rows, key);
    const { epoch } = groups.need(rows, numberKey(group));
    const { scope, expiresAt, roles } = members.need(rows, key);
    const ends = expiresAt === NONE ? {} : { expiresAt };
    const claims = { subject: clientId, ...ends };
    for (const entry of scope) {
      const token = { group, claims, scope: [entry], now };
      tokens.push(accessToken(rows, center, { ...token, pairwise }));
      if ((entry.roles & SENDER) === 0) continue;
      const shown = { pairwise: sealingOf(rows, center, group), isShown: true };
      tokens.push(accessToken(rows, center, { ...token, ...shown }));
    }
    pushes.put(rows, key, { ...push, attempts: push.attempts + 1 });
    // He may speak under it before he says that he has it.
    if ((roles & SENDER) !== 0) noteUse(rows, group, epoch); // check: use-sent
    epochs.push({ group, epoch, attempt: push.attempts + 1 });
  }
  const told = epochs.map(({ group }) => group);
  const terms = termsFor(rows, { clientId, groups: told, now }, center.listening);
  const next = late.filter((group) => mayRenewFor(rows, group, clock));
  const isHeld = epochs.length === 0 && next.length === 0;
  return { payload: emitDelivery({ tokens, ...terms }), epochs, late: next, isHeld };
}

/** He has all of it in flash. */
export function confirmAll(rows: Rows, clientId: Uint8Array, { epochs }: Sending): void {
  for (const { group, epoch, attempt } of epochs) {
    const key = inGroup(group, clientId);
    const member = members.get(rows, key);
    if (member === undefined) continue;
    const push = pushes.get(rows, key);
    members.put(rows, key, {
      ...member,
      given: Math.max(member.given, epoch),
    });
    confirm(rows, group, clientId, epoch);
    // It began anew while this was under way: there is more to be told.
    const isOther = push !== undefined && push.attempts < attempt;
    if (isOther) pushes.put(rows, key, push); // check: push-other
  }
}
