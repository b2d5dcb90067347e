/** The data expansion function of TLS 1.2 with SHA-256 (RFC 5246 §5). */
import type { Crypto } from "../ports/crypto.js";

const HASH_BYTES = 32;

/**
 * P_SHA256: the first `length` bytes of HMAC(secret, A(1) ‖ seed) ‖ HMAC(secret, A(2) ‖ seed) ‖ …
 * with A(0) = seed and A(i) = HMAC(secret, A(i-1)).
 */
export function pSha256(
  crypto: Pick<Crypto, "hmac">,
  input: { secret: Uint8Array; seed: Uint8Array; length: number },
): Uint8Array {
  const { secret, seed, length } = input;
  const output = new Uint8Array(length);
  const data = new Uint8Array(HASH_BYTES + seed.length);
  data.set(seed, HASH_BYTES);
  let a = seed;
  for (let at = 0; at < length; at += HASH_BYTES) {
    a = crypto.hmac({ key: secret, data: a });
    data.set(a);
    output.set(crypto.hmac({ key: secret, data }).subarray(0, length - at), at);
  }
  return output;
}
