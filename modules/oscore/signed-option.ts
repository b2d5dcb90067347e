/**
 * The OSCORE option of the two drafts that carry the counter signature in it
 * (draft-tiloca-core-multicast-oscoap-04 §4, draft-ietf-core-oscore-groupcomm-02 §3, Figure 2):
 *
 *   flags ‖ piv ‖ s ‖ gid ‖ signature ‖ kid        flags = 0 0 1 h 1 n n n
 *
 * The signature has no length of its own, the algorithm says it: 64 bytes of Ed25519. Once read it
 * lies in the 64 bytes before `kidStart`.
 */
import { concat } from "../bytes/concat.js";
import { NONCE_ID_BYTES_MAX } from "./nonce.js";
import { emitOption, FLAG_GROUP, FLAG_KID, FLAG_KID_CONTEXT, type OscoreOption } from "./option.js";

/** Ed25519 (RFC 8032 §5.1.6). */
export const SIGNATURE_BYTES = 64;
/** The sixth bit: "countersign" is there. RFC 10021 has given it another meaning. */
export const FLAG_SIGNATURE = FLAG_GROUP;

/**
 * Reads the value; false when it is malformed by the shared rules or by these drafts': signature
 * and kid in every message, a gid in every request.
 */
export function parseSignedOption(
  option: OscoreOption,
  value: { bytes: Uint8Array; start: number; length: number },
  direction: "request" | "response",
): boolean {
  if (!option.parse(value.bytes, value.start, value.length, SIGNATURE_BYTES)) return false;
  const { flags } = option;
  if ((flags & FLAG_SIGNATURE) === 0) return false; // check: signed-option-signature
  if ((flags & FLAG_KID) === 0) return false; // check: signed-option-kid
  const isUnnamed = direction === "request" && (flags & FLAG_KID_CONTEXT) === 0;
  if (isUnnamed) return false; // check: signed-request-gid
  return true;
}

/** The signature of a value that was read: a view of `bytes`. */
export function signatureOf(bytes: Uint8Array, option: OscoreOption): Uint8Array {
  return bytes.subarray(option.kidStart - SIGNATURE_BYTES, option.kidStart);
}

/**
 * The whole value. Throws RangeError on parts that have no encoding (our bug). `piv` is minimal,
 * and undefined in a response that uses its request's nonce; `gid` may be undefined in a response.
 */
export function emitSignedOption(parts: {
  piv: Uint8Array | undefined;
  gid: Uint8Array | undefined;
  signature: Uint8Array;
  kid: Uint8Array;
}): Uint8Array {
  const { piv, gid, signature, kid } = parts;
  if (signature.length !== SIGNATURE_BYTES) {
    throw new RangeError(`a signature of ${signature.length} bytes`);
  }
  if (kid.length > NONCE_ID_BYTES_MAX) throw new RangeError(`a sender id of ${kid.length} bytes`);
  const ending = concat(signature, kid);
  return emitOption({ flags: FLAG_SIGNATURE, piv, kidContext: gid, kid: ending });
}
