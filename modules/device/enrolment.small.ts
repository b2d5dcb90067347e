/** In place of enrolment.ts where ROM is short: `lowlatency` alone. */
import type { Crypto } from "../ports/crypto.js";
import { lowlatency } from "../profiles/lowlatency.js";
import type { Profile } from "../profiles/profile.js";
import type { Store } from "../store/store.js";
import type { Enrolment as Whole } from "./enrolment.js";
import type { SchemeServices } from "./parts.js";
import type { Provisioning } from "./provision.js";

/** `enrolment.ts` says what each is for. */
export class Enrolment implements Pick<Whole, "schemes" | "enter" | "profile" | "own"> {
  readonly schemes = undefined;

  // biome-ignore lint/complexity/noUselessConstructor: it is called as the other one is
  constructor(_services: SchemeServices | undefined, _crypto: Crypto, _store: Store) {}

  enter(_provisioning: Provisioning): void {}

  profile(security: number, name: string): Profile {
    if (name === lowlatency.name) return lowlatency;
    throw new Error(
      `security group ${security}: this image has no profile ${name}, only ${lowlatency.name}; ` +
        "give the group that one, or build the image with modules/device/services.ts",
    );
  }

  own(): undefined {}
}
