/**
 * Counter signatures: a second signer vouches for a COSE object that somebody encrypted
 * (RFC 8152 §4.5 and Appendix A.1, RFC 9338 §3.3).
 *
 * `CounterSignature` names its algorithm in a protected header of its own; `CounterSignature0` is
 * the bare signature, both sides know the algorithm. Here is only what gets signed; where the
 * signature travels differs in every scheme.
 */
import { Writer } from "../bytes/writer.js";
import { CborWriter } from "../cbor/encode.js";
import { EDDSA } from "../ports/crypto.js";
import { ALG } from "./headers.js";

export type CounterContext = "CounterSignature" | "CounterSignature0";

/** Heads of five items, and the context's text. */
const FIXED_BYTES_MAX = 40;

/**
 * The Sig_structure of five elements (RFC 8152 §4.4, RFC 9338 §3.3): context, protected headers of
 * the body and of the signer, external_aad, payload. The signer's is `h''` in `CounterSignature0`:
 * RFC 9338 can be read as leaving that element out, but the cose-wg examples and the live peers
 * keep it. Of an encrypted object the payload is the ciphertext with its tag.
 */
export function countersignData(input: {
  context: CounterContext;
  bodyProtected: Uint8Array;
  signProtected: Uint8Array;
  externalAad: Uint8Array;
  payload: Uint8Array;
}): Uint8Array {
  const { bodyProtected, signProtected, externalAad, payload } = input;
  const parts = [bodyProtected, signProtected, externalAad, payload];
  let size = FIXED_BYTES_MAX;
  for (const { length } of parts) size += length;
  const writer = new Writer(size);
  const cbor = new CborWriter(writer);
  cbor.array(5);
  cbor.text(input.context);
  for (const part of parts) cbor.bytes(part);
  return writer.finish();
}

/** The protected header of a signer with EdDSA: `{1: -8}`, h'a10127'. */
export function eddsaHeader(): Uint8Array {
  const writer = new Writer(3);
  const cbor = new CborWriter(writer);
  cbor.map(1);
  cbor.int(ALG);
  cbor.int(EDDSA);
  return writer.finish();
}
