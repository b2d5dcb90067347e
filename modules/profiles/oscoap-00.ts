/**
 * `oscoap-00`: draft-tiloca-core-multicast-oscoap-00 over draft-selander-ace-object-security-06, in
 * the layout of WIRE.md.
 *
 * The first of the signed schemes, and the only one that sends whole COSE objects. Every member has
 * a key and IV of its own, derived from a base key that all members hold; the counter signature is
 * what tells one member from another.
 *
 *   1. identify   COSE_Encrypt0 in the option, or in the payload where the message had one:
 *                 {4: Cid (requests), 6: piv, -65537: sender id}, one EdDSA counter signature
 *   2. nonce      sender's IV ⊕ sequence number left-padded to 7
 *   3. AAD        Enc(protected, [1, code, alg, request_uri or Tid, ?previous block's tag])
 *   4. AEAD       AES-CCM-64-64-128 over options ‖ [FF ‖ payload]; the code stays outside
 *   5. signature  EdDSA over ["CounterSignature", protected, h'a10127', external_aad, ciphertext]
 *
 * `KeyInput.raw` is CBOR `{1: base_key}`, 32 bytes.
 *
 * Deviations from the documents, each for a reason:
 * - request_uri is scheme, host and port: path and query travel encrypted, so a receiver could not
 *   check anything before it decrypted. The base draft's authors made the same change after -06.
 * - The context string is "Encrypt0" (RFC 8152), which the draft's era still wrote "Encrypted".
 * - Encodings the drafts leave open, all WIRE.md's: info of the keys, Tid, label -65537 for "sid".
 * - The tag is checked before the signature (§6 says the other way round): it costs a hundredth,
 *   and nothing is done with the plaintext in between. Else anybody could make us verify.
 * - A Recipient Context is kept after a message of the member verified, not when one arrives (§6):
 *   or ids of nobody would fill the table.
 * - Proxy-Uri is refused, not taken apart; the draft's sender would.
 * - Sequence numbers from 2^53 - 1 on count as one: a sender who gets there is heard once more.
 * - One body at a time between two: what is remembered is the last block, not the blocks of each.
 * - What opens and holds no CoAP message is dropped unmarked, so the same number is taken once more
 *   from the same sender: nothing was done with it.
 * - A request sent to us alone may be meant for any application group of its security group, and
 *   has the highest of the rights that its sender has in these.
 */
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { utf8 } from "../bytes/utf8.js";
import { Writer } from "../bytes/writer.js";
import { CborWriter } from "../cbor/encode.js";
import { CborReader } from "../cbor/reader.js";
import { isLaterBlock } from "../coap/block.js";
import { emitInner, type Option, parseInner, parseMessage } from "../coap/message.js";
import {
  addOption,
  BLOCK1,
  BLOCK2,
  MAX_AGE,
  OBSERVE,
  OSCORE,
  PROXY_URI,
  SIZE1,
  SIZE2,
  URI_PORT,
} from "../coap/options.js";
import { requestOrigin } from "../coap/uri.js";
import { isMemberKey } from "../cose/ccs.js";
import { countersignData, eddsaHeader } from "../cose/countersign.js";
import {
  type Countersigned,
  emitCountersigned,
  findCountersigned,
  passBytes,
} from "../cose/countersigned.js";
import { encStructure } from "../cose/encrypt.js";
import { KID, PARTIAL_IV } from "../cose/headers.js";
import { emitProtected, isClassU } from "../oscore/inside.js";
import { FLAG_KID, FLAG_KID_CONTEXT, type OscoreOption } from "../oscore/option.js";
import type { Outer } from "../oscore/outer.js";
import { takeSecrets } from "../oscore/secrets.js";
import { NUMBER_MAX } from "../oscore/window.js";
import { AES_CCM_64_64_128, type AeadKey, type Crypto, type Signer } from "../ports/crypto.js";
import type { Endpoint } from "../ports/datagram.js";
import type {
  Arrival,
  Departure,
  Inner,
  KeyInput,
  KeyMaterial,
  Member,
  OpenContext,
  Profile,
  RequestBinding,
  Signed,
} from "./profile.js";

