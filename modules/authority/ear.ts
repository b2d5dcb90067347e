/**
 * One key of a security group as whoever only listens has it (a silent server of
 * draft-ietf-core-oscore-groupcomm-02 §1.1): opens what is said under it in the way that members
 * do, signature and window included, and keeps the highest number of each sender.
 *
 * It is a member's groups with one key and nothing durable: its partition is memory. Whoever makes
 * one makes another for the next key.
 */
import { equalBytes } from "../bytes/equal.js";
import { fromHex, toHex } from "../bytes/hex.js";
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import type { Inner } from "../coap/message.js";
import { openAmong } from "../groups/candidates.js";
import { Directory, type SecurityGroup } from "../groups/directory.js";
import { Groups } from "../groups/groups.js";
import { Keyring } from "../groups/keyring.js";
import { locate } from "../groups/locate.js";
import { open } from "../groups/open.js";
import { Schemes } from "../groups/schemes.js";
import { Recipients } from "../oscore/recipients.js";
import { Sequence } from "../oscore/sequence.js";
import type { Clock } from "../ports/clock.js";
import type { Crypto } from "../ports/crypto.js";
import type { Datagram, Endpoint } from "../ports/datagram.js";
import type { Flash } from "../ports/flash.js";
import { dtlsRecord } from "../profiles/dtls-record.js";
import { groupOscore } from "../profiles/group-oscore.js";
import { groupOscore02 } from "../profiles/group-oscore-02.js";
import { lowlatency } from "../profiles/lowlatency.js";
import { multicastOscore04 } from "../profiles/multicast-oscore-04.js";
import { oscoap00 } from "../profiles/oscoap-00.js";
import type { Member, Own, Profile } from "../profiles/profile.js";
import { Store } from "../store/store.js";
import { Uptime } from "../store/uptime.js";
import type { Overheard } from "./heard.js";

/** A row for each sender: a group has at most a hundred members. */
const ROWS = 128;
/** Two records a row, and those of members and of the key. */
const KEYS_MAX = 2 * ROWS + 64;
/** Longer ones nobody takes (modules/device/limits.ts). */
const DATAGRAM_BYTES_MAX = 1280;
/** Codes from 2.00 on are responses (RFC 7252 §3): to one alone, and not his window's. */
const RESPONSE_CODES = 64;
/** Of the only one there is. */
const SECURITY = 0;

// biome-ignore lint/suspicious/noExplicitAny: each scheme has its own keys
const ALL: readonly Profile<any, any>[] = Object.freeze([
  lowlatency,
  oscoap00,
  multicastOscore04,
  groupOscore02,
  dtlsRecord,
  groupOscore,
]);

/** A request that a member sent to all of a group. Valid until the next one. */
export interface Said {
  readonly clientId: Uint8Array;
  readonly appGroup: number;
  readonly inner: Inner;
}

export interface EarParts {
  readonly crypto: Crypto;
  readonly clock: Clock;
  /** An erased partition of 64 KB or more, in memory. */
  readonly partition: () => Flash;
  /** Hears each one once; absent: only numbers are wanted. */
  readonly said?: (said: Said) => void;
}

/** An application group, and where it is spoken to. */
export interface Place extends Endpoint {
  readonly appGroup: number;
}

export interface HeardKey {
  readonly profile: string;
  readonly keyId: Uint8Array;
  /** The scheme's (KeyInput.raw). Copied. */
  readonly raw: Uint8Array;
  readonly places: readonly Place[];
}

export class Ear {
  readonly #groups: Groups;
  readonly #schemes: Schemes;
  readonly #security: SecurityGroup;
  readonly #store: Store;
  /** Credentials by client id in hex. */
  readonly #senders = new Map<string, Uint8Array>();
  readonly #highest = new Map<string, number>();
  readonly #said: EarParts["said"];
  /** What was opened last. */
  #inner: Inner | undefined;

