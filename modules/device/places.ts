/**
 * `/loc` and `/grp/<application group>`: where a device is, and which groups it is in.
 *
 * What is told here is kept beside the installation and goes before it; it takes effect at the next
 * start, because groups, their addresses and the tables of native help are made there, once. A
 * group whose security group has no key yet is kept all the same and says so: keys come from
 * whoever gives them (their order of arrival is nobody's to know).
 *
 *   /loc  {? 0: [x, y, z] in centimetres, ? 1: text for a person}
 *   /grp  {0: security group, 1: address, ? 2: port, ? 5: part, ? 6: true}; read: 0 to 2, and 3:
 *         newest key id or null, 4: true when it is in effect
 *
 * `part` is for a device whose installation does not have that security group: an item of field 4
 * of provisioning (provision.ts) as bytes, without keys. 6 says that this device commands the group
 * as well; a switch or sensor leaves no group that is the only one it commands.
 */
import { equalBytes } from "../bytes/equal.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { CborReader } from "../cbor/reader.js";
import type { Directory, SecurityGroup } from "../groups/directory.js";
import type { Keyring } from "../groups/keyring.js";
import { lowlatency } from "../profiles/lowlatency.js";
import { numberOf } from "../resources/path.js";
import type { Structure } from "../resources/resource.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import type { Enrolment } from "./enrolment.js";
import { Fields } from "./fields.js";
import { LIMITS } from "./limits.js";
import { type SecurityGroupPart, securityGroup } from "./provision.js";
import { schemes } from "./schemes.js";

const LOCATION = key(KIND.PLACE, 0);
const COAP_PORT = 5683;
const NUMBER_MAX = 0xffffffff;
const SECURITY_MAX = 0xffffff;
const PORT_MAX = 0xffff;
const LABEL_MAX = 64;
const PART_BYTES_MAX = 200;
const GROUP_PREFIX = "grp/";
const LIMITS_CBOR = { depthMax: 2, itemsMax: 14 };
const PORT = 2;
const PART = 5;
const COMMANDS = 6;

/** A group told to the device; without `told` it was taken out of it. */
interface Group {
  readonly id: number;
  readonly told: Told | undefined;
}

interface Told {
  readonly security: number;
  readonly address: Uint8Array;
  readonly port: number;
  /** Of its security group; undefined: the installation has it. */
  readonly part: Uint8Array | undefined;
  readonly commands: boolean;
}

/** What groups are made of at a start. */
export interface Founding {
  readonly directory: Directory;
  readonly keyring: Keyring;
  readonly enrolment: Pick<Enrolment, "enter" | "security">;
}

/**
 * At a start, when the installation's own groups are in the directory. `given`: those it says that
 * this device commands; returned are those that it does.
 */
export function arrange(
  store: Store,
  founding: Founding,
  given: readonly number[],
): readonly number[] {
  const { directory } = founding;
  let targets = given;
  for (const { id, told } of storedGroups(store)) {
    if (directory.appGroup(id) !== undefined) directory.removeAppGroup(id);
    const security = told && securityFor(store, founding, told);
    if (security !== undefined) directory.addAppGroup({ id, security, endpoint: told as Told });
    const wasTarget = targets.includes(id);
    const isTarget = security !== undefined && (wasTarget || told?.commands === true);
    if (wasTarget !== isTarget) targets = [...targets.filter((one) => one !== id)];
    if (isTarget && !wasTarget) targets = [...targets, id];
  }
  return targets;
}

/** The one that is there, or one made as it was told. */
function securityFor(
  store: Store,
  { directory, keyring, enrolment }: Founding,
  { security: id, part: told, address, port }: Told,
): SecurityGroup | undefined {
  const known = directory.security(id);
  const part = known === undefined && told !== undefined ? partIn(told) : undefined;
  if (part === undefined) return known;
  if (part.membership !== undefined && !store.has(key(KIND.OWN, id))) {
    enrolment.enter({ securityGroups: [part], appGroups: [{ id, security: id, address, port }] });
  }
  const { profile, graceSeconds, policy } = part;
  const made = enrolment.security(id, profile, graceSeconds);
  return keyring.addSecurity({ ...made, ...(policy && { policy }) });
}

export class Places implements Structure {
  readonly #store: Store;
  readonly #directory: Directory;
  readonly #targets: readonly number[];

