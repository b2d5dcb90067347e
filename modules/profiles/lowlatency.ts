/**
 * `lowlatency`: draft-somaraju-ace-multicast-01 in the layout of WIRE.md.
 *
 * One symmetric key per security group; any holder of it can pose as any other, so the proof is
 * "group" and nothing protected this way passes access level 2. What makes a copy useless elsewhere
 * is the additional data: destination address and port, application group and every outer option
 * are in it.
 *
 *   1. identify   outer options 65001 (application group) and 9 (piv, key id, client id)
 *   2. nonce      IV ⊕ (client id left-padded to 8 ‖ sequence number left-padded to 5)
 *   3. AAD        Enc(h'', [1, 10, group, key_id, kid, piv, request_kid, request_piv,
 *                          dst, port, options])
 *   4. AEAD       AES-CCM-16-64-128 over code ‖ options ‖ [FF ‖ payload]
 *
 * Deviations from the draft, which names what is protected and not how, all WIRE.md's:
 * - The layout is OSCORE's option, the AEAD AES-CCM-16-64-128, the window 64; the external_aad is
 *   CBOR of what the draft names, with all options outside but these two in it.
 * - The IV comes from the group key by HKDF; the draft says "derived from the keys".
 * - One counter a device, for all its group keys: a key that is installed twice repeats no nonce.
 * - What opens and holds no CoAP message is dropped unmarked, so the same number is taken once more
 *   from the same sender: nothing was done with it.
 */
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { coapUint } from "../bytes/uint.js";
import { Writer } from "../bytes/writer.js";
import { CborWriter } from "../cbor/encode.js";
import {
  emitInner,
  emitMessage,
  emitOptions,
  type Option,
  parseInner,
  parseMessage,
} from "../coap/message.js";
import type { AadWriter, Workspace } from "../oscore/aad.js";
import { FLAG_KID, FLAG_KID_CONTEXT, type OscoreOption } from "../oscore/option.js";
import { OPTION_APP_GROUP, OPTION_OSCORE } from "../oscore/outer.js";
import { AES_CCM_16_64_128, type Crypto } from "../ports/crypto.js";
import type { Endpoint } from "../ports/datagram.js";
import type {
  AppGroupId,
  Arrival,
  Departure,
  Inner,
  KeyInput,
  Profile,
  RequestBinding,
  SharedKey,
} from "./profile.js";

const NAME = "lowlatency";
const NONCE_BYTES = 13;
/** Client ids fill the first 8 bytes of the nonce. */
const ID_BYTES_MAX = 8;
/** h = 1 and k = 1, always; every bit above the piv length is fixed. */
const FLAGS = FLAG_KID | FLAG_KID_CONTEXT;
const PIV_LENGTH_BITS = 0x07;
/** WIRE.md: outer code of a request and of a response, whatever stands inside. */
const OUTER_REQUEST = 0x02;
const OUTER_RESPONSE = 0x44;

export const lowlatency: Profile<SharedKey> & { importKey: typeof importKey } = {
  name: NAME,
  layer: "message",
  proof: "group",
  numbering: "sender",
  namesGroup: true,
  window: 64,
  windowCovers: "all",
  importKey,
  identify,
  open,
  seal,
  intake: { iv: ivOf, prefix: prefixOf, inside: (plain) => inside(plain, NOTHING) },
};

function importKey(crypto: Crypto, input: Pick<KeyInput, "keyId" | "raw">): SharedKey {
  const iv = crypto.hkdf({
    salt: new Uint8Array(0),
    secret: input.raw,
    info: ivInfo(),
    length: NONCE_BYTES,
  });
  const aead = crypto.aeadKey(AES_CCM_16_64_128, input.raw);
  // One buffer for both, and a view of one: with ten groups that is 1,200 bytes less.
  const both = new Uint8Array(NONCE_BYTES + input.keyId.length);
  both.set(iv);
  both.set(input.keyId, NONCE_BYTES);
  return { aead, keyId: both.subarray(NONCE_BYTES) };
}

/** Native help has copies of them: only what goes the reference's way asks. */
function ivOf({ keyId }: SharedKey): Uint8Array {
  return new Uint8Array(keyId.buffer, 0, NONCE_BYTES);
}

/**
 * CBOR `["lowlatency", 10, "IV", 13]`, spelled out: to encode it would take longer than to derive.
 */
// biome-ignore format: a text is two lines
function ivInfo(): Uint8Array {
  return Uint8Array.of(
    0x84, 0x6a, 0x6c, 0x6f, 0x77, 0x6c, 0x61, 0x74, 0x65, 0x6e, 0x63, 0x79,
    0x0a, 0x62, 0x49, 0x56, 0x0d,
  );
}

function identify(arrival: Arrival): boolean {
  const { outer, option } = arrival;
  if (!option.parse(outer.bytes, outer.oscoreStart, outer.oscoreLength)) return false;
  // The outer code is not in the additional data; only WIRE.md's two are taken, so that no bit of
  // it can be flipped either.
  const known = outer.code === OUTER_REQUEST || outer.code === OUTER_RESPONSE;
  if (!known) return false; // check: outer-code
  if ((option.flags & ~PIV_LENGTH_BITS) !== FLAGS) return false; // check: lowlatency-flags
  if (option.pivLength === 0) return false; // check: lowlatency-piv
  // An integer has one spelling: a leading zero would be a second name for the same sender or key.
  const bytes = outer.bytes;
  if (!isUint(bytes, option.contextStart, option.contextLength)) return false; // check: key-id-form
  if (!isUint(bytes, option.kidStart, option.kidLength)) return false; // check: client-id-form
  const { appGroupStart, appGroupLength } = outer;
  if (appGroupLength > 0 && bytes[appGroupStart] === 0) return false; // check: app-group-form
  return outer.payloadStart < bytes.length;
}

