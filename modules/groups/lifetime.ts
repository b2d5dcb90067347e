/**
 * When a group key ends: by time, by number of messages, or when the grace after a newer key is
 * over.
 *
 * draft-somaraju §3.6: "The lifetime can be based on time or on the number of transmitted
 * messages." Devices have no calendar, so time is uptime accumulated in flash (store/uptime).
 * Messages are counted by everyone for himself, sent and accepted together, and reserved on flash
 * in blocks before they are used: after a restart the whole block counts, so a budget is never
 * exceeded by pulling plugs.
 */
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { Reader } from "../bytes/reader.js";
import { Writer } from "../bytes/writer.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";

/** Messages covered by one flash write. */
const BLOCK = 64;

/** What the key's issuer said; absent means no such limit. Times in seconds of uptime. */
export interface LifetimeTerms {
  readonly endsAtSeconds: number | undefined;
  readonly messages: number | undefined;
}

/** Most keys have no limit: they share this. */
const ENDLESS: LifetimeTerms = Object.freeze({ endsAtSeconds: undefined, messages: undefined });

const SPENT: Outcome<true> = ok(true);

export class Lifetime {
  readonly terms: LifetimeTerms;
  #store: Store;
  #index: number;
  #used = 0;
  #reserved = 0;
  /** After this the key, replaced by a newer one, is not heard any more. */
  retiresAtSeconds: number | undefined;

  /** `index` is the association's. Throws when the count of a budgeted key is damaged. */
  constructor(
    store: Store,
    index: number,
    terms: LifetimeTerms,
    retiresAtSeconds: number | undefined,
  ) {
    this.#store = store;
    this.#index = index;
    const { endsAtSeconds, messages } = terms;
    const isEndless = endsAtSeconds === undefined && messages === undefined;
    this.terms = isEndless ? ENDLESS : { endsAtSeconds, messages };
    this.retiresAtSeconds = retiresAtSeconds;
    const record = store.get(key(KIND.KEY_USE, index));
    if (record !== undefined) {
      this.#reserved = new Reader(record).u32();
      this.#used = this.#reserved;
    }
  }

  /** Undefined when nothing ends the key. */
  static of(
    store: Store,
    index: number,
    terms: LifetimeTerms & { readonly retiresAtSeconds: number | undefined },
  ): Lifetime | undefined {
    const { endsAtSeconds, messages, retiresAtSeconds } = terms;
    const isEndless = endsAtSeconds === undefined && messages === undefined;
    if (isEndless && retiresAtSeconds === undefined) return undefined;
    return new Lifetime(store, index, terms, retiresAtSeconds);
  }

  /** The key may still protect and open messages. */
  isValid(uptimeSeconds: number): boolean {
    const { endsAtSeconds, messages } = this.terms;
    const end = endsAtSeconds ?? Number.POSITIVE_INFINITY;
    if (uptimeSeconds >= end) return false; // check: key-validity
    if (messages !== undefined && this.#used >= messages) return false; // check: key-budget
    return true;
  }

  /** The grace of an old key is over. */
  isRetired(uptimeSeconds: number): boolean {
    return this.retiresAtSeconds !== undefined && uptimeSeconds >= this.retiresAtSeconds;
  }

  /** Whether any term makes asking for the uptime worth while. */
  get isLimited(): boolean {
    return this.terms !== ENDLESS || this.retiresAtSeconds !== undefined;
  }

  /** Counts one message, sent or accepted. `storeFailed` when flash refuses to cover it. */
  spend(): Outcome<true> {
    if (this.terms.messages === undefined) return SPENT;
    if (this.#used >= this.#reserved) {
      const reserved = this.#reserved + BLOCK;
      const record = new Writer(4);
      record.u32(reserved);
      if (!this.#store.put(key(KIND.KEY_USE, this.#index), record.finish())) {
        return drop("storeFailed"); // check: budget-durable
      }
      this.#reserved = reserved;
    }
    this.#used++;
    return SPENT;
  }
}
