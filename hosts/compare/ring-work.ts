/** ring.ts on XS: bundled by counts.ts, run by `lumicast test`. */
import type { IntakeState } from "../../modules/ports/intake.js";
import { HostCrypto } from "../../platforms/headless/crypto.js";
import { HostFlash } from "../../platforms/headless/flash.js";
import { host } from "../../platforms/headless/host.js";
import { Measured } from "./measured.js";
import { ring } from "./ring.js";
import type { Room } from "./rooms.js";

export interface RingWish {
  readonly rooms: readonly Room[];
  readonly samples: number;
}

export function run({ rooms, samples }: RingWish): number {
  const measured = new Measured(samples);
  const { intakeBindMembers } = host();
  const intake = {
    bind: (state: IntakeState) => host().intakeBind(state),
    // Where the build has it.
    bindMembers: intakeBindMembers && ((state: IntakeState) => host().intakeBindMembers!(state)),
  };
  for (const room of rooms) {
    const parts = { crypto: new HostCrypto(), flash: erased(), intake };
    ring(room, parts, samples, (act) => measured.measureInTwo(room.profile, act));
  }
  host().print(JSON.stringify({ counted: measured.counted, heap: [] }));
  return 0;
}

/** The process has one partition: each device that is measured begins with it erased. */
function erased(): HostFlash {
  const flash = new HostFlash();
  for (let at = 0; at < flash.size; at += flash.eraseBytes) flash.erase(at);
  return flash;
}
