import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { NobleP256 } from "../../modules/crypto/noble-p256.js";
import {
  AES_128_CCM_8,
  AES_CCM_16_64_128,
  AES_CCM_16_128_128,
  AES_CCM_64_64_128,
} from "../../modules/ports/crypto.js";
import { NorFlash } from "./flash.js";
import { nativeIntakes, natives } from "./natives.js";
import type { IntakeProvider, Provider } from "./provider.js";
import { QuickInTypeScript } from "./quick.js";

export type { IntakeProvider, Provider } from "./provider.js";

/** Every implementation of the crypto port on this engine: one suite judges them all. */
export function providers(): Provider[] {
  return [
    {
      name: "TypeScript",
      crypto: new TsCrypto(new NobleSignatures(), new NobleP256()),
      algorithms: [AES_CCM_16_64_128, AES_CCM_64_64_128, AES_CCM_16_128_128, AES_128_CCM_8],
    },
    ...natives(),
  ];
}

/** Every implementation of the intake port on this engine. */
export function intakeProviders(): IntakeProvider[] {
  const reference: IntakeProvider = {
    name: "TypeScript",
    crypto: () => new TsCrypto(),
    intake: () => new QuickInTypeScript(),
    flash: () => new NorFlash({ size: 65536, programBytes: 4 }),
    refuse: (flash, position) => {
      (flash as NorFlash).refuses = ({ offset }) => offset === position;
    },
  };
  return [reference, ...nativeIntakes()];
}
