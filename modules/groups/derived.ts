/**
 * Security Contexts that two ends made of one installed key between them (RFC 8613 Appendix B.2),
 * kept in flash.
 *
 * PROBLEM. Their ID Contexts are random, so they cannot be keys of the keyring, whose ids only go
 * up. And a context that came again with a counter at 0 or an empty window would repeat nonces or
 * accept recordings.
 *
 * REJECTED. Using the installed key itself until its numbers are lost: who finds his flash erased
 * cannot know that there were any, and begins at 0 again. A record of every ID Context there was.
 *
 * CHOICE. Where a group says `renegotiate`, its installed keys protect nothing; they are what
 * contexts are derived from, each with 8 random bytes of either end, a counter and a window of its
 * own. Two a key, both heard, so that two ends that began a run at the same moment, each as a
 * client, have both contexts (Appendix B.2.1). An end sends under the newest that it began itself,
 * if there is one: then each sender goes from older to newer ones only, also where two crossed. A
 * third takes the place of the older one.
 *
 * Order of writes: the record of a context that gives way is deleted before its counter and its
 * replay row, and a new one's is written after its counter. So a context that flash has is whole,
 * and one that it has not is made by nobody again.
 */
import { equalBytes } from "../bytes/equal.js";
import { Reader } from "../bytes/reader.js";
import { Writer } from "../bytes/writer.js";
import { encode } from "../cbor/encode.js";
import {
  derivePair,
  type PairContext,
  type PairSecrets,
  pairMaterial,
} from "../oscore/pair-context.js";
import type { Recipients } from "../oscore/recipients.js";
import type { Established } from "../oscore/renegotiate.js";
import { Sequence } from "../oscore/sequence.js";
import type { Crypto } from "../ports/crypto.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";
import { type Association, type DerivedKeys, type SecurityGroup, strip } from "./directory.js";
import { secretIn } from "./keyring.js";
import { DERIVED_EACH, placeOf } from "./places.js";

/** Of a record, before the ID Context: serial (4), and 1 where this end was the client. */
const HEAD_BYTES = 5;

/** An association of its own, derived from that of an installed key. */
export interface DerivedContext extends Association, PairContext {
  readonly peerId: Uint8Array;
  readonly base: Association;
  readonly idContext: Uint8Array;
  /** Later ones have higher ones. */
  readonly serial: number;
  /** This end was the client of its run. */
  readonly isOurs: boolean;
  /**
   * What requests name it by: in a CBOR byte string until the peer was heard under it, as request
   * #2 has it; then bare ("During normal requests").
   */
  keyId: Uint8Array;
}

export interface DerivedParts {
  readonly store: Store;
  readonly crypto: Crypto;
  readonly recipients: Recipients;
  /** Told of each one that gave way. */
  readonly onGone: (context: Association) => void;
}

export class DerivedContexts implements DerivedKeys {
  readonly security: SecurityGroup;
  readonly #parts: DerivedParts;
  #all: DerivedContext[] = [];

  /** Loads what was derived from the keys of this group. */
  constructor(parts: DerivedParts, security: SecurityGroup) {
    this.#parts = parts;
    this.security = security;
    for (const base of security.associations) this.load(base);
    this.#all.sort((a, b) => a.serial - b.serial);
  }

  /** By age, the newest last. */
  get all(): readonly DerivedContext[] {
    return this.#all;
  }

  /** The one to send under, of the key that is installed for it. */
  current(base: Association | undefined): DerivedContext | undefined {
    const all = this.#all.filter((one) => one.base === base);
    return all.filter(({ isOurs }) => isOurs).at(-1) ?? all.at(-1);
  }

  isNamed(context: Association, bytes: Uint8Array, start: number, length: number): boolean {
    const { idContext } = context as DerivedContext;
    const named = bytes.subarray(start, start + length);
    return equalBytes(named, idContext) || equalBytes(named, encode(idContext));
  }

