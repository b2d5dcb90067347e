/**
 * The newest token of each client that was accepted: what was issued before it is refused, and what
 * it granted ends with it.
 *
 * A record: client id, when it was issued, when it ends (null: never). A full table refuses the
 * newcomer. The row of a token that is over goes once its rights are gone: that it is over is known
 * by the time in flash, so it does not come back.
 */
import { equalBytes } from "../bytes/equal.js";
import { decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { indexOf, KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";

/** As many as there can be clients with rights. */
export const ISSUED_MAX = 64;

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

  constructor(store: IssuedStore) {
    this.#store = store;
  }

  /** When his newest token was issued; -1 when none was accepted. */
  latest(client: Uint8Array): number {
    return this.#find(client)?.issuedAt ?? -1;
  }

  /** From here on this is his newest; undefined when that is durable. */
  note(issued: Issued): "tableFull" | "storeFailed" | undefined {
    const known = this.#find(issued.client);
    const isSame = known?.issuedAt === issued.issuedAt && known.expiresAt === issued.expiresAt;
    if (isSame) return undefined;
    const row = known?.row ?? this.#free();
    if (row < 0) return "tableFull"; // check: issued-full
    return this.#write(row, issued) ? undefined : "storeFailed";
  }

  /** Those that have come to their end. */
  over(nowSeconds: number): Issued[] {
    return this.#rows().filter(({ expiresAt }) => {
      return expiresAt !== undefined && expiresAt <= nowSeconds;
    });
  }

  /** What it granted is gone. */
  forget(client: Uint8Array): boolean {
    const known = this.#find(client);
    return known === undefined || this.#store.delete(key(KIND.ISSUED, known.row));
  }

  #find(client: Uint8Array): Row | undefined {
    return this.#rows().find((one) => equalBytes(one.client, client));
  }

  #rows(): Row[] {
    return this.#store.keys(KIND.ISSUED).map((storeKey) => {
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

  #write(row: number, { client, issuedAt, expiresAt }: Issued): boolean {
    return this.#store.put(key(KIND.ISSUED, row), encode([client, issuedAt, expiresAt ?? null]));
  }
}
