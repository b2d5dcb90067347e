/**
 * Rows as the authority sees them, and as they are stored: CBOR arrays, field after field in the
 * order of their description. A row that does not parse is never overlooked: what is lost there
 * would be somebody's light.
 */
import { emitScope, parseScope, type Scope } from "../access/scope.js";
import { equalBytes } from "../bytes/equal.js";
import { fromHex, toHex } from "../bytes/hex.js";
import { decodeList } from "../cbor/containers.js";
import type { Cbor } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import type { Rows, Table } from "./ledger.js";

/** How one field of type T is kept. */
interface Field<T> {
  readonly to: (value: T) => Cbor;
  /** Undefined when it is none. */
  readonly from: (value: Cbor) => T | undefined;
}

const uint: Field<number> = {
  to: (value) => value,
  from: (value) => (typeof value === "number" && value >= 0 ? value : undefined),
};
const text: Field<string> = {
  to: (value) => value,
  from: (value) => (typeof value === "string" ? value : undefined),
};
const bytes: Field<Uint8Array> = {
  to: (value) => value,
  from: (value) => (value instanceof Uint8Array ? value : undefined),
};
/** Rows of before have none. */
const latecomer: Field<Uint8Array> = {
  to: (value) => value,
  from: (value) => (value === undefined ? new Uint8Array(0) : bytes.from(value)),
};
const lateUint: Field<number> = {
  to: (value) => value,
  from: (value) => (value === undefined ? 0 : uint.from(value)),
};
const flag: Field<boolean> = {
  to: (value) => value,
  from: (value) => (typeof value === "boolean" ? value : undefined),
};
const scope: Field<Scope> = {
  to: (value) => (value.length === 0 ? new Uint8Array(0) : emitScope(value)),
  from: (value) => {
    if (!(value instanceof Uint8Array)) return undefined;
    return value.length === 0 ? [] : parseScope(value);
  },
};
/** -1 stands for "none" where numbers are not negative. */
const optional: Field<number> = {
  to: (value) => value,
  from: (value) => (typeof value === "number" && value >= -1 ? value : undefined),
};

export const NONE = -1;

/** For rows that are described elsewhere. */
export const FIELDS = Object.freeze({ uint, text, bytes, scope });

type Fields<T> = { readonly [name in keyof T]: Field<T[name]> };

/** Rows of one kind. `key` is text; `get` throws an Error that names a row which does not parse. */
export class Records<T extends object> {
  readonly #table: Table;
  readonly #fields: Fields<T>;
  readonly #names: (keyof T)[];

  constructor(table: Table, fields: Fields<T>) {
    this.#table = table;
    this.#fields = fields;
    this.#names = Object.keys(fields) as (keyof T)[];
  }

