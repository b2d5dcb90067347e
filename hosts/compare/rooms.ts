/** One switch and one lamp under each profile, as an installation has them. */
import { toHex } from "../../modules/bytes/hex.js";
import { generate } from "../installation/generate.js";
import { meshAddress } from "../installation/members.js";
import { provisioning } from "../installation/provisioning.js";
import type { Device, Installation, Policies, Profile } from "../installation/types.js";

/** In hex, to be handed to a program on XS. */
export interface Room {
  readonly profile: Profile;
  readonly lamp: Place;
  readonly wall: Place;
}

export interface Place {
  readonly blob: string;
  readonly address: string;
}

/** Whether the installation can say when signatures are verified and what happens after a start. */
export function hasPolicies(profile: Profile): boolean {
  return profile !== "lowlatency";
}

export function roomOf(profile: Profile, policies: Policies = {}): Room {
  const size = { luminaires: 1, switches: 1, sensors: 0, hops: 1, loss: 0, seed: 1 };
  const made = generate({ ...size, profile });
  const room: Installation = {
    ...made,
    securityGroups: made.securityGroups.map((group) =>
      group.profile === "lowlatency" ? group : { ...group, policies },
    ),
  };
  const placeOf = (device: Device): Place => ({
    blob: toHex(provisioning(room, device)),
    address: toHex(meshAddress(room, device)),
  });
  const of = (role: Device["role"]) => room.devices.find((device) => device.role === role);
  const [lamp, wall] = [of("luminaire"), of("switch")];
  if (lamp === undefined || wall === undefined) throw new Error("a room without lamp or switch");
  return { profile, lamp: placeOf(lamp), wall: placeOf(wall) };
}
