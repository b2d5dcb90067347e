/** A release of firmware as whoever signs it makes it: an image, its manifest, its blocks. */
import { encode } from "../../modules/cbor/encode.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { blocksOf, type Manifest, signManifest } from "../../modules/device/manifest.js";
import { leafOf, pathOf, rootOf } from "../../modules/device/merkle.js";
import { FakeSignatures } from "./fake-signatures.js";

const SEED = new Uint8Array(32).fill(0x77);
const crypto = () => new TsCrypto(new FakeSignatures());

/** Of whoever signs. */
export function releaseKey(): Uint8Array {
  return new FakeSignatures().signer(SEED.slice()).publicKey;
}

export class Release {
  readonly image: Uint8Array;
  readonly manifest: Manifest;
  /** As it is PUT. */
  readonly signed: Uint8Array;
  readonly #leaves: readonly Uint8Array[];

  constructor(
    more: Partial<Manifest> & { readonly fill?: number; readonly seed?: Uint8Array } = {},
  ) {
    const { fill = 1, seed = SEED, ...claims } = more;
    const size = claims.size ?? 5000;
    const blockBytes = claims.blockBytes ?? 256;
    this.image = new Uint8Array(size);
    for (let i = 0; i < size; i++) this.image[i] = (i * 31 + (i >> 8) + fill) & 0xff;
    const leaves: Uint8Array[] = [];
    for (let at = 0; at < size; at += blockBytes) {
      leaves.push(leafOf(crypto(), this.image.subarray(at, at + blockBytes)));
    }
    this.#leaves = leaves;
    this.manifest = {
      sequence: 1,
      size,
      blockBytes,
      root: rootOf(crypto(), leaves),
      digest: crypto().sha256(this.image),
      version: "0.2.0",
      kind: "test",
      replaces: undefined,
      ...claims,
    };
    const signer = new FakeSignatures().signer(seed.slice());
    this.signed = signManifest(crypto(), signer, this.manifest);
  }

  get count(): number {
    return blocksOf(this.manifest);
  }

  bytes(index: number): Uint8Array {
    const { blockBytes } = this.manifest;
    return this.image.slice(index * blockBytes, (index + 1) * blockBytes);
  }

  path(index: number): Uint8Array {
    return pathOf(crypto(), this.#leaves, index);
  }

  /** As it is POSTed. */
  block(index: number, data = this.bytes(index), path = this.path(index)): Uint8Array {
    return encode([this.manifest.sequence, index, data, path]);
  }
}
