import type { Signatures, Signer } from "../../modules/ports/crypto.js";
import { hasSignatures, isPublicKey, makeSigner, verifySignature } from "./bound.js";

/** Its instances own the seed in C memory. */
class SdkSigner extends Native("xs_lumicast_signer_destructor") implements Signer {
  readonly publicKey: Uint8Array;

  constructor(seed: Uint8Array) {
    super();
    this.publicKey = makeSigner(this, seed);
  }

  sign(data: Uint8Array): Uint8Array {
    return native<Uint8Array>("xs_lumicast_signer_sign").call(this, data);
  }

  agree(publicKey: Uint8Array): Uint8Array | undefined {
    return native<Uint8Array | undefined>("xs_lumicast_signer_agree").call(this, publicKey);
  }
}

/** libsodium, the same C that the headless host runs. */
class SdkSignatures implements Signatures {
  readonly provider = "libsodium";

  signer(seed: Uint8Array): Signer {
    return new SdkSigner(seed);
  }

  isPublicKey(publicKey: Uint8Array): boolean {
    return isPublicKey(publicKey);
  }

  verify(input: { data: Uint8Array; signature: Uint8Array; publicKey: Uint8Array }): boolean {
    return verifySignature(input.data, input.signature, input.publicKey);
  }
}

/** Undefined in an image that was built without manifest_signatures.json. */
export function sdkSignatures(): Signatures | undefined {
  return hasSignatures() ? new SdkSignatures() : undefined;
}
