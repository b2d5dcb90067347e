/**
 * The bench on XS: natives for crypto, flash and time. Bundled by main.ts, run by `lumicast test`.
 */
import type { IntakeState } from "../../modules/ports/intake.js";
import { HostCrypto } from "../../platforms/headless/crypto.js";
import { HostFlash } from "../../platforms/headless/flash.js";
import { host } from "../../platforms/headless/host.js";
import { measure, type Only, type Setup } from "./path.js";

export function run(setup: Setup, samples: number, only?: Only, prepareOnly = false): number {
  const { nanos, print, gc } = host();
  const engine = {
    crypto: new HostCrypto(),
    intake: { bind: (state: IntakeState) => host().intakeBind(state) },
    flash: erased,
    nowMicros: () => nanos() / 1000,
    collect: () => gc(),
  };
  print(JSON.stringify(measure(engine, setup, samples, { only, prepareOnly })));
  return 0;
}

/** The process has one partition: each device that is measured begins with it erased. */
function erased(): HostFlash {
  const flash = new HostFlash();
  for (let at = 0; at < flash.size; at += flash.eraseBytes) flash.erase(at);
  return flash;
}
