/**
 * Every profile with one set of keys, as a receiver and a sender have it; where a profile leaves a
 * choice that is paid for in bytes, each choice. Runs on Node and on XS.
 *
 * All on the terms of the table: a key id (Gid, Cid) of 3 bytes where the profile has one of any
 * length, ids of 1 byte, sequence numbers of 1 byte.
 */
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import {
  AES_CCM_16_64_128,
  AES_CCM_16_128_128,
  type Crypto,
  ECDH_SS_HKDF_256,
  EDDSA,
} from "../../modules/ports/crypto.js";
import { dtlsRecord } from "../../modules/profiles/dtls-record.js";
import { groupOscore } from "../../modules/profiles/group-oscore.js";
import { groupOscore02 } from "../../modules/profiles/group-oscore-02.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import { multicastOscore04 } from "../../modules/profiles/multicast-oscore-04.js";
import { oscoap00 } from "../../modules/profiles/oscoap-00.js";
import { oscore } from "../../modules/profiles/oscore.js";
import type { Member, Own, Profile } from "../../modules/profiles/profile.js";
import { claimsSet } from "../installation/claims-set.js";

export interface Variant {
  /** The profile's, and what is chosen where there is a choice. */
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: each scheme has its own keys
  readonly profile: Profile<any, any>;
  readonly keyId: readonly number[];
  /** `KeyInput.raw`, anew each time: import wipes it. `peer` is the other one's id. */
  raw(peer: Uint8Array): Uint8Array;
  /** Of a public key, as `Member.credential`. */
  credential(publicKey: Uint8Array): Uint8Array;
  /** Sent to one lamp after the other: no multicast. */
  readonly unicast?: true;
  /** In pairwise mode, for comparison: for one lamp, too. */
  readonly pairwise?: true;
  /** What an installation has that says nothing more than the profile's name. */
  readonly installed?: true;
}

const GID = [0x44, 0x61, 0x6c] as const;
const NONE = () => new Uint8Array(0);
const AS_IT_IS = (publicKey: Uint8Array) => publicKey;

const bytes = (count: number, value: number) => new Uint8Array(count).fill(value);
const map = (...entries: readonly (readonly [number, Cbor])[]) =>
  encode(new Map<Cbor, Cbor>(entries));

export const VARIANTS: readonly Variant[] = Object.freeze([
  {
    name: "lowlatency",
    installed: true,
    profile: lowlatency,
    keyId: GID,
    raw: () => bytes(16, 7),
    credential: NONE,
  },
  {
    name: "oscoap-00",
    installed: true,
    profile: oscoap00,
    keyId: GID,
    raw: () => map([1, bytes(32, 1)]),
    credential: AS_IT_IS,
  },
  {
    name: "multicast-oscore-04",
    installed: true,
    profile: multicastOscore04,
    keyId: GID,
    raw: () => map([1, bytes(16, 1)]),
    credential: AS_IT_IS,
  },
  {
    name: "group-oscore-02",
    installed: true,
    profile: groupOscore02,
    keyId: GID,
    raw: () => map([1, bytes(16, 1)], [2, bytes(8, 2)]),
    credential: AS_IT_IS,
  },
  { ...record("dtls-record CCM", 0xff01), installed: true },
  record("dtls-record NULL", 0xff02),
  group("group-oscore alg 10", AES_CCM_16_64_128),
  { ...group("group-oscore alg 30", AES_CCM_16_128_128), installed: true },
  { ...group("group-oscore pairwise", AES_CCM_16_64_128), pairwise: true },
  {
    name: "oscore",
    installed: true,
    profile: oscore,
    // Between two the ids are enough to find the context by (RFC 8613 §3.3).
    keyId: [],
    raw: (peer) => map([1, bytes(16, 1)], [2, bytes(8, 2)], [4, peer]),
    credential: NONE,
    unicast: true,
  },
]);

function record(name: string, suite: number): Variant {
  return {
    name,
    profile: dtlsRecord,
    keyId: [0, 1],
    raw: () => map([1, bytes(16, 1)], [2, bytes(16, 2)], [3, suite]),
    credential: NONE,
  };
}

function group(name: string, encryption: number): Variant {
  return {
    name,
    profile: groupOscore,
    keyId: GID,
    raw: () =>
      map(
        [1, bytes(16, 1)],
        [2, bytes(8, 2)],
        [3, AES_CCM_16_64_128],
        [4, encryption],
        [5, EDDSA],
        [6, ECDH_SS_HKDF_256],
        [7, claimsSet(bytes(32, 9))],
      ),
    credential: claimsSet,
  };
}

/** ff15::4c:1, and the one lamp of what is no multicast. */
export const GROUP_ADDRESS: readonly number[] = Object.freeze([
  ...[0xff, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x4c, 0, 1],
]);
/** fd6c:756d:6963:1::ff:fe00:2. */
export const LAMP_ADDRESS: readonly number[] = Object.freeze([
  ...[0xfd, 0x6c, 0x75, 0x6d, 0x69, 0x63, 0, 1, 0, 0, 0, 0xff, 0xfe, 0, 0, 2],
]);
export const PORT = 5683;

const SENDER_ID = 1;
const RECEIVER_ID = 2;
const SENDER_SEED = 11;
const RECEIVER_SEED = 22;

export interface Party {
  // biome-ignore lint/suspicious/noExplicitAny: each scheme has its own keys
  readonly key: any;
  readonly own: Own;
  readonly member: Member;
}

/** The switch. Throws RangeError where the build has no signatures and the profile needs them. */
export function senderOf(variant: Variant, crypto: Crypto): Party {
  return party(variant, crypto, { id: SENDER_ID, seed: SENDER_SEED, peer: RECEIVER_ID });
}

/** A lamp. */
export function receiverOf(variant: Variant, crypto: Crypto): Party {
  return party(variant, crypto, { id: RECEIVER_ID, seed: RECEIVER_SEED, peer: SENDER_ID });
}

/** Whether members have keys of their own to sign with, or to agree on keys with. */
export function signs({ profile }: Variant): boolean {
  return profile.proof === "member";
}

function party(
  variant: Variant,
  crypto: Crypto,
  { id, seed, peer }: { id: number; seed: number; peer: number },
): Party {
  const signer = signs(variant) ? crypto.signatures?.signer(bytes(32, seed)) : undefined;
  const credential = signer === undefined ? NONE() : variant.credential(signer.publicKey);
  const own = { id: Uint8Array.of(id), credential, signer };
  const key = variant.profile.importKey(crypto, {
    keyId: Uint8Array.from(variant.keyId),
    raw: variant.raw(Uint8Array.of(peer)),
    own,
    addresses: [Uint8Array.from(GROUP_ADDRESS)],
  });
  return { key, own, member: { id: own.id, credential } };
}
