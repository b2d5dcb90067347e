/**
 * What draft-tiloca-core-multicast-oscoap-04 and draft-ietf-core-oscore-groupcomm-02 do alike: one
 * symmetric key for each member, and over every message a counter signature in the option.
 *
 *   1. identify   option flags ‖ piv ‖ s ‖ gid ‖ signature ‖ kid
 *   2. nonce      Common IV ⊕ (length of id ‖ id ‖ piv), of whoever made the piv
 *   3. AAD        Enc(h'', external_aad), bound to kid and piv of the request
 *   4. AEAD       AES-CCM-16-64-128 under the sender's key, which every member can derive
 *   5. signature  over a Sig_structure of external_aad and ciphertext: only here one member is told
 *                 from another
 *
 * In what they differ is data here (`SignedScheme`, `SignedContext`) and stands in the
 * profiles. The signature is asked for apart from opening (`signedPart`), because it costs a
 * hundred times as much: what is not from the group at all never gets that far.
 *
 * Where both profiles leave their documents, all of it on purpose (base: object-security-06, -13):
 * - Option number 9; the signature in the option is the bare 64 bytes of Ed25519. The drafts say
 *   "TBD" and "q bytes".
 * - One algorithm of each kind, those that are mandatory: AES-CCM-16-64-128, HKDF with SHA-256,
 *   EdDSA with Ed25519. A Master Secret has 16 bytes at least.
 * - Decrypted first, then verified (draft -04 §5.2 names the signature first); windows move and a
 *   Recipient Context is kept only after both, not when a message comes (draft -02 §4.2).
 * - Silence for whatever does not verify: the base's 4.00, 4.01 and 4.02 for confirmable requests
 *   would tell a stranger what went wrong. The drafts ask for silence where the form is wrong.
 * - A response is under its request's context, even when a Gid in it names another of ours (the
 *   drafts' "MAY" has no rule for that): the nonce it may share belongs to that context.
 * - A piv with leading zeros is refused, not only never sent.
 * - Of notifications each number is accepted once, in any order within 32; that newer ones count
 *   and older ones do not is for coap/watch.ts (base -06 §6.4 refuses all that are not greater).
 * - Outside, every option but those of class U is dropped: blocks that a proxy cut a protected
 *   message into are not put together. Proxy-Uri is to be split by the caller.
 * - What opens and holds no CoAP message is dropped unmarked, so the same number is taken once more
 *   from the same sender: nothing was done with it.
 * - A request sent to us alone may be meant for any application group of its security group, and
 *   has the highest of the rights that its sender has in these.
 */

import { equalBytes } from "../bytes/equal.js";
import { drop, type Outcome } from "../bytes/outcome.js";
import type { Inner, Option } from "../coap/message.js";
import { ECHO, FORBIDDEN, OBSERVE } from "../coap/options.js";
import { isMemberKey } from "../cose/ccs.js";
import { type CounterContext, countersignData, eddsaHeader } from "../cose/countersign.js";
import { AES_CCM_16_64_128, type AeadKey, type Crypto, type Signer } from "../ports/crypto.js";
import type { AadWriter, RequestIds, Workspace } from "./aad.js";
import { type Derivation, derivation, derive } from "./derive.js";
import { isFramed } from "./framing.js";
import { emitProtected, join, type ObservePlace, split } from "./inside.js";
import { nonceBase, nonceFrom, nonceFromBase } from "./nonce.js";
import type { OscoreOption } from "./option.js";
import type { Outer } from "./outer.js";
import { bytesOf, masterSecretOf, takeSecrets } from "./secrets.js";
import { emitSignedOption, parseSignedOption, signatureOf } from "./signed-option.js";

const KEY_BYTES = 16;
const IV_BYTES = 13;

