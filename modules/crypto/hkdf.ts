/** The second half of HKDF, over any provider's HMAC. */
import type { Crypto } from "../ports/crypto.js";

const HASH_BYTES = 32;

/**
 * HKDF-Expand with SHA-256 (RFC 5869 §2.3): T(i) = HMAC(key, T(i-1) ‖ info ‖ i). Throws RangeError
 * above 255 * 32 bytes.
 */
export function expand(
  crypto: Pick<Crypto, "hmac">,
  input: { key: Uint8Array; info: Uint8Array; length: number },
): Uint8Array {
  const { key, info, length } = input;
  if (!(length >= 0 && length <= 255 * HASH_BYTES)) throw new RangeError(`HKDF of ${length} bytes`);
  const okm = new Uint8Array(length);
  let previous: Uint8Array = new Uint8Array(0);
  for (let counter = 1, at = 0; at < length; counter++, at += HASH_BYTES) {
    const data = new Uint8Array(previous.length + info.length + 1);
    data.set(previous);
    data.set(info, previous.length);
    data[data.length - 1] = counter;
    previous = crypto.hmac({ key, data });
    okm.set(previous.subarray(0, Math.min(HASH_BYTES, length - at)), at);
  }
  return okm;
}
