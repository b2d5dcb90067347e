/**
 * `/fw/…`: from a signed manifest to an image that runs from the other slot.
 *
 *   PUT manifest  checked: signer, kind, sequence number, size     -> READY
 *   start         the other slot is erased, a sector at a time     -> PREPARING -> RECEIVING
 *   block         checked alone against the manifest, then written
 *   (all there)   read back, block for block                       -> CHECKING -> COMPLETE
 *   activate      the next start is a trial of it                  -> ACTIVATED
 *   confirm       it stays                                         -> NONE
 *   roll back, a crash, a power cut, half an hour without confirm  -> ROLLED_BACK
 *
 * Blocks come by multicast under a group's key, level 2: any member can send some, so nothing is
 * written that the manifest, which takes level 5, does not vouch for. Which blocks are there is
 * saved after every 32nd and when it is quiet; a start takes it up from there. What a cut left of a
 * block is not blank and not the block: its sector is erased, and its blocks are asked for again.
 */
import { equalBytes } from "../bytes/equal.js";
import type { Drop } from "../bytes/outcome.js";
import { utf8 } from "../bytes/utf8.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { BAD_REQUEST, CONFLICT, FORBIDDEN } from "../coap/options.js";
import type { Clock } from "../ports/clock.js";
import type { Crypto } from "../ports/crypto.js";
import type { Slots } from "../ports/slots.js";
import { type Firmware, REPLY, type Reply } from "../resources/resource.js";
import { isErased } from "../store/log.js";
import type { Store } from "../store/store.js";
import {
  blocksOf,
  keptManifest,
  MANIFEST_BYTES_MAX,
  type Manifest,
  openManifest,
} from "./manifest.js";
import { HASH_BYTES, isInTree, leafOf, Tree } from "./merkle.js";
import {
  Blocks,
  loadManifest,
  loadState,
  PHASE,
  type State,
  saveManifest,
  saveState,
  signerOf,
} from "./progress.js";

const { NONE, READY, PREPARING, RECEIVING, CHECKING, COMPLETE, ACTIVATED, ROLLED_BACK } = PHASE;

/** What `/fw/state` is asked for. */
export const ACTION = Object.freeze({ START: 1, ACTIVATE: 2, CONFIRM: 3, ROLL_BACK: 4, CANCEL: 5 });

/** Between two erases of 85 ms: the lamp has other work. */
const ERASE_MICROS = 250_000;
const CHECK_MICROS = 5_000;
const CHECKED_AT_ONCE = 4;
const SAVE_EACH = 32;
const QUIET_MICROS = 2_000_000;
/** Of an image that nobody confirms: perhaps nobody can reach it. */
const TRIAL_MICROS = 1_800_000_000;
const RANGES_MAX = 16;
const PATH_BYTES_MAX = 13 * HASH_BYTES;
const BLOCK_LIMITS = { depthMax: 1, itemsMax: 5 };

export interface UpdateParts {
  readonly slots: Slots;
  readonly store: Store;
  readonly crypto: Crypto;
  readonly clock: Clock;
  /** Starts the device anew, once the answer has left. */
  readonly again: (why: string) => void;
}

export class Update implements Firmware {
  readonly #parts: UpdateParts;
  #state: State;
  #manifest: Manifest | undefined;
  #blocks: Blocks | undefined;
  /** Blocks that are not saved yet. */
  #unsaved = 0;
  #isSaving = false;
  /** A sector with a torn block in it. */
  #torn: number | undefined;
  readonly #counts = { duplicate: 0, forged: 0, unsupported: 0, storeFailed: 0 };

