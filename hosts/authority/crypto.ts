/**
 * The crypto port over node:crypto, for an authority that a thousand devices join at once: the
 * TypeScript of modules/crypto takes some milliseconds for what OpenSSL does in tens of
 * microseconds. What node:crypto has no way to (X25519 with Ed25519 keys, the order of a point,
 * P-256 as the port wants it) stays noble's.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { toHex } from "../../modules/bytes/hex.js";
import { sizesOf, TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { NobleP256 } from "../../modules/crypto/noble-p256.js";
import type { AeadKey, Signatures, Signer } from "../../modules/ports/crypto.js";

const KEY_BYTES = 16;
/** SubjectPublicKeyInfo of one, up to the key (RFC 8410 §4). */
const SPKI = Buffer.from("302a300506032b6570032100", "hex");
const SIGNATURE_BYTES = 64;
const POINT_BYTES = 32;
const KEYS_MAX = 256;
const HELD_MAX = 8192;
/** y of the points of order 1, 2, 4 and 8, without the sign of x. */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]);
/** PrivateKeyInfo of an Ed25519 key, up to the seed (RFC 8410 §7). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

export class NodeCrypto extends TsCrypto {
  declare readonly signatures: Signatures;
  declare readonly p256: NobleP256;

  constructor() {
    super(new NodeSignatures(), new NobleP256());
  }

  override aeadKey(algorithm: number, raw: Uint8Array): AeadKey {
    if (raw.length !== KEY_BYTES) throw new RangeError(`an AES-128 key of ${raw.length} bytes`);
    const sizes = sizesOf(algorithm);
    // OpenSSL, as node:crypto drives it, neither makes nor checks the tag of an empty message.
    const own = Uint8Array.from(raw);
    const ofEmpty = () => super.aeadKey(algorithm, own.slice());
    raw.fill(0);
    return new NodeAeadKey(own, sizes, ofEmpty);
  }

  override sha256(data: Uint8Array): Uint8Array {
    return plain(createHash("sha256").update(data).digest());
  }

  override hmac({ key, data }: { key: Uint8Array; data: Uint8Array }): Uint8Array {
    return plain(createHmac("sha256", key).update(data).digest());
  }
}

interface Sizes {
  readonly nonceBytes: number;
  readonly tagBytes: number;
}

class NodeAeadKey implements AeadKey {
  readonly #raw: Uint8Array;
  readonly #sizes: Sizes;
  readonly #ofEmpty: () => AeadKey;

  constructor(raw: Uint8Array, sizes: Sizes, ofEmpty: () => AeadKey) {
    this.#raw = raw;
    this.#sizes = sizes;
    this.#ofEmpty = ofEmpty;
  }

  open(box: { nonce: Uint8Array; aad: Uint8Array; sealed: Uint8Array }): Uint8Array | undefined {
    const { nonce, aad, sealed } = box;
    const { tagBytes } = this.#sizes;
    const plaintextLength = sealed.length - tagBytes;
    this.#check(nonce);
    if (plaintextLength < 0) return undefined;
    if (plaintextLength === 0) return this.#ofEmpty().open(box);
    const options = { authTagLength: tagBytes };
    const cipher = createDecipheriv("aes-128-ccm", this.#raw, nonce, options);
    cipher.setAuthTag(sealed.subarray(plaintextLength));
    cipher.setAAD(aad, { plaintextLength });
    try {
      const opened = cipher.update(sealed.subarray(0, plaintextLength));
      cipher.final();
      return plain(opened);
    } catch {
      return undefined;
    }
  }

  seal(box: { nonce: Uint8Array; aad: Uint8Array; plain: Uint8Array }): Uint8Array {
    const { nonce, aad } = box;
    this.#check(nonce);
    if (box.plain.length === 0) return this.#ofEmpty().seal(box);
    const options = { authTagLength: this.#sizes.tagBytes };
    const cipher = createCipheriv("aes-128-ccm", this.#raw, nonce, options);
    cipher.setAAD(aad, { plaintextLength: box.plain.length });
    const sealed = cipher.update(box.plain);
    cipher.final();
    return plain(Buffer.concat([sealed, cipher.getAuthTag()]));
  }

  #check(nonce: Uint8Array): void {
    const { nonceBytes } = this.#sizes;
    if (nonce.length !== nonceBytes) throw new RangeError(`a nonce of ${nonce.length} bytes`);
  }
}

class NodeSignatures implements Signatures {
  readonly provider = "OpenSSL and noble";
  readonly #noble = new NobleSignatures();
  readonly #keys = new Map<string, KeyObject>();
  readonly #held = new Held();

  signer(seed: Uint8Array): Signer {
    const info = Buffer.concat([PKCS8, seed]);
    // It looks at the length, and wipes.
    const noble = this.#noble.signer(seed);
    const key = createPrivateKey({ key: info, format: "der", type: "pkcs8" });
    info.fill(0);
    return new NodeSigner(key, noble, this.#held);
  }

  isPublicKey(publicKey: Uint8Array): boolean {
    return this.#noble.isPublicKey(publicKey);
  }

  /**
   * OpenSSL checks S below L and the equation without the cofactor, R as bytes; what it lets pass
   * besides (keys and R of small order, keys that are not canonical) is refused here.
   */
  verify(input: { data: Uint8Array; signature: Uint8Array; publicKey: Uint8Array }): boolean {
    const { data, signature, publicKey } = input;
    if (signature.length !== SIGNATURE_BYTES || publicKey.length !== POINT_BYTES) return false;
    if (!isCanonical(publicKey) || isSmallOrder(publicKey)) return false;
    if (isSmallOrder(signature.subarray(0, POINT_BYTES))) return false;
    if (this.#held.has(input)) return true;
    const key = this.#keyOf(publicKey);
    const isGood = key !== undefined && verify(null, data, key, signature);
    if (isGood) this.#held.add(input);
    return isGood;
  }

  /** OpenSSL's form of it; a few are used again and again. */
  #keyOf(publicKey: Uint8Array): KeyObject | undefined {
    const name = toHex(publicKey);
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    try {
      const der = Buffer.concat([SPKI, publicKey]);
      const key = createPublicKey({ key: der, format: "der", type: "spki" });
      if (this.#keys.size >= KEYS_MAX) this.#keys.clear();
      this.#keys.set(name, key);
      return key;
    } catch {
      return undefined;
    }
  }
}

