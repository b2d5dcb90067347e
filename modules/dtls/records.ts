/**
 * Records of DTLS 1.2 as a unicast connection has them: several in a datagram, of all content
 * types, in the clear in epoch 0, by AES_128_CCM_8 in epoch 1, with or without a connection id (RFC
 * 6347 §4.1, RFC 6655, RFC 9146). record.ts is the strict form that a group's records have.
 */
import { concat } from "../bytes/concat.js";
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { readUint, writeUint } from "../bytes/uint.js";
import type { AeadKey } from "../ports/crypto.js";
import { DTLS_1_0, DTLS_1_2, TLS12_CID } from "./numbers.js";
import {
  EPOCH_AT,
  FRAGMENT_BYTES_MAX,
  HEADER_BYTES,
  LENGTH_AT,
  NUMBER_BYTES,
  nonceOf,
  pseudoHeader,
  SEQUENCE_AT,
  SEQUENCE_MAX,
  TAG_BYTES,
} from "./record.js";
import { RecordWindow } from "./window.js";

/** A record's header, read; the fragment is still protected where the epoch is not 0. */
export interface RawRecord {
  readonly type: number;
  readonly epoch: number;
  readonly sequence: number;
  /** Empty unless the type is tls12_cid. */
  readonly cid: Uint8Array;
  /** The whole record, a view of the datagram. */
  readonly bytes: Uint8Array;
  /** Where the fragment begins in `bytes`. */
  readonly fragmentAt: number;
}

/** What a protected record held. */
export interface Opened {
  readonly type: number;
  readonly plain: Uint8Array;
}

/** Keys of one direction. The salt is the 4 bytes of client_write_IV or server_write_IV. */
export interface RecordKeys {
  readonly aead: AeadKey;
  readonly salt: Uint8Array;
}

/**
 * The record at `at` of a datagram. `cidBytes`: the length of our connection ids, which no record
 * tells (RFC 9146 §4). Undefined for what is no record of DTLS 1.0 or 1.2, or runs over the end:
 * then the rest of the datagram cannot be read either.
 */
export function readRecord(bytes: Uint8Array, at: number, cidBytes: number): RawRecord | undefined {
  const type = bytes[at];
  const cidLength = type === TLS12_CID ? cidBytes : 0;
  const fragmentAt = HEADER_BYTES + cidLength;
  if (at + fragmentAt > bytes.length) return undefined; // check: record-header-room
  const version = bytes[at + 1] * 256 + bytes[at + 2];
  const epoch = readUint(bytes, at + EPOCH_AT, 2);
  // A ClientHello may come in a record of DTLS 1.0 (RFC 6347 §4.2.1).
  const isVersion = version === DTLS_1_2 || (version === DTLS_1_0 && epoch === 0);
  if (!isVersion) return undefined; // check: record-versions
  const length = readUint(bytes, at + fragmentAt - 2, 2);
  const end = at + fragmentAt + length;
  if (length > FRAGMENT_BYTES_MAX || end > bytes.length) return undefined; // check: record-room
  return {
    type,
    epoch,
    sequence: readUint(bytes, at + SEQUENCE_AT, 6),
    cid: bytes.subarray(at + LENGTH_AT, at + LENGTH_AT + cidLength),
    bytes: bytes.subarray(at, end),
    fragmentAt,
  };
}

/** A record of epoch 0. `version`: that of the header. */
export function plainRecord(
  type: number,
  sequence: number,
  fragment: Uint8Array,
  version: number = DTLS_1_2,
): Uint8Array {
  const header = headerOf(type, 0, sequence, version);
  writeUint(header, LENGTH_AT, 2, fragment.length);
  return concat(header, fragment);
}

/** What one side sends in an epoch: numbers from 0, each once. */
export class WriteEpoch {
  readonly epoch: number;
  readonly #keys: RecordKeys | undefined;
  /** What the peer wants to be addressed by; empty: nothing. */
  readonly #cid: Uint8Array;
  #next: number;

  /** Without keys the records are in the clear. `first`: the first record's number. */
  constructor(epoch: number, keys?: RecordKeys, cid: Uint8Array = new Uint8Array(0), first = 0) {
    this.epoch = epoch;
    this.#keys = keys;
    this.#cid = cid;
    this.#next = first;
  }

