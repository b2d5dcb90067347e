/**
 * What has to agree across an installation: names, ids and keys unique, references that lead
 * somewhere. Faults go to `problems`; the answer is notes on what is legal but probably not meant.
 */
import { toHex } from "../../modules/bytes/hex.js";
import { LIMITS } from "../../modules/device/limits.js";
import type { Problem } from "./field.js";
import { shareOf } from "./share.js";
import type { Device, Installation } from "./types.js";
import { GROUP_LEVEL_MAX } from "./types.js";

export function agree(installation: Installation, problems: Problem[]): string[] {
  const faults = new Faults(problems);
  checkUnique(installation, faults);
  checkKeys(installation, faults);
  checkReferences(installation, faults);
  checkRights(installation, faults);
  return problems.length > 0 ? [] : notesOn(installation);
}

/** Cross-checks speak of two places at once; the path names the second, the message the first. */
class Faults {
  readonly #problems: Problem[];

  constructor(problems: Problem[]) {
    this.#problems = problems;
  }

  add(path: string, message: string): void {
    this.#problems.push({ line: 1, path, message });
  }

  unique<T>(items: readonly T[], path: string, field: string, keyOf: (item: T) => string): void {
    const seen = new Map<string, number>();
    items.forEach((item, index) => {
      const first = seen.get(keyOf(item));
      const where = `${path}[${index}].${field}`;
      if (first === undefined) seen.set(keyOf(item), index);
      else this.add(where, `is the same as in ${path}[${first}]; give each its own`);
    });
  }
}

function checkUnique(installation: Installation, faults: Faults): void {
  const { devices, securityGroups, applicationGroups, network } = installation;
  faults.unique(devices, "devices", "name", (device) => device.name);
  faults.unique(devices, "devices", "eui64", (device) => toHex(device.eui64));
  faults.unique(devices, "devices", "clientId", (device) => toHex(device.clientId));
  faults.unique(devices, "devices", "short", (device) => `${device.short}`);
  faults.unique(securityGroups, "securityGroups", "id", (group) => `${group.id}`);
  faults.unique(applicationGroups, "applicationGroups", "id", (group) => `${group.id}`);
  faults.unique(network.links, "network.links", "to", (link) =>
    JSON.stringify([link.from, link.to]),
  );
  securityGroups.forEach((group, index) => {
    faults.unique(group.keys, `securityGroups[${index}].keys`, "keyId", (key) => `${key.keyId}`);
  });
}

/** A key belongs to one security group and one number: elsewhere it would open what it must not. */
function checkKeys(installation: Installation, faults: Faults): void {
  const owners = new Map<string, string>();
  installation.securityGroups.forEach((group, groupIndex) => {
    group.keys.forEach((key, keyIndex) => {
      const path = `securityGroups[${groupIndex}].keys[${keyIndex}].key`;
      const owner = owners.get(toHex(key.key));
      if (owner === undefined) owners.set(toHex(key.key), path);
      else faults.add(path, `is the key of ${owner} too; draw another: openssl rand -hex 16`);
    });
  });
}

function checkReferences(installation: Installation, faults: Faults): void {
  const { applicationGroups, securityGroups, devices, network } = installation;
  applicationGroups.forEach(({ securityGroup }, index) => {
    const ids = securityGroups.map((group) => group.id);
    const path = `applicationGroups[${index}].securityGroup`;
    if (!ids.includes(securityGroup))
      faults.add(path, unknown(securityGroup, ids, "security group"));
  });
  devices.forEach((device, index) => {
    checkDevice(installation, device, `devices[${index}]`, faults);
  });
  network.links.forEach((link, index) => {
    for (const end of ["from", "to"] as const) {
      const path = `network.links[${index}].${end}`;
      if (!devices.some((device) => device.name === link[end])) {
        faults.add(path, `"${link[end]}" is no device of this file; give a device's name`);
      }
    }
    if (link.from === link.to) {
      faults.add(`network.links[${index}].to`, "is the same device as from; give another");
    }
  });
}

