import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { uintBytes } from "../bytes/uint.js";
import { isLaterBlock } from "../coap/block.js";
import { find, OBSERVE } from "../coap/options.js";
import type { Own, Profile } from "../profiles/profile.js";
import { type Association, keysOf, type SecurityGroup } from "./directory.js";
import type { Groups } from "./groups.js";
import { isOver } from "./open.js";
import type { Outgoing, Sealed } from "./outgoing.js";
import { NO_CONTEXT, type Schemes, type Taken } from "./schemes.js";

/**
 * Protects a message under a scheme with a key for each member: the mirror of `openUnder`.
 *
 * A request has the next number of its association, durable before use. An answer may use its
 * request's number instead, once (RFC 10021: two answers under one nonce would give both away):
 * every later one, one under a newer key than the request's, and every answer of schemes whose
 * window covers answers has a number of its own.
 *
 * `expired` without a usable key, `storeFailed` without a number that flash vouches for,
 * `unknownMember` for a peer nobody vouches for, or when this device may only listen;
 * `unsupported` for a block whose predecessor was not sent.
 */
export function sealUnder(groups: Groups, schemes: Schemes, outgoing: Outgoing): Outcome<Sealed> {
  const { security } = outgoing.appGroup;
  const { profile, own } = security;
  if (own === undefined) return drop("unknownMember");
  if (!maySend(profile, own)) return drop("unknownMember"); // check: own-signer
  const taken = outgoing.request as Taken | undefined;
  const association = keyFor(groups, security, taken);
  const lifetime = association?.lifetime;
  const over = lifetime !== undefined && isOver(lifetime, groups.uptime.seconds());
  if (association === undefined || over) return drop("expired");
  const peerId = taken === undefined ? outgoing.peer : taken.asker;
  const peer = peerId && peerContext(schemes, association, peerId);
  if (peerId !== undefined && peer === undefined) return drop("unknownMember"); // check: peer-known
  const previousTag = schemes.chains.before(association, own.id, taken?.kid);
  const isBound = previousTag !== undefined || !needsPrevious(profile, outgoing);
  if (!isBound) return drop("unsupported"); // check: seal-chain
  const spent = lifetime?.spend();
  if (spent?.ok === false) return spent;
  let usesRequest = taken !== undefined && profile.windowCovers === "requests";
  // RFC 8613 §4.1.3.5.2: of the first it may be left out. The drafts before want it of all.
  if (observes(outgoing)) usesRequest = false; // check: notification-number
  if (taken?.isAnswered === true) usesRequest = false; // check: answer-number-once
  if (taken?.association !== association) usesRequest = false; // check: answer-newer-key
  if (outgoing.ownNumber === true) usesRequest = false;
  if (taken !== undefined) taken.isAnswered = true;
  const sequence = usesRequest ? undefined : schemes.counter(association).next();
  const hasNumber = usesRequest || sequence !== undefined;
  if (!hasNumber) return drop("storeFailed"); // check: member-number
  const piv = sequence === undefined ? undefined : uintBytes(sequence);
  const bytes = profile.seal(
    association,
    {
      header: outgoing.header,
      inner: outgoing.inner,
      clear: outgoing.clear,
      appGroup: outgoing.appGroup,
      sender: own.id,
      piv,
      to: outgoing.to,
      request: taken,
      peer: peer === NO_CONTEXT ? undefined : peer,
      namesKey: taken !== undefined && association !== taken.association,
      previousTag,
    },
    groups.work,
  );
  const block = { by: own.id, answers: taken?.kid, inner: outgoing.inner, datagram: bytes };
  schemes.chains.note(association, block);
  const { keyId } = association;
  const binding = { kid: own.id, piv: piv ?? new Uint8Array(0), keyId };
  const whole = peerId === undefined ? binding : { ...binding, peer: peerId };
  return ok({ bytes, association, binding: whole });
}

function observes({ inner }: Outgoing): boolean {
  return find(inner.options, OBSERVE) !== undefined;
}

/**
 * Whether it goes on with a body, in a scheme that binds each block to the one before: whoever asks
 * for a block in the middle gets none.
 */
function needsPrevious({ tagOf }: Profile, { inner, request }: Outgoing): boolean {
  return tagOf !== undefined && isLaterBlock(inner.options, request === undefined);
}

/** A silent server has nothing to sign with; a member without a session of its own has no keys. */
function maySend({ proof, layer }: Profile, own: Own): boolean {
  if (proof === "member") return own.signer !== undefined;
  return layer === "message" || own.id.length > 0;
}

/**
 * An answer is under its request's key while that lasts, and then, where the scheme can say so,
 * under the newest; everything else is under the newest.
 */
function keyFor(
  groups: Groups,
  security: SecurityGroup,
  taken: Taken | undefined,
): Association | undefined {
  if (taken !== undefined && keysOf(security).includes(taken.association)) {
    const { lifetime } = taken.association;
    const over = lifetime !== undefined && isOver(lifetime, groups.uptime.seconds());
    if (!over) return taken.association;
  }
  const isTooLate = taken !== undefined && security.profile.answersNewer !== true;
  if (isTooLate) return undefined; // check: answer-newer
  const installed = groups.keyring.current(security);
  return security.derived === undefined ? installed : security.derived.current(installed);
}

function peerContext(schemes: Schemes, association: Association, id: Uint8Array): unknown {
  const known = schemes.contexts.find(association, id);
  if (known !== undefined) return known;
  const made = schemes.contextOf(association, id);
  if (made !== undefined && made !== NO_CONTEXT) schemes.contexts.keep(association, id, made);
  return made;
}
