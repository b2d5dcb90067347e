/**
 * What an image is, signed: COSE_Sign1 with EdDSA (RFC 9052 §4.2) over a map with the parts of a
 * SUIT manifest that this needs (RFC 9124 §3: version, sequence number, class, size, digest).
 *
 *   {1: 1, 2: sequence number, 3: size, 4: bytes of a block, 5: root of its blocks (merkle.ts),
 *    6: SHA-256 of the image, 7: version, 8: what it is made for, ? 9: going back}
 *
 * Sequence numbers rise. To go back is said by field 9, the highest sequence number that this image
 * may follow: a permission for one step, worth nothing once the device has gone further.
 */
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { isVouched, vouch, vouchedOf } from "../cose/vouched.js";
import { type Crypto, EDDSA, type Signer } from "../ports/crypto.js";
import { HASH_BYTES } from "./merkle.js";

const FORMAT = 1;
const NUMBER_MAX = 0xffffffff;
const SIZE_MAX = 0x7fffffff;
const BLOCK_MIN = 64;
const BLOCK_MAX = 1024;
const TEXT_MAX = 32;
/** One bit each in one record of the store. */
export const BLOCKS_MAX = 8192;
/** With its signature one record of the store, and one datagram. */
export const MANIFEST_BYTES_MAX = 512;
const OUTER_LIMITS = { depthMax: 3, itemsMax: 12 };
const INNER_LIMITS = { depthMax: 1, itemsMax: 24 };

export interface Manifest {
  readonly sequence: number;
  /** Bytes of the image. */
  readonly size: number;
  /** Bytes of a block but the last: 64 to 1024, a power of two. */
  readonly blockBytes: number;
  readonly root: Uint8Array;
  readonly digest: Uint8Array;
  /** For a person. */
  readonly version: string;
  readonly kind: string;
  readonly replaces: number | undefined;
}

/** Of an image, in blocks. */
export function blocksOf({ size, blockBytes }: Manifest): number {
  return Math.ceil(size / blockBytes);
}

/** Signs it; for whoever releases firmware. */
export function signManifest(
  crypto: Pick<Crypto, "hmac">,
  signer: Signer,
  manifest: Manifest,
): Uint8Array {
  const { sequence, size, blockBytes, root, digest, version, kind, replaces } = manifest;
  const parts: [Cbor, Cbor][] = [
    [1, FORMAT],
    [2, sequence],
    [3, size],
    [4, blockBytes],
    [5, root],
    [6, digest],
    [7, version],
    [8, kind],
  ];
  if (replaces !== undefined) parts.push([9, replaces]);
  const payload = encode(new Map(parts));
  if (parseManifest(payload) === undefined) throw new RangeError("no manifest can say that");
  return encode(vouch(crypto, { voucher: { alg: EDDSA, signer }, payload }));
}

/** The manifest, when this key signed it; `malformed`, `forged`. */
export function openManifest(
  crypto: Pick<Crypto, "hmac" | "signatures">,
  bytes: Uint8Array,
  publicKey: Uint8Array,
): Outcome<Manifest> {
  const decoded = decode(bytes, OUTER_LIMITS);
  const object = decoded.ok ? vouchedOf(decoded.value) : undefined;
  if (object === undefined) return drop("malformed");
  const isGenuine = isVouched(crypto, object, { alg: EDDSA, publicKey });
  if (!isGenuine) return drop("forged"); // check: manifest-signature
  const manifest = parseManifest(object.object.content);
  return manifest === undefined ? drop("malformed") : ok(manifest);
}

/** One that was opened before, and kept. */
export function keptManifest(bytes: Uint8Array): Manifest | undefined {
  const decoded = decode(bytes, OUTER_LIMITS);
  const object = decoded.ok ? vouchedOf(decoded.value) : undefined;
  return object && parseManifest(object.object.content);
}

/** Undefined for everything but what `signManifest` writes. */
function parseManifest(payload: Uint8Array): Manifest | undefined {
  const decoded = decode(payload, INNER_LIMITS);
  if (!decoded.ok || !(decoded.value instanceof Map)) return undefined;
  const map = decoded.value;
  const replaces = map.get(9);
  if (map.get(1) !== FORMAT || map.size !== (map.has(9) ? 9 : 8)) return undefined;
  if (map.has(9) && !isUint(replaces, NUMBER_MAX)) return undefined;
  const [sequence, size, blockBytes] = [map.get(2), map.get(3), map.get(4)];
  const [root, digest, version, kind] = [map.get(5), map.get(6), map.get(7), map.get(8)];
  const isCounted = isUint(sequence, NUMBER_MAX) && isUint(size, SIZE_MAX) && size > 0;
  if (!isCounted || !isUint(blockBytes, BLOCK_MAX)) return undefined;
  const isPower = blockBytes >= BLOCK_MIN && (blockBytes & (blockBytes - 1)) === 0;
  if (!isPower || Math.ceil(size / blockBytes) > BLOCKS_MAX) return undefined;
  if (!isHash(root) || !isHash(digest) || !isShort(version) || !isShort(kind)) return undefined;
  const goingBack = replaces as number | undefined;
  return { sequence, size, blockBytes, root, digest, version, kind, replaces: goingBack };
}

function isUint(value: Cbor, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
}

function isHash(value: Cbor): value is Uint8Array {
  return value instanceof Uint8Array && value.length === HASH_BYTES;
}

function isShort(value: Cbor): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= TEXT_MAX;
}
