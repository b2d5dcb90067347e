/**
 * `group-oscore`: RFC 10021 (the text of draft-ietf-core-oscore-groupcomm-28), as WIRE.md reads it.
 *
 * Group mode: whoever has the group's secret can read, one member alone can have signed. Pairwise
 * mode: one member to one other, under a key of the two. The Group Flag tells which.
 *
 *   1. identify   option flags ‖ piv ‖ s ‖ gid ‖ kid
 *   2. nonce      Common IV ⊕ (length of id ‖ id ‖ piv), of whoever made the piv
 *   3. AAD        Enc(h'', [1, algorithms, request_kid, request_piv, h'', request_kid_context,
 *                          OSCORE option, sender's credential, Group Manager's credential])
 *   4. AEAD       group mode: Group Encryption Algorithm under the sender's key, then
 *                 signature ⊕ keystream; pairwise mode: AEAD Algorithm under the pairwise key
 *
 * Deviations, on purpose:
 * - §7.2 and §7.4 would have the signature verified before anything is decrypted. Here the tag, a
 *   hundred times cheaper, turns down whatever is not from the group first; nothing is acted on
 *   before `groups/` has verified the signature, or decided by the group's policy not to.
 * - The Countersign_structure has five elements, the signer's protected header as h'' among them:
 *   so do the live peers and the cose-wg examples; RFC 9338 §3.3 can be read otherwise.
 * - No error message is sent (§7.2, §8.4 "MAY").
 * - A message in pairwise mode is taken from multicast, too: whom it is for alone can open it.
 *   Of members who were not heard yet few are (4, then one a second; `overflow`), because the
 *   Diffie-Hellman comes before the tag.
 * - What opens and holds no CoAP message is dropped unmarked, so the same number is taken once more
 *   from the same sender: nothing was done with it.
 * - A request sent to us alone may be meant for any application group of its security group, and
 *   has the highest of the rights that its sender has in these.
 * Of the choices it leaves: AES-CCM-16-64-128 and AES-CCM-16-128-128, EdDSA on Ed25519,
 * HKDF-SHA-256 with ECDH on the same keys mapped to Curve25519; credentials are CCSs (cose/ccs.ts)
 * with an Ed25519 key in a group without group mode, too. A response names its Gid whenever that
 * is not the request's. Pairwise keys live and end with the Recipient Context, so none outlasts
 * its Gid.
 */

import { concat } from "../bytes/concat.js";
import { equalBytes } from "../bytes/equal.js";
import { drop, type Outcome } from "../bytes/outcome.js";
import { Writer } from "../bytes/writer.js";
import { CborWriter } from "../cbor/encode.js";
import { ECHO, UNAUTHORIZED } from "../coap/options.js";
import { isMemberKey, publicKeyOf } from "../cose/ccs.js";
import { countersignData } from "../cose/countersign.js";
import type { AadWriter, Workspace } from "../oscore/aad.js";
import { isFramed } from "../oscore/framing.js";
import {
  type GroupContext,
  type GroupRecipient,
  type GroupSender,
  groupContext,
  groupRecipient,
  pairwiseOf,
  usesPairwise,
  wipeGroup,
} from "../oscore/group-context.js";
import { emitProtected, join, split } from "../oscore/inside.js";
import { nonceFrom, nonceFromBase } from "../oscore/nonce.js";
import {
  emitOption,
  FLAG_GROUP,
  FLAG_KID,
  FLAG_KID_CONTEXT,
  type OscoreOption,
} from "../oscore/option.js";
import type { Outer } from "../oscore/outer.js";
import { AES_CCM_16_128_128 } from "../ports/crypto.js";
import type {
  Arrival,
  Departure,
  Inner,
  Member,
  MemberParts,
  OpenContext,
  Profile,
  RequestBinding,
  Signed,
} from "./profile.js";

const SIGNATURE_BYTES = 64;

export const groupOscore: Profile<GroupContext, GroupRecipient> = {
  name: "group-oscore",
  layer: "message",
  proof: "member",
  numbering: "key",
  answersNewer: true,
  window: 32,
  windowCovers: "requests",
  challenge: { code: UNAUTHORIZED, option: ECHO },
  pairs: usesPairwise,
  importKey: groupContext,
  wipe: wipeGroup,
  admits: (crypto, { credential }) => isMemberKey(crypto, publicKeyOf(credential)),
  peer: (_crypto, key, member: Member) => groupRecipient(key, member),
  identify,
  open,
  signed,
  intakeMember: { parts },
  seal,
};

/** All of `open` that does not change from one request of a member to the next. */
function parts(
  { algorithms, gidCbor, managerCbor }: GroupContext,
  { aead, base, head, credentialCbor }: GroupRecipient,
): MemberParts | undefined {
  if (aead === undefined) return undefined;
  return {
    aead,
    tagBytes: algorithms.groupEncryption === AES_CCM_16_128_128 ? 16 : 8,
    base,
    first: head,
    middle: gidCbor,
    credential: credentialCbor,
    last: managerCbor,
  };
}

