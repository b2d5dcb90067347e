/**
 * A sender as a member of a group: its id there, and in schemes whose members sign, its key.
 *
 * That key follows from the secret in the sender's file, so that the file is all there is of a
 * sender: moved to another computer, or written anew, it is the same member, and lamps go on with
 * the public key that they have of it. What its authority could do with the secret it can do
 * anyway: vouch for a key of its own.
 */
import { hkdfSync } from "node:crypto";
import { fromHex } from "../../modules/bytes/hex.js";
import type { Cbor } from "../../modules/cbor/encode.js";
import { Fault } from "../authority/fault.js";
import { credentialOf, publicKeyOf } from "../installation/members.js";
import { SCHEMES } from "../installation/schemes.js";
import type { MemberProfile } from "../installation/types.js";

const SEED_BYTES = 32;
const SEED_INFO = "lumicast: signature key of a sender";
const NOTHING = new Uint8Array(0);

/** As in the sender's file. */
interface Who {
  readonly name: string;
  readonly eui64: string;
  readonly clientId: string;
  readonly psk: string;
}

interface InGroup {
  readonly name: string;
  readonly profile: string;
}

/** Fields 4 and 5 of a security group (modules/device/membership.ts); none in `lowlatency`. */
export function membershipIn(file: Who, { profile }: Pick<InGroup, "profile">): [number, Cbor][] {
  if (!isMemberProfile(profile)) return [];
  const id = fromHex(file.clientId);
  const own = new Map<Cbor, Cbor>([
    [0, id],
    [1, NOTHING],
  ]);
  if (SCHEMES[profile].signs) {
    const seed = seedOf(file);
    own.set(1, credentialOf({ profile }, publicKeyOf(seed))).set(2, seed);
  }
  // Who else is in it, the Group Manager says.
  return [
    [4, own],
    [5, []],
  ];
}

/** Throws a Fault where the sender has no place in messages of this group. */
export function checkId({ name, clientId }: Who, group: InGroup): void {
  const { profile } = group;
  if (!isMemberProfile(profile)) return;
  const { idBytesMax } = SCHEMES[profile];
  if (fromHex(clientId).length <= idBytesMax) return;
  throw new Fault(
    `${name} is client ${clientId}, and messages of ${profile} have room for an id of ` +
      `${8 * idBytesMax} bits; make ${group.name} a group of another --profile`,
  );
}

function isMemberProfile(profile: string): profile is MemberProfile {
  return Object.hasOwn(SCHEMES, profile);
}

/** RFC 5869: of its own use, and of this device alone. */
function seedOf({ psk, eui64 }: Who): Uint8Array {
  const salt = fromHex(eui64);
  return new Uint8Array(hkdfSync("sha256", fromHex(psk), salt, SEED_INFO, SEED_BYTES));
}
