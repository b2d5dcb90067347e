/**
 * Keys of the profiles with a key for each member: what they are called in the file, and what a
 * device gets of them.
 *
 * Each key has the words of its standard; `?` may be left out, "hex" is a secret where it says so.
 *
 *     oscoap-00           "cid": hex, "baseKey": secret of 32 bytes
 *     multicast-oscore-04 "gid": hex, "masterSecret": secret
 *     group-oscore-02     "gid": hex, "masterSecret": secret, "masterSalt"?: hex
 *     dtls-record         "epoch": 1, "tgk": secret, "rand": hex, "suite"?: "ccm" or "null"
 *     group-oscore        "gid": hex, "masterSecret": secret, "masterSalt"?: hex,
 *                         "groupEncryption"?: 30 or 10, "managerCredential": hex (CCS)
 *     oscore              "idContext"?: hex, "masterSecret": secret, "masterSalt"?: hex
 *
 * Beside id, profile, graceSeconds and keys the security group has, where it applies:
 *
 *     "policies"?: { "signatures"?: "always", "defer" or "changes", "acceptUnverified"?: true,
 *                    "synchronisation"?: "best-effort", "baseline" or "challenge", "gapMax"?: 100 }
 *     "pair": ["switch-1", "lamp-1"]              oscore: whose it is
 *     "renegotiate"?: true                        oscore: its keys protect nothing themselves, the
 *                                                 two derive contexts from them (RFC 8613 B.2)
 *     "bindSources"?: true                        dtls-record: heard from their mesh address only
 */
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import {
  AES_CCM_16_64_128,
  AES_CCM_16_128_128,
  ECDH_SS_HKDF_256,
  EDDSA,
} from "../../modules/ports/crypto.js";
import type { KeyWord, MemberProfile, SchemeKey } from "./types.js";

/** How a word is read. */
export type WordKind =
  | { readonly kind: "bytes"; readonly min: number; readonly max: number; readonly secret: boolean }
  | { readonly kind: "integer"; readonly min: number; readonly max: number }
  | { readonly kind: "choice"; readonly of: readonly (string | number)[] };

export type Word = WordKind & { readonly standard?: KeyWord };
type Words = Readonly<Record<string, KeyWord>>;

export interface Scheme {
  readonly words: Readonly<Record<string, Word>>;
  /** What messages name the key by; of one security group all of one length, and increasing. */
  readonly name: string;
  /** The word that is a secret of its own, never to be used twice. */
  readonly secret: string;
  /** Whether members sign, and so need credentials. */
  readonly signs: boolean;
  /** The longest client id that fits as sender id. */
  readonly idBytesMax: number;
  keyId(words: Words): Uint8Array;
  /** `KeyInput.raw` of modules/profiles; `peer` is the other one's id in `oscore`. */
  raw(words: Words, peer: Uint8Array | undefined): Uint8Array;
}

const EMPTY = new Uint8Array(0);
const SECRET: Word = { kind: "bytes", min: 16, max: 64, secret: true };
const SALT: Word = { kind: "bytes", min: 1, max: 32, secret: false, standard: EMPTY };
/** Prefix ‖ 2-byte epoch (modules/oscore/gid.ts). */
const GID: Word = { kind: "bytes", min: 3, max: 16, secret: false };
/** A nonce of 13 bytes has room for 7 (RFC 8613 §3.3). */
const OSCORE_ID_BYTES_MAX = 7;
const SUITES: Readonly<Record<string, number>> = { ccm: 0xff01, null: 0xff02 };

const bytes = (word: KeyWord): Uint8Array => (word instanceof Uint8Array ? word : EMPTY);

function cbor(...entries: readonly (readonly [number, Cbor])[]): Uint8Array {
  return encode(new Map<Cbor, Cbor>(entries));
}

const groupOf = { name: "gid", secret: "masterSecret", signs: true } as const;

