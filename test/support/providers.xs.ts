import { AES_CCM_64_64_128, TsCrypto } from "../../modules/crypto/crypto.js";
import { AES_CCM_16_64_128, AES_CCM_16_128_128 } from "../../modules/ports/crypto.js";
import { HostCrypto } from "../../platforms/headless/crypto.js";
import type { Provider } from "./providers.js";

/** On XS the natives of the headless host are there too: one suite judges both. */
export function providers(): Provider[] {
  const everywhere = [AES_CCM_16_64_128, AES_CCM_16_128_128];
  return [
    { name: "TypeScript", crypto: new TsCrypto(), algorithms: [...everywhere, AES_CCM_64_64_128] },
    { name: "native", crypto: new HostCrypto(), algorithms: everywhere },
  ];
}
