import { AES_CCM_16_64_128, AES_CCM_16_128_128 } from "../../modules/ports/crypto.js";
import { HostCrypto } from "../../platforms/headless/crypto.js";
import type { Provider } from "./providers.js";

/** Of the headless host. */
export function natives(): Provider[] {
  const algorithms = [AES_CCM_16_64_128, AES_CCM_16_128_128];
  return [{ name: "native", crypto: new HostCrypto(), algorithms }];
}
