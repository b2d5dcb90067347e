import { AES_CCM_64_64_128, TsCrypto } from "../../modules/crypto/crypto.js";
import { AES_CCM_16_64_128, AES_CCM_16_128_128, type Crypto } from "../../modules/ports/crypto.js";
import type { Flash } from "../../modules/ports/flash.js";
import type { Intake } from "../../modules/ports/intake.js";
import { NorFlash } from "./flash.js";
import { nativeIntakes, natives } from "./natives.js";
import { QuickInTypeScript } from "./quick.js";

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

export interface IntakeProvider {
  readonly name: string;
  crypto(): Crypto;
  intake(): Intake;
  /** A fresh, erased partition that it can write to. */
  flash(): Flash;
  /** From now on the program unit at `position` refuses. */
  refuse(flash: Flash, position: number): void;
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