export const SCHEMES: Readonly<Record<MemberProfile, Scheme>> = {
  "oscoap-00": {
    words: {
      cid: { kind: "bytes", min: 1, max: 16, secret: false },
      baseKey: { kind: "bytes", min: 32, max: 32, secret: true },
    },
    name: "cid",
    secret: "baseKey",
    signs: true,
    idBytesMax: 8,
    keyId: ({ cid }) => bytes(cid),
    raw: ({ baseKey }) => cbor([1, bytes(baseKey)]),
  },
  "multicast-oscore-04": {
    ...groupOf,
    words: { gid: GID, masterSecret: SECRET },
    idBytesMax: OSCORE_ID_BYTES_MAX,
    keyId: ({ gid }) => bytes(gid),
    raw: ({ masterSecret }) => cbor([1, bytes(masterSecret)]),
  },
  "group-oscore-02": {
    ...groupOf,
    words: { gid: GID, masterSecret: SECRET, masterSalt: SALT },
    idBytesMax: OSCORE_ID_BYTES_MAX,
    keyId: ({ gid }) => bytes(gid),
    raw: ({ masterSecret, masterSalt }) => cbor([1, bytes(masterSecret)], [2, bytes(masterSalt)]),
  },
  "dtls-record": {
    words: {
      epoch: { kind: "integer", min: 1, max: 0xffff },
      tgk: { kind: "bytes", min: 16, max: 128, secret: true },
      rand: { kind: "bytes", min: 16, max: 64, secret: false },
      suite: { kind: "choice", of: Object.keys(SUITES), standard: "ccm" },
    },
    name: "epoch",
    secret: "tgk",
    signs: false,
    // WIRE.md: a CS_ID is 1 byte.
    idBytesMax: 1,
    keyId: ({ epoch }) => Uint8Array.of(Number(epoch) >> 8, Number(epoch) & 0xff),
    raw: ({ tgk, rand, suite }) =>
      cbor([1, bytes(tgk)], [2, bytes(rand)], [3, SUITES[suite as string]]),
  },
  "group-oscore": {
    ...groupOf,
    words: {
      gid: GID,
      masterSecret: SECRET,
      masterSalt: SALT,
      // WIRE.md: with a tag of 8 bytes a signature is worth 32 bits against insiders.
      groupEncryption: {
        kind: "choice",
        of: [AES_CCM_16_128_128, AES_CCM_16_64_128],
        standard: AES_CCM_16_128_128,
      },
      managerCredential: { kind: "bytes", min: 32, max: 100, secret: false },
    },
    idBytesMax: OSCORE_ID_BYTES_MAX,
    keyId: ({ gid }) => bytes(gid),
    raw: ({ masterSecret, masterSalt, groupEncryption, managerCredential }) =>
      cbor(
        [1, bytes(masterSecret)],
        [2, bytes(masterSalt)],
        [3, AES_CCM_16_64_128],
        [4, Number(groupEncryption)],
        [5, EDDSA],
        [6, ECDH_SS_HKDF_256],
        [7, bytes(managerCredential)],
      ),
  },
  oscore: {
    words: {
      idContext: { kind: "bytes", min: 1, max: 16, secret: false, standard: EMPTY },
      masterSecret: SECRET,
      masterSalt: SALT,
    },
    name: "idContext",
    secret: "masterSecret",
    signs: false,
    idBytesMax: OSCORE_ID_BYTES_MAX,
    keyId: ({ idContext }) => bytes(idContext),
    raw: ({ masterSecret, masterSalt, idContext }, peer) => {
      const named: [number, Cbor][] = bytes(idContext).length > 0 ? [[3, bytes(idContext)]] : [];
      const secrets: [number, Cbor][] = [
        [1, bytes(masterSecret)],
        [2, bytes(masterSalt)],
      ];
      return cbor(...secrets, ...named, [4, peer ?? EMPTY]);
    },
  },
};

/** What the key is called in messages, for comparing. */
export function keyIdOf(profile: MemberProfile, key: SchemeKey): Uint8Array {
  return SCHEMES[profile].keyId(key.words);
}
