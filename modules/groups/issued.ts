/**
 * The newest token of each client that was accepted: what was issued before it is refused, and what
 * it granted ends with it.
 *
 * A record: client id, when it was issued, when it ends (null: never, or it is over and its rights
 * are gone: it stays, or what came before it would be taken again). Where all rows are taken, the
 * oldest of a client without rights gives way and leaves its time to all that have no row.
 */
import { equalBytes } from "../bytes/equal.js";
import { readUint, uintBytes } from "../bytes/uint.js";
import { decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { indexOf, KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";

/** As many as there can be clients with rights. */
export const ISSUED_MAX = 64;

const FLOOR = key(KIND.ISSUED, ISSUED_MAX);

export type IssuedStore = Pick<Store, "get" | "put" | "delete" | "keys">;

export interface Issued {
  readonly client: Uint8Array;
  /** Unix seconds, or whatever its issuer counts. */
  readonly issuedAt: number;
  readonly expiresAt: number | undefined;
}

interface Row extends Issued {
  readonly row: number;
}

export class IssuedTokens {
  readonly #store: IssuedStore;
  readonly #hasRights: (client: Uint8Array) => boolean;

  constructor(store: IssuedStore, hasRights: (client: Uint8Array) => boolean) {
    this.#store = store;
    this.#hasRights = hasRights;
  }

  /** When his newest token was issued, as far as is known; -1 when nothing is. */
  latest(client: Uint8Array): number {
    return this.#find(client)?.issuedAt ?? this.#floor;
  }

  /** Whether a newer one than of that time was accepted of him. */
  isPast(client: Uint8Array, issuedAt: number): boolean {
    const known = this.#find(client);
    return known !== undefined && issuedAt < known.issuedAt;
  }

  /** From here on this is his newest; undefined when that is durable. */
  note(issued: Issued): "tableFull" | "storeFailed" | undefined {
    const known = this.#find(issued.client);
    const isSame = known?.issuedAt === issued.issuedAt && known.expiresAt === issued.expiresAt;
    if (isSame) return undefined;
    const row = known?.row ?? this.#free();
    if (row >= 0) return this.#enter(row, issued, known !== undefined);
    const idle = this.#rows().filter(({ client }) => !this.#hasRights(client));
    if (idle.length === 0) return "tableFull"; // check: issued-full
    const oldest = idle.reduce((one, other) => (other.issuedAt < one.issuedAt ? other : one));
    if (!this.#raise(oldest.issuedAt)) return "storeFailed"; // check: issued-floor
    return this.#enter(oldest.row, issued, false);
  }

  /** Those that have come to their end. */
  over(nowSeconds: number): Issued[] {
    return this.#rows().filter(({ expiresAt }) => {
      return expiresAt !== undefined && expiresAt <= nowSeconds;
    });
  }

  /** What it granted is gone; what is older than it stays out. */
  settle(issued: Issued): boolean {
    return this.note({ ...issued, expiresAt: undefined }) === undefined;
  }

  get #floor(): number {
    const record = this.#store.get(FLOOR);
    return record === undefined ? -1 : readUint(record);
  }

  #raise(issuedAt: number): boolean {
    return issuedAt <= this.#floor || this.#store.put(FLOOR, uintBytes(issuedAt));
  }

  #find(client: Uint8Array): Row | undefined {
    return this.#rows().find((one) => equalBytes(one.client, client));
  }

  #rows(): Row[] {
    const keys = this.#store.keys(KIND.ISSUED).filter((storeKey) => storeKey !== FLOOR);
    return keys.map((storeKey) => {
      const decoded = decode(this.#store.get(storeKey) as Uint8Array);
      const [client, issuedAt, expiresAt] =
        decoded.ok && Array.isArray(decoded.value) ? decoded.value : [];
      if (!(client instanceof Uint8Array) || typeof issuedAt !== "number") {
        throw new Error("newest token does not parse");
      }
      const ends = typeof expiresAt === "number" ? expiresAt : undefined;
      return { row: indexOf(storeKey), client, issuedAt, expiresAt: ends };
    });
  }

  #free(): number {
    const rows = this.#rows();
    for (let row = 0; row < ISSUED_MAX; row++) if (!rows.some((one) => one.row === row)) return row;
    return -1;
  }

  /** Of whom nothing was known, at least what holds for all of them. */
  #enter(row: number, issued: Issued, isKnown: boolean): "storeFailed" | undefined {
    const { client, expiresAt } = issued;
    const issuedAt = isKnown ? issued.issuedAt : Math.max(issued.issuedAt, this.#floor);
    const record = encode([client, issuedAt, expiresAt ?? null]);
    return this.#store.put(key(KIND.ISSUED, row), record) ? undefined : "storeFailed";
  }
}
