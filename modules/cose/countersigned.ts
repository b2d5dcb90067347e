/**
 * A whole COSE_Encrypt0 that carries one counter signature and nothing else in the clear (RFC 9052
 * §5.2, RFC 8152 §4.5): `[protected, {7: [h'a10127', {}, signature]}, ciphertext]`, untagged.
 *
 * Read in place: such an object is the message's larger part, and the sender's id inside decides
 * whether it is for us at all. Every object has one encoding, so whatever differs is refused.
 */
import { Writer } from "../bytes/writer.js";
import { CborWriter } from "../cbor/encode.js";
import { CborReader } from "../cbor/reader.js";
import { BYTES } from "../cbor/value.js";

/** `{7: [h'a10127', {}, …` and the head of a byte string of 64: one EdDSA counter signature. */
const COUNTERSIGNED: readonly number[] = Object.freeze([
  0xa1, 0x07, 0x83, 0x43, 0xa1, 0x01, 0x27, 0xa0, 0x58, 0x40,
]);
const SIGNATURE_BYTES = 64;

/** Where the parts stand; ends are exclusive. */
export interface Countersigned {
  readonly protectedStart: number;
  readonly protectedEnd: number;
  readonly signatureStart: number;
  readonly signatureEnd: number;
  readonly ciphertextStart: number;
  readonly ciphertextEnd: number;
}

/** The object in `bytes` from `start` to `end`, or undefined when they are anything else. */
export function findCountersigned(
  bytes: Uint8Array,
  start: number,
  end: number,
): Countersigned | undefined {
  const reader = new CborReader(bytes, start, end);
  const items = reader.array();
  if (items !== 3) return undefined; // check: countersigned-three
  const protectedStart = passBytes(reader);
  const protectedEnd = reader.pos;
  for (const byte of COUNTERSIGNED) {
    const next = reader.bytes[reader.pos++];
    if (next !== byte) return undefined; // check: countersigned-unprotected
  }
  const signatureStart = reader.pos;
  const signatureEnd = signatureStart + SIGNATURE_BYTES;
  reader.pos = signatureEnd;
  const ciphertextStart = passBytes(reader);
  if (!reader.complete) return undefined; // check: countersigned-complete
  return {
    protectedStart,
    protectedEnd,
    signatureStart,
    signatureEnd,
    ciphertextStart,
    ciphertextEnd: reader.pos,
  };
}

/**
 * Passes over a byte string; returns where its contents begin. One that reaches past the end leaves
 * a reader that is not complete.
 */
export function passBytes(reader: CborReader): number {
  const major = reader.head();
  if (major !== BYTES) reader.fail(); // check: countersigned-bytes
  const start = reader.pos;
  reader.pos = start + reader.argument;
  return start;
}

export function emitCountersigned(object: {
  protectedHeader: Uint8Array;
  signature: Uint8Array;
  ciphertext: Uint8Array;
}): Uint8Array {
  const { protectedHeader, signature, ciphertext } = object;
  if (signature.length !== SIGNATURE_BYTES) throw new RangeError("a signature of 64 bytes");
  const size = protectedHeader.length + COUNTERSIGNED.length + SIGNATURE_BYTES + ciphertext.length;
  const writer = new Writer(size + 12);
  const cbor = new CborWriter(writer);
  cbor.array(3);
  cbor.bytes(protectedHeader);
  for (const byte of COUNTERSIGNED) writer.u8(byte);
  writer.bytes(signature);
  cbor.bytes(ciphertext);
  return writer.finish();
}
