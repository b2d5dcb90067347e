/**
 * The Merkle tree of RFC 9162 §2.1 over the blocks of an image. Its root stands in the signed
 * manifest, and with each block come the log n hashes beside its way to the root: every block is
 * checked alone, in whatever order they arrive, before a byte of it is written. A list of all
 * hashes would be 20 KB for an image that a device must keep before the first block.
 */
import { concat } from "../bytes/concat.js";
import { equalBytes } from "../bytes/equal.js";
import type { Crypto } from "../ports/crypto.js";

export const HASH_BYTES = 32;
const LEAF = 0;
const NODE = 1;

type Hash = Pick<Crypto, "sha256">;

/** §2.1.1: leaves and nodes are hashed differently, so no node passes for a block. */
export function leafOf(crypto: Hash, block: Uint8Array): Uint8Array {
  return crypto.sha256(concat(Uint8Array.of(LEAF), block));
}

function nodeOf(crypto: Hash, left: Uint8Array, right: Uint8Array): Uint8Array {
  return crypto.sha256(concat(Uint8Array.of(NODE), left, right));
}

/** A leaf's place in a tree of `count`, and the hashes beside its way, one behind the other. */
export interface Proof {
  readonly index: number;
  readonly count: number;
  readonly path: Uint8Array;
}

/** §2.1.3.2 */
export function isInTree(crypto: Hash, leaf: Uint8Array, proof: Proof, root: Uint8Array): boolean {
  const { index, count, path } = proof;
  if (path.length % HASH_BYTES !== 0 || !(index < count)) return false;
  let from = index;
  let last = count - 1;
  let hash = leaf;
  for (let at = 0; at < path.length; at += HASH_BYTES) {
    if (last === 0) return false; // check: merkle-path-long
    const beside = path.subarray(at, at + HASH_BYTES);
    const isRight = from % 2 === 1 || from === last;
    hash = isRight ? nodeOf(crypto, beside, hash) : nodeOf(crypto, hash, beside);
    while (isRight && from % 2 === 0 && from !== 0) {
      from = half(from);
      last = half(last);
    }
    from = half(from);
    last = half(last);
  }
  if (last !== 0) return false; // check: merkle-path-short
  return equalBytes(hash, root);
}

function half(value: number): number {
  return Math.floor(value / 2);
}

/** The root of leaves that are given one after the other; keeps log n hashes. */
export class Tree {
  readonly #crypto: Hash;
  /** Roots of the whole subtrees so far, the largest first. */
  readonly #roots: Uint8Array[] = [];
  #count = 0;

  constructor(crypto: Hash) {
    this.#crypto = crypto;
  }

  add(leaf: Uint8Array): void {
    const roots = this.#roots;
    let hash = leaf;
    for (let rest = this.#count++; rest % 2 === 1; rest = half(rest)) {
      hash = nodeOf(this.#crypto, roots.pop() as Uint8Array, hash);
    }
    roots.push(hash);
  }

  /** Throws RangeError without a leaf. */
  root(): Uint8Array {
    const roots = this.#roots.slice();
    let hash = roots.pop();
    if (hash === undefined) throw new RangeError("a tree without leaves");
    while (roots.length > 0) hash = nodeOf(this.#crypto, roots.pop() as Uint8Array, hash);
    return hash;
  }
}

/** §2.1.3.1, for whoever sends blocks: the hashes beside the way of leaf `index`. */
export function pathOf(crypto: Hash, leaves: readonly Uint8Array[], index: number): Uint8Array {
  const { length } = leaves;
  if (length <= 1) return new Uint8Array(0);
  let split = 1;
  while (split * 2 < length) split *= 2;
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split
    ? concat(pathOf(crypto, left, index), rootOf(crypto, right))
    : concat(pathOf(crypto, right, index - split), rootOf(crypto, left));
}

export function rootOf(crypto: Hash, leaves: readonly Uint8Array[]): Uint8Array {
  const tree = new Tree(crypto);
  for (const leaf of leaves) tree.add(leaf);
  return tree.root();
}
