/**
 * The Key Distribution Center: which keys protect a group, and who may have them (draft-somaraju
 * §3.3, §5.3 to §5.5).
 *
 * A key is given to who presents a token of an Authorization Server that this place trusts, over
 * the secure channel that the token was issued for. What a member is given is a token as well,
 * AT-R: for others who hear of him, his rights; for himself, the key. Keys that end (age, messages,
 * a member lost) are followed by a new one in the same transaction that makes the list of who has
 * to hear of it, so that there is no moment at which one is true without the other.
 */
import type { Claims } from "../access/claims.js";
import type { SpentKey } from "../access/delivery.js";
import { RECEIVER, type Scope, type ScopeEntry, SENDER } from "../access/scope.js";
import {
  fault,
  issueToken,
  type TokenFault,
  type TrustAnchor,
  type Verdict,
  verifyToken,
} from "../access/token.js";
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import { uintBytes } from "../bytes/uint.js";
import { encode } from "../cbor/encode.js";
import { type EnvelopeKey, NONCE_BYTES, sealEnvelope } from "../cose/envelope.js";
import { AES_CCM_16_64_128 } from "../ports/crypto.js";
import type { Center } from "./center.js";
import { mustRenewFor, noteUse } from "./heard.js";
import { plant } from "./keytree.js";
import { isLate, mayRenewFor, renewForLate } from "./late.js";
import type { Rows } from "./ledger.js";
import { algorithmOf, draw, keyValue, PAIR_PROFILE, schemeOf } from "./material.js";
import { isAhead, isLess, isSameEntry, issueTime, noteChange, takeBack } from "./narrowing.js";
import {
  applications,
  type Group,
  groups,
  hasLeft,
  inGroup,
  keys,
  latestOf,
  type Member,
  members,
  NONE,
  newcomer,
  nextOf,
  numberKey,
  numberOf,
  ownerOf,
  peerIn,
  policyOf,
  pushes,
  putOwner,
} from "./records.js";
import { isYoung, KEK_BYTES, narrow, renew } from "./renewal.js";
import { renewSpent } from "./spent.js";
import { isStale } from "./stale.js";
import { rolesOf, tasksOf, tasksWithin } from "./tasks.js";
import { isProvenAnywhere } from "./vetting.js";

export type { Center } from "./center.js";
export {
  confirm,
  endMemberships,
  expel,
  isOver,
  leave,
  narrow,
  type Renewal,
  renew,
} from "./renewal.js";

/** More than these take too long to renew keys for: the group has to be split. */
export const GROUP_MEMBERS_MAX = 100;

/** What a client asks for, with its token and over its secure channel. */
export interface KeyRequest {
  /** AT-KDC, as it came. */
  readonly token: Uint8Array;
  /** What the channel proves. */
  readonly holder: Uint8Array;
  /** Application groups. */
  readonly wanted: readonly number[];
  /** What vouches for its public key, in groups of a signed scheme. */
  readonly credential: Uint8Array;
  /** What his flash was made with; empty: he did not say. */
  readonly incarnation: Uint8Array;
  /** The key of this channel that its tokens are sealed under. */
  readonly pairwise: EnvelopeKey;
  /** Unix seconds, as far as is known. */
  readonly now: number;
  /** What its issuer said of a token that is only the name of one. */
  readonly resolved?: Claims;
  /** Keys that he has nearly used up. */
  readonly spent?: readonly SpentKey[];
}

type Made = "epoch" | "brokenBefore" | "kek" | "kekNumber" | "prefix" | "algorithm";
export type NewGroup = Omit<Group, Made> & { readonly algorithm?: number | undefined };

/** AT-Rs, whose they are, and of which security groups. */
export interface Given {
  readonly clientId: Uint8Array;
  readonly groups: readonly number[];
  readonly tokens: readonly Uint8Array[];
}

/** A client with a token that holds, whatever it was presented for. */
export interface Presented {
  readonly claims: Claims;
  readonly nowSeconds: number;
}

