/** A room under `group-oscore`, as memberPath runs it. */
import { toHex } from "../../modules/bytes/hex.js";
import { generate } from "../installation/generate.js";
import { membershipOf, meshAddress } from "../installation/members.js";
import { provisioning } from "../installation/provisioning.js";
import type { Device, Installation, MemberGroup, Policies } from "../installation/types.js";
import type { MemberSetup } from "./member.js";

const SENDERS = 8;
const POLICIES: Policies = { signatures: "defer", acceptUnverified: true };

export function makeMemberSetup(senders = SENDERS): MemberSetup {
  const size = { luminaires: 1, switches: senders, sensors: 0, hops: 1, loss: 0, seed: 1 };
  const made = generate({ ...size, profile: "group-oscore" });
  const room: Installation = {
    ...made,
    securityGroups: made.securityGroups.map((group) =>
      group.profile === "lowlatency" ? group : { ...group, policies: POLICIES },
    ),
  };
  const group = room.securityGroups[0] as MemberGroup;
  const publicKeys: Record<string, string> = {};
  for (const device of room.devices) {
    const { seed, credential } = membershipOf(room, device, group);
    // A CCS ends in the key.
    if (seed !== undefined) publicKeys[toHex(seed)] = toHex(credential.slice(-32));
  }
  const of = (role: Device["role"]) => room.devices.filter((device) => device.role === role);
  const [lamp] = of("luminaire");
  return {
    luminaire: toHex(provisioning(room, lamp)),
    senders: of("switch").map((device) => ({
      blob: toHex(provisioning(room, device)),
      address: toHex(meshAddress(room, device)),
    })),
    publicKeys,
  };
}
