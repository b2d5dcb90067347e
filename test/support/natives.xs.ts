import {
  AES_128_CCM_8,
  AES_CCM_16_64_128,
  AES_CCM_16_128_128,
  AES_CCM_64_64_128,
} from "../../modules/ports/crypto.js";
import type { Flash } from "../../modules/ports/flash.js";
import { HostCrypto } from "../../platforms/headless/crypto.js";
import { HostFlash } from "../../platforms/headless/flash.js";
import { host } from "../../platforms/headless/host.js";
import type { IntakeProvider, Provider } from "./provider.js";

/** Of the headless host. */
export function natives(): Provider[] {
  const algorithms = [AES_CCM_16_64_128, AES_CCM_64_64_128, AES_CCM_16_128_128, AES_128_CCM_8];
  return [{ name: "native", crypto: new HostCrypto(), algorithms }];
}

/** The host's help writes to the process's one partition: each device begins with it erased. */
export function nativeIntakes(): IntakeProvider[] {
  return [
    {
      name: "native",
      crypto: () => new HostCrypto(),
      intake: () => ({ bind: (state) => host().intakeBind(state) }),
      flash: erased,
      refuse: wearOut,
    },
  ];
}

function erased(): Flash {
  const flash = new HostFlash();
  for (let at = 0; at < flash.size; at += flash.eraseBytes) flash.erase(at);
  return flash;
}

function wearOut(flash: Flash, position: number): void {
  flash.program(position, new Uint8Array(flash.programBytes));
}