/** Makes a security group without members, and without a key until there is one. */
export function createGroup(rows: Rows, center: Center, id: number, group: NewGroup): Group {
  const key = numberKey(id);
  if (groups.get(rows, key) !== undefined) {
    throw new Error(`security group ${id} is there already; remove it first, or take another id`);
  }
  const algorithm = algorithmOf(group.profile, group.algorithm);
  // Not the id: a group that is made again under it must not repeat a Gid.
  const prefix = uintBytes(nextOf(rows, "prefix"));
  const made: Group = {
    ...group,
    algorithm,
    prefix,
    epoch: 0,
    brokenBefore: 0,
    kek: draw(center.random, KEK_BYTES),
    kekNumber: nextOf(rows, "kek"),
  };
  groups.put(rows, key, made);
  return made;
}

/**
 * AT-Rs for the groups that were asked for and are granted, or one reason why for none of them. The
 * client is a member of their security groups when this is durable.
 */
export function giveKeys(
  rows: Rows,
  center: Center,
  request: KeyRequest,
): Verdict<Given> | { readonly ok: false; readonly fault: "later" } {
  const presented = present(rows, center, request);
  if (!presented.ok) return presented;
  const { claims, nowSeconds } = presented.value;
  const isTooOften = isAhead(rows, claims.subject, nowSeconds);
  if (isTooOften) return { ok: false, fault: "later" }; // check: at-r-ahead
  const asked = entriesOf(rows, claims.scope, request.wanted);
  if (asked.length === 0) return fault("scope"); // check: keys-scope
  const joinings: Joining[] = [];
  for (const { entry, group } of asked) {
    const { credential, incarnation } = request;
    const joining = { group, claims, entry, credential, incarnation };
    const refused = whyNot(rows, joining);
    if (refused !== undefined) return fault(refused);
    const isTooSoon = beginsAnew(rows, joining) && isYoung(rows, group, nowSeconds);
    if (isTooSoon) return { ok: false, fault: "later" }; // check: keys-again
    joinings.push(joining);
  }
  const late = lateIn(rows, center, joinings);
  const mustWait = late.some((group) => !mayRenewFor(rows, group, nowSeconds));
  if (mustWait) return { ok: false, fault: "later" }; // check: late-waits
  const { spent = [], now } = request;
  const places = asked.map(({ entry: { appGroup }, group }) => ({ appGroup, group }));
  const isRenewed = renewSpent(rows, center, claims.subject, { spent, asked: places, now });
  if (isRenewed) return { ok: false, fault: "later" };
  for (const group of late) renewForLate(rows, center, group, nowSeconds); // check: late-renewed
  // All of them or none: nothing was written for the sake of one that was refused.
  for (const joining of joinings) join(rows, center, joining);
  const tokens = joinings.flatMap((one) => tokensFor(rows, center, request, one));
  const groups = [...new Set(joinings.map(({ group }) => group))];
  return { ok: true, value: { clientId: claims.subject, groups, tokens } };
}

/** Groups whose newest key others may have used before he got it (late.ts). */
function lateIn(rows: Rows, center: Center, joinings: readonly Joining[]): number[] {
  const now = latestOf(rows, "clock", 0);
  const late = joinings.filter((joining) => {
    const comer = { group: joining.group, clientId: joining.claims.subject, now };
    return !beginsAnew(rows, joining) && isLate(rows, comer, center.listening);
  });
  return [...new Set(late.map(({ group }) => group))];
}

/** Whose token it is and what it grants, or why it counts for nothing here. */
export function present(
  rows: Rows,
  center: Center,
  request: Pick<KeyRequest, "token" | "holder" | "now" | "resolved">,
): Verdict<Presented> {
  const { crypto, anchors, name: audience } = center;
  const nowSeconds = latestOf(rows, "clock", request.now);
  const rules = { anchors, audience, nowSeconds };
  const { resolved } = request;
  const verdict =
    resolved === undefined ? verifyToken(crypto, request.token, rules) : isFor(resolved, rules);
  if (!verdict.ok) return verdict;
  const claims = verdict.value;
  if (!isHolder(claims, request.holder)) return fault("holder"); // check: token-holder
  const client = toHex(claims.subject);
  const isRevoked = rows.get("revoked", client) !== undefined;
  if (isRevoked) return fault("revoked"); // check: token-revoked
  const latest = latestOf(rows, `latest/${client}`, 0);
  if (claims.issuedAt < latest) return fault("older"); // check: token-older
  if (!isItsOwn(rows, center, claims, request.holder)) return fault("taken");
  latestOf(rows, `latest/${client}`, claims.issuedAt);
  // What the newest does not speak of any more went.
  const isNewer = claims.issuedAt > latest;
  if (isNewer) narrow(rows, center, claims.subject, claims.scope); // check: claims-newest
  return { ok: true, value: { claims, nowSeconds } };
}

