/**
 * Security Contexts of RFC 10021 §2: what a group has in common, this device as a sender, and the
 * others as recipients.
 *
 * Of the constant parts of every message's additional data (algorithms, credentials, Gid) each
 * stands encoded where it belongs, so that opening copies them and encodes two short fields. Keys
 * for two alone cost a Diffie-Hellman and are derived when they are first asked for.
 *
 * Master material as it travels, `KeyInput.raw`: CBOR `{1: master secret, 2: master salt, 3: AEAD
 * Algorithm, 4: Group Encryption Algorithm, 5: Signature Algorithm, 6: Pairwise Key Agreement
 * Algorithm, 7: Group Manager's credential}`, nil for an algorithm that is not set.
 */
import { concat } from "../bytes/concat.js";
import { equalBytes } from "../bytes/equal.js";
import { Writer } from "../bytes/writer.js";
import type { Cbor } from "../cbor/decode.js";
import { CborWriter, encode } from "../cbor/encode.js";
import { publicKeyOf } from "../cose/ccs.js";
import {
  AES_CCM_16_64_128,
  AES_CCM_16_128_128,
  type AeadKey,
  type Crypto,
  ECDH_SS_HKDF_256,
  EDDSA,
  type Signer,
} from "../ports/crypto.js";
import { type Derivation, derivation, derive } from "./derive.js";
import { nonceBase } from "./nonce.js";
import { bytesOf, masterSecretOf, takeSecrets } from "./secrets.js";

const KEY_BYTES = 16;
/** Of both AES-CCM-16 algorithms: so the Common IV has 13 bytes, too (RFC 10021 §2.1.4). */
const NONCE_BYTES = 13;

/** RFC 10021 §2.1; null where a parameter is not set. */
export interface Algorithms {
  readonly aead: number | null;
  readonly groupEncryption: number | null;
  readonly signature: number | null;
  readonly agreement: number | null;
}

/** What is encoded once for whoever sends: his part of the additional data and of the nonce. */
interface Prepared {
  readonly id: Uint8Array;
  /** The whole credential, and the same as a CBOR byte string. */
  readonly credential: Uint8Array;
  readonly credentialCbor: Uint8Array;
  /** external_aad of his requests, up to request_kid. */
  readonly head: Uint8Array;
  /** Common IV ⊕ (length of id ‖ id ‖ 0). */
  readonly base: Uint8Array;
  /** Sender or Recipient Key, for the group mode; undefined in a group that has none. */
  readonly aead: AeadKey | undefined;
}

export interface GroupSender extends Prepared {
  readonly signer: Signer;
}

export interface GroupRecipient extends Prepared {
  readonly publicKey: Uint8Array;
  /** Derived when first asked for; null when nothing can be agreed on. */
  pairwise?: Pairwise | null;
}

/** RFC 10021 §2.5.1. */
export interface Pairwise {
  /** Pairwise Sender Key. */
  readonly to: AeadKey;
  /** Pairwise Recipient Key. */
  readonly from: AeadKey;
}

/** Common Context and Sender Context. */
export interface GroupContext {
  /** The Gid. */
  readonly keyId: Uint8Array;
  readonly crypto: Crypto;
  readonly algorithms: Algorithms;
  readonly derivation: Derivation;
  readonly commonIv: Uint8Array;
  /** Undefined in a group without group mode. */
  readonly signatureKey: Uint8Array | undefined;
  /** external_aad up to and with the algorithms. */
  readonly head: Uint8Array;
  /** CBOR of `options`, always empty, and of our Gid as request_kid_context. */
  readonly gidCbor: Uint8Array;
  readonly managerCbor: Uint8Array;
  /** Undefined in a silent server. */
  readonly own: GroupSender | undefined;
}

export interface GroupInput {
  readonly keyId: Uint8Array;
  readonly raw: Uint8Array;
  readonly own: {
    readonly id: Uint8Array;
    readonly credential: Uint8Array;
    readonly signer: Signer | undefined;
  };
}

/** The Gid was replaced, and is heard no more. */
export function wipeGroup({ derivation: from, signatureKey }: GroupContext): void {
  from.extracted.fill(0);
  signatureKey?.fill(0);
}

/** Derives and encodes; wipes `raw`. Throws RangeError on what is no such group. */
export function groupContext(crypto: Crypto, input: GroupInput): GroupContext {
  const { own, keyId } = input;
  const material = materialOf(input.raw);
  if (crypto.signatures === undefined) throw new RangeError("a build without signatures");
  const { algorithms } = material;
  const from = derivation(crypto, { ...material, idContext: keyId.slice() });
  material.secret.fill(0);
  const { groupEncryption } = algorithms;
  const nobody = new Uint8Array(0);
  const common = {
    keyId: keyId.slice(),
    crypto,
    algorithms,
    derivation: from,
    commonIv: derive(crypto, from, {
      id: nobody,
      algorithm: groupEncryption ?? (algorithms.aead as number),
      type: "IV",
      length: NONCE_BYTES,
    }),
    signatureKey:
      groupEncryption === null
        ? undefined
        : derive(crypto, from, {
            id: nobody,
            algorithm: groupEncryption,
            type: "SEKey",
            length: KEY_BYTES,
          }),
    head: headOf(algorithms),
    gidCbor: concat(encode(nobody), encode(keyId)),
    managerCbor: encode(material.manager),
  };
  const { signer } = own;
  if (signer === undefined) return { ...common, own: undefined };
  const publicKey = publicKeyOf(own.credential);
  if (publicKey === undefined || !equalBytes(publicKey, signer.publicKey)) {
    throw new RangeError("our credential is not that of our key");
  }
  return { ...common, own: { ...prepare(crypto, common, own), signer } };
}

