import { equalBytes } from "../bytes/equal.js";
import { type Drop, drop, type Outcome, ok, type Proof } from "../bytes/outcome.js";
import { parseMessage } from "../coap/message.js";
import { find, OBSERVE } from "../coap/options.js";
import { FLAG_GROUP } from "../oscore/option.js";
import { NUMBER_MAX } from "../oscore/window.js";
import type { Inner, Member, OpenContext, Signed } from "../profiles/profile.js";
import type { Association, SecurityGroup } from "./directory.js";
import type { Arriving, Groups } from "./groups.js";
import { COMMANDERS, isOver } from "./open.js";
import { type Awaited, NO_CONTEXT, type Schemes, type Taken } from "./schemes.js";

/** Codes from 2.00 on are responses (RFC 7252 §3). */
const RESPONSE_CODES = 64;
const BY_GROUP: Outcome<Proof> = ok(Object.freeze({ by: "group" }));

/** Who a message claims to come from, and what it answers. */
export interface Claim {
  readonly id: Uint8Array;
  /** Where the caller had to look the member up already. */
  readonly member: Member | undefined;
  readonly awaited: Awaited | undefined;
}

/**
 * Check, open, verify, mark (ARCHITECTURE.md decision 4), under one key and as one member: the
 * mirror of `open` for schemes with a key for each member. What is kept of a stranger, a row, a
 * context, comes after everything was verified.
 */
export function openUnder(
  groups: Groups,
  schemes: Schemes,
  arriving: Arriving,
  association: Association,
  claim: Claim,
): Outcome<Inner> {
  const { lifetime, security, index } = association;
  const { option } = arriving;
  const { id, awaited } = claim;
  if (lifetime !== undefined && isOver(lifetime, groups.uptime.seconds())) return drop("expired");
  // Two share a context: whoever is not the other one is nobody.
  const { peerId } = association;
  if (peerId !== undefined && !equalBytes(peerId, id)) return drop("unknownKey"); // check: peer-id
  // Our own multicast, reflected: every number of ours was used, by us.
  if (isOwn(security, id)) return drop("replayed"); // check: own-member
  // Beyond 2^53 a double is not exact: such numbers count as one.
  option.sequence = Math.min(option.sequence, NUMBER_MAX);
  const filed = schemes.fileOf(id);
  arriving.row = groups.recipients.find(index, schemes.filedAs.read(filed, 0, filed.length));
  if (awaited === undefined || isCovered(association, awaited)) {
    const reason = whyNot(groups, arriving, association, awaited);
    if (reason !== undefined) return drop(reason);
  } else if (!awaited.heard.isFresh(id, option.sequence, association)) {
    return drop("replayed"); // check: heard-fresh
  }
  const known = schemes.contexts.find(association, id);
  const peer = known ?? schemes.contextOf(association, id, claim.member);
  if (peer === undefined) schemes.stranger = { association, id: id.slice() };
  if (peer === undefined) return drop("unknownMember"); // check: member-known
  const isCheap = known !== undefined || awaited !== undefined;
  const isRationed = !isCheap && !mayAgree(schemes, arriving, association);
  if (isRationed) return drop("overflow"); // check: agreement-rate
  const context: OpenContext<unknown> = {
    appGroup: arriving.appGroup,
    request: awaited?.request,
    work: groups.work,
    peer: peer === NO_CONTEXT ? undefined : peer,
    previousTag: schemes.chains.before(association, id, awaited?.request.kid),
  };
  const opened = openAs(association, arriving, context);
  if (!opened.ok) return opened;
  arriving.association = association;
  return accept(groups, schemes, arriving, { claim, context, content: opened.value, filed });
}

/**
 * In pairwise mode it is the Diffie-Hellman that comes before the tag: whoever has the ids that
 * everybody hears could make us do as many as he sends messages. So on request of members who were
 * not heard yet there are few.
 */
function mayAgree({ agreements }: Schemes, arriving: Arriving, association: Association): boolean {
  return !isPairwise(arriving, association) || agreements?.take() !== false;
}

/** Whether a message is in pairwise mode: for two alone, and without a signature. */
function isPairwise({ option }: Arriving, association: Association): boolean {
  if ((option.flags & FLAG_GROUP) !== 0) return false;
  return association.security.profile.pairs?.(association) === true;
}

/** A message that opened, as `accept` takes it. */
interface Opening {
  readonly claim: Claim;
  readonly context: OpenContext<unknown>;
  readonly content: Content;
  readonly filed: Uint8Array;
}

