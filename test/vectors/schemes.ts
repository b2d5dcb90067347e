/**
 * What the files of the schemes with members mean, a few functions for each: everything else is
 * `member.ts`.
 */
import { fromHex } from "../../modules/bytes/hex.js";
import { type Cbor, encode } from "../../modules/cbor/encode.js";
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

export const SCHEMES: Readonly<Record<string, Scheme>> = {};
