import {
  AES_128_CCM_8,
  AES_CCM_16_64_128,
  AES_CCM_16_128_128,
  AES_CCM_64_64_128,
} from "../../modules/ports/crypto.js";
import { SdkCrypto } from "../../platforms/moddable/crypto.js";
import { SdkFlash } from "../../platforms/moddable/flash.js";
import { SdkIntake } from "../../platforms/moddable/intake.js";
import type { IntakeProvider, Provider } from "./provider.js";

/** Of the bindings for the Moddable SDK, in an app of test/sdk. */
export function natives(): Provider[] {
  const algorithms = [AES_CCM_16_64_128, AES_CCM_64_64_128, AES_CCM_16_128_128, AES_128_CCM_8];
  return [{ name: "native", crypto: new SdkCrypto(), algorithms }];
}

/** Opening the partition of test/sdk/bindings/host.c erases it. */
export function nativeIntakes(): IntakeProvider[] {
  return [
    {
      name: "native",
      crypto: () => new SdkCrypto(),
      intake: () => new SdkIntake(),
      flash: () => new SdkFlash(),
      refuse: (flash, position) => {
        flash.program(position, new Uint8Array(flash.programBytes));
      },
    },
  ];
}