/** The second half of `openUnder`: verify, mark, and judge whether a request may be obeyed. */
function accept(
  groups: Groups,
  schemes: Schemes,
  arriving: Arriving,
  { claim, context, content, filed }: Opening,
): Outcome<Inner> {
  const { association, option } = arriving;
  const { id, awaited } = claim;
  const { inner, datagram } = content;
  if (datagram !== undefined && isAnswer(datagram)) {
    const reason = whyNoAnswer(groups, schemes, arriving, datagram);
    if (reason !== undefined) return drop(reason);
  }
  const request = awaited === undefined && inner.ok ? inner.value : undefined;
  const { signed, proof } = prove(schemes, arriving, context, { id, request });
  if (!proof.ok) return proof;
  schemes.proof = proof.value;
  schemes.sender = id.slice();
  if (awaited === undefined) schemes.taken = takenOf(arriving, association, proof.value, id);
  const skipped = skippedBy(groups, arriving);
  if (isCovered(association, awaited)) {
    if (!mark(groups, arriving, filed)) return drop("storeFailed"); // check: member-mark-durable
  } else {
    awaited?.heard.mark(id, option.sequence, association);
  }
  if (context.peer !== undefined) schemes.contexts.keep(association, id, context.peer);
  chain(schemes, arriving, inner, awaited);
  const spent = association.lifetime?.spend();
  if (spent?.ok === false) return spent;
  // Of a record, what was in it is the message from here on.
  if (datagram !== undefined) arriving.outer.scan(datagram);
  if (request === undefined) return inner;
  if (signed !== undefined) note(schemes, arriving, signed);
  schemes.verdict = schemes.synchronisation?.judge(arriving, id, request, skipped) ?? "fresh";
  if (schemes.verdict !== "fresh") return drop("notSynchronised"); // check: not-synchronised
  return inner;
}

function isAnswer(datagram: Uint8Array): boolean {
  return datagram[1] >= RESPONSE_CODES;
}

/** Why an answer in a record, which shows only now that it is one, is not to be taken. */
function whyNoAnswer(
  { recipients }: Groups,
  { isAsked }: Schemes,
  arriving: Arriving,
  datagram: Uint8Array,
): Drop | undefined {
  if (!isAsked(arriving, datagram)) return "unsolicited"; // check: record-answer-asked
  // Who only answers leaves room for those who command.
  const hasRoom = arriving.row >= 0 || recipients.hasRoom(COMMANDERS);
  if (!hasRoom) return "tableFull"; // check: record-answer-room
  return undefined;
}

/** Whether the sender's window judges the message; otherwise its request does. */
function isCovered({ security }: Association, awaited: Awaited | undefined): boolean {
  return awaited === undefined || security.profile.windowCovers === "all";
}

/** How many numbers of its sender lie between this message and the highest before it. */
function skippedBy({ recipients }: Groups, { row, option }: Arriving): number {
  return row < 0 ? 0 : option.sequence - recipients.highest(row) - 1;
}

/** A block, to which the next one may be bound. */
function chain(
  { chains, sender }: Schemes,
  { association, outer }: Arriving,
  inner: Outcome<Inner>,
  awaited: Awaited | undefined,
): void {
  if (!inner.ok) return;
  const answers = awaited?.request.kid;
  const block = { by: sender, answers, inner: inner.value, datagram: outer.bytes };
  chains.note(association, block);
}

function isOwn({ own }: SecurityGroup, id: Uint8Array): boolean {
  return own !== undefined && equalBytes(own.id, id);
}

/** Why a number is not to be taken; undefined when it is fresh. */
function whyNot(
  { recipients }: Groups,
  { row, option }: Arriving,
  association: Association,
  awaited: Awaited | undefined,
): Drop | undefined {
  if (row < 0) {
    // Who only answers leaves room for those who command.
    const reserve = awaited === undefined ? 0 : COMMANDERS;
    if (!recipients.hasRoom(reserve)) return "tableFull"; // check: member-room
    return undefined;
  }
  const { sequence } = option;
  const { window } = association.security.profile;
  const below = recipients.highest(row) - sequence;
  const isOld = below >= (window === 1 ? 0 : window);
  if (isOld) return "replayed"; // check: window-narrow
  if (!recipients.isFresh(row, sequence)) return "replayed"; // check: member-seen
  return undefined;
}

