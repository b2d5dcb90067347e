/**
 * Keys and IVs of the OSCORE family (RFC 8613 §3.2.1): one secret, and an `info` for each key.
 *
 * What HKDF extracts from secret and salt is kept in place of the two, so that a member's key can
 * be derived when he is first heard, at the cost of one expansion.
 */
import { Writer } from "../bytes/writer.js";
import { CborWriter } from "../cbor/encode.js";
import type { Crypto } from "../ports/crypto.js";

/** RFC 8613 §3.2.1 and RFC 10021 §2.1.7. */
export type KeyType = "Key" | "IV" | "SEKey";

/** What all keys of a context come from. */
export interface Derivation {
  /** HKDF-Extract(salt, secret), 32 bytes. */
  readonly extracted: Uint8Array;
  /**
   * Second element of `info`: null where there is none; undefined where `info` has four elements
   * (draft-ietf-core-object-security-06).
   */
  readonly idContext: Uint8Array | null | undefined;
}

export function derivation(
  crypto: Crypto,
  input: { secret: Uint8Array; salt: Uint8Array; idContext: Uint8Array | null | undefined },
): Derivation {
  const { secret, salt, idContext } = input;
  return { extracted: crypto.hmac({ key: salt, data: secret }), idContext };
}

/**
 * One key or IV of `length` bytes. `id` is the Sender ID; of a Common IV `h''`, or null in info of
 * four elements; of a Signature Encryption Key `h''`.
 */
export function derive(
  crypto: Crypto,
  from: Derivation,
  what: { id: Uint8Array | null; algorithm: number; type: KeyType; length: number },
): Uint8Array {
  const info = infoOf(from.idContext, what);
  return crypto.hkdfExpand({ key: from.extracted, info, length: what.length });
}

/** `[id, alg, type, L]`, or `[id, id_context, alg, type, L]`. */
export function infoOf(
  idContext: Uint8Array | null | undefined,
  what: { id: Uint8Array | null; algorithm: number; type: KeyType; length: number },
): Uint8Array {
  const writer = new Writer(32);
  const cbor = new CborWriter(writer);
  cbor.array(idContext === undefined ? 4 : 5);
  bytesOrNull(cbor, what.id);
  if (idContext !== undefined) bytesOrNull(cbor, idContext);
  cbor.int(what.algorithm);
  cbor.text(what.type);
  cbor.uint(what.length);
  return writer.finish();
}

function bytesOrNull(cbor: CborWriter, value: Uint8Array | null): void {
  if (value === null) cbor.null();
  else cbor.bytes(value);
}
