/** Signatures that cost nothing and say nothing, under keys that are real. */
import type { Crypto } from "../../modules/ports/crypto.js";

/** `verify` is what every signature comes to. */
export function unsigned(crypto: Crypto, verify: () => boolean): Crypto {
  const real = crypto.signatures;
  return {
    aeadKey: (algorithm, raw) => crypto.aeadKey(algorithm, raw),
    sha256: (data) => crypto.sha256(data),
    hmac: (input) => crypto.hmac(input),
    hkdf: (input) => crypto.hkdf(input),
    hkdfExpand: (input) => crypto.hkdfExpand(input),
    signatures: real && {
      provider: "none",
      signer: (seed) => {
        const signer = real.signer(seed);
        const { publicKey } = signer;
        const agree = (other: Uint8Array) => signer.agree(other);
        return { publicKey, sign: () => new Uint8Array(64), agree };
      },
      isPublicKey: () => true,
      verify,
    },
  };
}
