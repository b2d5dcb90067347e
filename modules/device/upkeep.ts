/**
 * What a device has for whoever maintains it, over a channel of two: restart and reset, place and
 * groups, new firmware. In images without channels services.small.ts leaves it out.
 */
import { CborReader } from "../cbor/reader.js";
import type { Keyring } from "../groups/keyring.js";
import type { Board } from "../ports/board.js";
import type { Crypto } from "../ports/crypto.js";
import type { Shown, Structure, System } from "../resources/resource.js";
import type { Store } from "../store/store.js";
import { Fields } from "./fields.js";
import type { Parts } from "./parts.js";
import { arrange, type Founding, Places } from "./places.js";
import { saveSigner } from "./progress.js";
import type { Identity } from "./provision.js";
import { askReset, hasWiped, isWiped, openReset } from "./reset.js";
import { Update } from "./update.js";

/** The answer, and one repetition of it, go out before. */
const RESTART_MICROS = 1_000_000;

export interface Upkeep {
  /** The store, when a factory reset that was asked for is done. */
  open(board: Board, open: () => Store | undefined): Store | undefined;
  /** Stores what a new installation has for this file alone. */
  enter(store: Store, blob: Uint8Array): void;
  /** Keys that a reset took are not installed again. */
  guard(keyring: Keyring, store: Store, crypto: Crypto): void;
  /** The groups as they were told to this device; which of them it commands. */
  arrange(store: Store, founding: Founding, given: readonly number[]): readonly number[];
  /** What resources show. */
  shown(device: Parts, board: Board, identity: Identity): Shown;
}

/** Field 20: the public key of whoever signs firmware, Ed25519. */
function enter(store: Store, blob: Uint8Array): void {
  const root = new Fields(new CborReader(blob), "provisioning");
  root.enter();
  const signer = root.has(20) ? root.bytes(20, "firmwareKey", 32, 32) : undefined;
  if (!saveSigner(store, signer)) throw new Error("flash: refuses the firmware's key");
}

function guard(keyring: Keyring, store: Store, crypto: Crypto): void {
  if (!hasWiped(store)) return;
  keyring.isWiped = (raw) => isWiped(store, crypto, raw);
}

function shown(device: Parts, board: Board, { targets }: Identity): Shown {
  const keeper = new Keeper(device, board.restart ?? board.fatal, targets);
  const { slots, crypto } = board;
  if (slots !== undefined) {
    const { store, clock } = device;
    keeper.firmware = new Update({ slots, store, crypto, clock, again: (why) => keeper.soon(why) });
  }
  return keeper;
}

/** Made of what there is when somebody asks: a device at rest has no memory for it. */
class Keeper implements Shown, System {
  readonly #device: Parts;
  readonly #targets: readonly number[];
  /** Of the board, which is not kept. */
  readonly #restart: (why: string) => void;
  declare firmware?: Update;
  declare private isComing?: true;

  constructor(device: Parts, again: (why: string) => void, targets: readonly number[]) {
    this.#device = device;
    this.#restart = again;
    this.#targets = targets;
  }

  get system(): System {
    return this;
  }

  get structure(): Structure {
    const { store, groups } = this.#device;
    return new Places(store, groups.directory, this.#targets);
  }

  restart(): void {
    this.soon("restart asked for");
  }

  factoryReset(): boolean {
    if (!askReset(this.#device.store)) return false; // check: reset-durable
    this.soon("factory reset asked for");
    return true;
  }

  /** When the answer has left. */
  soon(why: string): void {
    if (this.isComing) return;
    this.isComing = true;
    const again = this.#restart;
    this.#device.clock.after(RESTART_MICROS, () => again(why));
  }
}

export const upkeep: Upkeep = Object.freeze({ open: openReset, enter, guard, arrange, shown });