function identify(arrival: Arrival, direction: "request" | "response"): boolean {
  const { outer, option } = arrival;
  if (!option.parse(outer.bytes, outer.oscoreStart, outer.oscoreLength)) return false;
  if (!isFramed(arrival, direction)) return false; // check: group-framed
  const unnamed = direction === "request" && (option.flags & FLAG_KID_CONTEXT) === 0;
  if (unnamed) return false; // check: group-request-gid
  return true;
}

function open(
  key: GroupContext,
  arrival: Arrival,
  context: OpenContext<GroupRecipient>,
): Outcome<Inner> {
  const { outer, option } = arrival;
  const { request, work } = context;
  const peer = senderOf(context);
  if (request !== undefined) {
    const refused = whyNoAnswer(key, arrival, request, peer);
    if (refused !== undefined) return drop(refused);
  }
  const inGroupMode = (option.flags & FLAG_GROUP) !== 0;
  const aead = inGroupMode ? peer.aead : pairwiseOf(key, peer)?.from;
  // §6: a mode that this group does not use is no way in.
  if (aead === undefined) return drop("forged");
  const { bytes, payloadStart } = outer;
  const end = inGroupMode ? bytes.length - SIGNATURE_BYTES : bytes.length;
  if (end <= payloadStart) return drop("malformed"); // check: group-signature-whole
  if (request === undefined || option.pivLength > 0) {
    nonceFromBase(work.nonce, peer.base, bytes, option);
  } else {
    nonceFrom(work.nonce, key.commonIv, request.kid, request.piv);
  }
  external(work.aad, key, arrival, request, peer);
  const sealed = bytes.subarray(payloadStart, end);
  const plain = aead.open({ nonce: work.nonce.bytes, aad: work.aad.finish(), sealed });
  if (plain === undefined) return drop("forged"); // check: group-tag
  return join(plain as Uint8Array, outer, "both");
}

function senderOf({ peer }: OpenContext<GroupRecipient>): GroupRecipient {
  if (peer === undefined) throw new RangeError("a group message without its sender's context");
  return peer;
}

/** Undefined where the message may answer the request. */
function whyNoAnswer(
  key: GroupContext,
  { option }: Arrival,
  request: RequestBinding,
  peer: GroupRecipient,
): "malformed" | "forged" | undefined {
  if (request.peer === undefined) {
    // §3.2: among many, an answer says whose it is.
    if ((option.flags & FLAG_KID) === 0) return "malformed"; // check: group-response-kid
  } else if (!equalBytes(request.peer, peer.id)) {
    // §7.4 and §8.6: one was asked; whatever another one answers, signed or not, is discarded.
    return "forged"; // check: group-response-peer
  }
  // §7.3: under a newer context the request's nonce is none.
  if (isNewer(key, request) && option.pivLength === 0) return "malformed"; // check: group-newer-piv
  return undefined;
}

/** Of a message that arrives, or of one that is being made. */
interface Placed {
  readonly outer: Pick<Outer, "bytes" | "oscoreStart" | "oscoreLength">;
  readonly option: OscoreOption;
}

/** Writes a message's additional data; of a response, `request` is what it answers. */
function external(
  aad: AadWriter,
  key: GroupContext,
  { outer, option }: Placed,
  request: RequestBinding | undefined,
  sender: Pick<GroupSender, "head" | "credentialCbor">,
): void {
  const { bytes, oscoreStart, oscoreLength } = outer;
  if (request === undefined) {
    aad.begin(sender.head);
    aad.slice(bytes, option.pivStart, option.pivLength);
    aad.raw(key.gidCbor);
  } else {
    aad.begin(key.head);
    aad.bytes(request.kid);
    aad.bytes(request.piv);
    aad.empty();
    aad.bytes(request.keyId ?? key.keyId);
  }
  aad.slice(bytes, oscoreStart, oscoreLength);
  aad.raw(sender.credentialCbor);
  aad.raw(key.managerCbor);
}

/** Countersignature0 over the same external_aad and the ciphertext (§3.1, RFC 9338 §3.3). */
function signed(
  key: GroupContext,
  arrival: Arrival,
  context: OpenContext<GroupRecipient>,
): Signed | undefined {
  const { outer, option } = arrival;
  if ((option.flags & FLAG_GROUP) === 0) return undefined;
  const { request, work } = context;
  const peer = senderOf(context);
  const { bytes, payloadStart } = outer;
  const end = bytes.length - SIGNATURE_BYTES;
  const ownPiv = bytes.slice(option.pivStart, option.pivStart + option.pivLength);
  const maker =
    request === undefined || option.pivLength > 0 ? { kid: peer.id, piv: ownPiv } : request;
  const signature = bytes.slice(end);
  applyKeystream(key, signature, maker, request === undefined);
  external(work.aad, key, arrival, request, peer);
  const data = toBeSigned(work.aad.external(), bytes.subarray(payloadStart, end));
  return { data, signature, publicKey: peer.publicKey };
}

