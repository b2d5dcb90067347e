/** Keys as they are offered: a COSE_Key, or the material of a scheme in one (WIRE.md). */
import { equalBytes } from "../bytes/equal.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { envelopeKeyId } from "../cose/envelope.js";
import { AES_CCM_16_64_128 } from "../ports/crypto.js";

// COSE_Key, and our label for the material of a scheme.
const KTY = 1;
const KID = 2;
const ALG = 3;
const K = -1;
const MATERIAL = -70003;
const SYMMETRIC = 4;
const KEY_LIMITS = { depthMax: 3, itemsMax: 24 };
const KEY_BYTES = 16;

export interface OfferedKey {
  readonly keyId: Uint8Array;
  readonly raw: Uint8Array;
}

/** What is inside an envelope, which is wiped. */
export function offeredKey(plain: Uint8Array): OfferedKey | undefined {
  const decoded = decode(plain, KEY_LIMITS);
  plain.fill(0);
  const map = decoded.ok && decoded.value instanceof Map ? decoded.value : undefined;
  const keyId = map?.get(KID);
  if (map?.get(KTY) !== SYMMETRIC || !(keyId instanceof Uint8Array)) return undefined;
  const material = map.get(MATERIAL);
  if (material instanceof Map) return { keyId, raw: encode(material) };
  const raw = map.get(K);
  if (map.get(ALG) !== AES_CCM_16_64_128 || !(raw instanceof Uint8Array)) return undefined;
  return raw.length === KEY_BYTES ? { keyId, raw } : undefined;
}

export function isUnder(envelope: Cbor, kid: Uint8Array): boolean {
  const named = envelopeKeyId(envelope);
  return named !== undefined && equalBytes(named, kid);
}
