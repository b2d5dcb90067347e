import { NobleSignatures } from "../../modules/crypto/noble.js";
import type { Signatures, Signer } from "../../modules/ports/crypto.js";
import "./host.js";

const SIGN = 0;
const VERIFY = 1;
const AGREE = 2;

/** Thirty times slower than libsodium, and in its place where the host was built without it. */
export function bundledSignatures(): Signatures | undefined {
  return new CostedSignatures();
}

/**
 * A device on the medium has libsodium, whoever signs for it here: each call takes the virtual time
 * that natives_signatures.c charges.
 */
class CostedSignatures implements Signatures {
  readonly #noble = new NobleSignatures();

  get provider(): string {
    return this.#noble.provider;
  }

  signer(seed: Uint8Array): Signer {
    const signer = this.#noble.signer(seed);
    lumicastHost.chargeSignature(SIGN);
    return {
      publicKey: signer.publicKey,
      sign: (data) => {
        lumicastHost.chargeSignature(SIGN);
        return signer.sign(data);
      },
      agree: (publicKey) => {
        lumicastHost.chargeSignature(AGREE);
        return signer.agree(publicKey);
      },
    };
  }

  isPublicKey(publicKey: Uint8Array): boolean {
    lumicastHost.chargeSignature(AGREE);
    return this.#noble.isPublicKey(publicKey);
  }

  verify(input: { data: Uint8Array; signature: Uint8Array; publicKey: Uint8Array }): boolean {
    lumicastHost.chargeSignature(VERIFY);
    return this.#noble.verify(input);
  }
}
