/**
 * New keys for a security group, in the form its scheme takes (KeyInput.raw of modules/profiles).
 *
 * Every secret is drawn anew at every renewal, also where a scheme could derive the next key from
 * what members have already (a new RAND of draft-keoh §4.3): who was put out knows that, too. Key
 * ids count up and are never given twice; what makes them so is the epoch, which the ledger keeps.
 */
import { uintBytes } from "../bytes/uint.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { EPOCH_MAX, joinGid } from "../oscore/gid.js";
import { AES_CCM_16_64_128, AES_CCM_16_128_128, ECDH_SS_HKDF_256, EDDSA } from "../ports/crypto.js";
import type { Random } from "../ports/random.js";

export interface Drawn {
  readonly keyId: Uint8Array;
  /** Secret. */
  readonly raw: Uint8Array;
}

export interface Drawing {
  /** What the group's key ids begin with; of no use to `lowlatency` and `dtls-record`. */
  readonly prefix: Uint8Array;
  /** 1 for a group's first key, one more for each that follows. */
  readonly epoch: number;
  readonly random: Random;
  /** The Group Manager's CCS: `group-oscore` binds messages to it (RFC 10021 §3.2.4). */
  readonly managerCredential: Uint8Array;
  /** One of the scheme's `algorithms`; 0 or absent: the first. */
  readonly algorithm?: number;
}

interface Scheme {
  readonly epochMax: number;
  /** Bytes of a member's id; 7 are what a nonce of 13 has room for (RFC 8613 §3.3). */
  readonly idBytesMax: number;
  /** Whether members sign, and so have credentials. */
  readonly signs: boolean;
  /** Nothing in a message says whose it is: who opens it has to know who there may be. */
  readonly isNameless?: true;
  /** What its material may name, the usual one first; absent: there is no choice. */
  readonly algorithms?: readonly number[];
  keyId(drawing: Drawing): Uint8Array;
  raw(drawing: Drawing): Uint8Array;
}

/** Labels of COSE_Key, and ours for the material of a scheme (WIRE.md). */
const KTY = 1;
const KID = 2;
const ALG = 3;
const K = -1;
const MATERIAL = -70003;
const SYMMETRIC = 4;
const KEY_BYTES = 16;
const SALT_BYTES = 8;
const BASE_KEY_BYTES = 32;
const RAND_BYTES = 16;
/** MTS_WITH_AES_128_CCM_8 and MTS_WITH_NULL_SHA256 of WIRE.md; the latter hides nothing. */
export const SUITE_CCM = 0xff01;
export const SUITE_NULL = 0xff02;
/** A key id is a number of 4 bytes here; a key a second would last 136 years. */
const COUNT_MAX = 0xffffffff;

/** RFC 8613: a context of two. */
export const PAIR_PROFILE = "oscore";
/** Whose peer is whose, in what each of the two is given. */
const PEER = 4;

const gid = { epochMax: EPOCH_MAX, idBytesMax: 7, signs: true, keyId: joinGid } as const;

