/** Secrets as they travel (`KeyInput.raw`): a CBOR map of few entries under small labels. */
import { type Cbor, decode } from "../cbor/decode.js";

const MASTER_SECRET = 1;
/** No document sets a least length; below that of the keys the keys would not be worth theirs. */
const SECRET_BYTES_MIN = 16;

/**
 * The map's entries, copies, or none where `raw` is anything else or holds more than `most`. `raw`
 * is wiped.
 */
export function takeSecrets(raw: Uint8Array, most: number): ReadonlyMap<Cbor, Cbor> {
  const decoded = decode(raw, { depthMax: 1, itemsMax: 1 + 2 * most });
  raw.fill(0);
  return decoded.ok && decoded.value instanceof Map ? decoded.value : new Map<Cbor, Cbor>();
}

/** The Master Secret among them. Throws RangeError where there is none, or a short one. */
export function masterSecretOf(secrets: ReadonlyMap<Cbor, Cbor>): Uint8Array {
  const secret = bytesOf(secrets, MASTER_SECRET);
  if (secret.length < SECRET_BYTES_MIN) {
    throw new RangeError(`a Master Secret of ${secret.length} bytes`);
  }
  return secret;
}

/** The byte string under that label. Throws RangeError where there is none. */
export function bytesOf(secrets: ReadonlyMap<Cbor, Cbor>, label: number): Uint8Array {
  const value = secrets.get(label);
  if (value instanceof Uint8Array) return value;
  throw new RangeError("not the scheme's secrets");
}
