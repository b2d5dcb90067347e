/**
 * What has to agree across an installation: names, ids and keys unique, references that lead
 * somewhere. Faults go to `problems`; the answer is notes on what is legal but probably not meant.
 */
import { toHex } from "../../modules/bytes/hex.js";
import { LIMITS } from "../../modules/device/limits.js";
import { checkBorder } from "./agree-border.js";
import { checkKeys } from "./agree-keys.js";
import { checkMembers } from "./agree-members.js";
import { Faults } from "./faults.js";
import type { Problem } from "./field.js";
import { shareOf, unicastTargets } from "./share.js";
import type { Device, Installation } from "./types.js";
import { BORDER, GROUP_LEVEL_MAX } from "./types.js";

export function agree(installation: Installation, problems: Problem[]): string[] {
  const faults = new Faults(problems);
  checkUnique(installation, faults);
  checkKeys(installation, faults);
  checkReferences(installation, faults);
  checkRights(installation, faults);
  checkBorder(installation, faults);
  if (problems.length === 0) checkMembers(installation, faults);
  return problems.length > 0 ? [] : notesOn(installation);
}

function checkUnique(installation: Installation, faults: Faults): void {
  const { devices, securityGroups, applicationGroups, unicastGroups, network } = installation;
  faults.unique(devices, "devices", "name", (device) => device.name);
  faults.unique(devices, "devices", "eui64", (device) => toHex(device.eui64));
  faults.unique(devices, "devices", "clientId", (device) => toHex(device.clientId));
  faults.unique(devices, "devices", "short", (device) => `${device.short}`);
  faults.unique(securityGroups, "securityGroups", "id", (group) => `${group.id}`);
  faults.unique(applicationGroups, "applicationGroups", "id", (group) => `${group.id}`);
  faults.unique(unicastGroups, "unicastGroups", "id", (group) => `${group.id}`);
  unicastGroups.forEach(({ id }, index) => {
    const other = applicationGroups.findIndex((group) => group.id === id);
    if (other < 0) return;
    const fault = `is the same as in applicationGroups[${other}]; give each its own`;
    faults.add(`unicastGroups[${index}].id`, fault);
  });
  faults.unique(network.links, "network.links", "to", (link) =>
    JSON.stringify([link.from, link.to]),
  );
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
  const names = devices.map(({ name }) => name);
  if (network.border !== undefined) names.push(BORDER);
  network.links.forEach((link, index) => {
    for (const end of ["from", "to"] as const) {
      const path = `network.links[${index}].${end}`;
      if (!names.includes(link[end])) {
        faults.add(path, `"${link[end]}" is no device of this file; give a device's name`);
      }
    }
    if (link.from === link.to) {
      faults.add(`network.links[${index}].to`, "is the same device as from; give another");
    }
  });
}

/** Of groups that are commanded at once and of those that are not. */
function groupIds({ applicationGroups, unicastGroups }: Installation): number[] {
  return [...applicationGroups, ...unicastGroups].map((group) => group.id);
}

function checkDevice(room: Installation, device: Device, path: string, faults: Faults): void {
  const ids = groupIds(room);
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
  return [
    ...capped(installation),
    ...powerless(installation),
    ...deafMembers(installation),
    ...sharedKeys(installation),
    ...unverified(installation),
  ];
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

function powerless({ devices, rights, unicastGroups }: Installation): string[] {
  return devices.flatMap((device, index) => {
    const { target, name } = device;
    if (target === undefined) return [];
    const may = rights.some((right) => {
      return (
        right.client === name && right.groups.includes(target) && right.level >= GROUP_LEVEL_MAX
      );
    });
    if (may || unicastGroups.some(({ id }) => id === target)) return [];
    return [
      `devices[${index}]: ${name} commands group ${target} without a right of level ` +
        `${GROUP_LEVEL_MAX} on it; every command will be dropped as forbidden`,
    ];
  });
}

/** Over a context of two a right on the device itself counts, not one in a group. */
function deafMembers(room: Installation): string[] {
  return room.devices.flatMap((device, index) => {
    const deaf = unicastTargets(room, device).filter(({ name }) => {
      return !room.rights.some(({ client, devices, level }) => {
        return client === device.name && devices.includes(name) && level >= GROUP_LEVEL_MAX;
      });
    });
    if (deaf.length === 0) return [];
    const names = deaf.map(({ name }) => name).join(", ");
    return [
      `devices[${index}]: ${device.name} commands ${names} without a right of level ` +
        `${GROUP_LEVEL_MAX} on the device; every command will be dropped as forbidden`,
    ];
  });
}

function unverified({ securityGroups }: Installation): string[] {
  return securityGroups.flatMap((group, index) => {
    if (group.profile === "lowlatency" || group.policies.acceptUnverified !== true) return [];
    return [
      `securityGroups[${index}].policies: commands are obeyed before their signature is ` +
        "verified; until then any member can pose as another",
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
