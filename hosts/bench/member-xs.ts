/** member.ts on XS: bundled by cortexm/members.ts, run by `lumicast test`. */
import type { IntakeState } from "../../modules/ports/intake.js";
import { HostCrypto } from "../../platforms/headless/crypto.js";
import { HostFlash } from "../../platforms/headless/flash.js";
import { host } from "../../platforms/headless/host.js";
import { type MemberSetup, memberPath } from "./member.js";

export function run(setup: MemberSetup, samples: number, isNative: boolean): number {
  const { nanos, print, gc, intakeBindMembers } = host();
  const engine = {
    crypto: new HostCrypto(),
    intake: {
      bind: (state: IntakeState) => host().intakeBind(state),
      bindMembers:
        isNative && intakeBindMembers
          ? (state: IntakeState) => host().intakeBindMembers!(state)
          : undefined,
    },
    flash: erased,
    nowMicros: () => nanos() / 1000,
    collect: () => gc(),
  };
  const times = memberPath(engine, setup, samples);
  const looks: number[] = [];
  for (let i = 0; i < 21; i++) {
    const start = engine.nowMicros();
    looks.push(engine.nowMicros() - start);
  }
  print(JSON.stringify({ micros: median(times) - median(looks) }));
  return 0;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

/** The process has one partition: the device begins with it erased. */
function erased(): HostFlash {
  const flash = new HostFlash();
  for (let at = 0; at < flash.size; at += flash.eraseBytes) flash.erase(at);
  return flash;
}
