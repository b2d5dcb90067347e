/**
 * As much DER (X.690) as certificates, P-256 keys and ECDSA signatures are made of. Lengths are
 * definite and shortest, or there is no value.
 */
import { concat } from "../bytes/concat.js";
import { equalBytes } from "../bytes/equal.js";
import { fromHex } from "../bytes/hex.js";

export const DER = Object.freeze({
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
});

/** Tags `[0]` and `[1]`…, constructed. */
export function explicitTag(number: number): number {
  return 0xa0 + number;
}

/** One value and where it stands: `whole` with its tag and length, `content` without. Views. */
export interface DerValue {
  readonly tag: number;
  readonly whole: Uint8Array;
  readonly content: Uint8Array;
}

/** The values that `bytes` consist of; undefined when something is left over or runs over. */
export function derValues(bytes: Uint8Array): DerValue[] | undefined {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at];
    let start = at + 2;
    let length = bytes[at + 1];
    // Two bytes of length are 64 KB: more than any message here.
    if (length === 0x81 || length === 0x82) {
      const count = length - 0x80;
      if (start + count > bytes.length) return undefined;
      length = count === 1 ? bytes[start] : bytes[start] * 256 + bytes[start + 1];
      start += count;
      if (length < (count === 1 ? 0x80 : 0x100)) return undefined; // check: der-shortest
    } else if (!(length < 0x80)) return undefined;
    const end = start + length;
    if (end > bytes.length) return undefined; // check: der-room
    values.push({ tag, whole: bytes.subarray(at, end), content: bytes.subarray(start, end) });
    at = end;
  }
  return values;
}

/** The members of the one value of this tag that `bytes` are. */
export function derInside(bytes: Uint8Array, tag: number): DerValue[] | undefined {
  const values = derValues(bytes);
  if (values?.length !== 1 || values[0].tag !== tag) return undefined;
  return derValues(values[0].content);
}

/** A value of fewer than 128 bytes. */
function derShort(tag: number, content: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(tag, content.length), content);
}

const POINT_BYTES = 65;
const COORDINATE_BYTES = 32;

/**
 * SEQUENCE { SEQUENCE { id-ecPublicKey, secp256r1 }, BIT STRING } up to the uncompressed point: RFC
 * 5480 leaves no choice in it.
 */
const SPKI_HEAD = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
const SPKI_HEAD_BYTES = 26;

/** SubjectPublicKeyInfo of a P-256 point of 65 bytes (RFC 5480 §2): what RFC 7250 sends. */
export function publicKeyInfo(point: Uint8Array): Uint8Array {
  return concat(fromHex(SPKI_HEAD), point);
}

/** The point, 65 bytes, of a key on P-256; undefined for any other key. */
export function pointOf(info: Uint8Array): Uint8Array | undefined {
  if (info.length !== SPKI_HEAD_BYTES + POINT_BYTES) return undefined;
  if (!equalBytes(info.subarray(0, SPKI_HEAD_BYTES), fromHex(SPKI_HEAD))) return undefined;
  // RFC 5480 §2.2: 4 says uncompressed; of the other forms none has this length.
  if (info[SPKI_HEAD_BYTES] !== 4) return undefined; // check: point-uncompressed
  return info.slice(SPKI_HEAD_BYTES);
}

/** Ecdsa-Sig-Value (RFC 8422 §5.4) of r ‖ s, 64 bytes. */
export function derSignature(signature: Uint8Array): Uint8Array {
  const half = (at: number) => derInteger(signature.subarray(at, at + COORDINATE_BYTES));
  return derShort(DER.sequence, concat(half(0), half(COORDINATE_BYTES)));
}

/** r ‖ s, 64 bytes; undefined when it is not that. */
export function rawSignature(der: Uint8Array): Uint8Array | undefined {
  const values = derInside(der, DER.sequence);
  if (values?.length !== 2) return undefined;
  const raw = new Uint8Array(2 * COORDINATE_BYTES);
  for (let i = 0; i < 2; i++) {
    const { tag, content } = values[i];
    if (tag !== DER.integer || !isPositive(content)) return undefined; // check: der-integer
    const digits = content[0] === 0 ? content.subarray(1) : content;
    if (digits.length > COORDINATE_BYTES) return undefined; // check: der-integer-room
    raw.set(digits, (i + 1) * COORDINATE_BYTES - digits.length);
  }
  return raw;
}

/** A positive INTEGER in its shortest form (X.690 §8.3.2). */
function isPositive(content: Uint8Array): boolean {
  if (content.length === 0 || content[0] >= 0x80) return false;
  return content[0] !== 0 || (content.length > 1 && content[1] >= 0x80);
}

function derInteger(digits: Uint8Array): Uint8Array {
  let at = 0;
  while (at < digits.length - 1 && digits[at] === 0) at++;
  const shortest = digits.subarray(at);
  const sign = shortest[0] >= 0x80 ? Uint8Array.of(0) : new Uint8Array(0);
  return derShort(DER.integer, concat(sign, shortest));
}