  /** `targets`: groups that this device commands, without which it does not start. */
  constructor(store: Store, directory: Directory, targets: readonly number[]) {
    this.#store = store;
    this.#directory = directory;
    this.#targets = targets;
  }

  get(path: string): Uint8Array | undefined {
    const id = groupOf(path);
    if (id === undefined) return this.#store.get(LOCATION);
    const told = this.#wanted(id);
    if (told === undefined) return undefined;
    const { security, address, port } = told;
    const there = this.#directory.appGroup(id);
    const isThere =
      there?.security.id === security && there.port === port && equalBytes(there.address, address);
    const newest = this.#directory.security(security)?.associations.at(-1);
    const shown: [Cbor, Cbor][] = [
      [0, security],
      [1, address],
      [2, port],
      [3, newest?.keyId ?? null],
      [4, isThere],
    ];
    return encode(new Map(shown));
  }

  put(path: string, value: Uint8Array): "changed" | "created" | "malformed" | "refused" {
    const id = groupOf(path);
    if (id === undefined) {
      if (!isLocation(value)) return "malformed"; // check: place-location
      const done = this.#store.has(LOCATION) ? "changed" : "created";
      return this.#store.put(LOCATION, value) ? done : "refused";
    }
    const told = groupIn(value);
    if (told === undefined || id > NUMBER_MAX) return "malformed"; // check: place-group
    const isNew = this.#wanted(id) === undefined;
    const isFull = isNew && this.#count() >= LIMITS.appGroupsMax;
    if (isFull) return "refused"; // check: place-full
    if (!this.#isFitting(id, told)) return "refused";
    if (!this.#write({ id, told })) return "refused";
    return isNew ? "created" : "changed";
  }

  delete(path: string): boolean {
    const id = groupOf(path);
    if (id === undefined) return this.#store.delete(LOCATION);
    const isLast = this.#isLast(id);
    if (isLast) return false; // check: place-target
    return this.#wanted(id) === undefined || this.#write({ id, told: undefined });
  }

  /** What holds after the next start. */
  #wanted(id: number): Told | undefined {
    const stored = storedGroups(this.#store).find((group) => group.id === id);
    if (stored !== undefined) return stored.told;
    const there = this.#directory.appGroup(id);
    if (there === undefined) return undefined;
    const { address, port } = there;
    const commands = this.#targets.includes(id);
    return { security: there.security.id, address, port, part: undefined, commands };
  }

  /** A security group that is new here has a place, and leaves no switch without one. */
  #isFitting(id: number, told: Told | undefined): boolean {
    const { security = 0, part } = told ?? {};
    if (this.#directory.security(security) !== undefined) return true;
    if (part === undefined) {
      const isCut = this.#isLast(id);
      if (isCut) return false; // check: place-cut
      return true;
    }
    const all = this.#securities();
    const isCrowded = !all.has(security) && all.size >= LIMITS.securityGroupsMax;
    if (isCrowded) return false; // check: place-securities
    // As whom it is there is said anew.
    this.#store.delete(key(KIND.OWN, security));
    return true;
  }

  /** A switch or sensor without a group to command does not start. */
  #isLast(id: number): boolean {
    const commanded = this.#commanded();
    return commanded.includes(id) && commanded.every((one) => one === id);
  }

  /** After the next start. */
  #commanded(): number[] {
    const stored = storedGroups(this.#store);
    const isOut = (id: number) => stored.some((group) => group.id === id && !group.told);
    const told = stored.flatMap(({ id, told: one }) => (one?.commands === true ? [id] : []));
    return [...this.#targets.filter((id) => !isOut(id)), ...told];
  }

  #securities(): Set<number> {
    const told = storedGroups(this.#store).flatMap((group) => group.told?.security ?? []);
    return new Set([...told, ...this.#directory.securities().map(({ id }) => id)]);
  }

  #count(): number {
    const stored = storedGroups(this.#store);
    const told = stored.filter((group) => group.told !== undefined).length;
    const isTold = (id: number) => stored.some((group) => group.id === id);
    return told + [...this.#directory.appGroups()].filter(({ id }) => !isTold(id)).length;
  }

  #write(group: Group): boolean {
    const stored = this.#store.keys(KIND.PLACE).filter((storeKey) => storeKey !== LOCATION);
    const own = stored.find((storeKey) => groupAt(this.#store, storeKey).id === group.id);
    let storeKey = own ?? LOCATION + 1;
    while (own === undefined && this.#store.has(storeKey)) storeKey++;
    const places = storeKey - LOCATION;
    // Each group may be told and taken out once: more places than groups.
    return places <= 2 * LIMITS.appGroupsMax && this.#store.put(storeKey, emitGroup(group));
  }
}

/** Undefined for `loc`. */
function groupOf(path: string): number | undefined {
  return path.startsWith(GROUP_PREFIX) ? numberOf(path.slice(GROUP_PREFIX.length)) : undefined;
}

function storedGroups(store: Store): Group[] {
  const storeKeys = store.keys(KIND.PLACE).filter((storeKey) => storeKey !== LOCATION);
  return storeKeys.map((storeKey) => groupAt(store, storeKey));
}

/** Throws when it does not parse: the store's CRC held, so a program wrote nonsense. */
function groupAt(store: Store, storeKey: number): Group {
  const decoded = decode(store.get(storeKey) as Uint8Array, LIMITS_CBOR);
  const [id, rest] = decoded.ok && Array.isArray(decoded.value) ? decoded.value : [];
  if (typeof id !== "number") throw new Error("a group's record does not parse");
  return { id, told: rest instanceof Uint8Array ? groupIn(rest) : undefined };
}

function emitGroup({ id, told }: Group): Uint8Array {
  if (told === undefined) return encode([id]);
  const parts: [Cbor, Cbor][] = [
    [0, told.security],
    [1, told.address],
    [PORT, told.port],
  ];
  if (told.part !== undefined) parts.push([PART, told.part]);
  if (told.commands) parts.push([COMMANDS, true]);
  return encode([id, encode(new Map(parts))]);
}

function groupIn(bytes: Uint8Array): Told | undefined {
  const decoded = decode(bytes, LIMITS_CBOR);
  if (!decoded.ok || !(decoded.value instanceof Map)) return undefined;
  const map = decoded.value;
  const security = map.get(0);
  const address = map.get(1);
  const port = map.has(PORT) ? map.get(PORT) : COAP_PORT;
  const isWhole = isUint(security, SECURITY_MAX) && isUint(port, PORT_MAX) && port > 0;
  if (!isWhole || !(address instanceof Uint8Array)) return undefined;
  if (address.length !== 16 && address.length !== 4) return undefined;
  const part = map.get(PART);
  const commands = map.get(COMMANDS) === true;
  const size = 2 + [map.has(PORT), part !== undefined, commands].filter(Boolean).length;
  if (map.size !== size) return undefined;
  const told = { security, address, port, commands, part: undefined };
  if (part === undefined) return told;
  if (!(part instanceof Uint8Array)) return undefined;
  const isPart = partIn(part)?.id === security;
  if (!isPart) return undefined; // check: place-part
  return { ...told, part };
}

/** Undefined for what this build cannot be in. */
function partIn(bytes: Uint8Array): SecurityGroupPart | undefined {
  if (bytes.length > PART_BYTES_MAX) return undefined;
  const reader = new CborReader(bytes);
  const fields = new Fields(reader, "part");
  let part: SecurityGroupPart;
  try {
    fields.enter();
    part = securityGroup(fields);
    fields.leave();
  } catch {
    return undefined;
  }
  const { profile, membership, keys } = part;
  const isSimple = profile === lowlatency.name;
  const isKnown = isSimple || schemes.profiles[profile] !== undefined;
  const isMeant = isSimple === (membership === undefined);
  // Keys come sealed, and are counted (groups/tokens.ts).
  if (keys.length > 0) return undefined; // check: place-keys
  return isKnown && isMeant && reader.complete ? part : undefined;
}

function isLocation(bytes: Uint8Array): boolean {
  const decoded = decode(bytes, LIMITS_CBOR);
  if (!decoded.ok || !(decoded.value instanceof Map)) return false;
  const map = decoded.value;
  const at = map.get(0);
  const label = map.get(1);
  const known = (map.has(0) ? 1 : 0) + (map.has(1) ? 1 : 0);
  if (map.size !== known) return false;
  if (map.has(0) && !(Array.isArray(at) && at.length === 3 && at.every(Number.isInteger))) {
    return false;
  }
  return !map.has(1) || (typeof label === "string" && label.length <= LABEL_MAX);
}

function isUint(value: Cbor, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
}
