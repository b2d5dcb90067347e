/**
 * COSE encryption (RFC 9052 §5): what is authenticated beside the ciphertext.
 *
 * The OSCORE-like profiles send no COSE object, they borrow this structure for their additional
 * data; objects that are sent whole (tokens, key envelopes, oscoap-00) use it too. Only the
 * structure is here: how a profile compresses the rest is its own business.
 */
import { Writer } from "../bytes/writer.js";
import { CborWriter } from "../cbor/encode.js";

/** RFC 9052 §5.3; the other three contexts belong to messages with recipients. */
export type EncContext = "Encrypt0" | "Encrypt";

/**
 * The Enc_structure `[context, protected, external_aad]`, the AEAD's additional data. An empty
 * protected header is `h''`, never the encoding of an empty map (§3).
 */
export function encStructure(input: {
  context: EncContext;
  protectedHeader: Uint8Array;
  externalAad: Uint8Array;
}): Uint8Array {
  const { context, protectedHeader, externalAad } = input;
  const writer = new Writer(8 + context.length + protectedHeader.length + externalAad.length);
  const cbor = new CborWriter(writer);
  cbor.array(3);
  cbor.text(context);
  cbor.bytes(protectedHeader);
  cbor.bytes(externalAad);
  return writer.finish();
}
