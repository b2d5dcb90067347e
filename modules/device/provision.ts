/**
 * A device's part of the installation: who it is, its groups and keys, who may do what.
 *
 * Until an authority exists this comes as one CBOR map made by `hosts/installation` from the
 * installation file. It is read strictly and whole: every fault is an error that names the field,
 * because a lamp that starts with half of its groups looks like a radio problem to the person on
 * the ladder.
 */
import { type Cbor, decode } from "../cbor/decode.js";
import { CborReader } from "../cbor/reader.js";
import type { KeyOffer } from "../groups/keyring.js";

export const FORMAT_VERSION = 1;

/**
 * A hundred rights, ten groups with two keys each, routes: our own data, and bounded all the same.
 */
const ITEMS_MAX = 2048;

export const ROLE = Object.freeze({ LUMINAIRE: 1, SWITCH: 2, PRESENCE: 3, DAYLIGHT: 4 });

export interface SecurityGroupPart {
  readonly id: number;
  readonly profile: string;
  readonly graceSeconds: number;
  readonly keys: readonly KeyOffer[];
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

export interface NetworkPart {
  readonly pan: number;
  readonly short: number;
  /** First 8 bytes of the mesh-local addresses. */
  readonly prefix: Uint8Array;
  /** Destination short address -> next hop short address. */
  readonly routes: ReadonlyMap<number, number>;
  readonly router: boolean;
}

/** What a device needs to know of its provisioning after its groups and rights are in place. */
export interface Identity {
  readonly eui64: Uint8Array;
  readonly role: number;
  readonly clientId: Uint8Array;
  /** Application group a switch or sensor commands. */
  readonly target: number | undefined;
  readonly settings: ReadonlyMap<number, number>;
  readonly network: NetworkPart | undefined;
}

export interface Provisioning extends Identity {
  /** Decoded anew each time they are gone through. */
  readonly securityGroups: Iterable<SecurityGroupPart>;
  readonly appGroups: Iterable<AppGroupPart>;
  readonly rights: Iterable<RightPart>;
}

/** Throws an Error whose message names the field and what would be right. */
export function parseProvisioning(bytes: Uint8Array): Provisioning {
  const { root, lists } = takeApart(bytes);
  const version = root.uint(0, "version", 0xffff);
  if (version !== FORMAT_VERSION) {
    throw new Error(`provisioning.version: ${version}, this firmware reads ${FORMAT_VERSION}`);
  }
  return {
    eui64: root.bytes(1, "eui64", 8, 8),
    role: root.uint(2, "role", ROLE.DAYLIGHT),
    clientId: root.minimal(3, "clientId"),
    securityGroups: checked(new List(lists.get(4), "securityGroups", securityGroup)),
    appGroups: checked(new List(lists.get(5), "appGroups", appGroup)),
    rights: checked(new List(lists.get(6), "rights", right)),
    target: root.optional(7) === undefined ? undefined : root.uint(7, "target", 0xffffffff),
    settings: root.optional(8) === undefined ? new Map() : root.numbers(8, "settings"),
    network: root.optional(9) === undefined ? undefined : network(root.fields(9, "network")),
  };
}

/** The top map: the long lists (4 to 6) as they stand, everything else decoded. */
function takeApart(bytes: Uint8Array): { root: Fields; lists: Map<number, Uint8Array> } {
  const reader = new CborReader(bytes);
  const values = new Map<Cbor, Cbor>();
  const lists = new Map<number, Uint8Array>();
  let key = -1;
  for (let count = reader.map(); count > 0 && !reader.failed; count--) {
    key = reader.key(key);
    const start = reader.pos;
    reader.skip();
    const item = bytes.subarray(start, reader.pos);
    if (key >= 4 && key <= 6) lists.set(key, item);
    else if (!reader.failed) values.set(key, decoded(item));
  }
  if (!reader.complete) throw unreadable();
  return { root: new Fields(values, "provisioning"), lists };
}

function decoded(item: Uint8Array): Cbor {
  const value = decode(item, { itemsMax: ITEMS_MAX });
  if (!value.ok) throw unreadable();
  return value.value;
}

function unreadable(): Error {
  return new Error("provisioning: not the CBOR map that hosts/installation writes");
}

/**
 * A list that is decoded item by item whenever it is gone through: fifty rights as objects are
 * 10 KB, a fifth of a luminaire's memory, and are needed for a moment at start.
 */
class List<T> implements Iterable<T> {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  readonly #read: (fields: Fields) => T;

