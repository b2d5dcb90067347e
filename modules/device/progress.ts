/** What a device keeps of an update: its state, the manifest, and which blocks are there. */
import { Reader } from "../bytes/reader.js";
import { Writer } from "../bytes/writer.js";
import { KIND, key } from "../store/keys.js";
import type { Store } from "../store/store.js";

const STATE = key(KIND.FIRMWARE, 0);
const MANIFEST = key(KIND.FIRMWARE, 1);
const BLOCKS = key(KIND.FIRMWARE, 2);
const SIGNER = key(KIND.FIRMWARE, 3);
const STATE_BYTES = 10;

/** Numbers that `/fw/state` shows. */
export const PHASE = Object.freeze({
  /** Nothing is under way. */
  NONE: 0,
  /** There is a manifest. */
  READY: 1,
  /** The other slot is being erased. */
  PREPARING: 2,
  /** Blocks are taken. */
  RECEIVING: 3,
  /** Every block is there: the slot is read back. */
  CHECKING: 4,
  COMPLETE: 5,
  /** The image is started next, or runs on trial. */
  ACTIVATED: 6,
  /** The image did not come up, or was not confirmed: the old one runs again. */
  ROLLED_BACK: 7,
});

export interface State {
  readonly phase: number;
  /** Slot of the image under way. */
  readonly target: number;
  /** Sequence numbers of what the two slots hold. */
  readonly sequences: readonly [number, number];
}

const NOTHING: State = Object.freeze({ phase: 0, target: 0, sequences: [0, 0] as const });

export function loadState(store: Store): State {
  const record = store.get(STATE);
  if (record?.length !== STATE_BYTES) return NOTHING;
  const reader = new Reader(record);
  const [phase, target] = [reader.u8(), reader.u8()];
  return { phase, target, sequences: [reader.u32(), reader.u32()] };
}

/** Durable when true. */
export function saveState(store: Store, { phase, target, sequences }: State): boolean {
  const writer = new Writer(STATE_BYTES);
  writer.u8(phase);
  writer.u8(target);
  for (const sequence of sequences) writer.u32(sequence);
  return store.put(STATE, writer.finish());
}

/** Whoever signs firmware for this device: an Ed25519 key, from its installation. */
export function signerOf(store: Store): Uint8Array | undefined {
  return store.get(SIGNER);
}

export function saveSigner(store: Store, publicKey: Uint8Array | undefined): boolean {
  return publicKey === undefined ? store.delete(SIGNER) : store.put(SIGNER, publicKey);
}

export function loadManifest(store: Store): Uint8Array | undefined {
  return store.get(MANIFEST);
}

/** Blocks of another manifest's are forgotten first. */
export function saveManifest(store: Store, bytes: Uint8Array | undefined): boolean {
  if (!store.delete(BLOCKS)) return false;
  return bytes === undefined ? store.delete(MANIFEST) : store.put(MANIFEST, bytes);
}

/** Which of an image's blocks are in the slot: one bit each. */
export class Blocks {
  readonly count: number;
  readonly #bits: Uint8Array;
  #left: number;

  /** Those that were saved. */
  constructor(store: Store, count: number) {
    const bits = new Uint8Array(Math.ceil(count / 8));
    const saved = store.get(BLOCKS);
    if (saved?.length === bits.length) bits.set(saved);
    this.count = count;
    this.#bits = bits;
    this.#left = count;
    for (let index = 0; index < count; index++) if (this.has(index)) this.#left--;
  }

  get left(): number {
    return this.#left;
  }

  has(index: number): boolean {
    return (this.#bits[index >> 3] & (1 << (index & 7))) !== 0;
  }

  add(index: number): void {
    if (this.has(index)) return;
    this.#bits[index >> 3] |= 1 << (index & 7);
    this.#left--;
  }

  remove(index: number): void {
    if (!this.has(index)) return;
    this.#bits[index >> 3] &= ~(1 << (index & 7));
    this.#left++;
  }

  save(store: Store): boolean {
    return store.put(BLOCKS, this.#bits);
  }

  /** What is missing: first block and how many, over and over, at most `most` times. */
  missing(most: number): number[] {
    const ranges: number[] = [];
    for (let index = 0; index < this.count && ranges.length < 2 * most; index++) {
      if (this.has(index)) continue;
      const first = index;
      while (index < this.count && !this.has(index)) index++;
      ranges.push(first, index - first);
    }
    return ranges;
  }
}
