/**
 * One datagram of a scheme with a key for each member: the mirror of `receive.ts` for every scheme
 * but `lowlatency`, in a file of its own because not every image holds it.
 *
 *   message    outer -> candidates -> check, open, verify, mark -> rights -> dispatch
 *   record     candidates -> check, open, mark -> the CoAP message in it -> rights -> dispatch
 *   answer     token -> candidates of the group that was asked -> the same checks -> whoever asked
 */
import { DISCOVERY, type Level } from "../access/level.js";
import { equalBytes } from "../bytes/equal.js";
import { Id64 } from "../bytes/id64.js";
import { type Drop, drop, type Outcome, ok, type Proof } from "../bytes/outcome.js";
import { isMulticast } from "../coap/addresses.js";
import type { Exchange } from "../coap/exchange.js";
import { ACK, CON, type Inner } from "../coap/message.js";
import { openAmong } from "../groups/candidates.js";
import type { Directory, SecurityGroup } from "../groups/directory.js";
import type { Arriving, Groups } from "../groups/groups.js";
import { isNewest } from "../groups/order.js";
import type { Claimed, Schemes } from "../groups/schemes.js";
import type { Datagram } from "../ports/datagram.js";
import { isUnasked } from "./answer.js";
import { dispatch } from "./dispatch.js";
import type { Asked, Bound, Parts } from "./parts.js";
import { dropped } from "./policy.js";
import { renewed, sendAgain } from "./renegotiate.js";
import { levelWithin } from "./within.js";

/** Codes from 2.00 on are responses (RFC 7252 §3). */
const RESPONSE_CODES = 64;
/** What a message under a `lowlatency` key shows, and what `access` says between messages. */
const BY_GROUP: Proof = Object.freeze({ by: "group" });
const ID_BYTES_MAX = 8;

/** A CoAP message with the OSCORE option; `arriving` was begun, its outside scanned. */
export function receiveMember(device: Parts, schemes: Schemes, datagram: Datagram): Outcome<true> {
  const { groups, endpoint } = device;
  const { arriving } = groups;
  const { outer } = arriving;
  if (outer.code >= RESPONSE_CODES) return receiveMemberAnswer(device, schemes, datagram);
  if (outer.type === CON && endpoint.check(outer, datagram.from) !== "new") {
    return drop("duplicate"); // check: member-retransmission
  }
  const opened = openAmong(groups, schemes, arriving, "message", undefined);
  if (opened.ok) return obey(device, schemes, datagram, opened.value);
  if (opened.drop === "unknownKey") {
    const again = renewed(device, schemes, datagram);
    if (again?.ok) return obey(device, schemes, datagram, again.value);
    if (again !== undefined) return refused(device, schemes, again.drop);
  }
  return refused(device, schemes, opened.drop);
}

/** A datagram that is no CoAP message: a record, or nothing. */
export function receiveRecord(device: Parts, schemes: Schemes, datagram: Datagram): Outcome<true> {
  const { groups, endpoint, exchanges } = device;
  const { arriving } = groups;
  const { outer } = arriving;
  arriving.begin(datagram);
  arriving.multicast = isMulticast(datagram.to.address);
  outer.bytes = datagram.bytes;
  const opened = openAmong(groups, schemes, arriving, "record", undefined);
  if (!opened.ok) {
    dropped(device, schemes, opened.drop);
    return opened;
  }
  // From here on `outer` is that of the message inside.
  const confirmable = outer.type === CON;
  if (confirmable && arriving.multicast) return drop("malformed"); // check: record-multicast-con
  const isAnswer = outer.code >= RESPONSE_CODES;
  if (!isAnswer) {
    if (confirmable && endpoint.check(outer, datagram.from) !== "new") return drop("duplicate");
    return obey(device, schemes, datagram, opened.value);
  }
  const found = askedBy(device, arriving, outer.bytes);
  if (!found.ok) return found;
  if (isUnasked(found.value, opened.value)) return drop("unsolicited"); // check: record-observe
  schemes.answered = undefined;
  acknowledge(device, datagram);
  const member = schemes.sender;
  return exchanges.answered(found.value, datagram.from, { member, inner: opened.value }, member);
}

function refused(device: Parts, schemes: Schemes, reason: Drop): Outcome<true> {
  dropped(device, schemes, reason);
  return drop(reason);
}

/** The request of ours that an answer in a record belongs to. */
export function askedBy(
  { exchanges }: Parts,
  { appGroup, from }: Claimed,
  datagram: Uint8Array,
): Outcome<Exchange<Asked>> {
  const found = exchanges.match(datagram, 4, datagram[0] & 15, from);
  if (!found.ok) return found;
  const isAsked = found.value.binding.appGroup.security === appGroup.security;
  if (!isAsked) return drop("unsolicited"); // check: record-answer-group
  return found;
}

