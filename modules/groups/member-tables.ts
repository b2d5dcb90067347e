/** This device's groups and members in bytes, as native help reads them (intake-member.ts). */
import { equalBytes } from "../bytes/equal.js";
import { isMulticast } from "../coap/addresses.js";
import type { AeadKey } from "../ports/crypto.js";
import {
  GROUP_ADDRESS,
  GROUP_ASSOCIATION,
  GROUP_BYTES,
  GROUP_ID,
  GROUP_KEY_ID,
  GROUP_KEY_ID_LENGTH,
  GROUP_KEY_ID_MAX,
  GROUP_LAST,
  GROUP_MIDDLE,
  GROUP_TAG,
  GROUP_WINDOW,
  GROUPS_MAX,
  MEMBER_ASSOCIATION,
  MEMBER_BASE,
  MEMBER_BYTES,
  MEMBER_CREDENTIAL,
  MEMBER_FIRST,
  MEMBER_ID,
  MEMBER_ID_LENGTH,
  MEMBER_ID_MAX,
  MEMBERS_COUNT,
  MEMBERS_GROUPS,
  MEMBERS_HEAD_BYTES,
  MEMBERS_PORT_COUNT,
  MEMBERS_PORTS,
} from "../ports/intake-member.js";
import type { MemberParts } from "../profiles/profile.js";
import type { Contexts, Kept } from "./contexts.js";
import type { AppGroup, Association, Directory, SecurityGroup } from "./directory.js";
import { acceptsUnverified } from "./policy.js";

/** A member's line. */
export interface MemberLine {
  readonly kept: Kept;
  readonly appGroup: AppGroup;
}

export interface MemberTables {
  readonly tables: Uint8Array;
  /** As many as there are keys. */
  readonly lines: readonly MemberLine[];
  readonly keys: AeadKey[];
}

/** A group that is spoken to at one address, under one key. */
interface Spoken {
  readonly appGroup: AppGroup;
  readonly association: Association;
  readonly members: readonly { readonly kept: Kept; readonly parts: MemberParts }[];
}

export function memberTables(directory: Directory, contexts: Contexts): MemberTables {
  const spoken: Spoken[] = [];
  for (const security of directory.securities()) {
    const found = spokenOf(directory, contexts, security);
    // Native help looks at ports before it looks for the group: it gets the groups of one.
    const isOther = spoken.length > 0 && found?.appGroup.port !== spoken[0].appGroup.port;
    if (isOther) continue; // check: member-lines-port
    if (found !== undefined && spoken.length < GROUPS_MAX) spoken.push(found);
  }
  const ports = spoken.length === 0 ? [] : [spoken[0].appGroup.port];
  const count = spoken.reduce((sum, { members }) => sum + members.length, 0);
  const writer = new TableWriter(spoken, count);
  const { tables } = writer;
  tables[MEMBERS_GROUPS] = spoken.length;
  tables[MEMBERS_PORT_COUNT] = ports.length;
  tables[MEMBERS_COUNT] = count;
  for (let i = 0; i < ports.length; i++) writer.u16(MEMBERS_PORTS + 2 * i, ports[i]);
  const lines: MemberLine[] = [];
  const keys: AeadKey[] = [];
  let at = MEMBERS_HEAD_BYTES + GROUP_BYTES * spoken.length;
  for (let i = 0; i < spoken.length; i++) {
    writer.group(MEMBERS_HEAD_BYTES + GROUP_BYTES * i, spoken[i]);
    const { appGroup, association, members } = spoken[i];
    for (const { kept, parts } of members) {
      writer.member(at, association, kept.id, parts);
      at += MEMBER_BYTES;
      lines.push({ kept, appGroup });
      keys.push(parts.aead);
    }
  }
  return { tables, lines, keys };
}

/**
 * Undefined where there is more to look at than native help does: signatures that are verified
 * first, several keys, a key that ends, a key id that another key has, too.
 */
