import { toHex } from "../bytes/hex.js";
import type { Observers } from "../coap/observe.js";
import type { Groups } from "../groups/groups.js";
import { ROLE_NAMES } from "../ports/role.js";
import type { DeviceStatus } from "../ports/status.js";
import type { Role, Watching } from "./parts.js";

/** A device, as far as its status needs it. */
interface Shown {
  readonly groups: Groups;
  readonly role: Role;
  readonly observers?: Observers | undefined;
  readonly watches?: readonly Watching[] | undefined;
}

/** What a started device shows of itself. */
export function statusOf(device: Shown): DeviceStatus {
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
  const { observers, watches = [] } = device;
  const common = { role, clientId: toHex(clientId), groups };
  const observed = observers?.all().map(({ path, party }) => {
    return { path, by: party === undefined ? "" : toHex(party.id) };
  });
  const observes = watches.map((one) => {
    const { path, appGroup } = one.wish;
    return { path, group: appGroup.id, members: one.states().length };
  });
  return {
    ...common,
    ...(observed === undefined ? {} : { observed }),
    ...(observes.length === 0 ? {} : { observes }),
  };
}
