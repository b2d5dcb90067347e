/**
 * Devices with one mistake each, of the kind found in the field (research of the trusted systems'
 * bugs): what looks for lost writes and repeated numbers has to find every one of them.
 */
import { uintBytes } from "../../modules/bytes/uint.js";
import { Recipients } from "../../modules/oscore/recipients.js";
import { Sequence } from "../../modules/oscore/sequence.js";
import type { Flash } from "../../modules/ports/flash.js";
import { KIND, key, kindOf } from "../../modules/store/keys.js";
import { type Boot, bootStore, ROWS, type Subject, withStore } from "./cut-world.js";

/** Small, so that the mistake shows soon. */
const HASTY_BLOCK = 4;

/**
 * Moves the limit in memory first and writes it with the next number: RIOT#16844,
 * uoscore-uedhoc#32.
 */
class HastySequence {
  readonly #store: Subject["store"];
  #next: number;
  #limit: number;
  #written: number;

  constructor(store: Subject["store"]) {
    this.#store = store;
    const record = store.get(key(KIND.SEQUENCE, 0)) as Uint8Array;
    this.#next = record.reduce((sum, byte) => sum * 256 + byte, 0);
    this.#limit = this.#next;
    this.#written = this.#next;
  }

  next(): number {
    if (this.#limit > this.#written) {
      this.#store.put(key(KIND.SEQUENCE, 0), uintBytes(this.#limit));
      this.#written = this.#limit;
    }
    if (this.#next === this.#limit) this.#limit += HASTY_BLOCK;
    return this.#next++;
  }
}

/** The store as it is, but for puts of one kind. */
function storeWithPut(
  flash: Flash,
  kind: number,
  put: (store: Subject["store"], at: number, value: Uint8Array) => boolean,
): Subject["store"] {
  const store = bootStore(flash);
  return {
    get: (at) => store.get(at),
    has: (at) => store.has(at),
    delete: (at) => store.delete(at),
    keys: (of) => store.keys(of),
    tidy: () => store.tidy(),
    get needsTidy() {
      return store.needsTidy;
    },
    put: (at, value) => (kindOf(at) === kind ? put(store, at, value) : store.put(at, value)),
  };
}

function recipientsOver(flash: Flash, put: Parameters<typeof storeWithPut>[2]): Subject {
  const store = storeWithPut(flash, KIND.REPLAY_BOUND, put);
  return withStore(store, new Sequence(store), new Recipients({ store, capacity: ROWS }));
}

/** A flash that holds back the newest program operation: "written" without a flush. */
function lazyFlash(flash: Flash): Flash {
  let held: { offset: number; bytes: Uint8Array } | undefined;
  const flush = () => {
    const { offset, bytes } = held ?? { offset: 0, bytes: new Uint8Array() };
    held = undefined;
    if (bytes.length > 0) flash.program(offset, bytes);
  };
  return {
    size: flash.size,
    eraseBytes: flash.eraseBytes,
    programBytes: flash.programBytes,
    read: (offset, into) => {
      flush();
      flash.read(offset, into);
    },
    program: (offset, bytes) => {
      flush();
      held = { offset, bytes: bytes.slice() };
      return true;
    },
    erase: (offset) => {
      flush();
      return flash.erase(offset);
    },
  };
}

export interface Mistake {
  readonly what: string;
  readonly boot: Boot;
  /** What must be said of it. */
  readonly found: RegExp;
}

export const MISTAKES: readonly Mistake[] = Object.freeze([
  {
    what: "the limit of sender numbers in memory before flash",
    boot: (flash) => {
      const store = bootStore(flash);
      return withStore(store, new HastySequence(store), new Recipients({ store, capacity: ROWS }));
    },
    found: /was used before/,
  },
  {
    what: "a message acted on before its bound is durable",
    boot: (flash) => {
      let late: (() => void) | undefined;
      return recipientsOver(flash, (store, at, value) => {
        late?.();
        const copy = value.slice();
        late = () => store.put(at, copy);
        return true;
      });
    },
    found: /is accepted again/,
  },
  {
    what: "bounds that are never written",
    boot: (flash) => recipientsOver(flash, () => true),
    found: /is accepted again/,
  },
  {
    what: "a bound that stays ahead while idle",
    boot: (flash) => {
      const subject = recipientsOver(flash, (store, at, value) => store.put(at, value));
      const { recipients } = subject;
      return {
        ...subject,
        recipients: {
          find: (association, id) => recipients.find(association, id),
          hasRoom: () => recipients.hasRoom(),
          isFresh: (row, number) => recipients.isFresh(row, number),
          admit: (association, sender) => recipients.admit(association, sender),
          mark: (row, number) => recipients.mark(row, number),
          forget: (association) => recipients.forget(association),
          idle: () => {},
        },
      };
    },
    found: /a cut while idle cost a sender/,
  },
  {
    what: "a write acknowledged before it is in flash",
    boot: (flash) => {
      const store = bootStore(lazyFlash(flash));
      return withStore(store, new Sequence(store), new Recipients({ store, capacity: ROWS }));
    },
    found: /is not what was acknowledged|is accepted again|was used before/,
  },
]);