function spokenOf(
  directory: Directory,
  contexts: Contexts,
  security: SecurityGroup,
): Spoken | undefined {
  const { profile, policy, associations, own } = security;
  const { intakeMember } = profile;
  const [association] = associations;
  if (intakeMember === undefined || association === undefined) return undefined;
  if (associations.length > 1) return undefined; // check: member-lines-one-key
  if (!acceptsUnverified(policy)) return undefined; // check: member-lines-waiting
  const { keyId, lifetime } = association;
  if (keyId.length > GROUP_KEY_ID_MAX) return undefined;
  if (lifetime !== undefined) return undefined; // check: member-lines-endless
  const isShared = directory
    .securities()
    .some((other) => other.associations.some((one) => isRival(one, association)));
  if (isShared) return undefined; // check: member-lines-one-id
  const appGroup = onlyGroup(directory, security);
  if (appGroup === undefined) return undefined;
  const members = [];
  for (const kept of contexts.all()) {
    const { id } = kept;
    if (id.length > MEMBER_ID_MAX) continue;
    if (kept.association !== association) continue; // check: member-lines-key
    // Our own multicast, reflected, is the reference's.
    if (own !== undefined && equalBytes(own.id, id)) continue; // check: member-lines-own
    const parts = intakeMember.parts(association, kept.context);
    if (parts !== undefined) members.push({ kept, parts });
  }
  return members.length === 0 ? undefined : { appGroup, association, members };
}

/** Another key that a message with this one's id may be under. */
function isRival(one: Association, association: Association): boolean {
  const { profile } = one.security;
  if (one === association || profile.namesGroup || profile.layer !== "message") return false;
  return equalBytes(one.keyId, association.keyId);
}

/** Rights are those of all application groups that may be meant: native help looks at one. */
function onlyGroup(directory: Directory, security: SecurityGroup): AppGroup | undefined {
  let found: AppGroup | undefined;
  for (const appGroup of directory.appGroups()) {
    if (appGroup.security !== security) continue;
    if (found !== undefined) return undefined; // check: member-lines-one-address
    if (!isMulticast(appGroup.address)) return undefined;
    found = appGroup;
  }
  return found?.address.length === 16 ? found : undefined;
}

class TableWriter {
  readonly tables: Uint8Array;
  /** Where the bytes that lines point to go on. */
  #free: number;

  constructor(spoken: readonly Spoken[], count: number) {
    this.#free = MEMBERS_HEAD_BYTES + GROUP_BYTES * spoken.length + MEMBER_BYTES * count;
    let size = this.#free;
    for (const { members } of spoken) {
      const [{ parts }] = members;
      size += parts.middle.length + parts.last.length;
      for (const one of members) size += one.parts.first.length + one.parts.credential.length;
    }
    this.tables = new Uint8Array(size);
  }

  u16(at: number, value: number): void {
    this.tables[at] = value >> 8;
    this.tables[at + 1] = value;
  }

  group(at: number, { appGroup, association, members }: Spoken): void {
    const { tables } = this;
    const { keyId, index, security } = association;
    const [{ parts }] = members;
    tables.set(appGroup.address, at + GROUP_ADDRESS);
    this.u16(at + GROUP_ID, Math.floor(appGroup.id / 65536));
    this.u16(at + GROUP_ID + 2, appGroup.id % 65536);
    this.u16(at + GROUP_ASSOCIATION, index);
    tables[at + GROUP_WINDOW] = security.profile.window;
    tables[at + GROUP_TAG] = parts.tagBytes;
    this.#bytes(at + GROUP_MIDDLE, parts.middle);
    this.#bytes(at + GROUP_LAST, parts.last);
    tables[at + GROUP_KEY_ID_LENGTH] = keyId.length;
    tables.set(keyId, at + GROUP_KEY_ID);
  }

  member(at: number, { index }: Association, id: Uint8Array, parts: MemberParts): void {
    const { tables } = this;
    this.u16(at + MEMBER_ASSOCIATION, index);
    tables[at + MEMBER_ID_LENGTH] = id.length;
    tables.set(id, at + MEMBER_ID);
    tables.set(parts.base, at + MEMBER_BASE);
    this.#bytes(at + MEMBER_FIRST, parts.first);
    this.#bytes(at + MEMBER_CREDENTIAL, parts.credential);
  }

  /** Stands elsewhere; here, where and how many. */
  #bytes(at: number, bytes: Uint8Array): void {
    this.u16(at, this.#free);
    this.u16(at + 2, bytes.length);
    this.tables.set(bytes, this.#free);
    this.#free += bytes.length;
  }
}