/**
 * Two with one client id would use the same numbers under the same keys (draft-somaraju §5.3). So
 * whoever names a client first here has named it, and the channel that comes first has it. Another
 * credential of the same device comes with a newer token, and begins under new keys.
 */
function isItsOwn(rows: Rows, center: Center, claims: Claims, holder: Uint8Array): boolean {
  const { subject, issuer, issuedAt, confirmation } = claims;
  const owner = ownerOf(rows, subject);
  if (owner === undefined) {
    putOwner(rows, subject, { issuer, holder, issuedAt });
    return true;
  }
  if (owner.issuer !== issuer) return false; // check: client-one-issuer
  const isSame = equalBytes(owner.holder, holder);
  // What anybody may bear stays with the channel that showed the first one.
  const isNewer = issuedAt > owner.issuedAt && confirmation !== undefined;
  if (!isSame && !isNewer) return false; // check: client-one-holder
  putOwner(rows, subject, { issuer, holder, issuedAt: Math.max(issuedAt, owner.issuedAt) });
  if (!isSame) renewFor(rows, center, subject); // check: client-moved
  return true;
}

/** New keys in every group of his. */
function renewFor(rows: Rows, center: Center, clientId: Uint8Array): void {
  const now = latestOf(rows, "clock", 0);
  for (const key of groups.keys(rows)) {
    const group = numberOf(key);
    if (members.get(rows, inGroup(group, clientId)) === undefined) continue;
    renew(rows, center, group, { isBroken: false, now });
  }
}

/** Claims that came from their issuer himself; whether they are for us, and not over. */
function isFor(
  claims: Claims,
  rules: { anchors: readonly TrustAnchor[]; audience: string; nowSeconds: number },
): Verdict<Claims> {
  const isTrusted = rules.anchors.some(({ issuer }) => issuer === claims.issuer);
  if (!isTrusted) return fault("untrusted"); // check: resolved-issuer
  if (claims.audience !== rules.audience) return fault("audience"); // check: resolved-audience
  const isOver = claims.expiresAt !== undefined && claims.expiresAt <= rules.nowSeconds;
  if (isOver) return fault("expired"); // check: resolved-expired
  return { ok: true, value: claims };
}

/** The member's own token, and where it sends, the one that it shows to receivers. */
function tokensFor(
  rows: Rows,
  center: Center,
  request: Pick<KeyRequest, "pairwise" | "now">,
  { group, claims, entry }: Joining,
): Uint8Array[] {
  const { pairwise, now } = request;
  const own = { group, claims, scope: [entry], pairwise, now };
  const tokens = [accessToken(rows, center, own)];
  if ((entry.roles & SENDER) === 0) return tokens;
  const shown = { ...own, pairwise: sealingOf(rows, center, group), isShown: true };
  return [...tokens, accessToken(rows, center, shown)];
}

/** What tokens that are shown to a group's receivers are sealed under. */
export function sealingOf(rows: Rows, { crypto }: Center, group: number): EnvelopeKey {
  const { kek, kekNumber } = groups.need(rows, numberKey(group));
  return { kid: uintBytes(kekNumber), key: crypto.aeadKey(AES_CCM_16_64_128, kek.slice()) };
}

/**
 * What the scope grants in those of these groups that it speaks of. A device asks for all it is in,
 * and is not without light in one because another was taken from it.
 */
function entriesOf(
  rows: Rows,
  scope: Scope,
  wanted: readonly number[],
): { entry: ScopeEntry; group: number }[] {
  return wanted.flatMap((id) => {
    const entry = scope.find(({ appGroup }) => appGroup === id);
    const application = applications.get(rows, numberKey(id));
    const isGranted = entry !== undefined && application !== undefined;
    return isGranted ? [{ entry, group: application.group }] : [];
  });
}

/** A token is its holder's: who has only read it has nothing. */
function isHolder({ confirmation }: Claims, holder: Uint8Array): boolean {
  if (confirmation === undefined) return true;
  return "kid" in confirmation && equalBytes(confirmation.kid, holder);
}