  constructor(bytes: Uint8Array | undefined, name: string, read: (fields: Fields) => T) {
    if (bytes === undefined) throw new Error(`provisioning.${name}: an array expected`);
    this.#bytes = bytes;
    this.#name = name;
    this.#read = read;
  }

  *[Symbol.iterator](): Iterator<T> {
    const reader = new CborReader(this.#bytes);
    const count = reader.array();
    if (count < 0) throw new Error(`provisioning.${this.#name}: an array expected`);
    for (let i = 0; i < count; i++) {
      const start = reader.pos;
      reader.skip();
      const item = decoded(this.#bytes.subarray(start, reader.pos));
      yield this.#read(new Fields(item, `provisioning.${this.#name}[${i}]`));
    }
  }
}

/** Goes through a list once, so that a fault in it is found before anything is written. */
function checked<T>(list: List<T>): List<T> {
  for (const _item of list);
  return list;
}

function securityGroup(fields: Fields): SecurityGroupPart {
  return {
    id: fields.uint(0, "id", 0xffffff),
    profile: fields.text(1, "profile"),
    keys: fields.list(2, "keys").map(keyOffer),
    graceSeconds: fields.uint(3, "graceSeconds", 0x7fffffff),
  };
}

function keyOffer(fields: Fields): KeyOffer {
  const limit = (key: number, name: string) =>
    fields.optional(key) === undefined ? undefined : fields.uint(key, name, 0xfffffffe);
  return {
    keyId: fields.minimal(0, "keyId"),
    raw: fields.bytes(1, "key", 16, 16),
    validitySeconds: limit(2, "validitySeconds"),
    messages: limit(3, "messages"),
  };
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

function network(fields: Fields): NetworkPart {
  return {
    pan: fields.uint(0, "pan", 0xfffe),
    short: fields.uint(1, "short", 0xfffd),
    prefix: fields.bytes(2, "prefix", 8, 8),
    routes: fields.optional(3) === undefined ? new Map() : fields.numbers(3, "routes"),
    router: fields.optional(4) === true,
  };
}

/**
 * A map with small integer keys, or an array, whose entries are read by position and named in
 * errors.
 */
class Fields {
  readonly #values: ReadonlyMap<Cbor, Cbor>;
  readonly #path: string;

  constructor(value: Cbor, path: string) {
    this.#path = path;
    if (value instanceof Map) this.#values = value;
    else if (Array.isArray(value)) this.#values = new Map(value.map((item, i) => [i, item]));
    else throw new Error(`${path}: a map is missing`);
  }

  optional(key: number): Cbor | undefined {
    return this.#values.get(key);
  }

  isNull(key: number): boolean {
    return this.#values.get(key) === null;
  }

  uint(key: number, name: string, max: number): number {
    const value = this.#values.get(key);
    if (typeof value === "number" && value >= 0 && value <= max && Number.isInteger(value)) {
      return value;
    }
    return this.#fail(name, `an integer from 0 to ${max}`);
  }

  text(key: number, name: string): string {
    const value = this.#values.get(key);
    return typeof value === "string" ? value : this.#fail(name, "text");
  }

  bytes(key: number, name: string, min: number, max: number): Uint8Array {
    const value = this.#values.get(key);
    if (value instanceof Uint8Array && value.length >= min && value.length <= max) return value;
    return this.#fail(name, min === max ? `${min} bytes` : `${min} to ${max} bytes`);
  }

  /** A minimal big-endian integer of 1 to 8 bytes. */
  minimal(key: number, name: string): Uint8Array {
    const value = this.bytes(key, name, 1, 8);
    if (value.length > 1 && value[0] === 0) this.#fail(name, "no leading zero byte");
    return value;
  }

  list(key: number, name: string): Fields[] {
    const value = this.#values.get(key);
    if (!Array.isArray(value)) return this.#fail(name, "an array");
    return value.map((item, i) => new Fields(item, `${this.#path}.${name}[${i}]`));
  }

  fields(key: number, name: string): Fields {
    return new Fields(this.#values.get(key) as Cbor, `${this.#path}.${name}`);
  }

  numbers(key: number, name: string): Map<number, number> {
    const value = this.#values.get(key);
    if (!(value instanceof Map)) return this.#fail(name, "a map");
    for (const [k, v] of value) {
      if (typeof k !== "number" || typeof v !== "number") {
        return this.#fail(name, "a map of integers");
      }
    }
    return value as Map<number, number>;
  }

  #fail(name: string, wanted: string): never {
    throw new Error(`${this.#path}.${name}: ${wanted} expected`);
  }
}
