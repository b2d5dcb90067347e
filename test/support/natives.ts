import { NodeCrypto } from "../../hosts/authority/crypto.js";
import {
  AES_128_CCM_8,
  AES_CCM_16_64_128,
  AES_CCM_16_128_128,
  AES_CCM_64_64_128,
} from "../../modules/ports/crypto.js";
import type { IntakeProvider, Provider } from "./provider.js";

/** Node's is OpenSSL; natives.xs.ts and natives.sdk.ts take over elsewhere (hosts/bundle.mjs). */
export function natives(): Provider[] {
  return [
    {
      name: "OpenSSL",
      crypto: new NodeCrypto(),
      algorithms: [AES_CCM_16_64_128, AES_CCM_64_64_128, AES_CCM_16_128_128, AES_128_CCM_8],
    },
  ];
}

/** There is no native help on the receive path. */
export function nativeIntakes(): IntakeProvider[] {
  return [];
}