const NAME = "oscoap-00";
const BASE_KEY_BYTES = 32;
const KEY_BYTES = 16;
const NONCE_BYTES = 7;
const TAG_BYTES = 8;
/** Label of "sid" (WIRE.md: private use). */
const SID = -65537;
/** Label of the base key in `KeyInput.raw`. */
const BASE_KEY = 1;
const NOTHING: readonly Option[] = [];

/** What one member protects with. */
interface MemberContext {
  readonly aead: AeadKey;
  /** 7 bytes. */
  readonly iv: Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** Common Context and Sender Context. */
interface OscoapKey extends KeyMaterial {
  readonly baseKey: Uint8Array;
  readonly ownId: Uint8Array;
  /** The Sender Context; undefined in a member that only listens. */
  readonly own: (MemberContext & { readonly signer: Signer }) | undefined;
}

export const oscoap00: Profile<OscoapKey, MemberContext> = {
  name: NAME,
  layer: "message",
  proof: "member",
  numbering: "key",
  firstNumber: 1,
  window: 64,
  windowCovers: "all",
  importKey,
  wipe: ({ baseKey }) => void baseKey.fill(0),
  admits: (crypto, { credential }) => isMemberKey(crypto, credential),
  peer,
  identify,
  open,
  signed,
  tagOf,
  seal,
};

function importKey(crypto: Crypto, input: KeyInput): OscoapKey {
  const secrets = takeSecrets(input.raw, 1);
  const baseKey = secrets.get(BASE_KEY);
  if (!(baseKey instanceof Uint8Array && baseKey.length === BASE_KEY_BYTES)) {
    throw new RangeError("a base key of 32 bytes");
  }
  const { keyId } = input;
  const { id, signer } = input.own;
  if (crypto.signatures === undefined) throw new RangeError("no signatures in this build");
  if (signer === undefined) return { keyId, baseKey, ownId: id, own: undefined };
  const own = { ...derive(crypto, { baseKey, keyId, id, publicKey: signer.publicKey }), signer };
  return { keyId, baseKey, ownId: id, own };
}

function peer(crypto: Crypto, key: OscoapKey, member: Member): MemberContext {
  const publicKey = member.credential;
  return derive(crypto, { baseKey: key.baseKey, keyId: key.keyId, id: member.id, publicKey });
}

/** HKDF-Expand(base_key, Cid ‖ ID ‖ "Key" or "IV" ‖ alg ‖ L, L). */
function derive(
  crypto: Crypto,
  from: { baseKey: Uint8Array; keyId: Uint8Array; id: Uint8Array; publicKey: Uint8Array },
): MemberContext {
  const expanded = (type: string, length: number): Uint8Array => {
    const info = new Writer(from.keyId.length + from.id.length + 5);
    info.bytes(from.keyId);
    info.bytes(from.id);
    info.bytes(utf8(type));
    info.u8(AES_CCM_64_64_128);
    info.u8(length);
    return crypto.hkdfExpand({ key: from.baseKey, info: info.finish(), length });
  };
  return {
    aead: crypto.aeadKey(AES_CCM_64_64_128, expanded("Key", KEY_BYTES)),
    iv: expanded("IV", NONCE_BYTES),
    publicKey: from.publicKey,
  };
}

/** The object stands in the option or, when that is empty, in the payload. */
function objectOf(outer: Outer): Countersigned | undefined {
  const { bytes, oscoreStart, oscoreLength, payloadStart } = outer;
  if (oscoreLength === 0) return findCountersigned(bytes, payloadStart, bytes.length);
  const isAlone = payloadStart === bytes.length;
  if (!isAlone) return undefined; // check: oscoap-one-place
  return findCountersigned(bytes, oscoreStart, oscoreStart + oscoreLength);
}

function identify(arrival: Arrival, direction: "request" | "response"): boolean {
  const { outer, option } = arrival;
  if (outer.oscoreStart < 0) return false; // check: oscoap-option
  const object = objectOf(outer);
  if (object === undefined) return false;
  return readIds(outer.bytes, object, direction === "request", option);
}

/** `{4: Cid, 6: piv, -65537: sender id}`, without the Cid in a response; nothing else. */
function readIds(
  bytes: Uint8Array,
  { protectedStart, protectedEnd }: Countersigned,
  isRequest: boolean,
  option: OscoreOption,
): boolean {
  const reader = new CborReader(bytes, protectedStart, protectedEnd);
  const labels = reader.map();
  if (labels !== (isRequest ? 3 : 2)) return false; // check: oscoap-labels
  option.flags = isRequest ? FLAG_KID | FLAG_KID_CONTEXT : FLAG_KID;
  option.contextLength = 0;
  if (isRequest) {
    const cid = reader.int();
    if (cid !== KID) return false; // check: oscoap-cid
    option.contextStart = passBytes(reader);
    option.contextLength = reader.pos - option.contextStart;
  }
  const piv = reader.int();
  if (piv !== PARTIAL_IV) return false; // check: oscoap-piv
  option.pivStart = passBytes(reader);
  option.pivLength = reader.pos - option.pivStart;
  const sid = reader.int();
  if (sid !== SID) return false; // check: oscoap-sid
  option.kidStart = passBytes(reader);
  option.kidLength = reader.pos - option.kidStart;
  if (!reader.complete) return false; // check: oscoap-protected-complete
  if (option.kidLength === 0) return false; // check: oscoap-sid-empty
  if (option.pivLength > NONCE_BYTES) return false; // check: oscoap-piv-length
  if (option.pivLength === 0) return false; // check: oscoap-piv-empty
  // Minimal, and never 0: the counter is incremented before use.
  if (bytes[option.pivStart] === 0) return false; // check: oscoap-piv-minimal
  option.kid.read(bytes, option.kidStart, option.kidLength);
  option.sequence = numberOf(bytes, option.pivStart, option.pivLength);
  return true;
}

/** From 2^53 - 1 on all are one number: heard once, and nothing after that. */
function numberOf(bytes: Uint8Array, start: number, length: number): number {
  let number = 0;
  for (let i = start; i < start + length; i++) number = number * 256 + bytes[i];
  return Math.min(number, NUMBER_MAX);
}

function open(
  key: OscoapKey,
  arrival: Arrival,
  context: OpenContext<MemberContext>,
): Outcome<Inner> {
  const { outer, option } = arrival;
  const sender = context.peer;
  if (sender === undefined) throw new RangeError("a message without its sender's context");
  const object = objectOf(outer);
  const outside = readOutside(outer);
  if (object === undefined || outside === undefined) return drop("malformed");
  const external = externalAad(key, { code: outer.code, outside, to: arrival.to, ...context });
  // The block before never came, or not to us: nothing to check this one against.
  if (external === undefined) return drop("forged"); // check: oscoap-previous-block
  const { bytes } = outer;
  const { pivStart, pivLength } = option;
  const plain = sender.aead.open({
    nonce: nonceOf(sender.iv, bytes.subarray(pivStart, pivStart + pivLength)),
    aad: encStructure({
      context: "Encrypt0",
      protectedHeader: bytes.subarray(object.protectedStart, object.protectedEnd),
      externalAad: external as Uint8Array,
    }),
    sealed: bytes.subarray(object.ciphertextStart, object.ciphertextEnd),
  });
  if (plain === undefined) return drop("forged"); // check: oscoap-tag
  return joined(outer, outside, plain as Uint8Array, context.request === undefined);
}

/**
 * All outer options, or undefined when those that the request URI is made of are not as their
 * definitions say: what would not be read must not be changed on the way either.
 */
function readOutside(outer: Outer): readonly Option[] | undefined {
  if (!outer.hasOthers) return NOTHING;
  const message = parseMessage(outer.bytes);
  if (!message.ok) return undefined;
  const { options } = message.value;
  let last = -1;
  for (const { number, value } of options) {
    if (isClassU(number)) {
      if (number === last) return undefined; // check: oscoap-outside-repeated
      if (number === URI_PORT && value.length > 2) return undefined; // check: oscoap-uri-port
      if (number === PROXY_URI) return undefined; // check: oscoap-proxy-uri
    }
    last = number;
  }
  return options;
}

/** WIRE.md: in both places. What stands outside alone is of class U, as it was called later. */
function standsTwice(number: number): boolean {
  return (
    number === OBSERVE ||
    number === BLOCK1 ||
    number === BLOCK2 ||
    number === SIZE1 ||
    number === SIZE2 ||
    number === MAX_AGE
  );
}

/** The message that was meant: `plain` is options ‖ [FF ‖ payload]. */
function joined(
  outer: Outer,
  outside: readonly Option[],
  plain: Uint8Array,
  isRequest: boolean,
): Outcome<Inner> {
  const whole = new Uint8Array(1 + plain.length);
  whole[0] = outer.code;
  whole.set(plain, 1);
  const parsed = parseInner(whole);
  if (!parsed.ok) return parsed;
  const { options, payload } = parsed.value;
  const isPlaced = (payload === undefined) === outer.oscoreLength > 0;
  if (!isPlaced) return drop("malformed"); // check: oscoap-place
  for (const { number } of options) {
    const misplaced = isClassU(number) || number === OSCORE;
    if (misplaced) return drop("malformed"); // check: oscoap-inner-option
  }
  const chained = isLaterBlock(outside, isRequest);
  // The sender's own slip: a block that is bound to none before it.
  if (isLaterBlock(options, isRequest) !== chained) return drop("malformed"); // check: oscoap-chain
  if (outside.length === 0) return parsed;
  const all = [...options];
  // A receiver takes no others from outside.
  for (const { number, value } of outside) if (isClassU(number)) addOption(all, number, value);
  return ok({ ...parsed.value, options: all });
}

/** Of a message that arrives, or of one that is being made. */
interface Bound {
  readonly code: number;
  readonly outside: readonly Option[];
  readonly to: Endpoint;
  readonly request: RequestBinding | undefined;
  readonly previousTag?: Uint8Array | undefined;
}

/**
 * What the message is bound to besides its ids; undefined when it continues a block that is not
 * known.
 */
function externalAad(key: OscoapKey, bound: Bound): Uint8Array | undefined {
  const { request, previousTag } = bound;
  const chained = isLaterBlock(bound.outside, request === undefined);
  if (chained && previousTag === undefined) return undefined;
  const writer = new Writer(64);
  const cbor = new CborWriter(writer);
  cbor.array(chained ? 5 : 4);
  cbor.uint(1);
  cbor.bytes(Uint8Array.of(bound.code));
  cbor.bytes(Uint8Array.of(AES_CCM_64_64_128));
  if (request === undefined) cbor.text(requestOrigin(bound.outside, bound.to));
  else cbor.bytes(tidOf(request, key.keyId));
  if (chained) cbor.bytes(previousTag as Uint8Array);
  return writer.finish();
}

/** The Transaction Identifier of a request: `[Cid, sender id, piv]`. */
function tidOf(request: RequestBinding, keyId: Uint8Array): Uint8Array {
  const cid = request.keyId ?? keyId;
  const writer = new Writer(cid.length + request.kid.length + request.piv.length + 8);
  const cbor = new CborWriter(writer);
  cbor.array(3);
  cbor.bytes(cid);
  cbor.bytes(request.kid);
  cbor.bytes(request.piv);
  return writer.finish();
}

function nonceOf(iv: Uint8Array, piv: Uint8Array): Uint8Array {
  const nonce = iv.slice();
  const start = NONCE_BYTES - piv.length;
  for (let i = 0; i < piv.length; i++) nonce[start + i] ^= piv[i];
  return nonce;
}

function signed(key: OscoapKey, arrival: Arrival, context: OpenContext<MemberContext>): Signed {
  const { outer } = arrival;
  const object = objectOf(outer);
  const outside = readOutside(outer);
  const external =
    outside && externalAad(key, { code: outer.code, outside, to: arrival.to, ...context });
  if (object === undefined || external === undefined || context.peer === undefined) {
    throw new RangeError("the signature of a message that did not open");
  }
  const { bytes } = outer;
  return {
    data: countersignData({
      context: "CounterSignature",
      bodyProtected: bytes.subarray(object.protectedStart, object.protectedEnd),
      signProtected: eddsaHeader(),
      externalAad: external,
      payload: bytes.subarray(object.ciphertextStart, object.ciphertextEnd),
    }),
    signature: bytes.slice(object.signatureStart, object.signatureEnd),
    publicKey: context.peer.publicKey,
  };
}

/** The ciphertext ends the object, and the tag the ciphertext. */
function tagOf(outer: Outer): Uint8Array {
  const { bytes, oscoreStart, oscoreLength } = outer;
  const end = oscoreLength > 0 ? oscoreStart + oscoreLength : bytes.length;
  return bytes.slice(end - TAG_BYTES, end);
}

function seal(key: OscoapKey, departure: Departure<MemberContext>): Uint8Array {
  const { inner, request, to, previousTag } = departure;
  const { own } = key;
  if (own === undefined) throw new RangeError("who only listens never sends");
  const { outside, inside } = split(departure);
  const { code } = inner;
  const external = externalAad(key, { code, outside, to, request, previousTag });
  if (external === undefined) throw new RangeError("a block without the tag of the one before");
  const piv = pivOf(departure);
  const protectedHeader = protectedOf(key, piv, request === undefined);
  const ciphertext = own.aead.seal({
    nonce: nonceOf(own.iv, piv),
    aad: encStructure({ context: "Encrypt0", protectedHeader, externalAad: external }),
    // No code inside: it stays outside, authenticated.
    plain: emitInner({ ...inner, options: inside }).subarray(1),
  });
  const signature = own.signer.sign(
    countersignData({
      context: "CounterSignature",
      bodyProtected: protectedHeader,
      signProtected: eddsaHeader(),
      externalAad: external,
      payload: ciphertext,
    }),
  );
  const object = emitCountersigned({ protectedHeader, signature, ciphertext });
  const inPayload = inner.payload !== undefined;
  const value = inPayload ? empty() : object;
  return emitProtected(departure.header, { code, outside }, value, inPayload ? object : undefined);
}

function split({ inner, clear }: Departure): { outside: Option[]; inside: Option[] } {
  if (clear.length > 0) throw new RangeError("options in clear, which nothing would protect");
  const outside: Option[] = [];
  const inside: Option[] = [];
  for (const option of inner.options) {
    const { number } = option;
    if (number === OSCORE || number === PROXY_URI) throw new RangeError(`option ${number}`);
    if (!isClassU(number)) inside.push(option);
    if (isClassU(number)) outside.push(option);
    else if (number === MAX_AGE) outside.push({ number, value: empty() });
    else if (standsTwice(number)) outside.push(option);
  }
  return { outside, inside };
}

/** 1 to 2^56 - 1, minimal. */
function pivOf({ piv }: Departure): Uint8Array {
  if (piv === undefined || piv.length === 0 || piv.length > NONCE_BYTES || piv[0] === 0) {
    throw new RangeError("a number from 1 to 2^56 - 1");
  }
  return piv;
}

function protectedOf(key: OscoapKey, piv: Uint8Array, isRequest: boolean): Uint8Array {
  const writer = new Writer(key.keyId.length + piv.length + key.ownId.length + 16);
  const cbor = new CborWriter(writer);
  cbor.map(isRequest ? 3 : 2);
  if (isRequest) {
    cbor.int(KID);
    cbor.bytes(key.keyId);
  }
  cbor.int(PARTIAL_IV);
  cbor.bytes(piv);
  cbor.int(SID);
  cbor.bytes(key.ownId);
  return writer.finish();
}

function empty(): Uint8Array {
  return new Uint8Array(0);
}
