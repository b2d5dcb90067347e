import type { AeadKey, Crypto, Signatures } from "../../modules/ports/crypto.js";
import { makeKey } from "./bound.js";
import { sdkSignatures } from "./signatures.js";

/** Native AES-CCM. Instances own the key's schedule in C memory. */
class SdkKey extends Native("xs_lumicast_key_destructor") implements AeadKey {
  constructor(algorithm: number, raw: Uint8Array) {
    super();
    makeKey(this, algorithm, raw);
  }

  open(box: { nonce: Uint8Array; aad: Uint8Array; sealed: Uint8Array }): Uint8Array | undefined {
    return native<Uint8Array | undefined>("xs_lumicast_key_open").call(this, box);
  }

  seal(box: { nonce: Uint8Array; aad: Uint8Array; plain: Uint8Array }): Uint8Array {
    return native<Uint8Array>("xs_lumicast_key_seal").call(this, box);
  }
}

/** Native AES-CCM and SHA-256, the same C that the headless host runs. */
export class SdkCrypto implements Crypto {
  readonly signatures: Signatures | undefined = sdkSignatures();

  aeadKey(algorithm: number, raw: Uint8Array): AeadKey {
    return new SdkKey(algorithm, raw);
  }

  sha256(data: Uint8Array): Uint8Array {
    return native<Uint8Array>("xs_lumicast_sha256").call(this, data);
  }

  hmac(input: { key: Uint8Array; data: Uint8Array }): Uint8Array {
    return native<Uint8Array>("xs_lumicast_hmac").call(this, input);
  }

  hkdf(input: {
    salt: Uint8Array;
    secret: Uint8Array;
    info: Uint8Array;
    length: number;
  }): Uint8Array {
    return native<Uint8Array>("xs_lumicast_hkdf").call(this, input);
  }

  hkdfExpand(input: { key: Uint8Array; info: Uint8Array; length: number }): Uint8Array {
    return native<Uint8Array>("xs_lumicast_hkdf_expand").call(this, input);
  }
}
