import { toHex } from "../bytes/hex.js";
import type { Groups } from "../groups/groups.js";
import { ROLE_NAMES } from "../ports/role.js";
import type { DeviceStatus } from "../ports/status.js";
import type { Role } from "./parts.js";

/** What a started device shows of itself. */
export function statusOf(device: { groups: Groups; role: Role }): DeviceStatus {
  const { clientId, directory } = device.groups;
  const groups = [...directory.appGroups()].map(({ id, security }) => {
    const { associations, derived } = security;
    const newest = associations[associations.length - 1];
    const keyId = newest === undefined ? "" : toHex(newest.keyId);
    const signatures = security.policy?.signatures ?? "always";
    const common = { id, keyId, ...(derived === undefined ? {} : { derived: derived.all.length }) };
    return signatures === "always" ? common : { ...common, unverified: signatures };
  });
  // A role's bit (resources/resource.ts): 1 << 1 is the first of the names.
  const role = ROLE_NAMES[Math.log2(device.role.bit) - 1];
  return { role, clientId: toHex(clientId), groups };
}