interface Signed {
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
}

/**
 * The latest signatures that hold, each with a digest of what it is on and by whom: a token comes
 * back to the program that made it, and to a KDC with each question.
 */
class Held {
  readonly #names = new Set<string>();

  has(signed: Signed): boolean {
    return this.#names.has(nameOf(signed));
  }

  add(signed: Signed): void {
    const [oldest] = this.#names;
    if (this.#names.size >= HELD_MAX) this.#names.delete(oldest);
    this.#names.add(nameOf(signed));
  }
}

function nameOf({ data, signature, publicKey }: Signed): string {
  const digest = createHash("sha256").update(publicKey).update(data).digest("base64");
  return Buffer.from(signature).toString("latin1") + digest;
}

class NodeSigner implements Signer {
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;
  readonly #noble: Signer;
  readonly #held: Held;

  constructor(key: KeyObject, noble: Signer, held: Held) {
    this.#key = key;
    this.#noble = noble;
    this.#held = held;
    this.publicKey = noble.publicKey;
  }

  sign(data: Uint8Array): Uint8Array {
    const signature = plain(sign(null, data, this.#key));
    this.#held.add({ data, signature, publicKey: this.publicKey });
    return signature;
  }

  agree(publicKey: Uint8Array): Uint8Array | undefined {
    return this.#noble.agree(publicKey);
  }
}

/** Whether y is below p = 2^255 - 19. */
function isCanonical(point: Uint8Array): boolean {
  const isTop = (point[31] & 0x7f) === 0x7f && point.subarray(1, 31).every((byte) => byte === 0xff);
  return !isTop || point[0] < 0xed;
}

function isSmallOrder(point: Uint8Array): boolean {
  // A Buffer's own slice() is no copy.
  const y = Uint8Array.from(point);
  y[31] &= 0x7f;
  return SMALL_ORDER.has(toHex(y));
}

/** Not a Buffer: deepEqual and subarray tell them apart. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
