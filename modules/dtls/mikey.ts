/**
 * Keys of a crypto session from the group's TEK Generation Key: the key generation function of
 * MIKEY (RFC 3830 §4.1.2) with SHA-256, as draft-keoh-tls-multicast-security-00 §4.2 has it.
 *
 *   label              constant ‖ Mul_ID ‖ CS_ID ‖ RAND
 *   PRF(TGK, label)    P(s_1, label) ⊕ … ⊕ P(s_n, label), s_i the 256-bit blocks of the TGK
 *   P                  P_SHA256 of TLS 1.2
 */
import { concat } from "../bytes/concat.js";
import type { Crypto } from "../ports/crypto.js";
import { pSha256 } from "./prf.js";

/** "256 equals half the block and the full output size of SHA-256" (§4.2). */
const BLOCK_BYTES = 32;
/** §4.1: TGK and RAND have at least 128 bits. */
export const TGK_BYTES_MIN = 16;
export const RAND_BYTES_MIN = 16;

/**
 * Constants of the label (RFC 3830 §4.1.3, §4.1.4). The draft has no salt; CCM needs one, and MIKEY
 * has a constant for it (WIRE.md).
 */
const CONSTANTS = Object.freeze({
  tek: Object.freeze([0x2a, 0xd0, 0x1c, 0x64]),
  tak: Object.freeze([0x1b, 0x5c, 0x79, 0x73]),
  salt: Object.freeze([0x39, 0xa2, 0xc1, 0x4b]),
});

export type SessionKey = keyof typeof CONSTANTS;

/** What names a crypto session. */
export interface CryptoSession {
  readonly tgk: Uint8Array;
  /** The multicast address, 16 bytes. */
  readonly mulId: Uint8Array;
  /** 1 byte. */
  readonly csId: Uint8Array;
  readonly rand: Uint8Array;
}

/** Traffic encryption key, traffic authentication key or salt, the first `length` bytes. */
export function sessionKey(
  crypto: Pick<Crypto, "hmac">,
  session: CryptoSession,
  which: SessionKey,
  length: number,
): Uint8Array {
  const { tgk, mulId, csId, rand } = session;
  const label = concat(Uint8Array.from(CONSTANTS[which]), mulId, csId, rand);
  return mikeyPrf(crypto, { key: tgk, label, length });
}

/** PRF(inkey, label); the last block of the key may be short. */
export function mikeyPrf(
  crypto: Pick<Crypto, "hmac">,
  input: { key: Uint8Array; label: Uint8Array; length: number },
): Uint8Array {
  const { key, label, length } = input;
  const output = new Uint8Array(length);
  for (let at = 0; at < key.length; at += BLOCK_BYTES) {
    const secret = key.subarray(at, at + BLOCK_BYTES);
    const p = pSha256(crypto, { secret, seed: label, length });
    for (let i = 0; i < length; i++) output[i] ^= p[i];
  }
  return output;
}