  private constructor(parts: EarParts, { profile, places }: HeardKey) {
    const { crypto, clock } = parts;
    this.#said = parts.said;
    const store = memoryOf(parts);
    const uptime = new Uptime(store, clock);
    const recipients = new Recipients({ store, capacity: ROWS });
    const directory = new Directory();
    const keyring = new Keyring({ store, crypto, recipients, uptime, directory, keysMax: 1 });
    this.#store = store;
    this.#security = keyring.addSecurity({
      id: SECURITY,
      profile: profileOf(profile),
      graceSeconds: 0,
      own: nobody(),
      addresses: addressesOf(places),
    });
    for (const { appGroup, address, port } of places) {
      directory.addAppGroup({
        id: appGroup,
        security: this.#security,
        endpoint: { address, port },
      });
    }
    const sequence = new Sequence(store);
    const clientId = nobody().id;
    const all = { directory, keyring, recipients, sequence, uptime, clock, clientId };
    this.#groups = new Groups(all);
    this.#schemes = new Schemes({ crypto, store, seal: silent });
    this.#groups.schemes = this.#schemes;
  }

  /** Undefined where the group cannot be listened to under this key. */
  static of(parts: EarParts, key: HeardKey): Ear | undefined {
    const ear = new Ear(parts, key);
    const { keyId, raw } = key;
    const terms = { validitySeconds: undefined, messages: undefined };
    try {
      const offer = { keyId, raw: raw.slice(), ...terms };
      return ear.#groups.keyring.install(ear.#security, offer).ok ? ear : undefined;
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** Somebody who speaks; false where he could not be told from others. */
  enter({ id, credential: said }: Member): boolean {
    const { profile, associations } = this.#security;
    // Others need none, whatever they said.
    const credential = profile.signed === undefined ? nobody().credential : said;
    const name = toHex(id);
    const known = this.#senders.get(name);
    if (known !== undefined && equalBytes(known, credential)) return true;
    if (profile.namesGroup !== true) {
      const put = this.#schemes.members.put(this.#security, { id, credential });
      if (!put.ok) return false;
      for (const one of associations) this.#schemes.contexts.forget(one, id);
    }
    this.#senders.set(name, credential.slice());
    return true;
  }

  /** The highest number of each that was heard. */
  numbers(): Overheard[] {
    return [...this.#highest].map(([name, number]) => ({ clientId: fromHex(name), number }));
  }

  /** One datagram that was said to the group. */
  hear(datagram: Datagram): Outcome<true> {
    const { bytes } = datagram;
    if (bytes.length > DATAGRAM_BYTES_MAX) return drop("malformed");
    const { arriving } = this.#groups;
    const { outer } = arriving;
    const isMessage = outer.scan(bytes);
    arriving.begin(datagram);
    arriving.multicast = true;
    outer.bytes = bytes;
    const opened = isMessage ? this.#message() : this.#record();
    // What its partition is full of is of no use any more; nobody waits for long here.
    while (this.#store.needsTidy && this.#store.tidy());
    if (!opened.ok) return opened;
    const name = toHex(opened.value);
    const { sequence } = arriving.option;
    const highest = this.#highest.get(name) ?? -1;
    if (sequence > highest) this.#highest.set(name, sequence);
    const { appGroup } = arriving;
    if (this.#inner !== undefined) {
      this.#said?.({ clientId: opened.value, appGroup: appGroup.id, inner: this.#inner });
    }
    return ok(true);
  }

  /** Who said it, and it is his. */
  #message(): Outcome<Uint8Array> {
    const { outer } = this.#groups.arriving;
    if (outer.code >= RESPONSE_CODES) return drop("malformed");
    if (outer.appGroupStart >= 0) return this.#named();
    return outer.oscoreStart < 0 ? drop("malformed") : this.#among("message");
  }

  /** Of `lowlatency`: whoever has the key can name anybody, so only members count. */
  #named(): Outcome<Uint8Array> {
    const { arriving } = this.#groups;
    const located = locate(this.#groups, arriving);
    if (!located.ok) return located;
    const { kidStart, kidLength } = arriving.option;
    const id = arriving.outer.bytes.slice(kidStart, kidStart + kidLength);
    const isSender = this.#senders.has(toHex(id));
    if (!isSender) return drop("unknownMember"); // check: ear-member
    const opened = open(this.#groups, arriving, undefined);
    if (!opened.ok) return opened;
    this.#inner = opened.value;
    return ok(id);
  }

  /** Windows are looked at first: what looks old may be of another epoch, or another sender's. */
  #record(): Outcome<Uint8Array> {
    const opened = this.#among("record");
    if (!opened.ok && opened.drop === "replayed") return drop("oldEpoch"); // check: ear-epoch
    return opened;
  }

  #among(layer: "message" | "record"): Outcome<Uint8Array> {
    const { arriving } = this.#groups;
    const opened = openAmong(this.#groups, this.#schemes, arriving, layer, undefined);
    if (!opened.ok) return opened;
    this.#inner = opened.value;
    return ok(this.#schemes.sender);
  }
}

function memoryOf({ partition }: EarParts): Store {
  const flash = partition();
  const isFormatted = Store.format({ flash });
  const opened = Store.open({ flash, keys: KEYS_MAX });
  if (!isFormatted || !opened.ok) throw new Error("ear: memory is no partition");
  return opened.store;
}

function profileOf(name: string): Profile {
  const profile = ALL.find((one) => one.name === name);
  if (profile === undefined) throw new Error(`ear: nobody knows profile ${name}`);
  return profile;
}

/** Each once: of `dtls-record` keys are made for one. */
function addressesOf(places: readonly Place[]): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (const { address } of places) {
    if (!all.some((one) => equalBytes(one, address))) all.push(address);
  }
  return all;
}

/** Who only listens has no id, and so is no member. */
function nobody(): Own {
  const none = new Uint8Array(0);
  return { id: none, credential: none, signer: undefined };
}

function silent(): never {
  throw new Error("ear: it only listens");
}