/** In what the two differ: what goes into keys and signatures, and where Observe stands. */
export interface SignedScheme {
  /** What `KeyInput.raw` holds: `{1: Master Secret}`, or `{1: Master Secret, 2: Master Salt}`. */
  readonly secrets: 1 | 2;
  /** `salt` is the Master Salt where that is among the secrets. */
  contextOf(gid: Uint8Array, salt: Uint8Array): SignedContext;
  readonly observe: ObservePlace;
  /** Signer's protected header: `{1: -8}` in "CounterSignature", empty in "CounterSignature0". */
  readonly counter: CounterContext;
}

/** What a scheme makes of a Gid. */
export interface SignedContext {
  readonly salt: Uint8Array;
  /** As in `Derivation`. */
  readonly idContext: Uint8Array | undefined;
  /** The first element of info of the Common IV. */
  readonly ivId: Uint8Array | null;
  /** external_aad up to the request's ids, and behind them. */
  readonly external: SignedGroupKey["external"];
}

/** Sender or Recipient Context, but for the window (draft -02 §2, draft -04 §3). */
export interface MemberKeys {
  readonly id: Uint8Array;
  readonly aead: AeadKey;
  /** Common IV ⊕ (length of id ‖ id ‖ 0): all of its nonces but the number. */
  readonly nonceBase: Uint8Array;
}

export interface SenderKeys extends MemberKeys {
  readonly signer: Signer;
}

export interface RecipientKeys extends MemberKeys {
  /** Of the member's Ed25519 key. */
  readonly publicKey: Uint8Array;
}

/** The Common Context, and what of the Sender Context is no counter. */
export interface SignedGroupKey {
  /** The Gid. */
  readonly keyId: Uint8Array;
  readonly derivation: Derivation;
  readonly commonIv: Uint8Array;
  /** external_aad = head ‖ request_kid ‖ request_piv ‖ tail. */
  readonly external: { readonly head: Uint8Array; readonly tail: Uint8Array };
  /** Undefined in a silent server. */
  readonly own: SenderKeys | undefined;
}

/** A message that arrived; the option is filled by `identifySigned`. */
interface Arrived {
  readonly outer: Outer;
  readonly option: OscoreOption;
}

interface Around {
  /** Of a response: what it answers. */
  readonly request: Answered | undefined;
  readonly work: Workspace;
  readonly peer?: RecipientKeys | undefined;
}

/** A request, and the Gid it came under. */
type Answered = RequestIds & { readonly keyId?: Uint8Array };

/** What both profiles are made of beside their name (`Profile` of the contract). */
export function signedMember(scheme: SignedScheme) {
  return {
    layer: "message",
    proof: "member",
    numbering: "key",
    window: 32,
    windowCovers: "requests",
    challenge: { code: FORBIDDEN, option: ECHO },
    importKey: (crypto: Crypto, input: Provided) => importSigned(crypto, scheme, input),
    wipe: ({ derivation: from }: SignedGroupKey) => void from.extracted.fill(0),
    admits: (crypto: Crypto, { credential }: Credited) => isMemberKey(crypto, credential),
    peer: recipientKeys,
    identify: identifySigned,
    open: (key: SignedGroupKey, arrived: Arrived, around: Around) =>
      openSigned(key, scheme, arrived, around),
    signed: (key: SignedGroupKey, arrived: Arrived, around: Around) =>
      signedPart(key, scheme, arrived, around),
    seal: (key: SignedGroupKey, departure: SignedDeparture, work: Workspace) =>
      sealSigned(key, scheme, departure, work),
  } as const;
}

/** What an association is made of. */
interface Provided {
  /** The Gid. */
  readonly keyId: Uint8Array;
  readonly raw: Uint8Array;
  readonly own: { readonly id: Uint8Array; readonly signer: Signer | undefined };
}

/** A member, as far as a scheme cares. */
interface Credited {
  readonly id: Uint8Array;
  /** The 32 bytes of his Ed25519 key. */
  readonly credential: Uint8Array;
}

/**
 * Derives; wipes `raw`. Throws RangeError on what are not the scheme's secrets, in a build without
 * signatures, and on an id that no nonce has room for.
 */
