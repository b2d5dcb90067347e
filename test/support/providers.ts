import { AES_CCM_64_64_128, TsCrypto } from "../../modules/crypto/crypto.js";
import { AES_CCM_16_64_128, AES_CCM_16_128_128, type Crypto } from "../../modules/ports/crypto.js";
import { natives } from "./natives.js";

export interface Provider {
  readonly name: string;
  readonly crypto: Crypto;
  /** AEAD algorithms it has. */
  readonly algorithms: readonly number[];
}

/** Every implementation of the crypto port on this engine: one suite judges them all. */
export function providers(): Provider[] {
  return [
    {
      name: "TypeScript",
      crypto: new TsCrypto(),
      algorithms: [AES_CCM_16_64_128, AES_CCM_64_64_128, AES_CCM_16_128_128],
    },
    ...natives(),
  ];
}