/** The message, and for a record the datagram it was in. */
interface Content {
  readonly inner: Outcome<Inner>;
  readonly datagram: Uint8Array | undefined;
}

function openAs(
  association: Association,
  arriving: Arriving,
  context: OpenContext<unknown>,
): Outcome<Content> {
  const { profile } = association.security;
  if (profile.unwrap === undefined) {
    const inner = profile.open(association, arriving, context);
    return inner.ok ? ok({ inner, datagram: undefined }) : inner;
  }
  const unwrapped = profile.unwrap(association, arriving, context);
  if (!unwrapped.ok) return unwrapped;
  const datagram = unwrapped.value;
  const message = parseMessage(datagram);
  if (!message.ok) return message;
  const { code, options, payload } = message.value;
  return ok({ inner: ok({ code, options, payload }), datagram });
}

/** What a message is known by, and its signature where it has one. */
interface Shown {
  readonly proof: Outcome<Proof>;
  readonly signed: Signed | undefined;
}

/**
 * What the message shows about its sender; `forged` when its signature is not the member's. Of a
 * request whose signature may wait (unverified.ts) it shows no more than the group.
 */
function prove(
  schemes: Schemes,
  arriving: Arriving,
  context: OpenContext<unknown>,
  claim: { readonly id: Uint8Array; readonly request: Inner | undefined },
): Shown {
  const { association, row, option } = arriving;
  const { id, request } = claim;
  const signed = association.security.profile.signed?.(association, arriving, context);
  if (signed === undefined) return { signed, proof: proveUnsigned(arriving, association, id) };
  const { unverified } = schemes;
  if (unverified !== undefined && request !== undefined && mayGoUnsigned(request)) {
    const place = { association, row, sequence: option.sequence };
    if (unverified.mayWait(place, request)) return { signed, proof: BY_GROUP };
  }
  const isGenuine = schemes.isGenuine(signed);
  if (!isGenuine) return { signed, proof: drop("forged") }; // check: signature
  return { signed, proof: ok({ by: "member", id: id.slice() }) };
}

/** An observation lasts: nobody begins or ends one in another's name, not even for a while. */
function mayGoUnsigned({ options }: Inner): boolean {
  if (find(options, OBSERVE) !== undefined) return false; // check: unverified-observe
  return true;
}

/** What a message shows that has no signature; `forged` in a scheme where it needs one. */
function proveUnsigned(
  arriving: Arriving,
  association: Association,
  id: Uint8Array,
): Outcome<Proof> {
  const { proof } = association.security.profile;
  if (proof === "group") return BY_GROUP;
  if (proof !== "member") return ok({ by: proof, id: id.slice() });
  const isForTwo = isPairwise(arriving, association);
  if (!isForTwo) return drop("forged"); // check: unsigned-pairwise
  return ok({ by: "pairwise", id: id.slice() });
}

/** Of a request that was marked: what is verified of its sender's numbers, or to be verified. */
function note(
  { unverified, proof }: Schemes,
  { association, row, option }: Arriving,
  signed: Signed,
): void {
  if (unverified === undefined) return;
  const place = { association, row, sequence: option.sequence };
  if (proof.by === "member") unverified.verified(place);
  else unverified.keep(place, signed);
}

/** What the answers to this request need to know of it. */
export function takenOf(
  { outer, option }: Arriving,
  association: Association,
  { by }: Proof,
  id: Uint8Array,
): Taken {
  const { pivStart, pivLength } = option;
  const kid = id.slice();
  const taken = {
    association,
    kid,
    piv: outer.bytes.slice(pivStart, pivStart + pivLength),
    keyId: association.keyId,
    isAnswered: false,
  };
  // Asked alone, we are the only one who may answer, and answer him alone.
  const { own } = association.security;
  const isAlone = (by === "pairwise" || by === "channel") && own !== undefined;
  return isAlone ? { ...taken, asker: kid, peer: own.id } : { ...taken, asker: undefined };
}

/** Moves the sender's window past this message; flash holds a bound that covers it when true. */
function mark(groups: Groups, arriving: Arriving, filed: Uint8Array): boolean {
  const { association, option, row } = arriving;
  const { recipients } = groups;
  const { sequence } = option;
  if (row >= 0) return recipients.mark(row, sequence);
  const newcomer = { bytes: filed, start: 0, length: filed.length, sequence };
  arriving.row = recipients.admit(association.index, newcomer);
  return arriving.row >= 0;
}
