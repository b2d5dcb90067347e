/**
 * `dtls-record`: draft-keoh-tls-multicast-security-00 in the layout of WIRE.md.
 *
 * A whole CoAP message in a record of DTLS 1.2, protected with keys that all members derive from
 * the group's TGK: any of them can pose as any other, so the proof is "group" and nothing protected
 * this way passes access level 2. One sender has one crypto session; several senders are several
 * sessions, told apart by the address they send from, or by trying each.
 *
 *   1. identify   one record: type 23, version 1.2, epoch, sequence number
 *   2. session    destination address (Mul_ID) and source address -> CS_ID of the sender
 *   3. keys       TEK, TAK, salt = PRF(TGK, constant ‖ Mul_ID ‖ CS_ID ‖ RAND)
 *   4. epoch      the session's own; numbers strictly above the last one accepted
 *   5. open       AES_128_CCM_8, or HMAC-SHA-256 without encryption
 *
 * `KeyInput.raw` is CBOR `{1: tgk, 2: rand, 3: suite, ?4: our own CS_ID under this key}`, the key
 * id the epoch in 2 bytes, the one address Mul_ID. A member's id is its CS_ID, its credential the
 * source address or empty. Renewal (§6) is another key of the group: same TGK, the next epoch, a
 * new RAND and new CS_IDs, our own one with the key, the others' in the table of members.
 *
 * Deviations from the draft, which leaves much "TBD", all WIRE.md's:
 * - Numbers of the two suites from the range for private use; CS_ID in 1 byte, as in MIKEY; the
 *   first epoch is 1.
 * - CCM needs a salt, which the draft does not derive: MIKEY's constant for salting keys.
 * - The explicit nonce has to be epoch and sequence number, which RFC 6655 only allows.
 * - A datagram is one record: DTLS would take several.
 * - Several senders, each in a session of its own; the draft stops at one to many. Answers go in
 *   the answerer's session, never in the asker's: that would repeat nonces.
 * - In a roll-over the old session stays beside the new one to receive; the draft is silent.
 * - A key belongs to one IPv6 multicast address. Another address of the group is another key.
 * - A record sent to our own address is opened under the group's session, as answers are.
 * - What opens and holds no CoAP message is dropped unmarked, so the same number is taken once more
 *   from the same sender: nothing was done with it.
 * - A request sent to us alone may be meant for any application group of its security group, and
 *   has the highest of the rights that its sender has in these.
 */
import { equalBytes } from "../bytes/equal.js";
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { emitMessage, parseMessage } from "../coap/message.js";
import { type CryptoSession, RAND_BYTES_MIN, sessionKey, TGK_BYTES_MIN } from "../dtls/mikey.js";
import {
  ccm8,
  EPOCH_AT,
  isRecord,
  nullSha256,
  type RecordCipher,
  SEQUENCE_AT,
} from "../dtls/record.js";
import { FLAG_KID_CONTEXT } from "../oscore/option.js";
import { Outer } from "../oscore/outer.js";
import { takeSecrets } from "../oscore/secrets.js";
import { AES_128_CCM_8, type Crypto } from "../ports/crypto.js";
import type {
  Arrival,
  Departure,
  Inner,
  KeyInput,
  KeyMaterial,
  Member,
  OpenContext,
  Profile,
} from "./profile.js";

/** MTS_WITH_AES_128_CCM_8 and MTS_WITH_NULL_SHA256 (WIRE.md: private use). */
const CCM_8 = 0xff01;
const NULL_SHA256 = 0xff02;
/** Labels of `KeyInput.raw`. */
const TGK = 1;
const RAND = 2;
const SUITE = 3;
const CS_ID = 4;

const EPOCH_BYTES = 2;
const SEQUENCE_BYTES = 6;
const ADDRESS_BYTES = 16;
/** IPv4, where a member is bound to such an address. */
const SHORT_ADDRESS_BYTES = 4;
const CS_ID_BYTES = 1;
/** TEK and TAK. */
const KEY_BYTES = 16;
const SALT_BYTES = 4;

/** What the sessions of one epoch have in common, and our own one. */
interface RecordKey extends KeyMaterial, Omit<CryptoSession, "csId"> {
  readonly suite: typeof CCM_8 | typeof NULL_SHA256;
  /** Undefined on a device that only listens. */
  readonly own: RecordCipher | undefined;
}

export const dtlsRecord: Profile<RecordKey, RecordCipher> = {
  name: "dtls-record",
  layer: "record",
  proof: "group",
  numbering: "key",
  answersNewer: true,
  window: 1,
  windowCovers: "all",
  importKey,
  wipe,
  admits,
  peer,
  identify,
  open,
  unwrap,
  seal,
};