/** 1 to 8 bytes, no leading zero but for the number 0 itself. */
function isUint(bytes: Uint8Array, start: number, length: number): boolean {
  if (length === 0 || length > ID_BYTES_MAX) return false;
  return length === 1 || bytes[start] !== 0;
}

function open(
  key: SharedKey,
  arrival: Arrival,
  context: { appGroup: AppGroupId; request: RequestBinding | undefined; work: Workspace },
): Outcome<Inner> {
  const { outer, option } = arrival;
  const { work, request } = context;
  const { bytes } = outer;
  work.nonce.fill(ivOf(key), bytes, option);
  const outside = outer.hasOthers ? clearOptions(bytes) : NOTHING;
  const aad = additionalData(work.aad, key, context.appGroup, arrival, request, outside);
  const nonce = work.nonce.bytes;
  const opened = key.aead.open({ nonce, aad, sealed: bytes.subarray(outer.payloadStart) });
  if (opened === undefined) return drop("forged"); // check: lowlatency-tag
  return inside(opened as Uint8Array, outside);
}

function inside(plain: Uint8Array, outside: readonly Option[]): Outcome<Inner> {
  if (plain.length === 0) return drop("malformed"); // check: lowlatency-inner-empty
  const parsed = parseInner(plain);
  if (!parsed.ok) return parsed;
  const { options } = parsed.value;
  if (standsInside(options, outside)) return drop("malformed"); // check: lowlatency-option-twice
  if (outside === NOTHING) return parsed;
  // WIRE.md: outer options are part of the message.
  return ok({ ...parsed.value, options: inOrder([...outside, ...options]) });
}

const NOTHING: readonly Option[] = [];

/** The outer options the application left readable: all but the two of this scheme. */
function clearOptions(datagram: Uint8Array): readonly Option[] {
  const message = parseMessage(datagram);
  if (!message.ok) return NOTHING;
  return message.value.options.filter(
    (option) => option.number !== OPTION_OSCORE && option.number !== OPTION_APP_GROUP,
  );
}

/** WIRE.md: a message inside a protected message, or an option in both places, is malformed. */
function standsInside(inside: readonly Option[], outside: readonly Option[]): boolean {
  for (let i = 0; i < inside.length; i++) {
    const { number } = inside[i];
    if (number === OPTION_OSCORE || number === OPTION_APP_GROUP) return true;
    for (let k = 0; k < outside.length; k++) if (outside[k].number === number) return true;
  }
  return false;
}

function additionalData(
  aad: AadWriter,
  key: SharedKey,
  appGroup: AppGroupId,
  { outer, option, to }: Ids,
  request: RequestBinding | undefined,
  outside: readonly Option[],
): Uint8Array {
  aad.begin(aad.prefixOf(key, appGroup.id) ?? aad.keep(key, appGroup.id, prefixOf(key, appGroup)));
  aad.ids(outer.bytes, option, request);
  aad.endpoint(to.address, to.port);
  if (outside === NOTHING) aad.empty();
  else aad.bytes(emitOptions(outside));
  return aad.finish();
}

/** Of a message that arrives, or of one that is being made. */
interface Ids {
  /** What the positions in `option` refer to. */
  readonly outer: { readonly bytes: Uint8Array };
  readonly option: OscoreOption;
  readonly to: Endpoint;
}

/** What every external_aad of one key and application group begins with. */
function prefixOf(key: SharedKey, appGroup: AppGroupId): Uint8Array {
  const writer = new Writer(16);
  const cbor = new CborWriter(writer);
  cbor.array(11);
  cbor.uint(1);
  cbor.uint(AES_CCM_16_64_128);
  cbor.uint(appGroup.id);
  cbor.bytes(key.keyId);
  return writer.finish();
}

function seal(key: SharedKey, departure: Departure, work: Workspace): Uint8Array {
  const value = optionValue(key, departure);
  const option = work.option;
  if (!option.parse(value, 0, value.length)) throw new RangeError("option of our own making");
  work.nonce.fill(ivOf(key), value, option);
  const { clear, inner } = departure;
  const outside = clear.length === 0 ? NOTHING : clear;
  const ids = { outer: { bytes: value }, option, to: departure.to };
  const { appGroup, request } = departure;
  const aad = additionalData(work.aad, key, appGroup, ids, request, outside);
  const plain = emitInner(inner);
  const own = [
    { number: OPTION_OSCORE, value },
    { number: OPTION_APP_GROUP, value: coapUint(appGroup.id) },
  ];
  return emitMessage({
    ...departure.header,
    type: departure.header.type as 0 | 1 | 2 | 3,
    code: request === undefined ? OUTER_REQUEST : OUTER_RESPONSE,
    options: clear.length === 0 ? own : inOrder([...own, ...clear]),
    payload: key.aead.seal({ nonce: work.nonce.bytes, aad, plain }),
  });
}

function inOrder(options: Option[]): Option[] {
  return options.sort((a, b) => a.number - b.number);
}

/** flags ‖ piv ‖ s ‖ key_id ‖ client_id (RFC 8613 §6.1). */
function optionValue(key: SharedKey, departure: Departure): Uint8Array {
  const { sender, piv } = departure;
  if (!isUint(sender, 0, sender.length)) throw new RangeError("client id of 1 to 8 bytes");
  if (piv === undefined) throw new RangeError("a message without a number");
  const pivLength = piv.length;
  const value = new Uint8Array(2 + pivLength + key.keyId.length + sender.length);
  value[0] = FLAGS | pivLength;
  value.set(piv, 1);
  value[1 + pivLength] = key.keyId.length;
  value.set(key.keyId, 2 + pivLength);
  value.set(sender, 2 + pivLength + key.keyId.length);
  return value;
}
