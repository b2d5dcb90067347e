/**
 * The Security Context of RFC 8613 §3: two endpoints, a key for each direction.
 *
 * Master material as it travels, `KeyInput.raw`: CBOR `{1: master secret, 2: master salt, 3: ID
 * Context, 4: the peer's id}`; 3 is absent where there is no ID Context. What requests carry as kid
 * context is the ID Context, or (renegotiate.ts) that in a CBOR byte string.
 */
import { equalBytes } from "../bytes/equal.js";
import { encode } from "../cbor/encode.js";
import { AES_CCM_16_64_128, type AeadKey, type Crypto } from "../ports/crypto.js";
import { type Derivation, derivation, derive } from "./derive.js";
import { nonceBase } from "./nonce.js";
import { bytesOf, masterSecretOf, takeSecrets } from "./secrets.js";

const KEY_BYTES = 16;
const NONCE_BYTES = 13;

/** Sender or Recipient Context, but for number and window. */
export interface PairEnd {
  readonly id: Uint8Array;
  readonly aead: AeadKey;
  /** Common IV ⊕ (length of id ‖ id ‖ 0): all of its nonces but the number. */
  readonly base: Uint8Array;
}

export interface PairContext {
  /** What requests carry as kid context; no bytes: none. */
  readonly keyId: Uint8Array;
  readonly peerId: Uint8Array;
  readonly commonIv: Uint8Array;
  /** external_aad up to request_kid: `[1, [10], …` of five. */
  readonly head: Uint8Array;
  readonly own: PairEnd;
  readonly recipient: PairEnd;
}

/** What both ends were given, and never changes. */
export interface PairSecrets {
  readonly secret: Uint8Array;
  readonly salt: Uint8Array;
  readonly ownId: Uint8Array;
  readonly peerId: Uint8Array;
}

/**
 * Derives a context; `keyId` is what is sent as kid context. Throws RangeError on ids that no nonce
 * has room for, and on two that are the same.
 */
export function derivePair(
  crypto: Crypto,
  secrets: PairSecrets,
  names: { readonly idContext: Uint8Array | null; readonly keyId: Uint8Array },
): PairContext {
  const { ownId, peerId } = secrets;
  // RFC 8613 §3.3: with one id for both, the two directions would share key and nonces.
  if (equalBytes(ownId, peerId)) throw new RangeError("both ends have one id"); // check: pair-ids
  const idContext = names.idContext === null ? null : names.idContext.slice();
  const from = derivation(crypto, { ...secrets, idContext });
  const commonIv = derive(crypto, from, {
    id: new Uint8Array(0),
    algorithm: AES_CCM_16_64_128,
    type: "IV",
    length: NONCE_BYTES,
  });
  const own = end(crypto, from, commonIv, ownId);
  const recipient = end(crypto, from, commonIv, peerId);
  from.extracted.fill(0);
  const head = Uint8Array.of(0x85, 0x01, 0x81, AES_CCM_16_64_128);
  return { keyId: names.keyId.slice(), peerId: recipient.id, commonIv, head, own, recipient };
}

function end(crypto: Crypto, from: Derivation, commonIv: Uint8Array, id: Uint8Array): PairEnd {
  const what = { id, algorithm: AES_CCM_16_64_128, type: "Key", length: KEY_BYTES } as const;
  const base = nonceBase(commonIv, id);
  return {
    id: id.slice(),
    aead: crypto.aeadKey(AES_CCM_16_64_128, derive(crypto, from, what)),
    base,
  };
}

/** Derives; wipes `raw`. Throws RangeError on what is no such context. */
export function pairContext(
  crypto: Crypto,
  input: {
    readonly keyId: Uint8Array;
    readonly raw: Uint8Array;
    readonly own: { readonly id: Uint8Array };
  },
): PairContext {
  const { secret, salt, idContext, peerId } = pairMaterial(input.raw);
  const { keyId, own } = input;
  const named = idContext ?? new Uint8Array(0);
  if (!(equalBytes(keyId, named) || equalBytes(keyId, encode(named)))) {
    throw new RangeError("another ID Context");
  }
  const secrets = { secret, salt, ownId: own.id, peerId };
  const context = derivePair(crypto, secrets, { idContext, keyId });
  secret.fill(0);
  return context;
}

/** The parts of `raw`, copies; `raw` is wiped. Throws RangeError when it is anything else. */
export function pairMaterial(raw: Uint8Array): {
  secret: Uint8Array;
  salt: Uint8Array;
  idContext: Uint8Array | null;
  peerId: Uint8Array;
} {
  const secrets = takeSecrets(raw, 4);
  const secret = masterSecretOf(secrets);
  const salt = bytesOf(secrets, 2);
  const idContext = secrets.has(3) ? bytesOf(secrets, 3) : null;
  const peerId = bytesOf(secrets, 4);
  const count = idContext === null ? 3 : 4;
  if (secrets.size !== count) throw new RangeError("not the scheme's secrets");
  return { secret, salt, idContext, peerId };
}