function importSigned(
  crypto: Crypto,
  { secrets: count, contextOf }: SignedScheme,
  { keyId: gid, raw, own: { id, signer } }: Provided,
): SignedGroupKey {
  const secrets = takeSecrets(raw, count);
  if (secrets.size !== count) throw new RangeError("not the scheme's secrets");
  const secret = masterSecretOf(secrets);
  const masterSalt = count === 2 ? bytesOf(secrets, 2) : new Uint8Array(0);
  const { salt, idContext, ivId, external } = contextOf(gid, masterSalt);
  const from = derivation(crypto, { secret, salt, idContext });
  secret.fill(0);
  if (crypto.signatures === undefined) throw new RangeError("a build without signatures");
  const commonIv = derive(crypto, from, {
    id: ivId,
    algorithm: AES_CCM_16_64_128,
    type: "IV",
    length: IV_BYTES,
  });
  const group = { keyId: gid.slice(), derivation: from, commonIv, external };
  if (signer === undefined) return { ...group, own: undefined };
  return { ...group, own: { ...memberKeys(crypto, group, id), signer } };
}

/** A member's Recipient Context; his key was looked at when he became one. */
function recipientKeys(crypto: Crypto, key: SignedGroupKey, member: Credited): RecipientKeys {
  const publicKey = member.credential.slice();
  return { ...memberKeys(crypto, key, member.id), publicKey };
}

function memberKeys(
  crypto: Crypto,
  key: Pick<SignedGroupKey, "derivation" | "commonIv">,
  id: Uint8Array,
): MemberKeys {
  const base = nonceBase(key.commonIv, id);
  const what = { id, algorithm: AES_CCM_16_64_128, type: "Key", length: KEY_BYTES } as const;
  const aead = crypto.aeadKey(AES_CCM_16_64_128, derive(crypto, key.derivation, what));
  return { id: id.slice(), aead, nonceBase: base };
}

/** Reads the option; false is malformed. */
function identifySigned(arrived: Arrived, direction: "request" | "response"): boolean {
  const { outer, option } = arrived;
  const value = { bytes: outer.bytes, start: outer.oscoreStart, length: outer.oscoreLength };
  return parseSignedOption(option, value, direction) && isFramed(arrived, direction);
}

/** `unknownKey`, `forged` or `malformed` otherwise. The signature is not looked at. */
function openSigned(
  key: SignedGroupKey,
  scheme: SignedScheme,
  arrived: Arrived,
  around: Around,
): Outcome<Inner> {
  const { outer, option } = arrived;
  const { request, work } = around;
  const peer = senderOf(around);
  // Draft -04 §5.4: the context of a response is that of the request its token belongs to.
  const isMoved = request?.keyId !== undefined && !equalBytes(request.keyId, key.keyId);
  if (isMoved) return drop("unknownKey"); // check: signed-response-context
  if (request === undefined || option.pivLength > 0) {
    nonceFromBase(work.nonce, peer.nonceBase, outer.bytes, option);
  } else {
    nonceFrom(work.nonce, key.commonIv, request.kid, request.piv);
  }
  externalOf(key, work.aad, arrived, request);
  const sealed = outer.bytes.subarray(outer.payloadStart);
  const plain = peer.aead.open({ nonce: work.nonce.bytes, aad: work.aad.finish(), sealed });
  if (plain === undefined) return drop("forged"); // check: signed-tag
  const opened = join(plain as Uint8Array, outer, scheme.observe);
  // draft-ietf-core-object-security-06 §7.4 step 6, -13 §8.4.1: the number of a notification is
  // what tells it from a copy.
  const isBare = request !== undefined && option.pivLength === 0;
  const isCopyable = isBare && opened.ok && observes(opened.value);
  if (isCopyable) return drop("malformed"); // check: signed-notification-piv
  return opened;
}

