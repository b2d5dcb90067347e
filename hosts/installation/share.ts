/**
 * A device's share of the installation: the groups, keys and rights it has to hold, and no others.
 */
import type {
  ApplicationGroup,
  Device,
  Installation,
  MemberGroup,
  SecurityGroup,
} from "./types.js";

/**
 * To a device a context of two is an application group of its own: its id is this and the security
 * group's. Groups of the file have lower ones (parse.ts, agree-members.ts).
 */
export const PAIR_IDS = 0x8000_0000;

export interface Share {
  /** Those it listens to, and the one it commands. */
  readonly groups: readonly ApplicationGroup[];
  /** Keys of these groups. */
  readonly security: readonly SecurityGroup[];
  /** Contexts with one other device each. */
  readonly pairs: readonly { readonly group: MemberGroup; readonly peer: Device }[];
  /** Keys in all of `security` and `pairs`. */
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
  const pairs = pairsOf(room, device);
  const held = [...security, ...pairs.map(({ group }) => group)];
  const rights = room.rights.flatMap((right) => {
    const client = room.devices.find((other) => other.name === right.client);
    if (client === undefined) return [];
    const scopes: (number | undefined)[] = right.groups.filter((id) => device.groups.includes(id));
    if (right.devices.includes(device.name)) scopes.push(undefined);
    return scopes.map((group) => ({ client, group, level: right.level }));
  });
  // Of an authority's it gets one, at the least.
  const keys = held.reduce((sum, group) => sum + Math.max(1, group.keys.length), 0);
  return { groups, security, pairs, keys, rights };
}

function pairsOf(room: Installation, device: Device): { group: MemberGroup; peer: Device }[] {
  return room.securityGroups.flatMap((group) => {
    if (group.profile === "lowlatency" || group.pair?.includes(device.name) !== true) return [];
    const name = group.pair.find((one) => one !== device.name);
    const peer = room.devices.find((other) => other.name === name);
    return peer === undefined ? [] : [{ group, peer }];
  });
}

/** Whom a switch or sensor commands one by one, in the order of the file. */
export function unicastTargets(room: Installation, { target, name }: Device): Device[] {
  const isUnicast = room.unicastGroups.some(({ id }) => id === target);
  if (!isUnicast || target === undefined) return [];
  return room.devices.filter((device) => device.name !== name && device.groups.includes(target));
}
