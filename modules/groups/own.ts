/**
 * This device as a member of a security group: its id, credential and signing key, and the
 * addresses its group is spoken to at, kept in the store.
 *
 * The signing key is made when it is first asked for: a luminaire that nobody asks for an answer
 * never needs it.
 */
import { Reader } from "../bytes/reader.js";
import type { Crypto, Signer } from "../ports/crypto.js";
import type { Own } from "../profiles/profile.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";

export interface Membership {
  readonly id: Uint8Array;
  readonly credential: Uint8Array;
  /** 32 bytes of an Ed25519 key; empty in a silent server and in schemes without signatures. */
  readonly seed: Uint8Array;
  /** Multicast addresses of the group's application groups. */
  readonly addresses: readonly Uint8Array[];
}

type OwnStore = Pick<Store, "get" | "put">;

/** False when flash refused. */
export function storeOwn(store: OwnStore, security: number, membership: Membership): boolean {
  const parts = [membership.id, membership.credential, membership.seed, ...membership.addresses];
  // At once as long as it gets: a buffer that grows leaves copies of the seed behind.
  const record = new Uint8Array(parts.reduce((sum, { length }) => sum + 1 + length, 0));
  let at = 0;
  for (const part of parts) {
    record[at] = part.length;
    record.set(part, at + 1);
    at += 1 + part.length;
  }
  const isStored = store.put(key(KIND.OWN, security), record);
  record.fill(0);
  return isStored;
}

/** Undefined when this device is no member. */
export function loadOwn(
  store: OwnStore,
  crypto: Crypto,
  security: number,
): { readonly own: Own; readonly addresses: readonly Uint8Array[] } | undefined {
  const record = store.get(key(KIND.OWN, security));
  if (record === undefined) return undefined;
  const reader = new Reader(record);
  const parts: Uint8Array[] = [];
  while (reader.left > 0) parts.push(reader.take(reader.u8()));
  record.fill(0);
  if (reader.failed || parts.length < 3) throw new Error("own membership does not parse");
  const [id, credential, seed, ...addresses] = parts;
  return { own: new OwnMember(crypto, { id, credential, seed, addresses }), addresses };
}

class OwnMember implements Own {
  readonly id: Uint8Array;
  readonly credential: Uint8Array;
  readonly #crypto: Crypto;
  #seed: Uint8Array | undefined;
  #signer: Signer | undefined = undefined;

  constructor(crypto: Crypto, { id, credential, seed }: Membership) {
    this.id = id;
    this.credential = credential;
    this.#crypto = crypto;
    this.#seed = seed.length > 0 ? seed : undefined;
  }

  get signer(): Signer | undefined {
    const seed = this.#seed;
    if (seed !== undefined) {
      this.#seed = undefined;
      this.#signer = this.#crypto.signatures?.signer(seed);
    }
    return this.#signer;
  }
}
