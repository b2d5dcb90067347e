import { equalBytes } from "../bytes/equal.js";
import { type Drop, drop, type Outcome, ok, type Proof } from "../bytes/outcome.js";
import { parseMessage } from "../coap/message.js";
import { NUMBER_MAX } from "../oscore/window.js";
import type { Inner, Member, OpenContext } from "../profiles/profile.js";
import type { Association, SecurityGroup } from "./directory.js";
import type { Arriving, Groups } from "./groups.js";
import { COMMANDERS, isOver } from "./open.js";
import { type Awaited, NO_CONTEXT, type Schemes, type Taken } from "./schemes.js";

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
  const covered = awaited === undefined || security.profile.windowCovers === "all";
  if (covered) {
    const reason = whyNot(groups, arriving, association, awaited);
    if (reason !== undefined) return drop(reason);
  } else if (!awaited.heard.isFresh(id, option.sequence)) {
    return drop("replayed"); // check: heard-fresh
  }
  const known = schemes.contexts.find(association, id);
  const peer = known ?? schemes.contextOf(association, id, claim.member);
  if (peer === undefined) return drop("unknownMember"); // check: member-known
  const context: OpenContext<unknown> = {
    appGroup: arriving.appGroup,
    request: awaited?.request,
    work: groups.work,
    peer: peer === NO_CONTEXT ? undefined : peer,
    previousTag: schemes.chains.before(association, id, awaited?.request.kid),
  };
  const opened = openAs(association, arriving, context);
  if (!opened.ok) return opened;
  const proof = prove(schemes, arriving, association, context, id);
  if (!proof.ok) return proof;
  arriving.association = association;
  schemes.proof = proof.value;
  schemes.sender = id.slice();
  if (awaited === undefined) schemes.taken = takenOf(arriving, association, proof.value, id);
  // Synchronisation policy: here, with everything verified and nothing marked.
  if (covered) {
    if (!mark(groups, arriving, filed)) return drop("storeFailed"); // check: member-mark-durable
  } else {
    awaited.heard.mark(id, option.sequence);
  }
  if (known === undefined && peer !== NO_CONTEXT) schemes.contexts.keep(association, id, peer);
  chain(schemes, arriving, opened.value.inner, awaited);
  const spent = lifetime?.spend();
  if (spent?.ok === false) return spent;
  // Of a record, what was in it is the message from here on.
  const { datagram, inner } = opened.value;
  if (datagram !== undefined) arriving.outer.scan(datagram);
  return inner;
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

/** What the message shows about its sender; `forged` when its signature is not the member's. */
function prove(
  { crypto }: Schemes,
  arriving: Arriving,
  association: Association,
  context: OpenContext<unknown>,
  id: Uint8Array,
): Outcome<Proof> {
  const { profile } = association.security;
  const signed = profile.signed?.(association, arriving, context);
  if (signed === undefined) {
    // Of schemes that prove a member, what carries no signature is for two alone.
    const by = profile.proof === "member" ? "pairwise" : profile.proof;
    return by === "group" ? BY_GROUP : ok({ by, id: id.slice() });
  }
  // Signature policy: here. Whatever is not verified proves no more than BY_GROUP.
  const isGenuine = crypto.signatures?.verify(signed) === true;
  if (!isGenuine) return drop("forged"); // check: signature
  return ok({ by: "member", id: id.slice() });
}

/** What the answers to this request need to know of it. */
function takenOf(
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