  /** Takes up what was under way. */
  constructor(parts: UpdateParts) {
    this.#parts = parts;
    const { store, slots, clock } = parts;
    const kept = loadManifest(store);
    this.#manifest = kept && keptManifest(kept);
    this.#state = loadState(store);
    const { phase, target } = this.#state;
    if (this.#manifest === undefined) this.#state = { ...this.#state, phase: NONE };
    else if (phase === ACTIVATED && slots.running !== target) this.#turn(ROLLED_BACK);
    else if (phase === ACTIVATED && !slots.onTrial) this.#finish();
    else if (phase === RECEIVING) this.#receive();
    else if (phase === PREPARING) this.#erase(0);
    else if (phase === CHECKING) this.#check(0, new Tree(parts.crypto));
    if (slots.onTrial) clock.after(TRIAL_MICROS, () => this.#trialOver());
  }

  install(bytes: Uint8Array): Reply {
    const { store, crypto, slots } = this.#parts;
    if (bytes.length > MANIFEST_BYTES_MAX) return REPLY.badRequest;
    const signer = signerOf(store);
    if (signer === undefined) return refuse(CONFLICT, "no key to check firmware with");
    const opened = openManifest(crypto, bytes, signer);
    if (!opened.ok) {
      const isForged = opened.drop === "forged";
      return refuse(isForged ? FORBIDDEN : BAD_REQUEST, opened.drop, opened.drop);
    }
    const manifest = opened.value;
    if (this.#state.phase === ACTIVATED) return refuse(CONFLICT, "an update is on trial");
    const isOurs = manifest.kind === slots.kind;
    if (!isOurs) return refuse(CONFLICT, `made for ${manifest.kind}`); // check: manifest-kind
    const tooBig = manifest.size > slots.spare.size;
    if (tooBig) return refuse(CONFLICT, "larger than the slot"); // check: manifest-size
    const isUnitless = manifest.blockBytes % slots.spare.programBytes !== 0;
    if (isUnitless) return refuse(CONFLICT, "blocks are no whole program units");
    const running = this.#state.sequences[slots.running];
    const isOlder = manifest.sequence <= running && !(running <= (manifest.replaces ?? -1));
    if (isOlder) return refuse(CONFLICT, `${running} runs`); // check: manifest-older
    const known = loadManifest(store);
    // Said twice: what came of it so far stays.
    if (known !== undefined && equalBytes(known, bytes)) return REPLY.changed;
    if (!this.#turn(NONE) || !saveManifest(store, bytes)) return REPLY.unavailable;
    this.#manifest = manifest;
    this.#blocks = undefined;
    return this.#turn(READY) ? REPLY.changed : REPLY.unavailable;
  }

  state(): Uint8Array {
    const { slots } = this.#parts;
    const { phase, sequences } = this.#state;
    const manifest = this.#manifest;
    const count = manifest === undefined ? 0 : blocksOf(manifest);
    const isWhole = phase === COMPLETE || phase === CHECKING || phase === ACTIVATED;
    const left = this.#blocks?.left ?? (isWhole ? 0 : count);
    const { duplicate, forged, unsupported, storeFailed } = this.#counts;
    const parts: [Cbor, Cbor][] = [
      [0, phase],
      [1, slots.running],
      [2, sequences[slots.running]],
      [3, slots.onTrial],
      [4, manifest?.sequence ?? null],
      [5, count],
      [6, count - left],
      [7, this.#blocks?.missing(RANGES_MAX) ?? []],
      [8, [duplicate, forged, unsupported, storeFailed]],
    ];
    return encode(new Map(parts));
  }

  /** `{0: action, 1: sequence number of the manifest it is about}` */
  act(wish: Uint8Array): Reply {
    const decoded = decode(wish, BLOCK_LIMITS);
    if (!decoded.ok || !(decoded.value instanceof Map)) return REPLY.badRequest;
    const action = decoded.value.get(0);
    const manifest = this.#manifest;
    if (manifest === undefined) return refuse(CONFLICT, "no manifest");
    const isIts = decoded.value.get(1) === manifest.sequence;
    if (!isIts) return refuse(CONFLICT, "another manifest"); // check: update-action-of
    if (action === ACTION.START) return this.#start();
    if (action === ACTION.ACTIVATE) return this.#activate(manifest);
    if (action === ACTION.CONFIRM) return this.#confirm();
    if (action === ACTION.ROLL_BACK) return this.#rollBack();
    return action === ACTION.CANCEL ? this.#cancel() : REPLY.badRequest;
  }

  /** `[sequence number of the manifest, index, bytes, hashes beside its way to the root]` */
  block(payload: Uint8Array): Reply {
    const decoded = decode(payload, BLOCK_LIMITS);
    const parts = decoded.ok && Array.isArray(decoded.value) ? decoded.value : [];
    const [sequence, index, data, path] = parts;
    const isBlock = parts.length === 4 && typeof index === "number" && index >= 0;
    if (!isBlock || !(data instanceof Uint8Array && path instanceof Uint8Array)) {
      return REPLY.badRequest;
    }
    const [manifest, blocks] = [this.#manifest, this.#blocks];
    if (manifest === undefined || blocks === undefined) return this.#dropped("unsupported");
    const isOther = sequence !== manifest.sequence || this.#state.phase !== RECEIVING;
    if (isOther) return this.#dropped("unsupported"); // check: block-of-manifest
    if (!Number.isInteger(index) || index >= blocks.count) return REPLY.badRequest;
    if (blocks.has(index)) return this.#dropped("duplicate"); // check: block-duplicate
    const { crypto } = this.#parts;
    const proof = { index, count: blocks.count, path };
    const isGenuine =
      path.length <= PATH_BYTES_MAX &&
      data.length === bytesOf(manifest, index) &&
      isInTree(crypto, leafOf(crypto, data), proof, manifest.root);
    if (!isGenuine) return this.#dropped("forged"); // check: block-genuine
    if (!this.#write(manifest, index, data)) return this.#dropped("storeFailed");
    blocks.add(index);
    this.#unsaved++;
    if (blocks.left === 0) this.#received();
    else this.#saveSoon();
    return REPLY.changed;
  }

  #dropped(reason: "duplicate" | "forged" | "unsupported" | "storeFailed"): Reply {
    this.#counts[reason]++;
    return { code: CONFLICT, quiet: true, drop: reason };
  }

  #turn(phase: number): boolean {
    const state = { ...this.#state, phase };
    if (!saveState(this.#parts.store, state)) return false;
    this.#state = state;
    return true;
  }

  #start(): Reply {
    const { phase } = this.#state;
    const { store } = this.#parts;
    if (phase === PREPARING || phase === RECEIVING) return REPLY.changed;
    if (phase !== READY && phase !== COMPLETE && phase !== ROLLED_BACK) return this.#unfit();
    const kept = loadManifest(store);
    if (kept === undefined || !saveManifest(store, kept)) return REPLY.unavailable;
    const { slots } = this.#parts;
    const target = slots.running === 0 ? 1 : 0;
    // What is there is none of that any more.
    this.#state = { ...this.#state, target, sequences: withAt(this.#state.sequences, target, 0) };
    if (!this.#turn(PREPARING)) return REPLY.unavailable;
    this.#erase(0);
    return REPLY.changed;
  }

  /** One sector, and then the next one. */
  #erase(from: number): void {
    const { clock, slots } = this.#parts;
    const { spare } = slots;
    const size = this.#manifest?.size ?? 0;
    let at = from;
    while (at < size && isErased(spare, at, at + spare.eraseBytes)) at += spare.eraseBytes;
    if (at < size) {
      // Refused: tried again.
      const next = spare.erase(at) ? at + spare.eraseBytes : at;
      clock.after(ERASE_MICROS, () => {
        if (this.#state.phase === PREPARING) this.#erase(next);
      });
    } else if (this.#turn(RECEIVING)) {
      this.#receive();
    }
  }

  #receive(): void {
    if (this.#manifest === undefined) return;
    this.#blocks = new Blocks(this.#parts.store, blocksOf(this.#manifest));
    if (this.#blocks.left === 0) this.#received();
  }

  /** False when it is not in the slot now. */
  #write(manifest: Manifest, index: number, data: Uint8Array): boolean {
    const { spare } = this.#parts.slots;
    const at = index * manifest.blockBytes;
    const unit = spare.programBytes;
    const padded = new Uint8Array(Math.ceil(data.length / unit) * unit).fill(0xff);
    padded.set(data);
    const there = new Uint8Array(padded.length);
    if (isErased(spare, at, at + padded.length)) {
      if (!spare.program(at, padded)) return false;
    }
    spare.read(at, there);
    const isThere = equalBytes(there, padded);
    if (!isThere) this.#mend(at - (at % spare.eraseBytes)); // check: block-torn
    return isThere;
  }

  /** Erases a sector that a cut left a block torn in; its other blocks are missing from then on. */
  #mend(sector: number): void {
    if (this.#torn !== undefined) return;
    this.#torn = sector;
    this.#parts.clock.after(ERASE_MICROS, () => {
      const [manifest, blocks] = [this.#manifest, this.#blocks];
      this.#torn = undefined;
      if (manifest === undefined || blocks === undefined) return;
      const { store, slots } = this.#parts;
      const first = Math.floor(sector / manifest.blockBytes);
      const end = Math.min(blocks.count, first + slots.spare.eraseBytes / manifest.blockBytes);
      for (let index = first; index < end; index++) blocks.remove(index);
      // On flash first: else a cut after the erase leaves blocks that are said to be there.
      if (blocks.save(store)) slots.spare.erase(sector); // check: block-mend-order
    });
  }

  #saveSoon(): void {
    if (this.#unsaved >= SAVE_EACH) this.#save();
    if (this.#isSaving) return;
    this.#isSaving = true;
    this.#parts.clock.after(QUIET_MICROS, () => {
      this.#isSaving = false;
      if (this.#unsaved > 0) this.#save();
    });
  }

  #save(): void {
    if (this.#blocks?.save(this.#parts.store) === true) this.#unsaved = 0;
  }

  /** Every block is there. */
  #received(): void {
    this.#save();
    if (this.#turn(CHECKING)) this.#check(0, new Tree(this.#parts.crypto));
  }

  /** Reads the slot back, a few blocks at a time: flash can be worse than what was written. */
  #check(from: number, tree: Tree): void {
    const { clock, crypto, slots } = this.#parts;
    const manifest = this.#manifest as Manifest;
    const count = blocksOf(manifest);
    const end = Math.min(count, from + CHECKED_AT_ONCE);
    for (let index = from; index < end; index++) {
      const bytes = new Uint8Array(bytesOf(manifest, index));
      slots.spare.read(index * manifest.blockBytes, bytes);
      tree.add(leafOf(crypto, bytes));
    }
    clock.after(CHECK_MICROS, () => {
      if (this.#state.phase !== CHECKING) return;
      if (end < count) return this.#check(end, tree);
      this.#blocks = undefined;
      const isWhole = equalBytes(tree.root(), manifest.root);
      this.#turn(isWhole ? COMPLETE : READY); // check: image-read-back
    });
  }

  #activate({ sequence, size, digest }: Manifest): Reply {
    const { phase, target, sequences } = this.#state;
    if (phase !== COMPLETE && phase !== ROLLED_BACK) return this.#unfit();
    const before = this.#state;
    this.#state = { ...before, sequences: withAt(sequences, target, sequence) };
    const isReady = this.#turn(ACTIVATED) && this.#parts.slots.activate({ size, digest });
    if (!isReady) {
      this.#state = before;
      saveState(this.#parts.store, before);
      return REPLY.unavailable;
    }
    this.#parts.again("new firmware");
    return REPLY.changed;
  }

  #confirm(): Reply {
    const { slots } = this.#parts;
    if (this.#state.phase !== ACTIVATED || !slots.onTrial) return this.#unfit();
    if (!slots.confirm()) return REPLY.unavailable;
    return this.#finish() ? REPLY.changed : REPLY.unavailable;
  }

  #finish(): boolean {
    if (!this.#turn(NONE) || !saveManifest(this.#parts.store, undefined)) return false;
    this.#manifest = undefined;
    return true;
  }

  /** The next start is of the old image, because this one was not confirmed. */
  #rollBack(): Reply {
    const isOnTrial = this.#state.phase === ACTIVATED && this.#parts.slots.onTrial;
    if (!isOnTrial) return this.#unfit();
    this.#parts.again("back to the old firmware");
    return REPLY.changed;
  }

  #trialOver(): void {
    if (this.#state.phase === ACTIVATED) this.#parts.again("new firmware not confirmed");
  }

  #cancel(): Reply {
    if (this.#state.phase === ACTIVATED) return this.#unfit();
    this.#blocks = undefined;
    return this.#finish() ? REPLY.changed : REPLY.unavailable;
  }

  #unfit(): Reply {
    return refuse(CONFLICT, `not in phase ${this.#state.phase}`);
  }
}

function bytesOf({ size, blockBytes }: Manifest, index: number): number {
  return Math.min(blockBytes, size - index * blockBytes);
}

function withAt(pair: readonly [number, number], at: number, value: number): [number, number] {
  return at === 0 ? [value, pair[1]] : [pair[0], value];
}

/** With a word for the person who asked (RFC 7252 §5.5.2). */
function refuse(code: number, why: string, drop: Drop = "unsupported"): Reply {
  return { code, payload: utf8(why), quiet: true, drop };
}
