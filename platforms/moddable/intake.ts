import type { BoundIntake, BoundMembers, Intake, IntakeState } from "../../modules/ports/intake.js";
import { bindIntake, bindMembers, hasMembers } from "./bound.js";

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

class SdkBoundMembers extends Native("xs_lumicast_intake_destructor") implements BoundMembers {
  readonly state: IntakeState | undefined = undefined;

  constructor(state: IntakeState) {
    super();
    bindMembers(this, state);
  }

  open(datagram: Uint8Array, address: Uint8Array, port: number): number {
    return native<number>("xs_lumicast_members_open").call(this, datagram, address, port);
  }

  mark(): number {
    return native<number>("xs_lumicast_members_mark").call(this);
  }
}

function boundMembers(state: IntakeState): BoundMembers {
  return new SdkBoundMembers(state);
}

/** The same C that the headless host runs (platforms/native/intake.c, intake_member.c). */
export class SdkIntake implements Intake {
  readonly bindMembers = hasMembers() ? boundMembers : undefined;

  bind(state: IntakeState): BoundIntake {
    return new SdkBoundIntake(state);
  }
}
