/**
 * The group keys of this device, kept in flash.
 *
 * A key that comes again after it was dropped would start with empty replay windows, and every
 * recorded message would work once more (matter.js#3870 is this mistake with counters). So key ids
 * only go up: whatever is not above the greatest id ever installed in its security group is refused
 * for good.
 *
 * Order of writes, so that a power cut between any two leaves a working device: the key first, then
 * the group's greatest id (repaired from the keys at start), and on retirement the replay rows go
 * last.
 */
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import type { Recipients } from "../oscore/recipients.js";
import type { Crypto } from "../ports/crypto.js";
import type { Own, Profile } from "../profiles/profile.js";
import { indexOf, KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import type { Uptime } from "../store/uptime.js";
import { counted } from "./counted.js";
import {
  type Association,
  compareKeyIds,
  type Directory,
  type SecurityGroup,
  strip,
} from "./directory.js";
import { Lifetime } from "./lifetime.js";
import type { Policy } from "./policy.js";

/** A key as it comes from provisioning or a Key Distribution Center. */
export interface KeyOffer {
  /**
   * Big-endian integer, increasing within its security group: of `lowlatency` minimal and at most 8
   * bytes long, of other schemes up to 16 bytes.
   */
  readonly keyId: Uint8Array;
  /** The scheme's (KeyInput.raw), at most 512 bytes; wiped by `install`. */
  readonly raw: Uint8Array;
  /** Seconds of uptime it may be used for; absent: no end. */
  readonly validitySeconds: number | undefined;
  /** Messages it may protect, counted by each member; absent: no end. */
  readonly messages: number | undefined;
}

/** Stands for "no such limit" in a record. */
const NONE = 0xffffffff;
/** No end later than this, 136 years of uptime, has a place in a record: it would wrap around. */
const LATEST_SECONDS = NONE - 1;

const NOWHERE: readonly Uint8Array[] = Object.freeze([]);

/** Bytes of a record before the key id. */
const KEY_ID_AT = 17;
/** Instead of an owner: no group has this number. */
const CLAIMED = -1;

/** Keys by position. */
interface Unclaimed {
  /** How many no group has claimed yet. */
  left: number;
  /** Their security groups. */
  readonly owners: number[];
  readonly indexes: number[];
  readonly records: Uint8Array[];
}

const NONE_LEFT: Unclaimed = Object.freeze({ left: 0, owners: [], indexes: [], records: [] });

interface KeyRecord {
  readonly security: number;
  readonly keyId: Uint8Array;
  readonly raw: Uint8Array;
  readonly endsAtSeconds: number | undefined;
  readonly messages: number | undefined;
  readonly retiresAtSeconds: number | undefined;
}

export class Keyring {
  /** Told of a key that is no more: whatever was derived from it may go. */
  onDropped: ((association: Association) => void) | undefined = undefined;
  /** Whether a factory reset took this key: then it does not come again. */
  declare isWiped?: (raw: Uint8Array) => boolean;
  #store: Store;
  #crypto: Crypto;
  #recipients: Recipients;
  #uptime: Uptime;
  #directory: Directory;
  #keysMax: number;
  /** Keys found at start whose group was not made yet. */
  #unclaimed: Unclaimed | undefined = undefined;

  constructor(parts: {
    store: Store;
    crypto: Crypto;
    recipients: Recipients;
    uptime: Uptime;
    directory: Directory;
    keysMax: number;
  }) {
    this.#store = parts.store;
    this.#crypto = parts.crypto;
    this.#recipients = parts.recipients;
    this.#uptime = parts.uptime;
    this.#directory = parts.directory;
    this.#keysMax = parts.keysMax;
  }

  /**
   * Makes a security group and loads the keys it has in flash.
   * Throws when a record of it does not parse: the store's CRC held, so a program wrote nonsense.
   */
  addSecurity(input: {
    id: number;
    profile: Profile;
    graceSeconds: number;
    own?: Own;
    addresses?: readonly Uint8Array[];
    policy?: Policy;
  }): SecurityGroup {
    const highest = this.#store.get(key(KIND.GROUP_HIGHEST, input.id)) ?? new Uint8Array(0);
    const associations: Association[] = [];
    const security: SecurityGroup = { ...input, associations, highest };
    this.#directory.addSecurity(security);
    this.claim(security);
    const last = associations[associations.length - 1];
    if (last === undefined) return security;
    const order = compareKeyIds(last.keyId, highest);
    if (order > 0) this.setHighest(security, last.keyId);
    // One array for both: with ten groups a byte array of its own each is a kilobyte.
    if (order === 0) security.highest = last.keyId;
    if (associations.length > 1) this.endOlder(security);
    return security;
  }

  /** Loads the keys that were found of this group, by increasing key id. */
  private claim(security: SecurityGroup): void {
    this.#unclaimed ??= this.found();
    const { owners, indexes, records } = this.#unclaimed;
    for (let at = owners.indexOf(security.id); at >= 0; at = owners.indexOf(security.id, at + 1)) {
      this.add(security, indexes[at], parseRecord(records[at]));
      owners[at] = CLAIMED;
      if (--this.#unclaimed.left === 0) this.#unclaimed = NONE_LEFT;
    }
    const { associations } = security;
    if (associations.length > 1) associations.sort((a, b) => compareKeyIds(a.keyId, b.keyId));
  }

  /** A cut between a newer key and the older one's grace must not keep the older one for ever. */
  private endOlder(security: SecurityGroup): void {
    const now = this.#uptime.seconds();
    for (const older of security.associations.slice(0, -1)) {
      if (older.lifetime?.retiresAtSeconds === undefined) this.startGrace(security, older, now);
    }
  }

  /**
   * Installs a key that is newer than all before it; the one before starts its grace.
   * `replayed` for a key id seen before, `tableFull`, `storeFailed`.
   */
  install(security: SecurityGroup, offer: KeyOffer): Outcome<Association> {
    if (!this.isNew(security, offer.keyId)) return drop("replayed"); // check: key-id-increases
    if (this.isWiped?.(offer.raw) === true) return drop("replayed"); // check: key-wiped
    const index = this.freeIndex();
    if (index < 0) return drop("tableFull");
    const now = this.#uptime.seconds();
    const record: KeyRecord = {
      security: security.id,
      keyId: offer.keyId,
      raw: offer.raw.slice(),
      endsAtSeconds:
        offer.validitySeconds === undefined ? undefined : after(now, offer.validitySeconds),
      messages: offer.messages,
      retiresAtSeconds: undefined,
    };
    offer.raw.fill(0);
    const offered = emitRecord(record);
    const refused = counted?.whyNot(this.#store, security.profile, offered, KEY_ID_AT);
    offered.fill(0);
    if (refused !== undefined) return drop(refused); // check: key-once
    if (!this.clear(index)) return drop("storeFailed"); // check: key-place-clear
    // Before the key: a key without its counter would send nothing, for good.
    const isReady = counted?.make(this.#store, security.profile, index) ?? true;
    if (!isReady) return drop("storeFailed");
    if (!this.write(index, record)) return drop("storeFailed");
    // The key is there, and must not be installed once more whatever flash says from here on: what
    // it refuses now is made up for at the next start.
    const before = security.associations.at(-1);
    const association = this.add(security, index, record);
    this.setHighest(security, association.keyId);
    if (before !== undefined) this.startGrace(security, before, now);
    return ok(association);
  }

  /** Whether this key id is above all there were. */
  isNew(security: SecurityGroup, keyId: Uint8Array): boolean {
    if (compareKeyIds(keyId, security.highest) > 0) return true;
    // Of `oscore`, the id of no bytes: above nothing at all.
    return keyId.length === 0 && !this.#store.has(key(KIND.GROUP_HIGHEST, security.id));
  }

  /** Drops the keys whose grace is over, with their replay rows. Called while idle. */
  retire(): void {
    const now = this.#uptime.seconds();
    for (const security of this.#directory.securities()) {
      const over = security.associations.filter((one) => one.lifetime?.isRetired(now));
      for (const association of over) this.drop(security, association);
    }
  }

  /** The key to send under: the newest, if it is still valid. */
  current(security: SecurityGroup): Association | undefined {
    const last = security.associations.at(-1);
    const lifetime = last?.lifetime;
    if (lifetime === undefined) return last;
    return lifetime.isValid(this.#uptime.seconds()) ? last : undefined;
  }

  /** All groups are there: of keys that are none of theirs nothing stays in memory. */
  forgetUnclaimed(): void {
    for (const record of this.#unclaimed?.records ?? []) record.fill(0);
    this.#unclaimed = undefined;
  }

  /** Replay rows of keys that are no more: left by a cut between the two steps of a retirement. */
  forgetOrphans(): void {
    if (this.#recipients.haveKeys) return;
    for (const index of this.#recipients.associations()) {
      const isKept = this.isUsed(index) || counted?.isDerived(this.#store, index) === true;
      if (!isKept) this.#recipients.forget(index);
    }
  }

  private found(): Unclaimed {
    const storeKeys = this.#store.keys(KIND.GROUP_KEY);
    const found: Unclaimed = { left: storeKeys.length, owners: [], indexes: [], records: [] };
    for (const storeKey of storeKeys) {
      const record = this.#store.get(storeKey) as Uint8Array;
      found.owners.push(word(record, 0));
      found.indexes.push(indexOf(storeKey));
      found.records.push(record);
    }
    return found.left === 0 ? NONE_LEFT : found;
  }

  private add(security: SecurityGroup, index: number, record: KeyRecord): Association {
    const { own = nobody(), addresses = NOWHERE } = security;
    const material = security.profile.importKey(this.#crypto, { ...record, own, addresses });
    const lifetime = Lifetime.of(this.#store, index, record);
    const association: Association = { index, security, ...material };
    if (lifetime !== undefined) association.lifetime = lifetime;
    security.associations.push(association);
    this.#directory.revision++;
    return association;
  }

  private startGrace(security: SecurityGroup, association: Association, now: number): void {
    const storeKey = key(KIND.GROUP_KEY, association.index);
    const record = parseRecord(this.#store.get(storeKey) as Uint8Array);
    const retiresAtSeconds = after(now, security.graceSeconds);
    this.write(association.index, { ...record, retiresAtSeconds });
    record.raw.fill(0);
    association.lifetime ??= new Lifetime(this.#store, association.index, record, undefined);
    association.lifetime.retiresAtSeconds = retiresAtSeconds;
    this.#directory.revision++;
  }

  private drop(security: SecurityGroup, association: Association): void {
    // Rows deleted under a key that is still there would make all it protected acceptable again.
    const isGone = this.#store.delete(key(KIND.GROUP_KEY, association.index));
    if (!isGone) return; // check: key-gone-before-rows
    security.associations = security.associations.filter((one) => one !== association);
    this.#directory.revision++;
    this.onDropped?.(association);
    // Before its counter goes: nobody can begin again under it.
    strip(association); // check: key-stripped
    this.clear(association.index);
  }

  /** Takes away what goes with a key that is no more, or was left over from one. */
  private clear(index: number): boolean {
    const counters = [key(KIND.KEY_USE, index), key(KIND.SEQUENCE, index + 1)];
    const isClear = counted?.clearDerived(this.#store, this.#recipients, index) ?? true;
    if (!isClear) return false;
    return counters.every((one) => this.#store.delete(one)) && this.#recipients.forget(index);
  }

  private setHighest(security: SecurityGroup, keyId: Uint8Array): void {
    security.highest = keyId;
    this.#store.put(key(KIND.GROUP_HIGHEST, security.id), keyId);
  }

  private freeIndex(): number {
    for (let index = 0; index < this.#keysMax; index++) if (!this.isUsed(index)) return index;
    return -1;
  }

  private isUsed(index: number): boolean {
    return this.#store.has(key(KIND.GROUP_KEY, index));
  }

  private write(index: number, record: KeyRecord): boolean {
    const bytes = emitRecord(record);
    const isStored = this.#store.put(key(KIND.GROUP_KEY, index), bytes);
    bytes.fill(0);
    return isStored;
  }
}

/** This device as a member: schemes with one key for all do not ask. */
function nobody(): Own {
  const none = new Uint8Array(0);
  return { id: none, credential: none, signer: undefined };
}

function after(now: number, seconds: number): number {
  return Math.min(now + seconds, LATEST_SECONDS);
}

/** security(4) ‖ ends(4) ‖ messages(4) ‖ retires(4) ‖ key id length(1) ‖ key id ‖ key */
function emitRecord(record: KeyRecord): Uint8Array {
  const { keyId, raw } = record;
  // At once as long as it gets: a buffer that grows leaves copies of the key behind.
  const bytes = new Uint8Array(KEY_ID_AT + keyId.length + raw.length);
  putWord(bytes, 0, record.security);
  putWord(bytes, 4, record.endsAtSeconds ?? NONE);
  putWord(bytes, 8, record.messages ?? NONE);
  putWord(bytes, 12, record.retiresAtSeconds ?? NONE);
  bytes[KEY_ID_AT - 1] = keyId.length;
  bytes.set(keyId, KEY_ID_AT);
  bytes.set(raw, KEY_ID_AT + keyId.length);
  return bytes;
}

/** The scheme's secret in the record of a key, a view of it. */
export function secretIn(record: Uint8Array): Uint8Array {
  return parseRecord(record).raw;
}

/** Throws when it is none. The key is a view of it: import wipes it where it lies. */
function parseRecord(bytes: Uint8Array): KeyRecord {
  const keyAt = KEY_ID_AT + bytes[KEY_ID_AT - 1];
  // Of a record that is cut off before, this is not a number.
  if (!(keyAt < bytes.length)) throw new Error("group key record does not parse");
  return {
    security: word(bytes, 0),
    endsAtSeconds: limit(word(bytes, 4)),
    messages: limit(word(bytes, 8)),
    retiresAtSeconds: limit(word(bytes, 12)),
    keyId: bytes.slice(KEY_ID_AT, keyAt),
    raw: bytes.subarray(keyAt),
  };
}

/** Big-endian. */
function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

function putWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function limit(value: number): number | undefined {
  return value === NONE ? undefined : value;
}