  get(rows: Rows, key: string): T | undefined {
    const value = rows.get(this.#table, key);
    return value === undefined ? undefined : this.#parse(key, value);
  }

  /** Throws where there is none. */
  need(rows: Rows, key: string): T {
    const record = this.get(rows, key);
    if (record === undefined) throw new Error(`ledger: there is no ${this.#table} ${key}`);
    return record;
  }

  put(rows: Rows, key: string, record: T): void {
    const items = this.#names.map((name) => this.#fields[name].to(record[name]));
    rows.put(this.#table, key, encode(items));
  }

  delete(rows: Rows, key: string): void {
    rows.delete(this.#table, key);
  }

  keys(rows: Rows, prefix = ""): readonly string[] {
    return rows.keys(this.#table, prefix);
  }

  #parse(key: string, value: Uint8Array): T {
    const items = decodeList(value) ?? [];
    const record: Partial<T> = {};
    this.#names.forEach((name, at) => {
      const field = this.#fields[name].from(items[at]);
      if (field === undefined) {
        const where = `${this.#table} ${key}, ${String(name)}`;
        throw new Error(`ledger: ${where} does not parse; restore a backup`);
      }
      record[name] = field;
    });
    return record as T;
  }
}

export interface Device {
  /** What people call it. */
  readonly name: string;
  readonly clientId: Uint8Array;
  /** How it shows who it is: the id that its secure channel proves. */
  readonly credential: Uint8Array;
  /** What it may ever be granted. */
  readonly scope: Scope;
  /** Seconds that its tokens last; NONE: they do not end. */
  readonly tokenSeconds: number;
  /** Taken out of service, for good: lost, stolen, thrown away. */
  readonly isLost: boolean;
  /** Latest iat of a token of the AS's that the KDC accepted. */
  readonly latestIssued: number;
}

export const devices = new Records<Device>("device", {
  name: text,
  clientId: bytes,
  credential: bytes,
  scope,
  tokenSeconds: optional,
  isLost: flag,
  latestIssued: optional,
});

export interface Group {
  /** WIRE.md's name. */
  readonly profile: string;
  /** How long members accept the key before the newest one. */
  readonly graceSeconds: number;
  /** Terms of each new key; NONE: no end. */
  readonly validitySeconds: number;
  readonly messages: number;
  /** Whether keys are renewed when somebody joins (backward security) or leaves (forward). */
  readonly renewsOnJoin: boolean;
  readonly renewsOnLeave: boolean;
  /** Bytes that all its key ids begin with; empty where ids are plain numbers. */
  readonly prefix: Uint8Array;
  /** Of the newest key; NONE: there was none yet. */
  readonly epoch: number;
  /** Epoch of the newest key before which nothing is accepted any more: nobody gets a grace. */
  readonly brokenBefore: number;
  /** The key-encryption key that tokens for receivers are sealed with, and its number. */
  readonly kek: Uint8Array;
  readonly kekNumber: number;
  /** What its scheme leaves to be chosen (material.ts); 0: the usual one. */
  readonly algorithm: number;
}

export const groups = new Records<Group>("group", {
  profile: text,
  graceSeconds: uint,
  validitySeconds: optional,
  messages: optional,
  renewsOnJoin: flag,
  renewsOnLeave: flag,
  prefix: bytes,
  epoch: optional,
  brokenBefore: uint,
  kek: bytes,
  kekNumber: uint,
  algorithm: lateUint,
});

/** An application group: whose keys protect it, and where its requests go. */
export interface Application {
  readonly name: string;
  readonly group: number;
  readonly address: Uint8Array;
  readonly port: number;
}

export const applications = new Records<Application>("application", {
  name: text,
  group: uint,
  address: bytes,
  port: uint,
});

export interface Key {
  readonly keyId: Uint8Array;
  /** The scheme's (KeyInput.raw of modules/profiles). Secret. */
  readonly raw: Uint8Array;
  /** When it was made: Unix seconds, as far as the authority knew. */
  readonly madeAt: number;
}

export const keys = new Records<Key>("key", { keyId: bytes, raw: bytes, madeAt: uint });

export interface Member {
  /** Bits of modules/access/scope.ts. */
  readonly roles: number;
  /** Bits of manager.ts: what it does in a group with a Group Manager's names for it. */
  readonly tasks: number;
  /** What it may do in which of the group's application groups. */
  readonly scope: Scope;
  /** End of the token that let it in; NONE: none. */
  readonly expiresAt: number;
  /** What vouches for its public key in signed schemes; empty where there is none. */
  readonly credential: Uint8Array;
  /** Whether it showed that the private key is its own. */
  readonly isProven: boolean;
  /** Epoch of the newest key it was given; it may use that one. */
  readonly given: number;
  /** Epoch of the newest key it has said is durable; NONE: none yet. */
  readonly confirmed: number;
  /** What its flash was made with; empty where it never said. */
  readonly incarnation: Uint8Array;
}

export const members = new Records<Member>("member", {
  roles: uint,
  tasks: uint,
  scope,
  expiresAt: optional,
  credential: bytes,
  isProven: flag,
  given: optional,
  confirmed: optional,
  incarnation: latecomer,
});

/** One who is not in a group yet. */
export function newcomer(): Member {
  const credential = new Uint8Array(0);
  const never = { expiresAt: NONE, given: NONE, confirmed: NONE, incarnation: credential };
  return { roles: 0, tasks: 0, scope: [], credential, isProven: false, ...never };
}

/** A token of the AS's. */
export interface Issued {
  readonly clientId: Uint8Array;
  readonly audience: string;
  readonly scope: Scope;
  /** Whom it belongs to; empty: to who bears it. */
  readonly holder: Uint8Array;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly isRevoked: boolean;
}

export const tokens = new Records<Issued>("token", {
  clientId: bytes,
  audience: text,
  scope,
  holder: bytes,
  issuedAt: uint,
  expiresAt: optional,
  isRevoked: flag,
});

/** A key on its way to a member. */
export interface Push {
  readonly epoch: number;
  readonly attempts: number;
}

export const pushes = new Records<Push>("push", { epoch: uint, attempts: uint });

/** How a group is run; what a group without a row does stands in `USUAL`. */
export interface Policy {
  /** How newcomers get at numbers that senders used before: see heard.ts. */
  readonly numbers: string;
  /** Whether the Group Manager keeps members' credentials, or only whose certificates they are. */
  readonly keepsCredentials: boolean;
  /** Management keys: one with each member, or a tree (keytree.ts). */
  readonly hasTree: boolean;
  /** RFC 9594 §4.3.1 "Sequence Number Synchronization Methods": ours, see manager.ts. */
  readonly synchronisation: number;
  /** "Key Update Check Interval", seconds. */
  readonly checkSeconds: number;
  readonly isActive: boolean;
}

export const policies = new Records<Policy>("policy", {
  numbers: text,
  keepsCredentials: flag,
  hasTree: flag,
  synchronisation: uint,
  checkSeconds: uint,
  isActive: flag,
});

/** draft-ietf-ace-key-groupcomm-oscore §6.4: an hour is the default. */
export const USUAL: Policy = Object.freeze({
  numbers: "renewed",
  keepsCredentials: true,
  hasTree: false,
  synchronisation: 0,
  checkSeconds: 3600,
  isActive: true,
});

export function policyOf(rows: Rows, group: number): Policy {
  return policies.get(rows, numberKey(group)) ?? USUAL;
}

/** Whose a context of two is: two client ids. */
export interface Pair {
  readonly one: Uint8Array;
  readonly other: Uint8Array;
}

const pairRows = new Records<Pair>("policy", { one: bytes, other: bytes });

export function putPair(rows: Rows, group: number, pair: Pair): void {
  pairRows.put(rows, `pair/${numberKey(group)}`, pair);
}

/** The other one of two; undefined for who is none of them, and in a group of many. */
export function peerIn(rows: Rows, group: number, clientId: Uint8Array): Uint8Array | undefined {
  const pair = pairRows.get(rows, `pair/${numberKey(group)}`);
  if (pair === undefined) return undefined;
  if (equalBytes(pair.one, clientId)) return pair.other;
  return equalBytes(pair.other, clientId) ? pair.one : undefined;
}

/** A token that a client presented, and how far it is with showing that a key is its own. */
export interface Access {
  readonly clientId: Uint8Array;
  readonly scope: Scope;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** N_S of RFC 9594 §3.3: what is to be signed next. */
  readonly challenge: Uint8Array;
  /** N_C of the latest join: what the Group Manager signs for this client. */
  readonly nonce: Uint8Array;
  /** Proofs that were none. */
  readonly failures: number;
}

export const accesses = new Records<Access>("access", {
  clientId: bytes,
  scope,
  issuedAt: uint,
  expiresAt: optional,
  challenge: bytes,
  nonce: bytes,
  failures: uint,
});

/** Whose a client id is here. */
export interface Owner {
  /** Who named him. */
  readonly issuer: string;
  /** What his channel proves. */
  readonly holder: Uint8Array;
  /** Of the newest token that it showed. */
  readonly issuedAt: number;
}

const ownerRows = new Records<Owner>("access", { issuer: text, holder: bytes, issuedAt: uint });

export function ownerOf(rows: Rows, clientId: Uint8Array): Owner | undefined {
  return ownerRows.get(rows, `owner/${toHex(clientId)}`);
}

export function putOwner(rows: Rows, clientId: Uint8Array, owner: Owner): void {
  ownerRows.put(rows, `owner/${toHex(clientId)}`, owner);
}

/** A sender's numbers, as far as they are known. */
export interface Heard {
  readonly epoch: number;
  readonly number: number;
}

export const heards = new Records<Heard>("heard", { epoch: uint, number: uint });

/** The KDC that members are handed over to (modules/groups/trusted.ts). */
export interface Successor {
  readonly issuer: string;
  readonly kid: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly audience: string;
  readonly address: Uint8Array;
  readonly port: number;
  /** Of its Authorization Server. */
  readonly serverAddress: Uint8Array;
  readonly serverPort: number;
  /** Members are told of it. */
  readonly isBegun: boolean;
}

export const successors = new Records<Successor>("successor", {
  issuer: text,
  kid: bytes,
  publicKey: bytes,
  audience: text,
  address: bytes,
  port: uint,
  serverAddress: bytes,
  serverPort: uint,
  isBegun: flag,
});

/** A member on its way to another KDC. */
export interface Leaving {
  /** Its secret with that one. */
  readonly psk: Uint8Array;
  /** How many hand-overs there are with this one. */
  readonly count: number;
  /** It said that it follows. */
  readonly isDone: boolean;
}

export const leavings = new Records<Leaving>("successor", {
  psk: bytes,
  count: uint,
  isDone: flag,
});

/** A number of the authority's own. */
const numbers = new Records<{ value: number }>("authority", { value: uint });

/** The next of a counter that never goes back; the first is 1. */
export function nextOf(rows: Rows, counter: string): number {
  const value = (numbers.get(rows, counter)?.value ?? 0) + 1;
  numbers.put(rows, counter, { value });
  return value;
}

/** The latest of a time that never goes back. */
export function latestOf(rows: Rows, clock: string, now: number): number {
  const known = numbers.get(rows, clock)?.value;
  const value = Math.max(known ?? 0, now);
  if (value !== (known ?? 0)) numbers.put(rows, clock, { value });
  return value;
}

/** He went by himself: who does that all the time is not given a new key each time. */
export function noteLeft(rows: Rows, group: number, clientId: Uint8Array): void {
  numbers.put(rows, `left/${inGroup(group, clientId)}`, { value: 1 });
}

export function hasLeft(rows: Rows, group: number, clientId: Uint8Array): boolean {
  return numbers.get(rows, `left/${inGroup(group, clientId)}`) !== undefined;
}

const DIGITS = 10;

/** Numbers sort as they count. */
export function numberKey(value: number): string {
  return `${value}`.padStart(DIGITS, "0");
}

export function numberOf(key: string): number {
  return Number(key.slice(0, DIGITS));
}

/** The row of something that belongs to a group: a key by its epoch, a member by its client id. */
export function inGroup(group: number, of: number | Uint8Array): string {
  return `${numberKey(group)}/${typeof of === "number" ? numberKey(of) : toHex(of)}`;
}

/** Client id, in hex, of the row of a member in a group. */
export function clientIn(key: string): string {
  return key.slice(DIGITS + 1);
}

/** Everybody in a group, by client id. */
export function membersOf(rows: Rows, group: number): { clientId: Uint8Array; member: Member }[] {
  return members.keys(rows, `${numberKey(group)}/`).map((key) => ({
    clientId: fromHex(clientIn(key)),
    member: members.need(rows, key),
  }));
}
