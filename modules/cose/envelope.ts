/**
 * A key on its way: a COSE_Key in a COSE_Encrypt0 (RFC 9052 §5.2), AES-CCM-16-64-128 under a
 * key-encryption key that the receiver has already.
 *
 * `[{1: 10}, {4: kid of the key-encryption key, 5: nonce}, ciphertext]`. The nonce is the caller's
 * to choose, 13 bytes, never twice under one key-encryption key. What else has to hold (which
 * token, which member) goes into `externalAad`.
 */
import type { Cbor } from "../cbor/decode.js";
import { AES_CCM_16_64_128, type AeadKey } from "../ports/crypto.js";
import { encStructure } from "./encrypt.js";
import { algorithmHeader, objectOf, objectValue } from "./object.js";

export const NONCE_BYTES = 13;

/** A key-encryption key and its name. */
export interface EnvelopeKey {
  readonly kid: Uint8Array;
  readonly key: AeadKey;
}

export function sealEnvelope(input: {
  under: EnvelopeKey;
  nonce: Uint8Array;
  plain: Uint8Array;
  externalAad: Uint8Array;
}): Cbor {
  const { under, nonce, plain, externalAad } = input;
  if (nonce.length !== NONCE_BYTES) throw new RangeError(`a nonce of ${nonce.length} bytes`);
  const alg = AES_CCM_16_64_128;
  const aad = aadOf(algorithmHeader(alg), externalAad);
  const content = under.key.seal({ nonce, aad, plain });
  return objectValue({ alg, kid: under.kid, iv: nonce, content, proof: undefined });
}

/** The name of the key-encryption key; undefined when it is no such envelope. */
export function envelopeKeyId(envelope: Cbor): Uint8Array | undefined {
  return objectOf(envelope)?.kid;
}

/** What is inside; undefined when it is no envelope, or not one under this key. */
export function openEnvelope(
  envelope: Cbor,
  input: { key: AeadKey; externalAad: Uint8Array },
): Uint8Array | undefined {
  const object = objectOf(envelope);
  if (object === undefined || object.proof !== undefined) return undefined;
  const { alg, iv, protectedHeader, content } = object;
  if (alg !== AES_CCM_16_64_128) return undefined; // check: envelope-algorithm
  if (iv === undefined) return undefined;
  if (iv.length !== NONCE_BYTES) return undefined; // check: envelope-nonce
  const aad = aadOf(protectedHeader, input.externalAad);
  return input.key.open({ nonce: iv, aad, sealed: content });
}

function aadOf(protectedHeader: Uint8Array, externalAad: Uint8Array): Uint8Array {
  return encStructure({ context: "Encrypt0", protectedHeader, externalAad });
}
