import { AES_CCM_16_64_128, AES_CCM_16_128_128 } from "../../modules/ports/crypto.js";
import { SdkCrypto } from "../../platforms/moddable/crypto.js";
import type { IntakeProvider, Provider } from "./providers.js";

/** Of the bindings for the Moddable SDK, in an app of test/sdk. */
export function natives(): Provider[] {
  const algorithms = [AES_CCM_16_64_128, AES_CCM_16_128_128];
  return [{ name: "native", crypto: new SdkCrypto(), algorithms }];
}

/** The bindings have none. */
export function nativeIntakes(): IntakeProvider[] {
  return [];
}
