/**
 * A device's part of the installation: who it is, its groups and keys, who may do what.
 *
 * Until an authority exists this comes as one CBOR map made by `hosts/installation` from the
 * installation file. It is read strictly and whole: every fault is an error that names the field,
 * because a lamp that starts with half of its groups looks like a radio problem to the person on
 * the ladder.
 */
import { CborReader } from "../cbor/reader.js";
import type { KeyOffer } from "../groups/keyring.js";
import type { Policy } from "../groups/policy.js";
import type { MeshPlace } from "../ports/radio.js";
import { Fields, unreadable } from "./fields.js";
import { type MembershipPart, membership } from "./membership.js";

export const FORMAT_VERSION = 1;

/** The one scheme whose messages name their group, by WIRE.md's name. */
const NAMES_GROUPS = "lowlatency";

export const ROLE = Object.freeze({ LUMINAIRE: 1, SWITCH: 2, PRESENCE: 3, DAYLIGHT: 4 });

export interface SecurityGroupPart {
  readonly id: number;
  readonly profile: string;
  readonly graceSeconds: number;
  readonly keys: readonly KeyOffer[];
  /** In schemes with a key for each member. */
  readonly membership?: MembershipPart;
  readonly policy?: Policy;
}

export interface AppGroupPart {
  readonly id: number;
  readonly security: number;
  readonly address: Uint8Array;
  readonly port: number;
}

export interface RightPart {
  readonly client: Uint8Array;
  /** Null: the device itself, on its own unicast channel. */
  readonly appGroup: number | null;
  readonly level: number;
}

/** What a device needs to know of its provisioning after its groups and rights are in place. */
export interface Identity {
  readonly eui64: Uint8Array;
  readonly role: number;
  readonly clientId: Uint8Array;
  /** Application groups a switch or sensor commands: several where it has one with each member. */
  readonly targets: readonly number[];
  readonly settings: ReadonlyMap<number, number>;
  readonly network: MeshPlace | undefined;
}

export interface Provisioning extends Omit<Identity, "targets"> {
  readonly target: number | undefined;
  /** In place of the target, where members are spoken to one by one. */
  readonly targets?: readonly number[];
  /** Decoded anew each time they are gone through. */
  readonly securityGroups: Iterable<SecurityGroupPart>;
  readonly appGroups: Iterable<AppGroupPart>;
  readonly rights: Iterable<RightPart>;
  /** Where in the bytes the last of these ends. */
  readonly listsEnd: number;
}

/**
 * Throws an Error whose message names the field and what would be right. `known`: these bytes were
 * taken before, so the long lists are not gone through to find a fault; not at all, and empty,
 * when it is known where they end.
 */
export function parseProvisioning(
  bytes: Uint8Array,
  known = false,
  listsEnd?: number,
): Provisioning {
  if (!known) mustBeCbor(bytes);
  const reader = new CborReader(bytes);
  const root = new Fields(reader, "provisioning");
  root.enter();
  const version = root.uint(0, "version", 0xffff);
  if (version !== FORMAT_VERSION) {
    throw new Error(`provisioning.version: ${version}, this firmware reads ${FORMAT_VERSION}`);
  }
  // In the order of their keys.
  const provisioning: Provisioning = {
    eui64: root.bytes(1, "eui64", 8, 8),
    role: root.uint(2, "role", ROLE.DAYLIGHT),
    clientId: root.minimal(3, "clientId"),
    ...(listsEnd === undefined ? listsOf(root) : passed(root, listsEnd)),
    target: root.has(7) ? root.uint(7, "target", 0xffffffff) : undefined,
    settings: root.has(8) ? root.numbers(8, "settings") : new Map<number, number>(),
    network: root.has(9) ? network(root.fields(9, "network")) : undefined,
    ...(root.has(10) ? { targets: root.uints(10, "targets", 0xffffffff) } : {}),
  };
  root.leave();
  if (!known) {
    const { securityGroups, appGroups, rights } = provisioning;
    // A fault in a list is found before anything is written.
    for (const list of [securityGroups, appGroups, rights]) for (const _item of list);
  }
  return provisioning;
}

type Lists = Pick<Provisioning, "securityGroups" | "appGroups" | "rights" | "listsEnd">;

function listsOf(root: Fields): Lists {
  const securityGroups = root.list(4, "securityGroups", securityGroup);
  const appGroups = root.list(5, "appGroups", appGroup);
  const rights = root.list(6, "rights", right);
  return { securityGroups, appGroups, rights, listsEnd: rights.end };
}

function passed(root: Fields, listsEnd: number): Lists {
  root.jump(6, listsEnd);
  return { securityGroups: [], appGroups: [], rights: [], listsEnd };
}

function mustBeCbor(bytes: Uint8Array): void {
  const reader = new CborReader(bytes);
  reader.skip();
  if (!reader.complete) throw unreadable();
}

export function securityGroup(fields: Fields): SecurityGroupPart {
  const id = fields.uint(0, "id", 0xffffff);
  const profile = fields.text(1, "profile");
  // Of a scheme this build has not got they are passed over: Enrolment says that it has not.
  const read = profile === NAMES_GROUPS ? minimalKey : membership?.readKey;
  const keys = read === undefined ? [] : fields.items(2, "keys", (key) => keyOffer(key, read));
  const graceSeconds = fields.uint(3, "graceSeconds", 0x7fffffff);
  const part = { id, profile, keys, graceSeconds };
  return fields.has(4) ? { ...part, ...membership?.read(fields) } : part;
}

type Key = Pick<KeyOffer, "keyId" | "raw">;

function minimalKey(fields: Fields): Key {
  return { keyId: fields.minimal(0, "keyId"), raw: fields.bytes(1, "key", 16, 16) };
}

function keyOffer(fields: Fields, read: (fields: Fields) => Key): KeyOffer {
  const limit = (key: number, name: string) =>
    fields.has(key) ? fields.uint(key, name, 0xfffffffe) : undefined;
  const key = read(fields);
  return { ...key, validitySeconds: limit(2, "validitySeconds"), messages: limit(3, "messages") };
}

function appGroup(fields: Fields): AppGroupPart {
  return {
    id: fields.uint(0, "id", 0xffffffff),
    security: fields.uint(1, "security", 0xffffff),
    address: fields.bytes(2, "address", 4, 16),
    port: fields.uint(3, "port", 0xffff),
  };
}

function right(fields: Fields): RightPart {
  return {
    client: fields.minimal(0, "client"),
    appGroup: fields.isNull(1) ? null : fields.uint(1, "appGroup", 0xffffffff),
    level: fields.uint(2, "level", 5),
  };
}

function network(fields: Fields): MeshPlace {
  const part = {
    pan: fields.uint(0, "pan", 0xfffe),
    short: fields.uint(1, "short", 0xfffd),
    prefix: fields.bytes(2, "prefix", 8, 8),
    routes: fields.has(3) ? fields.numbers(3, "routes") : new Map<number, number>(),
    router: fields.isTrue(4),
  };
  fields.leave();
  return part;
}
