/**
 * What was granted by tokens that were accepted, of each client: in each application group by the
 * newest one alone, and nothing by what was issued before.
 *
 * A record: client id; from when on his tokens count; and for each application group (null: the
 * device itself) level, when the token was issued, when it ends (null: never). What ended, or was
 * taken back, stays as level 0, or what came before it would be taken again. The levels in
 * access/rights.ts follow from these records, and not the other way round: after a power cut
 * between the two, it is they that are put right.
 *
 * Where all rows are taken, the oldest of a client without rights gives way and leaves its time to
 * all that have no row.
 */
import { isLevel, type Level } from "../access/level.js";
import { equalBytes } from "../bytes/equal.js";
import { readUint, uintBytes } from "../bytes/uint.js";
import { decodeList } from "../cbor/containers.js";
import type { Cbor } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { indexOf, KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";

/** As many as there can be clients with rights. */
export const ISSUED_MAX = 64;

const FLOOR = key(KIND.ISSUED, ISSUED_MAX);
const LIMITS = { depthMax: 3, itemsMax: 512 };

export type IssuedStore = Pick<Store, "get" | "put" | "delete" | "keys">;

/** What the newest token says of one application group. */
export interface Grant {
  readonly appGroup: number | null;
  readonly level: Level;
  /** Unix seconds, or whatever its issuer counts. */
  readonly issuedAt: number;
  readonly expiresAt: number | undefined;
}

export interface Issued {
  readonly client: Uint8Array;
  /** What was issued before that counts for nothing. */
  readonly from: number;
  readonly grants: readonly Grant[];
}

interface Row extends Issued {
  readonly row: number;
}

export class IssuedTokens {
  readonly #store: IssuedStore;
  readonly #hasRights: (client: Uint8Array) => boolean;
  /**
   * All of it was looked at, and nothing is to be done before: Unix seconds. To look each minute at
   * what ends in years, or never, is to read and parse every row each minute.
   */
  settledUntil = Number.NEGATIVE_INFINITY;

  constructor(store: IssuedStore, hasRights: (client: Uint8Array) => boolean) {
    this.#store = store;
    this.#hasRights = hasRights;
  }

  /** Of whom nothing is known, what holds for all of them. */
  of(client: Uint8Array): Issued {
    return this.#find(client) ?? { client, from: this.#floor, grants: [] };
  }

  all(): readonly Issued[] {
    return this.#rows();
  }

  /** From here on this is so; undefined when that is durable. */
  put(issued: Issued): "tableFull" | "storeFailed" | undefined {
    this.settledUntil = Number.NEGATIVE_INFINITY; // check: issued-unsettled
    const known = this.#find(issued.client);
    const row = known?.row ?? this.#free();
    if (row >= 0) return this.#enter(row, issued);
    const idle = this.#rows().filter(({ client }) => !this.#hasRights(client));
    if (idle.length === 0) return "tableFull"; // check: issued-full
    const oldest = idle.reduce((one, other) => (newestOf(other) < newestOf(one) ? other : one));
    if (!this.#raise(newestOf(oldest))) return "storeFailed"; // check: issued-floor
    return this.#enter(oldest.row, issued);
  }

  get #floor(): number {
    const record = this.#store.get(FLOOR);
    return record === undefined ? 0 : readUint(record);
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
      const issued = parse(this.#store.get(storeKey) as Uint8Array);
      if (issued === undefined) throw new Error("newest token does not parse");
      return { row: indexOf(storeKey), ...issued };
    });
  }

  #free(): number {
    const rows = this.#rows();
    for (let row = 0; row < ISSUED_MAX; row++) if (!rows.some((one) => one.row === row)) return row;
    return -1;
  }

  #enter(row: number, issued: Issued): "storeFailed" | undefined {
    const place = key(KIND.ISSUED, row);
    const record = emit(issued);
    const known = this.#store.get(place);
    // Whoever says it again and again must not wear flash down.
    const isThere = known !== undefined && equalBytes(known, record);
    if (isThere) return undefined; // check: grant-once
    return this.#store.put(place, record) ? undefined : "storeFailed";
  }
}

/** What gives way with this row: all up to it has to stay out. */
function newestOf({ from, grants }: Issued): number {
  return Math.max(from, ...grants.map(({ issuedAt }) => issuedAt + 1));
}

function emit({ client, from, grants }: Issued): Uint8Array {
  const list = grants.map(({ appGroup, level, issuedAt, expiresAt }): Cbor => {
    return [appGroup, level, issuedAt, expiresAt ?? null];
  });
  return encode([client, from, list]);
}

function parse(record: Uint8Array): Issued | undefined {
  const fields = decodeList(record, LIMITS);
  if (fields === undefined) return undefined;
  const [client, from, list] = fields;
  if (!(client instanceof Uint8Array) || typeof from !== "number") return undefined;
  if (!Array.isArray(list)) return undefined;
  const grants: Grant[] = [];
  for (const item of list) {
    const grant = grantOf(item);
    if (grant === undefined) return undefined;
    grants.push(grant);
  }
  return { client, from, grants };
}

function grantOf(item: Cbor): Grant | undefined {
  if (!Array.isArray(item)) return undefined;
  const [appGroup, level, issuedAt, expiresAt] = item;
  if (!(appGroup === null || typeof appGroup === "number")) return undefined;
  if (!isLevel(level) || typeof issuedAt !== "number") return undefined;
  const ends = typeof expiresAt === "number" ? expiresAt : undefined;
  return { appGroup, level, issuedAt, expiresAt: ends };
}
