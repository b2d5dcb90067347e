/** Signatures that cost nothing and say nothing, where what they cost is measured apart. */
import type { Crypto, Signer } from "../../modules/ports/crypto.js";

export interface Unsigned {
  /** What the holder of a seed is known by; undefined: without signatures. */
  readonly keyOf: ((seed: Uint8Array) => Omit<Signer, "sign">) | undefined;
  /** What every signature comes to. */
  readonly verify: () => boolean;
}

export function unsigned(crypto: Crypto, { keyOf, verify }: Unsigned): Crypto {
  return {
    aeadKey: (algorithm, raw) => crypto.aeadKey(algorithm, raw),
    sha256: (data) => crypto.sha256(data),
    hmac: (input) => crypto.hmac(input),
    hkdf: (input) => crypto.hkdf(input),
    hkdfExpand: (input) => crypto.hkdfExpand(input),
    signatures: keyOf && {
      provider: "none",
      signer: (seed) => ({ ...keyOf(seed), sign: () => new Uint8Array(64) }),
      isPublicKey: () => true,
      verify,
    },
  };
}

/** Under the keys that `crypto` makes of seeds, where it has signatures. */
export function underItsKeys(crypto: Crypto, verify: () => boolean): Crypto {
  const real = crypto.signatures;
  const keyOf =
    real &&
    ((seed: Uint8Array) => {
      const signer = real.signer(seed);
      return {
        publicKey: signer.publicKey,
        agree: (other: Uint8Array) => signer.agree(other),
      };
    });
  return unsigned(crypto, { keyOf, verify });
}
