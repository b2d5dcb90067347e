/**
 * Which schemes this build has, and what the device is in its groups of those with a key for each
 * member. In images without them enrolment.small.ts stands in its place (hosts/bundle.mjs).
 */
import type { Keyring } from "../groups/keyring.js";
import type { Schemes } from "../groups/schemes.js";
import type { Crypto } from "../ports/crypto.js";
import { lowlatency } from "../profiles/lowlatency.js";
import type { Profile } from "../profiles/profile.js";
import type { Store } from "../store/store.js";
import type { SchemeServices } from "./parts.js";
import type { Provisioning } from "./provision.js";

type SecurityInput = Parameters<Keyring["addSecurity"]>[0];

/** Schemes of every build, by WIRE.md's name; others come with the build's services. */
const PROFILES: Readonly<Record<string, Profile>> = Object.freeze({
  [lowlatency.name]: lowlatency,
});

/** What this device is in its groups; of `lowlatency` alone there is nothing to know. */
export class Enrolment {
  schemes: Schemes | undefined = undefined;
  readonly #services: SchemeServices | undefined;
  readonly #crypto: Crypto;
  readonly #store: Store;

  constructor(services: SchemeServices | undefined, crypto: Crypto, store: Store) {
    this.#services = services;
    this.#crypto = crypto;
    this.#store = store;
  }

  /** Stores who is in the groups of a new installation, and as whom this device is. */
  enter(provisioning: Pick<Provisioning, "securityGroups" | "appGroups">): void {
    for (const { id, profile, membership, keys } of provisioning.securityGroups) {
      if (membership === undefined) continue;
      const addresses: Uint8Array[] = [];
      for (const appGroup of provisioning.appGroups) {
        if (appGroup.security === id) addresses.push(appGroup.address);
      }
      const group = { id, profile: this.profile(id, profile) };
      if (this.schemes === undefined) throw new Error(`security group ${id}: has no members`);
      const isManaged = keys.length === 0;
      this.#services?.enter(this.schemes, group, { ...membership, addresses, isManaged });
    }
  }

  private profile(security: number, name: string): Profile {
    const profile = PROFILES[name] ?? this.#services?.profiles[name];
    if (profile === undefined) {
      const known = Object.keys({ ...PROFILES, ...this.#services?.profiles }).join(", ");
      throw new Error(
        `security group ${security}: this image has no profile ${name}, only ${known}; ` +
          "give the group one of these, or build the image with modules/device/services.ts",
      );
    }
    if (profile.namesGroup !== true) {
      this.schemes ??= this.#services?.make(this.#crypto, this.#store);
    }
    return profile;
  }

  /** What the keyring makes the group of. */
  security(id: number, name: string, graceSeconds: number): SecurityInput {
    const profile = this.profile(id, name);
    const own = this.schemes && this.#services?.own(this.schemes, id);
    return { id, profile, graceSeconds, ...own };
  }
}
