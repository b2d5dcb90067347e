/**
 * A device's share of the installation: the groups, keys and rights it has to hold, and no others.
 */
import type { ApplicationGroup, Device, Installation, SecurityGroup } from "./types.js";

export interface Share {
  /** Those it listens to, and the one it commands. */
  readonly groups: readonly ApplicationGroup[];
  readonly security: readonly SecurityGroup[];
  /** Keys in all of `security`. */
  readonly keys: number;
  /** Whom it obeys: in a group, or (undefined) itself alone. */
  readonly rights: readonly {
    readonly client: Device;
    readonly group: number | undefined;
    readonly level: number;
  }[];
}

export function shareOf(room: Installation, device: Device): Share {
  const groups = room.applicationGroups.filter((group) => {
    return device.groups.includes(group.id) || device.target === group.id;
  });
  const security = room.securityGroups.filter(({ id }) => {
    return groups.some((group) => group.securityGroup === id);
  });
  const keys = security.reduce((sum, group) => sum + group.keys.length, 0);
  const rights = room.rights.flatMap((right) => {
    const client = room.devices.find((other) => other.name === right.client);
    if (client === undefined) return [];
    const scopes: (number | undefined)[] = right.groups.filter((id) => device.groups.includes(id));
    if (right.devices.includes(device.name)) scopes.push(undefined);
    return scopes.map((group) => ({ client, group, level: right.level }));
  });
  return { groups, security, keys, rights };
}
