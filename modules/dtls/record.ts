/**
 * The record layer of DTLS 1.2 (RFC 6347 §4.1): type, version, epoch and sequence number in the
 * clear, a fragment behind them, and two ways to protect it.
 *
 *   17 fefd ‖ epoch (2) ‖ sequence number (6) ‖ length (2) ‖ fragment
 *
 * Here a datagram is exactly one record: whatever follows would be neither authenticated nor ever
 * acted on.
 */
import { equalBytes, equalConstantTime } from "../bytes/equal.js";
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import type { AeadKey, Crypto } from "../ports/crypto.js";

export const APPLICATION_DATA = 23;
/** 254.253: versions count down. */
const DTLS_1_2 = Object.freeze([0xfe, 0xfd]);
export const HEADER_BYTES = 13;
/** Where epoch (2) and sequence number (6) stand in a record. */
export const EPOCH_AT = 3;
export const SEQUENCE_AT = 5;
export const LENGTH_AT = 11;
/** 2^48 - 1. */
export const SEQUENCE_MAX = 0xffff_ffff_ffff;
export const TAG_BYTES = 8;
const MAC_BYTES = 32;
/** Epoch and sequence number, which CCM's records carry a second time. */
export const NUMBER_BYTES = 8;
/** Fragment's length: two bytes; the RFC allows 2^14 and an expansion of 2^10. */
export const FRAGMENT_BYTES_MAX = 2 ** 14 + 2 ** 10;

/** Whether `bytes` are one record of DTLS 1.2 that carries application data. */
export function isRecord(bytes: Uint8Array): boolean {
  if (bytes[0] !== APPLICATION_DATA) return false; // check: record-type
  const isVersion = bytes[1] === DTLS_1_2[0] && bytes[2] === DTLS_1_2[1];
  if (!isVersion) return false; // check: record-version
  // Past the end a typed array reads undefined, and the length is none.
  const length = bytes[LENGTH_AT] * 256 + bytes[LENGTH_AT + 1];
  if (length !== bytes.length - HEADER_BYTES) return false; // check: record-length
  return true;
}

/** How the records of one epoch and sender are protected. */
export interface RecordCipher {
  /** Plaintext of a record that `isRecord`; `forged`, or `malformed`. */
  open(record: Uint8Array): Outcome<Uint8Array>;
  /** A whole record. Epoch in 2 bytes, number in 6. */
  seal(input: { epoch: Uint8Array; sequence: Uint8Array; plain: Uint8Array }): Uint8Array;
  /** It is not used again. */
  wipe(): void;
}

/**
 * AES_128_CCM_8 (RFC 6655 §3): nonce = salt (4) ‖ explicit nonce (8), which is epoch and sequence
 * number (RFC 6655 §3 allows it, WIRE.md demands it: then no second counter can repeat one).
 */
export function ccm8(aead: AeadKey, salt: Uint8Array): RecordCipher {
  return {
    open(record) {
      const explicit = record.subarray(HEADER_BYTES, HEADER_BYTES + NUMBER_BYTES);
      const length = record.length - HEADER_BYTES - NUMBER_BYTES - TAG_BYTES;
      if (length < 0) return drop("malformed"); // check: ccm8-room
      const number = record.subarray(EPOCH_AT, EPOCH_AT + NUMBER_BYTES);
      if (!equalBytes(explicit, number)) return drop("malformed"); // check: ccm8-explicit-nonce
      const plain = aead.open({
        nonce: nonceOf(salt, number),
        aad: pseudoHeader(record, length),
        sealed: record.subarray(HEADER_BYTES + NUMBER_BYTES),
      });
      if (plain === undefined) return drop("forged"); // check: ccm8-tag
      return ok(plain as Uint8Array);
    },
    seal({ epoch, sequence, plain }) {
      const record = begun(epoch, sequence, NUMBER_BYTES + plain.length + TAG_BYTES);
      const number = record.slice(EPOCH_AT, EPOCH_AT + NUMBER_BYTES);
      const aad = pseudoHeader(record, plain.length);
      record.set(number, HEADER_BYTES);
      record.set(
        aead.seal({ nonce: nonceOf(salt, number), aad, plain }),
        HEADER_BYTES + NUMBER_BYTES,
      );
      return record;
    },
    wipe: () => void salt.fill(0),
  };
}

/** No encryption, HMAC-SHA-256 (RFC 5246 §6.2.3.1): plaintext ‖ MAC. */
export function nullSha256(crypto: Pick<Crypto, "hmac">, key: Uint8Array): RecordCipher {
  const macOf = (record: Uint8Array, plain: Uint8Array): Uint8Array => {
    const header = pseudoHeader(record, plain.length);
    const data = new Uint8Array(header.length + plain.length);
    data.set(header);
    data.set(plain, header.length);
    return crypto.hmac({ key, data });
  };
  return {
    open(record) {
      const macAt = record.length - MAC_BYTES;
      if (macAt < HEADER_BYTES) return drop("malformed"); // check: null-room
      const plain = record.slice(HEADER_BYTES, macAt);
      const isGenuine = equalConstantTime(macOf(record, plain), record.subarray(macAt));
      if (!isGenuine) return drop("forged"); // check: null-mac
      return ok(plain);
    },
    seal({ epoch, sequence, plain }) {
      const record = begun(epoch, sequence, plain.length + MAC_BYTES);
      record.set(plain, HEADER_BYTES);
      record.set(macOf(record, plain), HEADER_BYTES + plain.length);
      return record;
    },
    wipe: () => void key.fill(0),
  };
}

/** Salt (4 bytes) ‖ epoch and sequence number. */
export function nonceOf(salt: Uint8Array, number: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(salt.length + NUMBER_BYTES);
  nonce.set(salt);
  nonce.set(number, salt.length);
  return nonce;
}

/** What is authenticated beside the plaintext: epoch ‖ number ‖ type ‖ version ‖ its length. */
export function pseudoHeader(record: Uint8Array, length: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(record.subarray(EPOCH_AT, EPOCH_AT + NUMBER_BYTES));
  header.set(record.subarray(0, EPOCH_AT), NUMBER_BYTES);
  header[LENGTH_AT] = length >> 8;
  header[LENGTH_AT + 1] = length;
  return header;
}

/** A record with its header, the fragment still zero. */
function begun(epoch: Uint8Array, sequence: Uint8Array, length: number): Uint8Array {
  if (length > FRAGMENT_BYTES_MAX) throw new RangeError(`a fragment of ${length} bytes`);
  const record = new Uint8Array(HEADER_BYTES + length);
  record[0] = APPLICATION_DATA;
  record.set(DTLS_1_2, 1);
  record.set(epoch, EPOCH_AT);
  record.set(sequence, SEQUENCE_AT);
  record[LENGTH_AT] = length >> 8;
  record[LENGTH_AT + 1] = length;
  return record;
}
