/**
 * The OSCORE option of the two drafts that carry the counter signature in it
 * (draft-tiloca-core-multicast-oscoap-04 §4, draft-ietf-core-oscore-groupcomm-02 §3, Figure 2):
 *
 *   flags ‖ piv ‖ s ‖ gid ‖ signature ‖ kid        flags = 0 0 1 h 1 n n n
 *
 * The signature has no length of its own, the algorithm says it: 64 bytes of Ed25519. To the shared
 * reader (option.ts) it is the beginning of the kid, so that is how it is read, in place, and then
 * taken off; afterwards it lies in the 64 bytes before `kidStart`.
 */
import { NONCE_ID_BYTES_MAX } from "./aad.js";
import { FLAG_GROUP, FLAG_KID, FLAG_KID_CONTEXT, type OscoreOption } from "./option.js";

/** Ed25519 (RFC 8032 §5.1.6). */
export const SIGNATURE_BYTES = 64;
/** The sixth bit: "countersign" is there. RFC 10021 has given it another meaning. */
export const FLAG_SIGNATURE = FLAG_GROUP;

const PIV_BYTES_MAX = 5;
/** Its length stands in one byte. */
const GID_BYTES_MAX = 255;

/**
 * Reads the value; false when it is malformed by the shared rules or by these drafts': signature
 * and kid in every message, a gid in every request.
 */
export function parseSignedOption(
  option: OscoreOption,
  value: { bytes: Uint8Array; start: number; length: number },
  direction: "request" | "response",
): boolean {
  const { bytes, start, length } = value;
  if (!option.parse(bytes, start, length)) return false;
  const { flags } = option;
  if ((flags & FLAG_SIGNATURE) === 0) return false; // check: signed-option-signature
  option.kidStart += SIGNATURE_BYTES;
  option.kidLength -= SIGNATURE_BYTES;
  // Without the kid flag nothing stands behind the gid: no signature either.
  if (option.kidLength < 0) return false; // check: signed-option-whole
  option.kid.read(bytes, option.kidStart, option.kidLength);
  const unnamed = direction === "request" && (flags & FLAG_KID_CONTEXT) === 0;
  if (unnamed) return false; // check: signed-request-gid
  return true;
}

/** The signature of a value that was read: a view of `bytes`. */
export function signatureOf(bytes: Uint8Array, option: OscoreOption): Uint8Array {
  return bytes.subarray(option.kidStart - SIGNATURE_BYTES, option.kidStart);
}

/**
 * The whole value. Throws RangeError on parts that have no encoding (our bug). `piv` is minimal, and
 * undefined in a response that uses its request's nonce; `gid` may be undefined in a response.
 */
export function emitSignedOption(parts: {
  piv: Uint8Array | undefined;
  gid: Uint8Array | undefined;
  signature: Uint8Array;
  kid: Uint8Array;
}): Uint8Array {
  const { piv, gid, signature, kid } = parts;
  const pivLength = piv === undefined ? 0 : piv.length;
  if (pivLength > PIV_BYTES_MAX) throw new RangeError(`a partial IV of ${pivLength} bytes`);
  if (gid !== undefined && gid.length > GID_BYTES_MAX) {
    throw new RangeError(`a Gid of ${gid.length} bytes`);
  }
  if (signature.length !== SIGNATURE_BYTES) {
    throw new RangeError(`a signature of ${signature.length} bytes`);
  }
  if (kid.length > NONCE_ID_BYTES_MAX) throw new RangeError(`a sender id of ${kid.length} bytes`);
  const context = gid === undefined ? 0 : 1 + gid.length;
  const value = new Uint8Array(1 + pivLength + context + SIGNATURE_BYTES + kid.length);
  value[0] = FLAG_SIGNATURE | FLAG_KID | pivLength | (gid === undefined ? 0 : FLAG_KID_CONTEXT);
  if (piv !== undefined) value.set(piv, 1);
  let at = 1 + pivLength;
  if (gid !== undefined) {
    value[at] = gid.length;
    value.set(gid, at + 1);
    at += 1 + gid.length;
  }
  value.set(signature, at);
  value.set(kid, at + SIGNATURE_BYTES);
  return value;
}
