/** One map, or one array, and nothing else: for whoever has no use for another value. */
import { type Cbor, type DecodeLimits, decode } from "./decode.js";

export function decodeMap(bytes: Uint8Array, limits?: DecodeLimits): Map<Cbor, Cbor> | undefined {
  const decoded = decode(bytes, limits);
  return decoded.ok && decoded.value instanceof Map ? decoded.value : undefined;
}

export function decodeList(bytes: Uint8Array, limits?: DecodeLimits): Cbor[] | undefined {
  const decoded = decode(bytes, limits);
  return decoded.ok && Array.isArray(decoded.value) ? decoded.value : undefined;
}
