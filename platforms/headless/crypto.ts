import type { AeadKey, Crypto, P256, Signatures } from "../../modules/ports/crypto.js";
import { bundledSignatures } from "./signatures.js";

/** Native AES-CCM and SHA-256. Its keys are host objects: open and seal are C functions. */
export class HostCrypto implements Crypto {
  aeadKey(algorithm: number, raw: Uint8Array): AeadKey {
    return lumicastHost.aeadKey(algorithm, raw);
  }

  sha256(data: Uint8Array): Uint8Array {
    return lumicastHost.sha256(data);
  }

  hmac(input: { key: Uint8Array; data: Uint8Array }): Uint8Array {
    return lumicastHost.hmac(input.key, input.data);
  }

  hkdf(input: {
    salt: Uint8Array;
    secret: Uint8Array;
    info: Uint8Array;
    length: number;
  }): Uint8Array {
    return lumicastHost.hkdf(input.salt, input.secret, input.info, input.length);
  }

  hkdfExpand(input: { key: Uint8Array; info: Uint8Array; length: number }): Uint8Array {
    return lumicastHost.hkdfExpand(input.key, input.info, input.length);
  }

  /** Of libsodium, or what the firmware was bundled with for a host without it. */
  get signatures(): Signatures | undefined {
    return lumicastHost.signatures ?? bundledSignatures();
  }

  /** Native or none: TypeScript's takes a second, and time that depends on the key. */
  get p256(): P256 | undefined {
    return lumicastHost.p256;
  }
}