/**
 * A member's Recipient Context; undefined when his credential holds no key. Whether that is one to
 * be trusted was looked at when he became a member.
 */
export function groupRecipient(
  context: GroupContext,
  member: { readonly id: Uint8Array; readonly credential: Uint8Array },
): GroupRecipient | undefined {
  const { crypto } = context;
  const publicKey = publicKeyOf(member.credential);
  if (publicKey === undefined) return undefined;
  return { ...prepare(crypto, context, member), publicKey };
}

/** Keys for us and that member alone; undefined in a group without, and in a silent server. */
export function pairwiseOf(context: GroupContext, peer: GroupRecipient): Pairwise | undefined {
  if (peer.pairwise === undefined) peer.pairwise = agreed(context, peer) ?? null;
  return peer.pairwise ?? undefined;
}

/** RFC 10021 §2.5.1. The old shared secret would do after a rekey; it is not worth its memory. */
function agreed(context: GroupContext, peer: GroupRecipient): Pairwise | undefined {
  const { own } = context;
  if (!usesPairwise(context) || own === undefined) return undefined;
  const secret = own.signer.agree(peer.publicKey);
  if (secret === undefined) return undefined;
  const keys = {
    to: pairwiseKey(context, own, peer, secret),
    from: pairwiseKey(context, peer, own, secret),
  };
  secret.fill(0);
  return keys;
}

function pairwiseKey(
  { crypto, algorithms, derivation: from, keyId }: GroupContext,
  sender: Prepared,
  recipient: Prepared,
  secret: Uint8Array,
): AeadKey {
  const algorithm = algorithms.aead as number;
  const { id } = sender;
  const salt = derive(crypto, from, keyOf(algorithms, id));
  const keyMaterial = concat(sender.credential, recipient.credential, secret);
  const between = derivation(crypto, { secret: keyMaterial, salt, idContext: keyId });
  const raw = derive(crypto, between, { id, algorithm, type: "Key", length: KEY_BYTES });
  for (const spent of [salt, keyMaterial, between.extracted]) spent.fill(0);
  return crypto.aeadKey(algorithm, raw);
}

export function usesPairwise({ algorithms }: { readonly algorithms: Algorithms }): boolean {
  return algorithms.aead !== null && algorithms.agreement !== null;
}

function prepare(
  crypto: Crypto,
  common: Pick<GroupContext, "algorithms" | "derivation" | "commonIv" | "head">,
  member: { readonly id: Uint8Array; readonly credential: Uint8Array },
): Prepared {
  const { algorithms } = common;
  const id = member.id.slice();
  const { groupEncryption } = algorithms;
  return {
    id,
    credential: member.credential.slice(),
    credentialCbor: encode(member.credential),
    head: concat(common.head, encode(id)),
    base: nonceBase(common.commonIv, id),
    aead:
      groupEncryption === null
        ? undefined
        : crypto.aeadKey(groupEncryption, derive(crypto, common.derivation, keyOf(algorithms, id))),
  };
}

/** RFC 10021 §2.3: Sender and Recipient Keys are those of the group mode, where there is one. */
function keyOf({ groupEncryption, aead }: Algorithms, id: Uint8Array) {
  const algorithm = groupEncryption ?? (aead as number);
  return { id, algorithm, type: "Key", length: KEY_BYTES } as const;
}

/** `[1, [alg_aead, alg_group_enc, alg_signature, alg_pairwise_key_agreement], …` of nine. */
function headOf({ aead, groupEncryption, signature, agreement }: Algorithms): Uint8Array {
  const writer = new Writer(16);
  const cbor = new CborWriter(writer);
  cbor.array(9);
  cbor.uint(1);
  cbor.value([aead, groupEncryption, signature, agreement]);
  return writer.finish();
}

interface Material {
  readonly secret: Uint8Array;
  readonly salt: Uint8Array;
  readonly algorithms: Algorithms;
  readonly manager: Uint8Array;
}

/** Of `raw`, which is wiped. */
function materialOf(raw: Uint8Array): Material {
  const secrets = takeSecrets(raw, 7);
  if (secrets.size !== 7) throw new RangeError("not the scheme's secrets");
  const algorithms = {
    aead: oneOf(secrets.get(3), AEADS),
    groupEncryption: oneOf(secrets.get(4), AEADS),
    signature: oneOf(secrets.get(5), SIGNATURES),
    agreement: oneOf(secrets.get(6), AGREEMENTS),
  };
  // Each mode has two parameters, and neither is used without the other (RFC 10021 §2.1).
  const group = algorithms.groupEncryption !== null;
  const pairwise = algorithms.aead !== null;
  const halves =
    group !== (algorithms.signature !== null) || pairwise !== (algorithms.agreement !== null);
  if (halves || !(group || pairwise)) throw new RangeError("half of a mode's algorithms");
  const secret = masterSecretOf(secrets);
  return { secret, salt: bytesOf(secrets, 2), algorithms, manager: bytesOf(secrets, 7) };
}

const AEADS: readonly Cbor[] = [AES_CCM_16_64_128, AES_CCM_16_128_128, null];
const SIGNATURES: readonly Cbor[] = [EDDSA, null];
const AGREEMENTS: readonly Cbor[] = [ECDH_SS_HKDF_256, null];

function oneOf(value: Cbor, allowed: readonly Cbor[]): number | null {
  if (value === undefined || !allowed.includes(value)) {
    throw new RangeError("an algorithm that no build has");
  }
  return value as number | null;
}