/** The signature of a message, what it covers and whose it has to be: all of it copies. */
function signedPart(
  key: SignedGroupKey,
  scheme: SignedScheme,
  arrived: Arrived,
  around: Around,
): { data: Uint8Array; signature: Uint8Array; publicKey: Uint8Array } {
  const { outer, option } = arrived;
  const { aad } = around.work;
  externalOf(key, aad, arrived, around.request);
  const sealed = outer.bytes.subarray(outer.payloadStart);
  return {
    data: toBeSigned(scheme, aad.external(), sealed),
    signature: signatureOf(outer.bytes, option).slice(),
    publicKey: senderOf(around).publicKey,
  };
}

function senderOf({ peer }: Around): RecipientKeys {
  if (peer === undefined) throw new RangeError("a signed message without its sender's context");
  return peer;
}

function externalOf(
  key: SignedGroupKey,
  aad: AadWriter,
  { outer, option }: Arrived,
  request: RequestIds | undefined,
): void {
  aad.begin(key.external.head);
  if (request === undefined) {
    aad.slice(outer.bytes, option.kidStart, option.kidLength);
    aad.slice(outer.bytes, option.pivStart, option.pivLength);
  } else {
    aad.bytes(request.kid);
    aad.bytes(request.piv);
  }
  aad.raw(key.external.tail);
}

function toBeSigned(
  { counter }: SignedScheme,
  externalAad: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  const bodyProtected = new Uint8Array(0);
  const signProtected = counter === "CounterSignature" ? eddsaHeader() : bodyProtected;
  return countersignData({ context: counter, bodyProtected, signProtected, externalAad, payload });
}

function observes({ options }: Inner): boolean {
  return options.some(({ number }) => number === OBSERVE);
}

/** What is to be protected (see `Departure` of the contract). */
interface SignedDeparture {
  readonly header: { type: number; mid: number; token: Uint8Array };
  readonly inner: Inner;
  readonly clear: readonly Option[];
  readonly sender: Uint8Array;
  readonly piv: Uint8Array | undefined;
  readonly request: Answered | undefined;
  readonly namesKey?: boolean;
}

/** The whole datagram. Throws RangeError on what the drafts have no message for (our bug). */
function sealSigned(
  key: SignedGroupKey,
  scheme: SignedScheme,
  departure: SignedDeparture,
  work: Workspace,
): Uint8Array {
  const { header, inner, clear, piv, request } = departure;
  const own = sendingAs(key, departure);
  const asked = request ?? { kid: own.id, piv: piv as Uint8Array };
  const parts = split(inner, clear, request === undefined, scheme.observe);
  if (piv === undefined) nonceFrom(work.nonce, key.commonIv, asked.kid, asked.piv);
  else nonceFrom(work.nonce, key.commonIv, own.id, piv);
  work.aad.begin(key.external.head);
  work.aad.bytes(asked.kid);
  work.aad.bytes(asked.piv);
  work.aad.raw(key.external.tail);
  const { plain } = parts;
  const sealed = own.aead.seal({ nonce: work.nonce.bytes, aad: work.aad.finish(), plain });
  const value = emitSignedOption({
    piv,
    gid: request === undefined || departure.namesKey === true ? key.keyId : undefined,
    signature: own.signer.sign(toBeSigned(scheme, work.aad.external(), sealed)),
    kid: own.id,
  });
  return emitProtected(header, parts, value, sealed);
}

/** The Sender Context, if what departs is something it may protect. */
function sendingAs(key: SignedGroupKey, departure: SignedDeparture): SenderKeys {
  const { own } = key;
  const { inner, piv, request, sender } = departure;
  if (own === undefined) throw new RangeError("a silent server never sends");
  if (!equalBytes(sender, own.id)) throw new RangeError("not our sender id");
  if (piv === undefined) {
    if (request === undefined) throw new RangeError("a request without a number");
    if (observes(inner)) throw new RangeError("a notification without a number");
  }
  const answers = request?.keyId;
  if (answers !== undefined && !equalBytes(answers, key.keyId)) {
    // The request's nonce belongs to the context it came under.
    throw new RangeError("a response under another Gid than its request's");
  }
  return own;
}
