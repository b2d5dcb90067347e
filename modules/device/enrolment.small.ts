/** In place of enrolment.ts where ROM is short: `lowlatency` alone. */
import type { Keyring } from "../groups/keyring.js";
import { lowlatency } from "../profiles/lowlatency.js";

export class Enrolment {
  declare readonly schemes: undefined;

  /** Nobody's member. */
  enter(): void {}

  security(id: number, name: string, graceSeconds: number): Parameters<Keyring["addSecurity"]>[0] {
    if (name === lowlatency.name) return { id, profile: lowlatency, graceSeconds };
    throw new Error(
      `security group ${id}: this image has no profile ${name}, only ${lowlatency.name}; give ` +
        "the group that one, or build the image with modules/device/services.ts",
    );
  }
}