function checkDevice(room: Installation, device: Device, path: string, faults: Faults): void {
  const ids = room.applicationGroups.map((group) => group.id);
  device.groups.forEach((id, index) => {
    const where = `${path}.groups[${index}]`;
    if (!ids.includes(id)) faults.add(where, unknown(id, ids, "application group"));
    else if (device.groups.indexOf(id) < index) faults.add(where, `${id} is there twice; keep one`);
  });
  const commands = device.role !== "luminaire";
  if (device.target !== undefined && !commands) {
    faults.add(`${path}.target`, "a luminaire commands nobody; leave it out, or change the role");
  } else if (device.target !== undefined && !ids.includes(device.target)) {
    faults.add(`${path}.target`, unknown(device.target, ids, "application group"));
  } else if (device.target === undefined && commands) {
    const right = `give the application group it commands: ${ids.join(", ")}`;
    faults.add(`${path}.target`, `is missing; ${right}`);
  }
  const { luxLow, luxHigh, levelMin, levelMax } = { ...room.settings, ...device.settings };
  if (luxLow !== undefined && luxHigh !== undefined && luxLow > luxHigh) {
    faults.add(`${path}.settings.luxLow`, `${luxLow} is above luxHigh ${luxHigh}; swap them`);
  }
  if (levelMin !== undefined && levelMax !== undefined && levelMin > levelMax) {
    faults.add(`${path}.settings.levelMin`, `${levelMin} is above levelMax ${levelMax}; swap them`);
  }
  checkRoom(room, device, path, faults);
}

/** A device has tables of fixed size; one entry too many would be dropped in silence on the air. */
function checkRoom(room: Installation, device: Device, path: string, faults: Faults): void {
  const { groups, security, keys, rights } = shareOf(room, device);
  const limits: readonly [number, number, string][] = [
    [groups.length, LIMITS.appGroupsMax, "application groups"],
    [security.length, LIMITS.securityGroupsMax, "security groups"],
    [keys, LIMITS.keysMax, "group keys"],
    [rights.length, LIMITS.rightsMax, "rights of clients"],
  ];
  for (const [count, most, what] of limits) {
    if (count <= most) continue;
    faults.add(path, `${device.name} would hold ${count} ${what}; a device has room for ${most}`);
  }
}

function checkRights(installation: Installation, faults: Faults): void {
  const { rights, devices, applicationGroups } = installation;
  const ids = applicationGroups.map((group) => group.id);
  const names = devices.map((device) => device.name);
  const seen = new Map<string, string>();
  rights.forEach((right, index) => {
    const path = `rights[${index}]`;
    if (!names.includes(right.client)) {
      faults.add(
        `${path}.client`,
        `"${right.client}" is no device of this file; give a device's name`,
      );
    }
    right.groups.forEach((id, at) => {
      if (!ids.includes(id))
        faults.add(`${path}.groups[${at}]`, unknown(id, ids, "application group"));
    });
    right.devices.forEach((name, at) => {
      if (names.includes(name)) return;
      faults.add(`${path}.devices[${at}]`, `"${name}" is no device of this file; give its name`);
    });
    for (const scope of [...right.groups, ...right.devices]) {
      const key = JSON.stringify([right.client, scope]);
      const first = seen.get(key);
      if (first === undefined) seen.set(key, path);
      else faults.add(path, `${right.client} on ${scope} is already in ${first}; keep one`);
    }
  });
}

function unknown(id: number, ids: readonly number[], what: string): string {
  return `${id} is no ${what} of this file; give one of ${ids.join(", ")}`;
}

function notesOn(installation: Installation): string[] {
  return [...capped(installation), ...powerless(installation), ...sharedKeys(installation)];
}

function capped({ rights }: Installation): string[] {
  return rights.flatMap((right, index) => {
    if (right.groups.length === 0 || right.level <= GROUP_LEVEL_MAX) return [];
    return [
      `rights[${index}].level: ${right.level} is kept, but devices treat it as ` +
        `${GROUP_LEVEL_MAX}: nothing protected with a group key goes further`,
    ];
  });
}

function powerless({ devices, rights }: Installation): string[] {
  return devices.flatMap((device, index) => {
    const { target, name } = device;
    if (target === undefined) return [];
    const may = rights.some((right) => {
      return (
        right.client === name && right.groups.includes(target) && right.level >= GROUP_LEVEL_MAX
      );
    });
    if (may) return [];
    return [
      `devices[${index}]: ${name} commands group ${target} without a right of level ` +
        `${GROUP_LEVEL_MAX} on it; every command will be dropped as forbidden`,
    ];
  });
}

/** Members of one application group can read, and pose in, every other that uses the same keys. */
function sharedKeys({ applicationGroups, devices }: Installation): string[] {
  const members = (id: number): string[] => {
    return devices.filter((device) => device.groups.includes(id)).map((device) => device.name);
  };
  const notes: string[] = [];
  applicationGroups.forEach((one, index) => {
    for (const other of applicationGroups.slice(index + 1)) {
      if (one.securityGroup !== other.securityGroup) continue;
      const left = members(one.id);
      const right = members(other.id);
      const nested =
        left.every((name) => right.includes(name)) || right.every((name) => left.includes(name));
      if (nested) continue;
      notes.push(
        `applicationGroups ${one.id} and ${other.id} share security group ` +
          `${one.securityGroup} although neither contains the other; members of one hold ` +
          "the keys of both",
      );
    }
  });
  return notes;
}
