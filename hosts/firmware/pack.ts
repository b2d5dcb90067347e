/** A release: an image, its signed manifest and its blocks, as devices take them. */
import { concat } from "../../modules/bytes/concat.js";
import { encode } from "../../modules/cbor/encode.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { signManifest } from "../../modules/device/manifest.js";
import { leafOf, rootOf } from "../../modules/device/merkle.js";

export interface Wish {
  readonly image: Uint8Array;
  /** Seed of an Ed25519 key. */
  readonly seed: Uint8Array;
  readonly sequence: number;
  readonly version: string;
  /** 64 to 1024, a power of two. */
  readonly blockBytes: number;
  /** What it is made for: `Slots.kind` of the platform. */
  readonly kind: string;
  /** Highest sequence number that it may replace though its own is not above. */
  readonly replaces?: number | undefined;
}

export interface Package {
  /** For PUT /fw/manifest. */
  readonly manifest: Uint8Array;
  /** Each for POST /fw/block. */
  readonly blocks: readonly Uint8Array[];
}

/** Throws RangeError for what no manifest can say. */
export function pack(wish: Wish): Package {
  const crypto = new TsCrypto(new NobleSignatures());
  const { image, sequence, version, blockBytes, kind, replaces } = wish;
  const parts: Uint8Array[] = [];
  for (let at = 0; at < image.length; at += blockBytes) {
    parts.push(image.subarray(at, at + blockBytes));
  }
  if (parts.length === 0) throw new RangeError("an image without bytes");
  const leaves = parts.map((part) => leafOf(crypto, part));
  const { root, paths } = treeOf(crypto, leaves);
  const manifest = signManifest(crypto, new NobleSignatures().signer(wish.seed.slice()), {
    sequence,
    size: image.length,
    blockBytes,
    root,
    digest: crypto.sha256(image),
    version,
    kind,
    replaces,
  });
  const blocks = parts.map((part, index) => encode([sequence, index, part, paths[index]]));
  return { manifest, blocks };
}

/** The root, and each leaf's path to it (merkle.ts pathOf, for all of them at once). */
function treeOf(crypto: TsCrypto, leaves: readonly Uint8Array[]): Branch {
  if (leaves.length === 1) return { root: leaves[0], paths: [new Uint8Array(0)] };
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const left = treeOf(crypto, leaves.slice(0, split));
  const right = treeOf(crypto, leaves.slice(split));
  const paths = [
    ...left.paths.map((path) => concat(path, right.root)),
    ...right.paths.map((path) => concat(path, left.root)),
  ];
  return { root: rootOf(crypto, [left.root, right.root]), paths };
}

interface Branch {
  readonly root: Uint8Array;
  readonly paths: readonly Uint8Array[];
}

/** The public key that installations have for this seed. */
export function publicKeyOf(seed: Uint8Array): Uint8Array {
  return new NobleSignatures().signer(seed.slice()).publicKey;
}