/** Matched by its token to a request of ours, opened against that request. */
function receiveMemberAnswer(device: Parts, schemes: Schemes, datagram: Datagram): Outcome<true> {
  const { groups, endpoint, exchanges } = device;
  const { arriving } = groups;
  const { outer } = arriving;
  if (outer.type === CON && endpoint.check(outer, datagram.from) !== "new") {
    return drop("duplicate"); // check: member-answer-retransmission
  }
  const resumed = device.renegotiation?.answered(arriving);
  if (resumed !== undefined) {
    if (!resumed.ok) return resumed;
    acknowledge(device, datagram);
    sendAgain(device, resumed.value);
    return ok(true);
  }
  const found = exchanges.match(outer.bytes, 4, outer.tokenLength, datagram.from);
  if (!found.ok) return found;
  const { awaited, others } = found.value.binding;
  if (awaited === undefined) return drop("unsolicited"); // check: answer-of-scheme
  const opened = openAsked(groups, schemes, [
    found.value.binding,
    ...(others?.(datagram.from) ?? []),
  ]);
  if (!opened.ok) {
    dropped(device, schemes, opened.drop);
    return opened;
  }
  if (isUnasked(found.value, opened.value)) return drop("unsolicited"); // check: answer-observe
  device.renegotiation?.confirmed(arriving.association);
  acknowledge(device, datagram);
  const member = schemes.sender;
  return exchanges.answered(found.value, datagram.from, { member, inner: opened.value }, member);
}

/** Opened against the first of these requests that it belongs to. */
function openAsked(groups: Groups, schemes: Schemes, asked: readonly Bound[]): Outcome<Inner> {
  let outcome: Outcome<Inner> = drop("forged");
  for (const { awaited } of asked) {
    if (awaited === undefined) continue;
    const opened = openAmong(groups, schemes, groups.arriving, "message", awaited);
    schemes.answered = awaited;
    if (opened.ok) return opened;
    // To be of another request is to be forged: any other reason says more.
    if (!outcome.ok && outcome.drop === "forged") outcome = opened;
  }
  return outcome;
}

/** An answer was verified: its sender need not say it again. */
function acknowledge({ endpoint, groups }: Parts, { from }: Datagram): void {
  const { outer } = groups.arriving;
  if (outer.type === ACK) endpoint.check(outer, from);
  if (outer.type !== CON) return;
  endpoint.remember(outer, from);
  endpoint.acknowledge(outer, from);
}

/** Right, order, resource, answer, with what this message was shown to prove. */
function obey(device: Parts, schemes: Schemes, datagram: Datagram, inner: Inner): Outcome<true> {
  const { access, groups } = device;
  const { arriving } = groups;
  const { proof } = schemes;
  arriving.granted = levelOf(device, schemes.sender, proof);
  arriving.isNewest = isNewest(groups, arriving) && !hasMovedOn(groups, arriving);
  device.renegotiation?.confirmed(arriving.association);
  access.proof = proof;
  access.scope = proof.by === "channel" ? "device" : "group";
  try {
    return dispatch(device, datagram, inner);
  } finally {
    access.proof = BY_GROUP;
    access.scope = "group";
  }
}

/** Whether a newer command of the sender was obeyed under a context derived later. */
function hasMovedOn({ recipients }: Groups, { association, row }: Arriving): boolean {
  const { derived } = association.security;
  if (derived === undefined) return false;
  const { all } = derived;
  for (const { index } of all.slice(all.indexOf(association) + 1)) {
    const newer = recipients.beside(row, index);
    const applied = newer >= 0 && recipients.hasApplied(newer);
    if (applied) return true; // check: derived-order
  }
  return false;
}

/**
 * What the sender may do: over a channel of two, his right to this device; under group material the
 * highest of his rights within the application groups that the message may have been meant for.
 */
function levelOf({ rights, groups }: Parts, sender: Uint8Array, proof: Proof): Level {
  // Rights are an integer's: of 01 and 0001 only the shorter one has any.
  const isInteger = sender.length === 1 || (sender.length > 0 && sender[0] !== 0);
  if (sender.length > ID_BYTES_MAX || !isInteger) return DISCOVERY; // check: kid-minimal
  const client = new Id64().read(sender, 0, sender.length);
  const { arriving, directory } = groups;
  const { security } = arriving.association;
  if (proof.by === "channel") {
    if (isShared(directory, security, sender)) return DISCOVERY; // check: channel-peer
    return rights.level(null, client);
  }
  const to = arriving.multicast ? arriving.to : undefined;
  return levelWithin({ rights, directory }, client, { security, to });
}

/**
 * Whether the peer of another context has this id, too. RFC 8613 §3.3: ids are told apart within a
 * context; a right names an id alone, so the other peer's would be lent.
 */
function isShared(directory: Directory, own: SecurityGroup, id: Uint8Array): boolean {
  return directory.securities().some((security) => {
    if (security === own) return false;
    return security.associations.some(({ peerId }) => peerId && equalBytes(peerId, id));
  });
}