  forget(base: Association): void {
    for (const one of this.#all) if (one.base === base) this.gone(one); // check: derived-forgotten
  }

  /** The peer was heard under it: he has it. */
  confirmed(context: Association): void {
    const known = this.#all.find((one) => one === context);
    if (known !== undefined) known.keyId = known.idContext;
  }

  /** Gives the secrets that contexts are derived from to `use`; they are wiped after it. */
  withSecrets<T>(base: Association, use: (secrets: PairSecrets) => T): T {
    const record = this.#parts.store.get(key(KIND.GROUP_KEY, base.index)) as Uint8Array;
    const { secret, salt, peerId } = pairMaterial(secretIn(record));
    const ownId = this.security.own?.id ?? new Uint8Array(0);
    try {
      return use({ secret, salt, ownId, peerId });
    } finally {
      secret.fill(0);
    }
  }

  /** Makes a context durable, and the newest one; undefined when flash refused. */
  establish(base: Association, made: Established, isOurs: boolean): DerivedContext | undefined {
    const { store } = this.#parts;
    const { context } = made;
    const idContext = made.idContext.slice();
    const serial = (this.#all.at(-1)?.serial ?? 0) + 1;
    const index = this.makeRoom(base);
    if (index === undefined) return undefined;
    if (!Sequence.create(store, 0, index + 1)) return undefined;
    const writer = new Writer(HEAD_BYTES + idContext.length);
    writer.u32(serial);
    writer.u8(isOurs ? 1 : 0);
    writer.bytes(idContext);
    const isStored = store.put(key(KIND.DERIVED, index), writer.finish());
    if (!isStored) return undefined; // check: derived-durable
    const one = this.make(base, { index, serial, isOurs, idContext, context });
    this.#all.push(one);
    return one;
  }

  /** A place where nothing is left of whoever was there; undefined when flash refused. */
  private makeRoom(base: Association): number | undefined {
    const { store, recipients } = this.#parts;
    const taken = this.#all.filter((one) => one.base === base);
    let index = taken[0]?.index ?? placeOf(base.index, 0);
    if (taken.length < DERIVED_EACH) {
      for (let slot = 0; slot < DERIVED_EACH; slot++) {
        const place = placeOf(base.index, slot);
        if (!taken.some((one) => one.index === place)) index = place;
      }
    }
    // A counter or a row that went before its record would make both begin anew under the same key.
    const isGone = store.delete(key(KIND.DERIVED, index));
    if (!isGone) return undefined; // check: derived-record-first
    const gone = this.#all.find((one) => one.index === index);
    if (gone !== undefined) this.gone(gone);
    const isClear = store.delete(key(KIND.SEQUENCE, index + 1)) && recipients.forget(index);
    if (!isClear) return undefined; // check: derived-place-clear
    return index;
  }

  private gone(context: DerivedContext): void {
    this.#all = this.#all.filter((one) => one !== context);
    this.#parts.onGone(context);
    strip(context);
  }

  private load(base: Association): void {
    const { store, crypto } = this.#parts;
    for (let slot = 0; slot < DERIVED_EACH; slot++) {
      const index = placeOf(base.index, slot);
      const record = store.get(key(KIND.DERIVED, index));
      if (record === undefined) continue;
      const reader = new Reader(record);
      const serial = reader.u32();
      const isOurs = reader.u8() === 1;
      const idContext = reader.take(reader.left);
      const context = this.withSecrets(base, (secrets) => {
        return derivePair(crypto, secrets, { idContext, keyId: idContext });
      });
      this.#all.push(this.make(base, { index, serial, isOurs, idContext, context }));
    }
  }

  private make(
    base: Association,
    parts: Pick<DerivedContext, "index" | "serial" | "isOurs" | "idContext"> & {
      context: PairContext;
    },
  ): DerivedContext {
    const { context, ...rest } = parts;
    return {
      ...context,
      ...rest,
      base,
      security: this.security,
      // A limit is the installed key's, with everything derived from it.
      get lifetime() {
        return base.lifetime;
      },
    };
  }
}