function importKey(crypto: Crypto, input: KeyInput): RecordKey {
  const secrets = takeSecrets(input.raw, 4);
  const renewed = secrets.get(CS_ID);
  if (secrets.size !== (renewed === undefined ? 3 : 4)) {
    throw new RangeError("a map of TGK, RAND, suite and perhaps a CS_ID");
  }
  const suite = secrets.get(SUITE);
  if (suite !== CCM_8 && suite !== NULL_SHA256) throw new RangeError(`suite ${String(suite)}`);
  const mulId = input.addresses[0];
  if (input.addresses.length !== 1 || mulId.length !== ADDRESS_BYTES) {
    throw new RangeError("one IPv6 multicast address a key");
  }
  const shared = {
    keyId: epochOf(input.keyId),
    tgk: atLeast(secrets.get(TGK), TGK_BYTES_MIN),
    rand: atLeast(secrets.get(RAND), RAND_BYTES_MIN),
    mulId,
    suite,
  } as const;
  const id = renewed === undefined ? input.own.id : atLeast(renewed, CS_ID_BYTES);
  if (id.length > CS_ID_BYTES) throw new RangeError(`a CS_ID of ${id.length} bytes`);
  return { ...shared, own: id.length === 0 ? undefined : cipherOf(crypto, shared, id) };
}

function wipe({ tgk, own }: RecordKey, peers: readonly RecordCipher[]): void {
  tgk.fill(0);
  own?.wipe();
  for (const peer of peers) peer.wipe();
}

/** Epoch 0 is DTLS's before the first key. */
function epochOf(keyId: Uint8Array): Uint8Array {
  const isEpoch = keyId.length === EPOCH_BYTES && keyId[0] + keyId[1] > 0;
  if (!isEpoch) throw new RangeError("an epoch from 1 on, in 2 bytes");
  return keyId;
}

function atLeast(value: unknown, bytes: number): Uint8Array {
  if (value instanceof Uint8Array && value.length >= bytes) return value;
  throw new RangeError(`at least ${bytes} bytes`);
}

/** A CS_ID, bound to a source address or to none. */
function admits(_crypto: Crypto, { id, credential }: Member): boolean {
  const { length } = credential;
  const isBinding = length === 0 || length === ADDRESS_BYTES || length === SHORT_ADDRESS_BYTES;
  if (!isBinding || id.length !== CS_ID_BYTES) return false; // check: record-member
  return true;
}

function peer(crypto: Crypto, key: RecordKey, { id }: Member): RecordCipher {
  return cipherOf(crypto, key, id);
}

function cipherOf(crypto: Crypto, key: Omit<RecordKey, "own">, csId: Uint8Array): RecordCipher {
  const session = { tgk: key.tgk, mulId: key.mulId, rand: key.rand, csId };
  if (key.suite === NULL_SHA256) {
    return nullSha256(crypto, sessionKey(crypto, session, "tak", KEY_BYTES));
  }
  const tek = sessionKey(crypto, session, "tek", KEY_BYTES);
  const salt = sessionKey(crypto, session, "salt", SALT_BYTES);
  return ccm8(crypto.aeadKey(AES_128_CCM_8, tek), salt);
}

/** The epoch reads as key id, the sequence number as piv; who sends, the record does not say. */
function identify({ outer, option }: Arrival): boolean {
  const { bytes } = outer;
  if (!isRecord(bytes)) return false;
  option.flags = FLAG_KID_CONTEXT;
  option.contextStart = EPOCH_AT;
  option.contextLength = EPOCH_BYTES;
  option.pivStart = SEQUENCE_AT;
  option.pivLength = SEQUENCE_BYTES;
  option.kidLength = 0;
  let sequence = 0;
  for (let i = 0; i < SEQUENCE_BYTES; i++) sequence = sequence * 256 + bytes[SEQUENCE_AT + i];
  option.sequence = sequence;
  return true;
}

function unwrap(
  key: RecordKey,
  arrival: Arrival,
  context: OpenContext<RecordCipher>,
): Outcome<Uint8Array> {
  const sender = context.peer;
  if (sender === undefined) throw new RangeError("a record without its sender's session");
  const record = arrival.outer.bytes;
  const epoch = record.subarray(EPOCH_AT, EPOCH_AT + EPOCH_BYTES);
  // In the additional data too; told apart from a forgery, and before any cryptography.
  if (!equalBytes(epoch, key.keyId)) return drop("oldEpoch"); // check: record-epoch
  const opened = sender.open(record);
  if (!opened.ok) return opened;
  // A protected message within a protected message is never ours. Whether what came out is a
  // message at all is its reader's to say.
  const inside = new Outer();
  const isNested = inside.scan(opened.value) && inside.oscoreStart >= 0;
  if (isNested) return drop("malformed"); // check: record-nested
  return opened;
}

function open(
  key: RecordKey,
  arrival: Arrival,
  context: OpenContext<RecordCipher>,
): Outcome<Inner> {
  const unwrapped = unwrap(key, arrival, context);
  if (!unwrapped.ok) return unwrapped;
  const message = parseMessage(unwrapped.value);
  if (!message.ok) return message;
  const { code, options, payload } = message.value;
  return ok({ code, options, payload });
}

function seal(key: RecordKey, departure: Departure<RecordCipher>): Uint8Array {
  const { header, inner, clear, piv } = departure;
  if (key.own === undefined) throw new RangeError("no crypto session of our own");
  if (clear.length > 0) throw new RangeError("a record leaves no option readable");
  if (piv === undefined || piv.length > SEQUENCE_BYTES) throw new RangeError("a number of 48 bits");
  const sequence = new Uint8Array(SEQUENCE_BYTES);
  sequence.set(piv, SEQUENCE_BYTES - piv.length);
  const plain = emitMessage({ ...header, ...inner, type: header.type as 0 | 1 | 2 | 3 });
  return key.own.seal({ epoch: key.keyId, sequence, plain });
}