  /** Bytes a record has more than its plaintext. */
  get overhead(): number {
    if (this.#keys === undefined) return HEADER_BYTES;
    const cid = this.#cid.length;
    return HEADER_BYTES + NUMBER_BYTES + TAG_BYTES + (cid === 0 ? 0 : cid + 1);
  }

  /** A whole record; undefined when the epoch's numbers are used up (RFC 6347 §4.1). */
  seal(type: number, plain: Uint8Array): Uint8Array | undefined {
    const sequence = this.#next;
    if (sequence > SEQUENCE_MAX) return undefined; // check: record-sequence-end
    this.#next = sequence + 1;
    if (this.#keys === undefined) return plainRecord(type, sequence, plain);
    const header = headerOf(type, this.epoch, sequence, DTLS_1_2);
    const number = header.slice(EPOCH_AT, EPOCH_AT + NUMBER_BYTES);
    const { aead, salt } = this.#keys;
    const nonce = nonceOf(salt, number);
    const cid = this.#cid;
    if (cid.length === 0) {
      const sealed = aead.seal({ nonce, aad: pseudoHeader(header, plain.length), plain });
      writeUint(header, LENGTH_AT, 2, NUMBER_BYTES + sealed.length);
      return concat(header, number, sealed);
    }
    // RFC 9146 §4: the real type goes inside, behind the content; no padding.
    const inner = concat(plain, Uint8Array.of(type));
    header[0] = TLS12_CID;
    const sealed = aead.seal({ nonce, aad: cidHeader(header, cid, inner.length), plain: inner });
    const length = new Uint8Array(2);
    writeUint(length, 0, 2, NUMBER_BYTES + sealed.length);
    return concat(header.subarray(0, LENGTH_AT), cid, length, number, sealed);
  }
}

/** What one side accepts in a protected epoch. */
export class ReadEpoch {
  readonly #keys: RecordKeys;
  readonly #hasCid: boolean;
  readonly #window = new RecordWindow();

  /** With `hasCid` records have to carry one; which it is, the caller has seen. */
  constructor(keys: RecordKeys, hasCid: boolean) {
    this.#keys = keys;
    this.#hasCid = hasCid;
  }

  /** The highest number accepted; -1 before the first. */
  get highest(): number {
    return this.#window.highest;
  }

  /** Check, open, mark: `replayed`, `malformed` or `forged` change nothing. */
  open(record: RawRecord): Outcome<Opened> {
    const { bytes, fragmentAt, sequence } = record;
    // RFC 9146 §3: once negotiated, records without the id are dropped, and the reverse.
    const isCid = record.type === TLS12_CID;
    if (isCid !== this.#hasCid) return drop("malformed"); // check: cid-negotiated
    if (!this.#window.isFresh(sequence)) return drop("replayed"); // check: record-replay
    const sealedAt = fragmentAt + NUMBER_BYTES;
    const length = bytes.length - sealedAt - TAG_BYTES;
    if (length < 0) return drop("malformed"); // check: records-room
    // RFC 6655 §3: the explicit nonce is the sender's choice; some choose it at random.
    const explicit = bytes.subarray(fragmentAt, sealedAt);
    const plain = this.#keys.aead.open({
      nonce: nonceOf(this.#keys.salt, explicit),
      aad: isCid ? cidHeader(bytes, record.cid, length) : pseudoHeader(bytes, length),
      sealed: bytes.subarray(sealedAt),
    });
    if (plain === undefined) return drop("forged"); // check: records-tag
    this.#window.mark(sequence);
    const genuine = plain as Uint8Array;
    return isCid ? innerOf(genuine) : ok({ type: record.type, plain: genuine });
  }
}

/** RFC 9146 §4: content, its type, zeros; a record of zeros alone is malformed. */
function innerOf(inner: Uint8Array): Outcome<Opened> {
  let at = inner.length - 1;
  while (at >= 0 && inner[at] === 0) at--;
  if (at < 0) return drop("malformed"); // check: cid-inner-type
  return ok({ type: inner[at], plain: inner.slice(0, at) });
}

/** RFC 9146 §5.3: the additional data of a record with a connection id. */
function cidHeader(record: Uint8Array, cid: Uint8Array, length: number): Uint8Array {
  const tail = new Uint8Array(2);
  writeUint(tail, 0, 2, length);
  return concat(
    Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, TLS12_CID, cid.length),
    record.subarray(0, LENGTH_AT),
    cid,
    tail,
  );
}

function headerOf(type: number, epoch: number, sequence: number, version: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header[0] = type;
  writeUint(header, 1, 2, version);
  writeUint(header, EPOCH_AT, 2, epoch);
  writeUint(header, SEQUENCE_AT, 6, sequence);
  return header;
}