const SCHEMES: Readonly<Record<string, Scheme>> = Object.freeze({
  lowlatency: {
    epochMax: COUNT_MAX,
    idBytesMax: 8,
    signs: false,
    keyId: ({ epoch }: Drawing) => uintBytes(epoch),
    raw: ({ random }: Drawing) => draw(random, KEY_BYTES),
  },
  "oscoap-00": {
    ...gid,
    idBytesMax: 8,
    raw: ({ random }: Drawing) => cbor([1, draw(random, BASE_KEY_BYTES)]),
  },
  "multicast-oscore-04": {
    ...gid,
    raw: ({ random }: Drawing) => cbor([1, draw(random, KEY_BYTES)]),
  },
  "group-oscore-02": {
    ...gid,
    raw: ({ random }: Drawing) => cbor([1, draw(random, KEY_BYTES)], [2, draw(random, SALT_BYTES)]),
  },
  "dtls-record": {
    epochMax: EPOCH_MAX,
    // WIRE.md: a CS_ID is 1 byte.
    idBytesMax: 1,
    signs: false,
    isNameless: true,
    algorithms: [SUITE_CCM, SUITE_NULL],
    keyId: ({ epoch }: Drawing) => Uint8Array.of(epoch >> 8, epoch & 0xff),
    raw: ({ random, algorithm }: Drawing) =>
      cbor(
        [1, draw(random, KEY_BYTES)],
        [2, draw(random, RAND_BYTES)],
        [3, algorithm || SUITE_CCM],
      ),
  },
  // The ID Context is what tells one key of the two from the next (RFC 8613 §3.3).
  [PAIR_PROFILE]: {
    ...gid,
    signs: false,
    raw: (drawing: Drawing) =>
      cbor(
        [1, draw(drawing.random, KEY_BYTES)],
        [2, draw(drawing.random, SALT_BYTES)],
        [3, joinGid(drawing)],
      ),
  },
  "group-oscore": {
    ...gid,
    // Of the Group Encryption Algorithm: a long tag, for a signature is worth no more than it.
    algorithms: [AES_CCM_16_128_128, AES_CCM_16_64_128],
    raw: ({ random, managerCredential, algorithm }: Drawing) =>
      cbor(
        [1, draw(random, KEY_BYTES)],
        [2, draw(random, SALT_BYTES)],
        [3, AES_CCM_16_64_128],
        [4, algorithm || AES_CCM_16_128_128],
        [5, EDDSA],
        [6, ECDH_SS_HKDF_256],
        [7, managerCredential],
      ),
  },
});

/** Profiles of groups; a context of two is made for its two (records.ts, pairs). */
export const GROUP_PROFILES: readonly string[] = Object.freeze(
  Object.keys(SCHEMES).filter((name) => name !== PAIR_PROFILE),
);

/** Throws an Error that names the profiles there are. */
export function schemeOf(profile: string): Scheme {
  const scheme = SCHEMES[profile];
  if (scheme !== undefined) return scheme;
  throw new Error(`no group has profile ${profile}; give it one of ${GROUP_PROFILES.join(", ")}`);
}

/**
 * What a group's keys will name, of what its scheme leaves to be chosen; 0 where that is nothing.
 * Throws an Error that names the choices.
 */
export function algorithmOf(profile: string, wanted = 0): number {
  const { algorithms = [] } = schemeOf(profile);
  if (wanted === 0) return algorithms[0] ?? 0;
  if (algorithms.includes(wanted)) return wanted;
  const choices = algorithms.length === 0 ? "has no choice" : `has ${algorithms.join(" or ")}`;
  throw new Error(`${profile} ${choices}, not algorithm ${wanted}`);
}

/** Throws an Error when the group's key ids are used up: it has to be made anew. */
export function drawMaterial(profile: string, drawing: Drawing): Drawn {
  const scheme = schemeOf(profile);
  if (drawing.epoch > scheme.epochMax) {
    throw new Error(`no key id is left after ${scheme.epochMax} renewals; make a new group`);
  }
  return { keyId: scheme.keyId(drawing), raw: scheme.raw(drawing) };
}

export function draw(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  random.fill(bytes);
  return bytes;
}

function cbor(...entries: readonly (readonly [number, Cbor])[]): Uint8Array {
  return encode(new Map<Cbor, Cbor>(entries));
}

/**
 * COSE_Key of `lowlatency`; of the other schemes their material under a label of ours. `peer`: of a
 * context of two the other one's id, as the one of them sees it whom this is for.
 */
export function keyValue({ keyId, raw }: Drawn, peer?: Uint8Array): Map<Cbor, Cbor> {
  const value = new Map<Cbor, Cbor>([
    [KTY, SYMMETRIC],
    [KID, keyId],
  ]);
  const material = raw.length === KEY_BYTES ? undefined : decode(raw);
  if (material?.ok === true) {
    if (peer !== undefined && material.value instanceof Map) material.value.set(PEER, peer);
    return value.set(MATERIAL, material.value);
  }
  return value.set(ALG, AES_CCM_16_64_128).set(K, raw);
}
