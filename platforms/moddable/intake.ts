import type { BoundIntake, Intake, IntakeState } from "../../modules/ports/intake.js";
import { bindIntake } from "./bound.js";

/** What C works on is its field `state`. */
class SdkBoundIntake extends Native("xs_lumicast_intake_destructor") implements BoundIntake {
  readonly state: IntakeState | undefined = undefined;

  constructor(state: IntakeState) {
    super();
    bindIntake(this, state);
  }

  open(datagram: Uint8Array, address: Uint8Array, port: number): number {
    return native<number>("xs_lumicast_intake_open").call(this, datagram, address, port);
  }
}

/** The same C that the headless host runs (platforms/native/intake.c). */
export class SdkIntake implements Intake {
  bind(state: IntakeState): BoundIntake {
    return new SdkBoundIntake(state);
  }
}