/** Whether the newest key must be followed by another for his sake, and was perhaps just now. */
function beginsAnew(rows: Rows, joining: Joining): boolean {
  const { group, claims } = joining;
  const known = members.get(rows, inGroup(group, claims.subject));
  return known === undefined
    ? hasLeft(rows, group, claims.subject)
    : isReborn(rows, joining, known);
}

/**
 * A member with another flash, or who does not say which: his numbers begin at 0, so the key that
 * he had is no key for him.
 */
function isReborn(rows: Rows, joining: Joining, known: Member): boolean {
  const { group, claims, incarnation } = joining;
  if (incarnation === undefined) return false;
  const isSame = incarnation.length > 0 && equalBytes(incarnation, known.incarnation);
  if (isSame) return false;
  const { epoch } = groups.need(rows, numberKey(group));
  const push = pushes.get(rows, inGroup(group, claims.subject));
  const wasSent = (push?.attempts ?? 0) > 0 || policyOf(rows, group).hasTree;
  return wasSent || Math.max(known.given, known.confirmed) >= epoch;
}

/** A client on its way into a group. */
export interface Joining {
  readonly group: number;
  readonly claims: Pick<Claims, "subject" | "expiresAt">;
  readonly entry: ScopeEntry;
  readonly credential: Uint8Array;
  /** Whether it showed that the credential's key is its own. */
  readonly isProven?: boolean;
  /** Where it said so: bits of manager.ts. */
  readonly tasks?: number;
  /** What its flash was made with, where it was asked; empty: it did not say. */
  readonly incarnation?: Uint8Array;
}

/** Why the client cannot be in this group: its id, its credential, or too many others. */
export function whyNot(
  rows: Rows,
  { group, claims, entry, credential, isProven = false }: Joining,
): TokenFault | undefined {
  const { subject } = claims;
  const { profile } = groups.need(rows, numberKey(group));
  const { idBytesMax, signs } = schemeOf(profile);
  const isStranger = profile === PAIR_PROFILE && peerIn(rows, group, subject) === undefined;
  if (isStranger) return "scope"; // check: join-pair
  const sends = (entry.roles & SENDER) !== 0;
  if (sends && subject.length > idBytesMax) return "scope"; // check: join-id-fits
  const mustShow = sends && signs && !isShown(rows, { group, subject, credential, isProven });
  if (mustShow) return "holder"; // check: join-signs
  const isKnown = members.get(rows, inGroup(group, subject)) !== undefined;
  const isFull = members.keys(rows, `${numberKey(group)}/`).length >= GROUP_MEMBERS_MAX;
  if (isFull && !isKnown) return "scope"; // check: group-members-max
  return undefined;
}

/** Whether the public key is his own: he showed it now, or to this manager before. */
function isShown(
  rows: Rows,
  shown: { group: number; subject: Uint8Array; credential: Uint8Array; isProven: boolean },
): boolean {
  const { group, subject, credential, isProven } = shown;
  if (isProven) return true;
  if (credential.length > 0) return isProvenAnywhere(rows, subject, credential);
  const member = members.get(rows, inGroup(group, subject));
  return member?.isProven === true && member.credential.length > 0;
}

