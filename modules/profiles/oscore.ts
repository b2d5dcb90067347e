/**
 * `oscore`: RFC 8613, two endpoints and no group. It secures what only one peer may command, and
 * is what other implementations speak.
 *
 *   1. identify   option flags ‖ piv ‖ s ‖ kid context ‖ kid
 *   2. nonce      Common IV ⊕ (length of id ‖ id ‖ piv), of whoever made the piv
 *   3. AAD        Enc(h'', [1, [10], request_kid, request_piv, h''])
 *   4. AEAD       AES-CCM-16-64-128 over code ‖ options ‖ [FF ‖ payload]
 *
 * Of the choices that RFC 8613 leaves: HKDF-SHA-256 and this AEAD alone; a request names its ID
 * Context whenever there is one; a window of 32; no error message in the clear (§8.2 "MAY").
 * Deviations, on purpose:
 * - Proxy-Uri is refused, not taken apart (§4.1.3.3): who forwards has the parts.
 * - Block options outside, a proxy's own fragments, are dropped like the rest of class E, not put
 *   together first (§8.2.1): nobody's unprotected bytes take memory here.
 * - An option of class U that a sender put inside is taken from there (§4.1 has it only outside).
 * - What opens and holds no CoAP message is dropped unmarked, so the same number is taken once more
 *   from the same sender: nothing was done with it.
 *
 * What is the caller's: numbers and windows, at most one answer under a request's nonce, the order
 * of notifications by piv, and that what was asked without Observe has no answer with it
 * (§4.1.3.5.2). Contexts that are derived again: oscore/renegotiate.ts.
 */

import { equalBytes } from "../bytes/equal.js";
import { drop, type Outcome } from "../bytes/outcome.js";
import { ECHO, UNAUTHORIZED } from "../coap/options.js";
import type { AadWriter, Workspace } from "../oscore/aad.js";
import { isFramed } from "../oscore/framing.js";
import { emitProtected, join, split } from "../oscore/inside.js";
import { nonceFrom, nonceFromBase } from "../oscore/nonce.js";
import { emitOption, FLAG_GROUP, type OscoreOption } from "../oscore/option.js";
import { type PairContext, type PairEnd, pairContext } from "../oscore/pair-context.js";
import type { Arrival, Departure, Inner, OpenContext, Profile, RequestBinding } from "./profile.js";

export const oscore: Profile<PairContext, PairEnd> = {
  name: "oscore",
  layer: "message",
  proof: "channel",
  numbering: "key",
  window: 32,
  windowCovers: "requests",
  // RFC 8613 Appendix B.1.2.
  challenge: { code: UNAUTHORIZED, option: ECHO },
  importKey: pairContext,
  // Two share a context: nobody has anybody vouch for him.
  admits: (_crypto, { credential }) => credential.length === 0,
  peer: (_crypto, key, { id }) => (equalBytes(id, key.peerId) ? key.recipient : undefined),
  identify,
  open,
  seal,
};

function identify(arrival: Arrival, direction: "request" | "response"): boolean {
  const { outer, option } = arrival;
  if (!option.parse(outer.bytes, outer.oscoreStart, outer.oscoreLength)) return false;
  // RFC 10021 §6: the Group Flag belongs to groups, and this is none.
  if ((option.flags & FLAG_GROUP) !== 0) return false; // check: oscore-group-flag
  return isFramed(arrival, direction);
}

function open(key: PairContext, arrival: Arrival, context: OpenContext<PairEnd>): Outcome<Inner> {
  const { outer, option } = arrival;
  const { request, work } = context;
  const { recipient } = key;
  if (request === undefined || option.pivLength > 0) {
    nonceFromBase(work.nonce, recipient.base, outer.bytes, option);
  } else {
    nonceFrom(work.nonce, key.commonIv, request.kid, request.piv);
  }
  external(work.aad, key, outer.bytes, option, request);
  const plain = recipient.aead.open({
    nonce: work.nonce.bytes,
    aad: work.aad.finish(),
    sealed: outer.bytes.subarray(outer.payloadStart),
  });
  if (plain === undefined) return drop("forged"); // check: oscore-tag
  return join(plain as Uint8Array, outer, "both");
}

/** RFC 8613 §5.4: the ids of the request; a response has those it is bound to. */
function external(
  aad: AadWriter,
  key: PairContext,
  bytes: Uint8Array,
  option: OscoreOption,
  request: RequestBinding | undefined,
): void {
  aad.begin(key.head);
  if (request === undefined) {
    aad.slice(bytes, option.kidStart, option.kidLength);
    aad.slice(bytes, option.pivStart, option.pivLength);
  } else {
    aad.bytes(request.kid);
    aad.bytes(request.piv);
  }
  aad.empty();
}

function seal(key: PairContext, departure: Departure<PairEnd>, work: Workspace): Uint8Array {
  const { header, inner, clear, piv, request, sender, namesKey, namesSender } = departure;
  const { own } = key;
  if (!equalBytes(sender, own.id)) throw new RangeError("not our sender id");
  if (piv === undefined && request === undefined)
    throw new RangeError("a request without a number");
  const isRequest = request === undefined;
  // RFC 8613 §5.1: in a response kid and kid context say nothing that the token did not.
  const value = emitOption({
    piv,
    kidContext: namesKey === true || (isRequest && key.keyId.length > 0) ? key.keyId : undefined,
    kid: isRequest || namesSender === true ? own.id : undefined,
  });
  const { option, nonce, aad } = work;
  if (!option.parse(value, 0, value.length)) throw new RangeError("option of our own making");
  const parts = split(inner, clear, isRequest, "both");
  const maker = piv === undefined ? (request as RequestBinding) : { kid: own.id, piv };
  nonceFrom(nonce, key.commonIv, maker.kid, maker.piv);
  external(aad, key, value, option, request);
  const sealed = own.aead.seal({ nonce: nonce.bytes, aad: aad.finish(), plain: parts.plain });
  return emitProtected(header, parts, value, sealed);
}
