/**
 * Recipient contexts that are at hand: what a scheme derives from a member's id and credential.
 *
 * Deriving one costs two HKDF, in pairwise mode a Diffie-Hellman more, so they are kept; but only
 * after a message of that member verified, or anybody could fill the table with ids it made up.
 * They hold no state of their own (windows stand in `Recipients`), so the one used longest ago may
 * go when there are too many: it is derived again.
 */
import { equalBytes } from "../bytes/equal.js";
import type { Association } from "./directory.js";

export const CONTEXTS_MAX = 50;

export interface Kept {
  readonly association: Association;
  readonly id: Uint8Array;
  readonly context: unknown;
  /** Count of uses when it was used last. */
  used: number;
}

export class Contexts {
  readonly #kept: Kept[] = [];
  /** Counts uses: whoever uses one of `all` elsewhere counts on, and notes it there. */
  uses = 0;
  /** Counts those that came and went: what was made of them is stale when it has moved. */
  revision = 0;

  get count(): number {
    return this.#kept.length;
  }

  /** The context of the member with this id. */
  find(association: Association, id: Uint8Array): unknown {
    const found = this.#kept.find(
      (one) => one.association === association && equalBytes(one.id, id),
    );
    if (found !== undefined) found.used = ++this.uses;
    return found?.context;
  }

  /** Keeps a context whose member was verified. */
  keep(association: Association, id: Uint8Array, context: unknown): void {
    const kept = this.#kept;
    if (kept.some((one) => one.association === association && equalBytes(one.id, id))) return;
    const made = { association, id: id.slice(), context, used: ++this.uses };
    if (kept.length === CONTEXTS_MAX) kept.splice(this.oldest(), 1); // check: contexts-max
    kept.push(made);
    this.revision++;
  }

  /** Takes away a member's whose credential changed, or (without an id) all of a key's. */
  forget(association: Association, id?: Uint8Array): unknown[] {
    const kept = this.#kept;
    const gone: unknown[] = [];
    for (let i = kept.length - 1; i >= 0; i--) {
      const isMeant =
        kept[i].association === association && (id === undefined || equalBytes(kept[i].id, id));
      if (!isMeant) continue;
      gone.push(kept[i].context);
      kept.splice(i, 1);
      this.revision++;
    }
    return gone;
  }

  all(): readonly Kept[] {
    return this.#kept;
  }

  private oldest(): number {
    let oldest = 0;
    const kept = this.#kept;
    for (let i = 1; i < kept.length; i++) if (kept[i].used < kept[oldest].used) oldest = i;
    return oldest;
  }
}
