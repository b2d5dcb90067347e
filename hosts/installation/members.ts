/**
 * A device as a member of a security group, and those it has to know there: ids, and what vouches
 * for their public keys.
 */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { claimsSet } from "./claims-set.js";
import { SCHEMES } from "./schemes.js";
import type { Device, Installation, MemberGroup, SecurityGroup } from "./types.js";

export interface Member {
  readonly id: Uint8Array;
  /** As in modules/profiles/profile.ts. */
  readonly credential: Uint8Array;
}

export interface Membership extends Member {
  /** Undefined in a silent server, and in schemes without signatures. */
  readonly seed: Uint8Array | undefined;
  readonly members: readonly Member[];
}

const EMPTY = new Uint8Array(0);
/** PrivateKeyInfo of an Ed25519 key, up to the seed (RFC 8410 §7). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** The part of `device` in `group`. */
export function membershipOf(room: Installation, device: Device, group: MemberGroup): Membership {
  const { signs } = SCHEMES[group.profile];
  const own = memberOf(room, device, group) ?? { id: EMPTY, credential: EMPTY };
  const known = knownTo(room, device, group);
  return {
    ...own,
    seed: signs && own.id.length > 0 ? device.signingSeed : undefined,
    members: known.flatMap((other) => memberOf(room, other, group) ?? []),
  };
}

/** Undefined for a device that only listens. */
function memberOf(room: Installation, device: Device, group: MemberGroup): Member | undefined {
  const { idBytesMax, signs } = SCHEMES[group.profile];
  const { clientId: id, signingSeed } = device;
  if (id.length > idBytesMax) return undefined;
  if (!signs) return { id, credential: group.bindSources ? meshAddress(room, device) : EMPTY };
  if (signingSeed === undefined) return undefined;
  return { id, credential: credentialOf(group, publicKeyOf(signingSeed)) };
}

/** What vouches for this key in a group of a scheme whose members sign. */
export function credentialOf(
  { profile }: Pick<MemberGroup, "profile">,
  publicKey: Uint8Array,
): Uint8Array {
  return profile === "group-oscore" ? claimsSet(publicKey) : publicKey;
}

/**
 * Of two who share a context nobody asks a table. Otherwise whoever may command, and for a client
 * that reads answers everybody.
 */
function knownTo(room: Installation, device: Device, group: MemberGroup): Device[] {
  if (group.profile === "oscore") return [];
  const reports = { ...room.settings, ...device.settings }.reports === 1;
  // A challenge is an answer, too: signed by whoever asks.
  const reads = reports || group.policies.synchronisation === "challenge";
  const others = membersOf(room, group).filter((other) => other !== device);
  if (reads && commands(room, device, group)) return others;
  return others.filter((other) => commands(room, other, group));
}

/** How many may challenge one sender at once: those who obey the group, not those who follow it. */
export function listenersOf(room: Installation, { id }: SecurityGroup): number {
  const served = servedBy(room, id);
  const isServed = ({ groups }: Device) => served.some((group) => groups.includes(group));
  return room.devices.filter((device) => device.role === "luminaire" && isServed(device)).length;
}

/** Who holds the keys of a group. */
export function membersOf(room: Installation, { id }: SecurityGroup): Device[] {
  const served = servedBy(room, id);
  return room.devices.filter(({ groups, target }) => {
    return served.some((group) => groups.includes(group) || target === group);
  });
}

/** Whether it sends requests to the group: it is made to, or has a right in it. */
export function commands(room: Installation, device: Device, group: SecurityGroup): boolean {
  const served = servedBy(room, group.id);
  if (device.target !== undefined && served.includes(device.target)) return true;
  return room.rights.some(({ client, groups }) => {
    return client === device.name && groups.some((one) => served.includes(one));
  });
}

/** Ids of the application groups under the keys of a security group. */
function servedBy(room: Installation, security: number): number[] {
  return room.applicationGroups
    .filter(({ securityGroup }) => securityGroup === security)
    .map(({ id }) => id);
}

/**
 * The mesh-local address that goes with a short address: prefix, then 0000:00ff:fe00:XXXX. Of a
 * device on Wi-Fi the one the file has.
 */
export function meshAddress(
  { network }: Installation,
  { short, wifi }: Pick<Device, "short" | "wifi">,
): Uint8Array {
  if (wifi !== undefined) return wifi;
  const address = new Uint8Array(16);
  address.set(network.prefix);
  address.set([0, 0, 0, 0xff, 0xfe, 0, short >> 8, short & 0xff], 8);
  return address;
}

/** 32 bytes (RFC 8032 §5.1.5). */
export function publicKeyOf(seed: Uint8Array): Uint8Array {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8, seed]),
    format: "der",
    type: "pkcs8",
  });
  const { x } = createPublicKey(key).export({ format: "jwk" });
  return Uint8Array.from(Buffer.from(x as string, "base64url"));
}
