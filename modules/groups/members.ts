/**
 * Who is a member of a security group, and what vouches for its public key: the table that a
 * repository of public keys fills.
 *
 * It lies in the store and is read when a sender is met, not kept in memory: a hundred members of
 * 50 bytes each, for ten groups, are more than a lamp has. Eight members share a record, because
 * the store's index takes memory for each record.
 *
 * `put` is the only door, for installation and repository alike, and whoever comes in has his key
 * looked at there: the receive path never does (profile.ts, admits). What flash holds was looked at
 * before it was written, and a CRC says that it is that.
 */
import { equalBytes } from "../bytes/equal.js";
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { Reader } from "../bytes/reader.js";
import { Writer } from "../bytes/writer.js";
import type { Crypto } from "../ports/crypto.js";
import type { Member, Profile } from "../profiles/profile.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import { CREDENTIAL_BYTES_MAX, MEMBER_ID_BYTES_MAX, MEMBER_PAGES_MAX } from "./bounds.js";

export const MEMBERS_MAX = 100;
/** Groups with members have ids below this: 16 pages each. */
export const MEMBER_GROUPS_LIMIT = 0x100000;

const PAGE_MEMBERS = 8;
const PAGES = MEMBER_PAGES_MAX;

/** As far as its members matter here. */
export interface MemberGroup {
  readonly id: number;
  readonly profile: Pick<Profile, "admits">;
}

export type MembersStore = Pick<Store, "get" | "put" | "delete">;

const STORED: Outcome<true> = ok(true);

export class Members {
  readonly #store: MembersStore;
  readonly #crypto: Crypto;

  constructor(store: MembersStore, crypto: Crypto) {
    this.#store = store;
    this.#crypto = crypto;
  }

  /** The member whose id stands in `bytes`. */
  find(security: number, bytes: Uint8Array, start: number, length: number): Member | undefined {
    for (let page = 0; page < PAGES; page++) {
      const record = this.#store.get(pageKey(security, page));
      const found = record && findIn(record, bytes, start, length);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** All members of a group. */
  of(security: number): Member[] {
    const all: Member[] = [];
    for (let page = 0; page < PAGES; page++) all.push(...this.page(security, page));
    return all;
  }

  /**
   * Enters a member, or replaces its credential; durable when ok. `unknownMember` for one that the
   * scheme does not admit, `tableFull` beyond 100, `storeFailed`. Throws RangeError on what no
   * member can be (our bug, or the installation's).
   */
  put({ id: security, profile }: MemberGroup, member: Member): Outcome<true> {
    const { id, credential } = member;
    if (!(id.length <= MEMBER_ID_BYTES_MAX && credential.length <= CREDENTIAL_BYTES_MAX)) {
      throw new RangeError(`member: id of ${id.length}, credential of ${credential.length} bytes`);
    }
    const isAdmitted = profile.admits?.(this.#crypto, member) === true;
    if (!isAdmitted) return drop("unknownMember"); // check: member-admitted
    let place = -1;
    let count = 0;
    for (let page = 0; page < PAGES; page++) {
      const members = this.page(security, page);
      count += members.length;
      if (members.some((one) => equalBytes(one.id, id))) {
        const others = members.filter((one) => !equalBytes(one.id, id));
        return this.write(security, page, [...others, member]);
      }
      if (place < 0 && members.length < PAGE_MEMBERS) place = page;
    }
    if (count >= MEMBERS_MAX) return drop("tableFull"); // check: members-max
    return this.write(security, place, [...this.page(security, place), member]);
  }

  /** Takes members out; true when they are durably gone, or were not there. */
  remove(security: number, ...ids: readonly Uint8Array[]): boolean {
    for (let page = 0; page < PAGES; page++) {
      const members = this.page(security, page);
      const others = members.filter((one) => !ids.some((id) => equalBytes(one.id, id)));
      if (others.length === members.length) continue;
      const isGone = this.write(security, page, others).ok;
      if (!isGone) return false; // check: member-gone
    }
    return true;
  }

  /** Takes out everybody; false when flash refused. */
  clear(security: number): boolean {
    let done = true;
    for (let page = 0; page < PAGES; page++) {
      if (!this.#store.delete(pageKey(security, page))) done = false;
    }
    return done;
  }

  private page(security: number, page: number): Member[] {
    const record = this.#store.get(pageKey(security, page));
    return record === undefined ? [] : parsePage(record);
  }

  private write(security: number, page: number, members: readonly Member[]): Outcome<true> {
    const writer = new Writer(PAGE_MEMBERS * 64);
    for (const { id, credential } of members) {
      writer.u8(id.length);
      writer.u8(credential.length);
      writer.bytes(id);
      writer.bytes(credential);
    }
    const stored = this.#store.put(pageKey(security, page), writer.finish());
    if (!stored) return drop("storeFailed"); // check: member-durable
    return STORED;
  }
}

function pageKey(security: number, page: number): number {
  if (security >= MEMBER_GROUPS_LIMIT) throw new RangeError(`security group ${security}`);
  return key(KIND.MEMBERS, security * 16 + page);
}

/** Of one page, without making the others: id length ‖ credential length ‖ id ‖ credential. */
function findIn(
  record: Uint8Array,
  bytes: Uint8Array,
  start: number,
  length: number,
): Member | undefined {
  for (let at = 0; at < record.length; ) {
    const idStart = at + 2;
    const idEnd = idStart + record[at];
    const end = idEnd + record[at + 1];
    if (record[at] === length && isAt(record, idStart, bytes, start, length)) {
      return { id: record.slice(idStart, idEnd), credential: record.slice(idEnd, end) };
    }
    at = end;
  }
  return undefined;
}

function isAt(
  record: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (record[at + i] !== bytes[start + i]) return false;
  return true;
}

function parsePage(record: Uint8Array): Member[] {
  const reader = new Reader(record);
  const members: Member[] = [];
  while (reader.left > 0) {
    const idLength = reader.u8();
    const credentialLength = reader.u8();
    members.push({ id: reader.take(idLength), credential: reader.take(credentialLength) });
  }
  if (reader.failed) throw new Error("table of members does not parse");
  return members;
}
