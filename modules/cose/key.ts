/** COSE_Key for symmetric keys (RFC 9052 §7, RFC 9053 §6.2): a key with its name and its use. */
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";

const KTY = 1;
const KID = 2;
const ALG = 3;
const K = -1;
/** Key type `Symmetric`. */
const SYMMETRIC = 4;

export interface SymmetricKey {
  readonly k: Uint8Array;
  readonly kid: Uint8Array | undefined;
  /** COSE algorithm number the key is bound to. */
  readonly alg: number | undefined;
}

export function emitKey(key: SymmetricKey): Uint8Array {
  const map = new Map<Cbor, Cbor>([
    [KTY, SYMMETRIC],
    [K, key.k],
  ]);
  if (key.kid !== undefined) map.set(KID, key.kid);
  if (key.alg !== undefined) map.set(ALG, key.alg);
  return encode(map);
}

/**
 * `malformed` unless `bytes` are exactly what `emitKey` writes for some key: no other parameters.
 */
export function parseKey(bytes: Uint8Array): Outcome<SymmetricKey> {
  const decoded = decode(bytes, { depthMax: 1, itemsMax: 9 });
  if (!decoded.ok) return decoded;
  const map = decoded.value;
  if (!(map instanceof Map)) return drop("malformed");
  const k = map.get(K);
  const kid = map.get(KID);
  const alg = map.get(ALG);
  if (map.get(KTY) !== SYMMETRIC) return drop("malformed"); // check: cose-key-type
  if (!(k instanceof Uint8Array) || k.length === 0) return drop("malformed");
  if (kid !== undefined && !(kid instanceof Uint8Array)) return drop("malformed");
  if (alg !== undefined && !isInteger(alg)) return drop("malformed");
  const known = 2 + (kid === undefined ? 0 : 1) + (alg === undefined ? 0 : 1);
  if (map.size !== known) return drop("malformed"); // check: cose-key-extra
  return ok({ k, kid, alg });
}

function isInteger(value: Cbor): value is number {
  return typeof value === "number" && Number.isInteger(value);
}