function toBeSigned(externalAad: Uint8Array, payload: Uint8Array): Uint8Array {
  const none = new Uint8Array(0);
  return countersignData({
    context: "CounterSignature0",
    bodyProtected: none,
    signProtected: none,
    externalAad,
    payload,
  });
}

/** §4.2: encrypts a signature, or decrypts it, in place. `maker` made the partial IV. */
function applyKeystream(
  { crypto, keyId, signatureKey }: GroupContext,
  signature: Uint8Array,
  maker: { readonly kid: Uint8Array; readonly piv: Uint8Array },
  isRequest: boolean,
): void {
  const info = new Writer(32);
  const cbor = new CborWriter(info);
  cbor.array(4);
  cbor.bytes(maker.kid);
  cbor.bytes(keyId);
  cbor.bool(isRequest);
  cbor.uint(SIGNATURE_BYTES);
  const stream = crypto.hkdf({
    salt: maker.piv,
    secret: signatureKey as Uint8Array,
    info: info.finish(),
    length: SIGNATURE_BYTES,
  });
  for (let i = 0; i < SIGNATURE_BYTES; i++) signature[i] ^= stream[i];
}

/** Pairwise mode where `departure.peer` says for whom, else group mode. */
function seal(
  key: GroupContext,
  departure: Departure<GroupRecipient>,
  work: Workspace,
): Uint8Array {
  const { header, inner, clear, piv, request, peer } = departure;
  const own = sendingAs(key, departure);
  const aead = peer === undefined ? own.aead : pairwiseOf(key, peer)?.to;
  if (aead === undefined) throw new RangeError("a mode that this group does not use");
  // §3.4: the option is part of the additional data, so it comes first.
  const value = optionOf(key, departure, own);
  work.option.parse(value, 0, value.length);
  const parts = split(inner, clear, request === undefined, "both");
  const maker = piv === undefined ? (request as RequestBinding) : { kid: own.id, piv };
  nonceFrom(work.nonce, key.commonIv, maker.kid, maker.piv);
  const made = {
    outer: { bytes: value, oscoreStart: 0, oscoreLength: value.length },
    option: work.option,
  };
  external(work.aad, key, made, request, own);
  const { plain } = parts;
  const sealed = aead.seal({ nonce: work.nonce.bytes, aad: work.aad.finish(), plain });
  const payload =
    peer === undefined ? countersigned(key, own, sealed, maker, departure, work) : sealed;
  return emitProtected(header, parts, value, payload);
}

/** Ciphertext ‖ encrypted signature, of the message whose additional data was written last. */
function countersigned(
  key: GroupContext,
  own: GroupSender,
  sealed: Uint8Array,
  maker: { readonly kid: Uint8Array; readonly piv: Uint8Array },
  { request }: Departure<GroupRecipient>,
  { aad }: Workspace,
): Uint8Array {
  const signature = own.signer.sign(toBeSigned(aad.external(), sealed));
  applyKeystream(key, signature, maker, request === undefined);
  return concat(sealed, signature);
}

/** The Sender Context, if what departs is something it may protect. */
function sendingAs(key: GroupContext, departure: Departure<GroupRecipient>): GroupSender {
  const { own } = key;
  const { piv, request, sender } = departure;
  if (own === undefined) throw new RangeError("a silent server never sends");
  if (!equalBytes(sender, own.id)) throw new RangeError("not our sender id");
  if (piv !== undefined) return own;
  if (request === undefined) throw new RangeError("a request without a number");
  if (isNewer(key, request)) throw new RangeError("a response under a newer Gid without a number");
  return own;
}

function isNewer(key: GroupContext, { keyId }: RequestBinding): boolean {
  return keyId !== undefined && !equalBytes(keyId, key.keyId);
}

/** §4.1; a response has the kid unless one alone was asked, the Gid where it is a newer one. */
function optionOf(
  key: GroupContext,
  { piv, request, peer, namesKey, namesSender }: Departure<GroupRecipient>,
  { id }: GroupSender,
): Uint8Array {
  const names = request === undefined || namesKey === true || isNewer(key, request);
  const isKnown = request?.peer !== undefined && peer !== undefined && namesSender !== true;
  return emitOption({
    flags: peer === undefined ? FLAG_GROUP : 0,
    piv,
    kidContext: names ? key.keyId : undefined,
    kid: isKnown ? undefined : id,
  });
}
