/**
 * Which keys serve which application group.
 *
 * draft-somaraju §3.5: every receiver keeps a table from application group id to a *sequence* of
 * security associations. Here the sequence belongs to a security group, and application groups
 * point to one, so that several of them can share keys (§5.4) without a copy of replay state each:
 * a key's replay window is one, whichever application group a message names.
 */
import { equalBytes } from "../bytes/equal.js";
import type { Endpoint } from "../ports/datagram.js";
import type { AppGroupId, KeyMaterial, Own, Profile } from "../profiles/profile.js";
import type { Lifetime } from "./lifetime.js";
import type { Policy } from "./policy.js";

/** One key of a security group, under the group's profile. */
export interface Association extends KeyMaterial {
  /**
   * Small number, unique among the keys present; names the key in the store and in `Recipients`.
   */
  readonly index: number;
  readonly security: SecurityGroup;
  /** Absent while nothing ends this key: ten times 130 bytes on a luminaire in ten groups. */
  lifetime?: Lifetime | undefined;
}

/** Contexts that the keys of a group were made into, and which stand in for them (derived.ts). */
export interface DerivedKeys {
  /** By age, the newest last. */
  readonly all: readonly Association[];
  /** The one to send under, of an installed key. */
  current(base: Association | undefined): Association | undefined;
  /** Whether these bytes are a name of it: it has two. */
  isNamed(one: Association, bytes: Uint8Array, start: number, length: number): boolean;
  /** An installed key is no more; nor is what was derived from it. */
  forget(base: Association): void;
}

export interface SecurityGroup {
  /** Below 2^24: it is an index in the store. */
  readonly id: number;
  readonly profile: Profile;
  /** How long an old key is still heard after a newer one came, in seconds of uptime. */
  readonly graceSeconds: number;
  /** By increasing key id; the last one is used for sending. */
  associations: Association[];
  /** The greatest key id ever installed: nothing at or below it is installed again. */
  highest: Uint8Array;
  /** This device as a member; absent where one key serves all. */
  readonly own?: Own;
  /** Multicast addresses of its application groups, where the scheme derives keys from them. */
  readonly addresses?: readonly Uint8Array[];
  /** Where the installation says anything about it. */
  readonly policy?: Policy;
  /** Where its installed keys protect nothing themselves. */
  derived?: DerivedKeys;
}

/** What stays of a key that is no more. */
const NAMES: readonly string[] = Object.freeze([
  "index",
  "security",
  "keyId",
  "peerId",
  "lifetime",
]);

/**
 * A key is no more: an exchange or an observation may hold it for hours to come, but no longer what
 * opens or protects anything.
 */
export function strip(association: Association): void {
  const fields = association as unknown as Record<string, unknown>;
  for (const name of Object.keys(fields)) if (!NAMES.includes(name)) fields[name] = undefined;
}

/** The keys that messages of a group may be under, by age. */
export function keysOf({ associations, derived }: SecurityGroup): readonly Association[] {
  return derived?.all ?? associations;
}

/** An application group, and the multicast address and port its requests go to. */
export interface AppGroup extends AppGroupId, Endpoint {
  readonly security: SecurityGroup;
}

/** Room for ten of IPv6. */
const ADDRESSES_BYTES = 160;

export class Directory {
  /** Counts changes of groups and keys: what was made of them is stale when it has moved. */
  revision = 0;
  #appGroups = new Map<number, AppGroup>();
  /** Those that messages name; the same map where there are no others. */
  #named = this.#appGroups;
  #securities: SecurityGroup[] = [];
  #free = new Uint8Array(0);

  addSecurity(security: SecurityGroup): void {
    if (this.security(security.id) !== undefined) {
      throw new RangeError(`security group ${security.id} twice`);
    }
    this.#securities.push(security);
  }

  addAppGroup(input: { id: number; security: SecurityGroup; endpoint: Endpoint }): void {
    const { id, security } = input;
    const { port } = input.endpoint;
    const address = this.#keep(input.endpoint.address);
    this.revision++;
    if (this.#appGroups.has(id)) throw new RangeError(`application group ${id} twice`);
    const appGroup = { id, security, address, port };
    const isNamed = security.profile.namesGroup === true;
    const isFirst = !isNamed && this.#named === this.#appGroups;
    if (isFirst) this.#named = new Map(this.#appGroups); // check: group-named
    this.#appGroups.set(id, appGroup);
    if (isNamed) this.#named.set(id, appGroup);
  }

  removeAppGroup(id: number): void {
    this.revision++;
    this.#appGroups.delete(id);
    this.#named.delete(id);
  }

  /** A copy in a buffer that several share: one for each address would be 60 bytes more. */
  #keep(address: Uint8Array): Uint8Array {
    if (this.#free.length < address.length) this.#free = new Uint8Array(ADDRESSES_BYTES);
    const kept = this.#free.subarray(0, address.length);
    this.#free = this.#free.subarray(address.length);
    kept.set(address);
    return kept;
  }

  appGroup(id: number): AppGroup | undefined {
    return this.#appGroups.get(id);
  }

  /** The group that a message names; groups whose messages name none are not among them. */
  named(id: number): AppGroup | undefined {
    return this.#named.get(id);
  }

  appGroups(): IterableIterator<AppGroup> {
    return this.#appGroups.values();
  }

  security(id: number): SecurityGroup | undefined {
    const securities = this.#securities;
    for (let i = 0; i < securities.length; i++) if (securities[i].id === id) return securities[i];
    return undefined;
  }

  securities(): readonly SecurityGroup[] {
    return this.#securities;
  }
}

/**
 * The only association with this key id; undefined when none or more than one has it
 * (draft-somaraju §3.5: the key id has to identify a *unique* one).
 */
export function uniqueAssociation(
  security: SecurityGroup,
  bytes: Uint8Array,
  start: number,
  length: number,
): Association | undefined {
  const { associations } = security;
  let found: Association | undefined;
  for (let i = 0; i < associations.length; i++) {
    if (!hasKeyId(associations[i], bytes, start, length)) continue;
    if (found !== undefined) return undefined; // check: key-id-unique
    found = associations[i];
  }
  return found;
}

export function hasKeyId(
  association: Association,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  const keyId = association.keyId;
  if (keyId.length !== length) return false;
  for (let i = 0; i < length; i++) if (keyId[i] !== bytes[start + i]) return false;
  return true;
}

/** Order of two minimal big-endian integers: negative, 0 or positive. */
export function compareKeyIds(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length;
  if (equalBytes(a, b)) return 0;
  let i = 0;
  while (a[i] === b[i]) i++;
  return a[i] - b[i];
}
