/**
 * COSE_Sign1 and COSE_Mac0 (RFC 9052 §4.2, §6.2): one content, vouched for by one key.
 *
 * Both are the same shape with another context word in what is signed, so a signature can never be
 * taken for a MAC. `Voucher` is a key together with its only algorithm.
 */
import { equalConstantTime } from "../bytes/equal.js";
import { Writer } from "../bytes/writer.js";
import type { Cbor } from "../cbor/decode.js";
import { CborWriter } from "../cbor/encode.js";
import { Tagged } from "../cbor/value.js";
import { type Crypto, EDDSA, type Signer } from "../ports/crypto.js";
import { TAG_MAC0, TAG_SIGN1 } from "./headers.js";
import { algorithmHeader, type CoseObject, objectOf, objectValue } from "./object.js";

/** HMAC 256/256 (RFC 9053 §3.1). */
export const HMAC_256_256 = 5;

/** "MAC0" and "Signature1" are the contexts of RFC 9052 §4.4 and §6.3. */
type Context = "Signature1" | "MAC0";

const FIXED_BYTES_MAX = 32;

/** A key to verify with: a public one, or a secret that the issuer shares. */
export type Anchor =
  | { readonly alg: typeof EDDSA; readonly publicKey: Uint8Array }
  | { readonly alg: typeof HMAC_256_256; readonly secret: Uint8Array };

/** A key to vouch with. */
export type Voucher =
  | { readonly alg: typeof EDDSA; readonly signer: Signer }
  | { readonly alg: typeof HMAC_256_256; readonly secret: Uint8Array };

/** What is signed or MACed: `[context, protected, external_aad, payload]`, nothing external. */
export function vouchedData(input: {
  context: Context;
  bodyProtected: Uint8Array;
  payload: Uint8Array;
}): Uint8Array {
  const { context, bodyProtected, payload } = input;
  const writer = new Writer(FIXED_BYTES_MAX + bodyProtected.length + payload.length);
  const cbor = new CborWriter(writer);
  cbor.array(4);
  cbor.text(context);
  cbor.bytes(bodyProtected);
  cbor.bytes(new Uint8Array(0));
  cbor.bytes(payload);
  return writer.finish();
}

/** The tagged object (RFC 9052 §2: 17 or 18). Throws where the build has no signatures. */
export function vouch(
  crypto: Pick<Crypto, "hmac">,
  input: { voucher: Voucher; kid?: Uint8Array; payload: Uint8Array },
): Tagged {
  const { voucher, kid, payload } = input;
  const { alg } = voucher;
  const { context, tag } = kindOf(alg);
  const data = vouchedData({ context, bodyProtected: algorithmHeader(alg), payload });
  const proof =
    voucher.alg === EDDSA ? voucher.signer.sign(data) : crypto.hmac({ key: voucher.secret, data });
  return new Tagged(tag, objectValue({ alg, kid, iv: undefined, content: payload, proof }));
}

/** The object inside the tag, unverified; undefined when it is no COSE_Sign1 and no COSE_Mac0. */
export function vouchedOf(value: Cbor): { tag: number; object: CoseObject } | undefined {
  if (!(value instanceof Tagged)) return undefined;
  const { tag } = value;
  if (tag !== TAG_SIGN1 && tag !== TAG_MAC0) return undefined;
  const object = objectOf(value.value);
  if (object?.proof === undefined || object.iv !== undefined) return undefined;
  return { tag, object };
}

/**
 * Whether `anchor` vouches for it. The algorithm is the anchor's; an object that claims another, or
 * wears the other tag, is none of it.
 */
export function isVouched(
  crypto: Pick<Crypto, "hmac" | "signatures">,
  { tag, object }: { tag: number; object: CoseObject },
  anchor: Anchor,
): boolean {
  const { alg, protectedHeader: bodyProtected, content: payload, proof } = object;
  if (proof === undefined) return false;
  if (alg !== anchor.alg) return false; // check: cose-algorithm
  const kind = kindOf(anchor.alg);
  if (tag !== kind.tag) return false; // check: cose-tag
  const data = vouchedData({ context: kind.context, bodyProtected, payload });
  if (anchor.alg === EDDSA) {
    const { publicKey } = anchor;
    return crypto.signatures?.verify({ data, signature: proof, publicKey }) === true;
  }
  return equalConstantTime(crypto.hmac({ key: anchor.secret, data }), proof);
}

function kindOf(alg: Anchor["alg"]): { context: Context; tag: number } {
  return alg === EDDSA
    ? { context: "Signature1", tag: TAG_SIGN1 }
    : { context: "MAC0", tag: TAG_MAC0 };
}
