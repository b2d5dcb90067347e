/**
 * What has to agree in security groups with a key for each member: ids that fit, keys to sign with,
 * a context with everybody who is commanded one by one.
 */
import { toHex } from "../../modules/bytes/hex.js";
import { publicKeyOf } from "../../modules/cose/ccs.js";
import { MEMBERS_MAX } from "../../modules/groups/members.js";
import type { Faults } from "./faults.js";
import { commands, membershipOf, membersOf } from "./members.js";
import { SCHEMES } from "./schemes.js";
import { PAIR_IDS, shareOf, unicastTargets } from "./share.js";
import type { Device, Installation, MemberGroup, Repository } from "./types.js";

/** Expects names and references to be in order. */
export function checkMembers(room: Installation, faults: Faults): void {
  room.securityGroups.forEach((group, index) => {
    if (group.profile === "lowlatency") return;
    const path = `securityGroups[${index}]`;
    if (group.profile === "oscore") checkPair(room, group, path, faults);
    else checkGroup(room, group, path, faults);
    checkPolicies(group, path, faults);
    checkCredentials(group, path, faults);
  });
  const seeds = new Map<string, string>();
  room.devices.forEach((device, index) => {
    const path = `devices[${index}]`;
    checkTargets(room, device, path, faults);
    if (device.signingSeed === undefined) return;
    const owner = seeds.get(toHex(device.signingSeed));
    if (owner === undefined) seeds.set(toHex(device.signingSeed), path);
    else faults.add(`${path}.signingSeed`, `is that of ${owner} too; ${DRAW_SEED}`);
  });
}

const DRAW_SEED = "draw another: openssl rand -hex 32";

function checkGroup(room: Installation, group: MemberGroup, path: string, faults: Faults): void {
  const served = room.applicationGroups.filter(({ securityGroup }) => securityGroup === group.id);
  if (group.profile === "dtls-record" && served.length > 1) {
    const right = "give each application group a security group of its own";
    faults.add(
      path,
      `has ${served.length} addresses, and keys of dtls-record are for one; ${right}`,
    );
  }
  const { repository } = group;
  const names = room.devices.map(({ name }) => name);
  if (repository !== undefined && !names.includes(repository.device)) {
    const right = `give one of ${names.join(", ")}`;
    const fault = `"${repository.device}" is no device of this file; ${right}`;
    faults.add(`${path}.repository.device`, fault);
  }
  for (const device of membersOf(room, group)) {
    const at = `devices[${room.devices.indexOf(device)}]`;
    checkMember(device, group, commands(room, device, group), `${at}`, faults);
    const { length } = membershipOf(room, device, group).members;
    if (group.repository !== undefined) checkAsking(room, device, group.repository, path, faults);
    if (length <= MEMBERS_MAX) continue;
    const fault = `${device.name} would know ${length} members of security group ${group.id}`;
    faults.add(at, `${fault}; a device has room for ${MEMBERS_MAX}`);
  }
}

/** A key that came over anything but a context of two would be anybody's choice. */
function checkAsking(
  room: Installation,
  { name }: Device,
  repository: Repository,
  path: string,
  faults: Faults,
): void {
  const { device } = repository;
  const isPair = ({ pair }: MemberGroup) => isSamePair(pair, [name, device]);
  const isKnown = room.devices.some((one) => one.name === device);
  if (!isKnown || name === device) return;
  if (room.securityGroups.some((one) => one.profile === "oscore" && isPair(one))) return;
  const right = `add a security group of oscore with "pair": ["${name}", "${device}"]`;
  faults.add(`${path}.repository`, `has no oscore context with ${name}; ${right}`);
}

function checkMember(
  { clientId, signingSeed }: Device,
  { id, profile }: MemberGroup,
  sends: boolean,
  path: string,
  faults: Faults,
): void {
  const { idBytesMax, signs } = SCHEMES[profile];
  const where = `security group ${id} (${profile})`;
  // Who only listens needs no id, nor a key to sign with.
  const isMember = sends || signingSeed !== undefined;
  if (clientId.length > idBytesMax && (signs ? isMember : sends)) {
    const right = `give it one of at most ${idBytesMax}, for example "05"`;
    faults.add(`${path}.clientId`, `has ${clientId.length} bytes, too many in ${where}; ${right}`);
  }
  if (!signs || signingSeed !== undefined || !sends) return;
  faults.add(`${path}.signingSeed`, `is missing, and it sends to ${where}; ${DRAW_SEED}`);
}

function checkPair(room: Installation, group: MemberGroup, path: string, faults: Faults): void {
  const serves = room.applicationGroups.findIndex(
    ({ securityGroup }) => securityGroup === group.id,
  );
  if (serves >= 0) {
    const right = "oscore is between two: list the group among unicastGroups";
    faults.add(`applicationGroups[${serves}].securityGroup`, `is an oscore context; ${right}`);
  }
  const names = room.devices.map(({ name }) => name);
  group.pair?.forEach((name, at) => {
    const device = room.devices.find((one) => one.name === name);
    const where = `${path}.pair[${at}]`;
    if (device === undefined) {
      faults.add(where, `"${name}" is no device of this file; give one of ${names.join(", ")}`);
    } else {
      const index = room.devices.indexOf(device);
      checkMember(device, group, true, `devices[${index}]`, faults);
    }
  });
  const first = room.securityGroups.find(({ profile, ...other }) => {
    return profile === "oscore" && "pair" in other && isSamePair(other.pair, group.pair);
  });
  if (first !== undefined && first.id !== group.id) {
    faults.add(`${path}.pair`, `is that of security group ${first.id}; keep one of the two`);
  }
  const high = room.applicationGroups.findIndex(({ id }) => id >= PAIR_IDS);
  if (high < 0) return;
  const where = `applicationGroups[${high}].id`;
  faults.add(where, `is kept for oscore contexts; give one below ${PAIR_IDS}`);
}

function isSamePair(one: MemberGroup["pair"], other: MemberGroup["pair"]): boolean {
  if (one === undefined || other === undefined) return false;
  return one.every((name) => other.includes(name));
}

function checkTargets(room: Installation, device: Device, path: string, faults: Faults): void {
  const { pairs } = shareOf(room, device);
  const without = unicastTargets(room, device).filter((target) => {
    return !pairs.some(({ peer }) => peer === target);
  });
  if (without.length === 0) return;
  const names = without.map(({ name }) => name).join(", ");
  const right = `add a security group with "pair": ["${device.name}", "${without[0].name}"]`;
  faults.add(`${path}.target`, `commands ${names} without an oscore context with each; ${right}`);
}

function checkPolicies({ profile, policies }: MemberGroup, path: string, faults: Faults): void {
  if (profile !== "oscoap-00" || policies.synchronisation !== "challenge") return;
  const right = 'say "best-effort" or "baseline"';
  faults.add(`${path}.policies.synchronisation`, `oscoap-00 has no challenge; ${right}`);
}

function checkCredentials({ profile, keys }: MemberGroup, path: string, faults: Faults): void {
  if (profile !== "group-oscore") return;
  keys.forEach(({ words }, at) => {
    if (publicKeyOf(words.managerCredential as Uint8Array) !== undefined) return;
    const right = "give the Group Manager's, CBOR {8: {1: COSE_Key}} with an Ed25519 key";
    faults.add(`${path}.keys[${at}].managerCredential`, `is no CWT Claims Set; ${right}`);
  });
}
