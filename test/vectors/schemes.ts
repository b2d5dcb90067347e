/**
 * What the files of the schemes with members mean, a few functions for each: everything else is
 * `member.ts`.
 */
import { fromHex } from "../../modules/bytes/hex.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { dtlsRecord } from "../../modules/profiles/dtls-record.js";
import { groupOscore } from "../../modules/profiles/group-oscore.js";
import { groupOscore02 } from "../../modules/profiles/group-oscore-02.js";
import { multicastOscore04 } from "../../modules/profiles/multicast-oscore-04.js";
import { oscoap00 } from "../../modules/profiles/oscoap-00.js";
import { oscore } from "../../modules/profiles/oscore.js";
import type { Profile } from "../../modules/profiles/profile.js";

export interface FileMember {
  readonly id: string;
  readonly ed25519_seed?: string;
  readonly ed25519_public?: string;
  readonly cred?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: each file has its own names
export type Context = Readonly<Record<string, any>>;

export interface Scheme {
  // biome-ignore lint/suspicious/noExplicitAny: each scheme has its own keys
  readonly profile: Profile<any, any>;
  keyId(context: Context): Uint8Array;
  /** `KeyInput.raw`. */
  raw(context: Context, own: string): Uint8Array;
  /** By the file's name of it. */
  members(context: Context): Readonly<Record<string, FileMember>>;
  /** Only this address is heard; otherwise all that the file sends to. */
  address?(context: Context): string;
}

const members = (context: Context) => context.members as Record<string, FileMember>;

function cbor(entries: readonly (readonly [number, Cbor])[]): Uint8Array {
  return encode(new Map<Cbor, Cbor>(entries));
}

export const SCHEMES: Readonly<Record<string, Scheme>> = {
  "multicast-oscore-04": {
    profile: multicastOscore04,
    keyId: (context) => fromHex(context.gid),
    raw: (context) => cbor([[1, fromHex(context.master_secret)]]),
    members,
  },
  "group-oscore-02": {
    profile: groupOscore02,
    keyId: (context) => fromHex(context.gid),
    raw: (context) =>
      cbor([
        [1, fromHex(context.master_secret)],
        [2, fromHex(context.master_salt)],
      ]),
    members,
  },
  "oscoap-00": {
    profile: oscoap00,
    keyId: (context) => fromHex(context.cid),
    raw: (context) => cbor([[1, fromHex(context.base_key)]]),
    members,
  },
  "dtls-record": {
    profile: dtlsRecord,
    keyId: (context) => Uint8Array.of(context.epoch >> 8, context.epoch),
    raw: (context) =>
      cbor([
        [1, fromHex(context.tgk)],
        [2, fromHex(context.rand)],
        [3, Number.parseInt(context.suite, 16)],
      ]),
    // The file has one session a context, its sender's.
    members: (context) => ({ a: { id: context.cs_id } }),
    address: (context) => context.mul_id,
  },
  "group-oscore": {
    profile: groupOscore,
    keyId: (context) => fromHex(context.gid),
    raw: (context) =>
      cbor([
        [1, fromHex(context.master_secret)],
        [2, fromHex(context.master_salt)],
        [3, context.alg_aead],
        [4, context.alg_group_enc],
        [5, context.alg_signature],
        [6, context.alg_pairwise],
        [7, fromHex(context.gm_cred)],
      ]),
    members,
  },
  oscore: {
    profile: oscore,
    keyId: (context) => fromHex(context.id_context ?? ""),
    raw: (context, own) => {
      const names = Object.keys(members(context));
      const peer = members(context)[names[0] === own ? names[1] : names[0]];
      const idContext =
        context.id_context === null ? [] : [[3, fromHex(context.id_context)] as const];
      return cbor([
        [1, fromHex(context.master_secret)],
        [2, fromHex(context.master_salt)],
        ...idContext,
        [4, fromHex(peer.id)],
      ]);
    },
    members,
  },
};
