/**
 * What a device took from its provisioning, as every later start reads it.
 *
 * PROBLEM. A lamp obeys nobody until it has started. To go through ten groups and fifty rights in
 * CBOR, and to find that nothing in them is new, takes a Cortex-M4 some 8 million instructions.
 *
 * REJECTED. Believing a mark without looking at the blob (it may be another installation's). Groups
 * in a record each (every start would look for each of them).
 *
 * CHOICE. One record, written when everything else of a blob is in flash: the blob's SHA-256, and
 * the groups in a form that is read in one go. While the digest is the blob's, lists of it are
 * passed over. The old one goes before anything of a new blob is written: a cut in between leaves
 * none, and the next start, by whichever blob, does it all again.
 * Groups with members or a policy are more than this: then the record is the digest alone, and the
 * lists are gone through, though nothing of them is written again.
 *
 *   digest(32) listsEnd(4)
 *   schemes: count(1), each: length(1) name
 *   security groups: count(1), each: id(4) scheme(1) grace(4)
 *   application groups: count(1), each: id(4) security group, by position(1) port(2)
 *     address length(1) address
 */
import { equalBytes } from "../bytes/equal.js";
import { fromUtf8, utf8 } from "../bytes/utf8.js";
import { Writer } from "../bytes/writer.js";
import type { Directory, SecurityGroup } from "../groups/directory.js";
import type { Profile } from "../profiles/profile.js";

const DIGEST_BYTES = 32;
const LISTS_END_AT = DIGEST_BYTES;

/** Makes a security group, of a scheme by its name, with the keys that are in flash. */
export type AddSecurity = (id: number, scheme: string, graceSeconds: number) => SecurityGroup;

/** The record of a blob whose groups are all in the directory. */
export function emitTaken(digest: Uint8Array, listsEnd: number, directory: Directory): Uint8Array {
  const securities = directory.securities();
  if (!securities.every(isPlain)) return digest;
  const appGroups = [...directory.appGroups()];
  const schemes: Profile[] = [];
  for (const { profile } of securities) if (!schemes.includes(profile)) schemes.push(profile);
  const writer = new Writer(512);
  writer.bytes(digest);
  writer.u32(listsEnd);
  writer.u8(schemes.length);
  for (const { name } of schemes) {
    const text = utf8(name);
    writer.u8(text.length);
    writer.bytes(text);
  }
  writer.u8(securities.length);
  for (const { id, profile, graceSeconds } of securities) {
    writer.u32(id);
    writer.u8(schemes.indexOf(profile));
    writer.u32(graceSeconds);
  }
  writer.u8(appGroups.length);
  for (const { id, security, address, port } of appGroups) {
    writer.u32(id);
    writer.u8(securities.indexOf(security));
    writer.u16(port);
    writer.u8(address.length);
    writer.bytes(address);
  }
  return writer.finish();
}

/** Nothing but what the record has: no membership, no policy. */
function isPlain({ profile, own, policy }: SecurityGroup): boolean {
  return profile.namesGroup === true && own === undefined && policy === undefined;
}

/** What was taken from the blob with this digest; undefined when it was another's, or nothing. */
export class Taken {
  /** Undefined where the groups are not in the record. */
  readonly listsEnd: number | undefined;
  readonly #bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.listsEnd = bytes.length > LISTS_END_AT ? word(bytes, LISTS_END_AT) : undefined;
    this.#bytes = bytes;
  }

  static of(record: Uint8Array | undefined, digest: Uint8Array): Taken | undefined {
    if (record === undefined) return undefined;
    const isSame = equalBytes(record.subarray(0, DIGEST_BYTES), digest);
    if (!isSame) return undefined; // check: taken-digest
    return new Taken(record);
  }

  /**
   * Makes all groups, once; `addSecurity` makes those of keys. Throws when the record does not
   * parse: the store's CRC held, so a program wrote nonsense.
   */
  addGroups(directory: Directory, addSecurity: AddSecurity): void {
    const bytes = this.#bytes;
    const schemes: string[] = [];
    let at = LISTS_END_AT + 4;
    for (let left = bytes[at++]; left > 0; left--) {
      const end = at + 1 + bytes[at];
      schemes.push(fromUtf8(bytes.subarray(at + 1, end)) ?? "");
      at = end;
    }
    const securities: SecurityGroup[] = [];
    for (let left = bytes[at++]; left > 0; left--) {
      securities.push(addSecurity(word(bytes, at), schemes[bytes[at + 4]], word(bytes, at + 5)));
      at += 9;
    }
    for (let left = bytes[at++]; left > 0; left--) {
      const start = at + 8;
      const end = start + bytes[at + 7];
      const port = bytes[at + 5] * 256 + bytes[at + 6];
      const endpoint = { address: bytes.subarray(start, end), port };
      directory.addAppGroup({ id: word(bytes, at), security: securities[bytes[at + 4]], endpoint });
      at = end;
    }
    if (at !== bytes.length) throw new Error("provisioning record does not parse");
  }
}

/** Big-endian. */
function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