/** Makes the client a member, with a new key where it needs one or the group's policy says so. */
export function join(rows: Rows, center: Center, joining: Joining): void {
  const { group, claims, entry } = joining;
  const key = inGroup(group, claims.subject);
  const known = members.get(rows, key);
  const member = known ?? newcomer();
  const scope = withEntry(member.scope, entry);
  const roles = rolesOf(scope);
  const { credential: said, isProven = isProvenAnywhere(rows, claims.subject, said) } = joining;
  // Who shows none keeps the one that he has, and so does who only says that it is another.
  let keeps = said.length === 0;
  if (member.isProven && !isProven) keeps = true; // check: join-keeps-proven
  const credential = keeps ? member.credential : said;
  const record = groups.need(rows, numberKey(group));
  const isNew = known === undefined;
  const { subject: clientId, expiresAt = NONE } = claims;
  let isOther = false;
  if (known !== undefined) isOther = isReborn(rows, joining, known); // check: keys-incarnation
  // Who begins to listen has heard nothing, whatever he said himself.
  let listensNew = isNew;
  listensNew = (member.roles & RECEIVER) === 0; // check: join-listens
  const joined = { ...record, roles };
  const mayBeUsed =
    record.epoch > 0 && listensNew && mustRenewFor(rows, group, joined, center.listening);
  members.put(rows, key, {
    ...member,
    roles,
    tasks: joining.tasks ?? tasksWithin(member.tasks, roles) | tasksOf(entry.roles),
    scope,
    expiresAt,
    credential,
    isProven: keeps ? member.isProven : isProven,
    incarnation: joining.incarnation ?? member.incarnation,
  });
  if (known !== undefined) noteDifference(rows, joining, { known, expiresAt });
  const { hasTree } = policyOf(rows, group);
  // Keys of a tree change with who is in it, and the group's with them.
  const wraps = isNew && hasTree ? plant(rows, center, group, clientId).wraps : [];
  // His id again, and perhaps not his numbers: not under the key that he left.
  const isBack = isNew && isStale(rows, group, record.epoch, clientId);
  const isFresh = mayBeUsed || (isNew && (record.renewsOnJoin || hasTree || isBack));
  if (record.epoch === 0 || isFresh || isOther) {
    renew(rows, center, group, { isBroken: false, now: latestOf(rows, "clock", 0), wraps });
  }
  const { epoch: given } = groups.need(rows, numberKey(group));
  members.put(rows, key, { ...members.need(rows, key), given });
  if ((roles & SENDER) !== 0) noteUse(rows, group, given);
}

/** What he was given before is not what he is given now; where it was more, others are told. */
function noteDifference(
  rows: Rows,
  { group, claims, entry }: Joining,
  { known, expiresAt }: { known: Member; expiresAt: number },
): void {
  const { subject: clientId } = claims;
  const before = known.scope.find(({ appGroup }) => appGroup === entry.appGroup);
  const isSame = isSameEntry(before, entry) && known.expiresAt === expiresAt;
  if (!isSame) noteChange(rows, clientId);
  const isSooner = expiresAt !== NONE && (known.expiresAt === NONE || expiresAt < known.expiresAt);
  const less = before !== undefined && isLess(before, entry) ? [before] : [];
  takeBack(rows, { group, clientId }, less); // check: join-less
  if (isSooner) takeBack(rows, { group, clientId }, known.scope); // check: join-sooner
}

/** One entry for an application group, the newest. */
function withEntry(scope: Scope, entry: ScopeEntry): Scope {
  return [...scope.filter(({ appGroup }) => appGroup !== entry.appGroup), entry];
}

/** One AT-R: whose rights, in what, and the newest key under a key that its reader has. */
export function accessToken(
  rows: Rows,
  center: Center,
  input: {
    group: number;
    claims: Pick<Claims, "subject" | "expiresAt">;
    scope: Scope;
    pairwise: EnvelopeKey;
    /** To others, who open it with the group's key-encryption key. */
    isShown?: boolean;
    now: number;
  },
): Uint8Array {
  const { group, claims, scope, pairwise, isShown = false } = input;
  const { crypto, random, voucher, kid } = center;
  const { epoch } = groups.need(rows, numberKey(group));
  const key = keys.need(rows, inGroup(group, epoch));
  const securityGroup = uintBytes(group);
  const { subject } = claims;
  const other = peerIn(rows, group, subject);
  const envelope = sealEnvelope({
    under: pairwise,
    nonce: draw(random, NONCE_BYTES),
    plain: encode(keyValue(key, other && (isShown ? subject : other))),
    externalAad: envelopeAad(securityGroup, subject),
  });
  const { expiresAt } = claims;
  const issued: Claims = {
    issuer: center.name,
    subject,
    audience: center.domain,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    issuedAt: issueTime(rows, subject, input.now),
    id: uintBytes(nextOf(rows, "token")),
    scope,
    securityGroup,
    envelope,
  };
  return issueToken(crypto, { claims: issued, voucher, kid });
}

/** Binds a key envelope to the group and the member it was made for. */
export function envelopeAad(securityGroup: Uint8Array, clientId: Uint8Array): Uint8Array {
  return encode([securityGroup, clientId]);
}
