/**
 * From the outside of a message that names no application group to the keys that may open it.
 *
 * PROBLEM. The key id (Gid, Cid) is all that such a message says about its context, and two Key
 * Distribution Centers may have given the same one away (draft-ietf-core-oscore-groupcomm-02 §2.1,
 * RFC 10021): so there may be several candidates, of several schemes, each with its own idea of
 * where the ids stand.
 *
 * CHOICE. Candidates are the keys of the groups whose multicast address the message was sent to, or
 * of all groups when it was sent to this device alone; an answer has those of the group that was
 * asked. They are tried one after the other until one opens; the reason that is told is that of the
 * candidate that came furthest.
 */
import { equalBytes } from "../bytes/equal.js";
import { type Drop, drop, type Outcome } from "../bytes/outcome.js";
import { FLAG_KID, FLAG_KID_CONTEXT } from "../oscore/option.js";
import type { Inner, Member } from "../profiles/profile.js";
import {
  type AppGroup,
  type Association,
  compareKeyIds,
  hasKeyId,
  keysOf,
  type SecurityGroup,
} from "./directory.js";
import type { Arriving, Groups } from "./groups.js";
import type { Awaited, Schemes } from "./schemes.js";
import { openUnder } from "./verify.js";

/** How far a candidate came. */
const NOWHERE = 0;
const IN_FORM = 1;
const KEY_KNOWN = 2;
const MEMBER_KNOWN = 3;

/** The reason of whichever candidate came furthest. */
class Failure {
  #outcome: Outcome<Inner> = drop("unknownGroup");
  #reached = NOWHERE - 1;

  note(reached: number, reason: Drop): void {
    if (reached <= this.#reached) return;
    this.#reached = reached;
    this.#outcome = drop(reason);
  }

  get outcome(): Outcome<Inner> {
    return this.#outcome;
  }
}

/**
 * Finds the key and opens: `unknownGroup`, `malformed`, `unknownKey`, `unknownMember`, `oldEpoch`,
 * or what `openUnder` says. Fills `arriving` and `schemes`. `awaited` is set when the message
 * answers a request of ours.
 */
export function openAmong(
  groups: Groups,
  schemes: Schemes,
  arriving: Arriving,
  layer: "message" | "record",
  awaited: Awaited | undefined,
): Outcome<Inner> {
  const failure = new Failure();
  schemes.stranger = undefined; // check: stranger-own
  for (const security of groups.directory.securities()) {
    const { profile } = security;
    if (profile.namesGroup || profile.layer !== layer) continue;
    const appGroup =
      awaited === undefined
        ? groupServed(groups, security, arriving)
        : groupAsked(groups, security, awaited);
    if (appGroup === undefined) continue;
    arriving.appGroup = appGroup;
    const direction = awaited === undefined ? "request" : "response";
    const inForm = profile.identify(arriving, direction);
    failure.note(inForm ? IN_FORM : NOWHERE, inForm ? "unknownKey" : "malformed");
    if (!inForm) continue; // check: scheme-form
    for (const association of keysOf(security)) {
      if (!mayBe(association, arriving, awaited)) continue; // check: candidate-key-id
      const opened = tryMembers(groups, schemes, arriving, association, awaited);
      if (opened.ok || wasOpened(opened.drop)) return opened;
      const unknown = opened.drop === "unknownMember" || opened.drop === "oldEpoch";
      failure.note(unknown ? KEY_KNOWN : MEMBER_KNOWN, opened.drop);
    }
  }
  return failure.outcome;
}

/** What is not fresh, or answers nothing, was opened all the same. */
function wasOpened(reason: Drop): boolean {
  return reason === "notSynchronised" || reason === "unsolicited";
}

/** An application group of this security group that hears what was sent there. */
function groupServed(
  { directory }: Groups,
  security: SecurityGroup,
  { multicast, to }: Arriving,
): AppGroup | undefined {
  for (const appGroup of directory.appGroups()) {
    if (appGroup.security !== security) continue;
    const isElsewhere = multicast && !equalBytes(appGroup.address, to.address);
    if (isElsewhere) continue; // check: group-address
    const isOtherPort = multicast && appGroup.port !== to.port;
    if (isOtherPort) continue; // check: group-port
    return appGroup;
  }
  return undefined;
}

/** An answer comes from the group that was asked. */
function groupAsked(
  { directory }: Groups,
  security: SecurityGroup,
  { association }: Awaited,
): AppGroup | undefined {
  if (association.security !== security) return undefined; // check: answer-security
  for (const appGroup of directory.appGroups()) if (appGroup.security === security) return appGroup;
  return undefined;
}

/** Whether the ids outside name this key. */
function mayBe(
  association: Association,
  { outer, option }: Arriving,
  awaited: Awaited | undefined,
): boolean {
  // A record says its epoch only, and each session judges that itself.
  if (association.security.profile.layer === "record") return true;
  const isNamed = (option.flags & FLAG_KID_CONTEXT) !== 0 || option.contextLength > 0;
  if (!isNamed) {
    // RFC 10021: an answer without a Gid is under the request's. Between two alone the ID Context
    // may be left out of requests, too (RFC 8613 §5.2).
    return awaited === undefined
      ? association.peerId !== undefined || association.keyId.length === 0
      : awaited.association === association;
  }
  const { derived } = association.security;
  if (derived !== undefined) {
    if (awaited !== undefined && awaited.association !== association) return false;
    return derived.isNamed(association, outer.bytes, option.contextStart, option.contextLength);
  }
  // RFC 10021: an answer is under its request's key or a newer one. Who has an older one only may
  // have been left out since.
  const least = awaited?.association.keyId ?? association.keyId;
  if (compareKeyIds(association.keyId, least) < 0) return false; // check: candidate-newer
  return hasKeyId(association, outer.bytes, option.contextStart, option.contextLength);
}

/** The sender is the one the message names; of a record, whoever sends from that address. */
function tryMembers(
  groups: Groups,
  schemes: Schemes,
  arriving: Arriving,
  association: Association,
  awaited: Awaited | undefined,
): Outcome<Inner> {
  if (association.security.profile.layer === "message") {
    const id = senderOf(arriving, awaited);
    if (id === undefined) return drop("malformed");
    return openUnder(groups, schemes, arriving, association, { id, member: undefined, awaited });
  }
  const failure = new Failure();
  failure.note(NOWHERE, "unknownMember");
  for (const member of schemes.members.of(association.security.id)) {
    if (!isFrom(member, arriving.from.address)) continue; // check: session-source
    const { id } = member;
    const opened = openUnder(groups, schemes, arriving, association, { id, member, awaited });
    if (opened.ok || wasOpened(opened.drop)) return opened;
    failure.note(opened.drop === "oldEpoch" ? IN_FORM : MEMBER_KNOWN, opened.drop);
  }
  return failure.outcome;
}

function senderOf(
  { outer, option }: Arriving,
  awaited: Awaited | undefined,
): Uint8Array | undefined {
  const { kidStart, kidLength } = option;
  // RFC 8613 §5.2: a kid may have no bytes; whether it is there, a flag says.
  const isNamed = (option.flags & FLAG_KID) !== 0 || kidLength > 0;
  if (isNamed) return outer.bytes.subarray(kidStart, kidStart + kidLength);
  return awaited?.request.peer;
}

/** A session without an address is tried for each. */
function isFrom({ credential }: Member, address: Uint8Array): boolean {
  return credential.length === 0 || equalBytes(credential, address);
}
