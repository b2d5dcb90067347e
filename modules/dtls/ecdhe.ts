/** TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8: what both sides do (RFC 7251, RFC 8422, RFC 7250). */
import { concat } from "../bytes/concat.js";
import type { P256, P256KeyPair } from "../ports/crypto.js";
import type { Random } from "../ports/random.js";
import { verifyChain } from "./certificate.js";
import type { OwnKey, Trust } from "./credentials.js";
import { derSignature, pointOf, publicKeyInfo, rawSignature } from "./der.js";
import { digitallySigned, type EcdheExchange, ecdheParameters } from "./messages.js";
import { ALERTS, type CertificateType, RAW_PUBLIC_KEY, X509 } from "./numbers.js";
import type { PeerIdentity } from "./session.js";

/** FIPS 186-5 §A.2.1. */
const CHANCE_BYTES = 48;
const UNTIL_MAX = 2 ** 32 - 1;

/** A key pair for one handshake. */
export function ephemeral(p256: P256, random: Random): P256KeyPair {
  const chance = new Uint8Array(CHANCE_BYTES);
  random.fill(chance);
  return p256.keyPair(chance);
}

/** Types of certificate that `own` can be shown as, the shortest first. */
export function ownTypes(own: OwnKey | undefined): CertificateType[] {
  if (own === undefined) return [];
  if (own.isCertified === true) return [X509];
  return own.chain.length > 0 ? [RAW_PUBLIC_KEY, X509] : [RAW_PUBLIC_KEY];
}

/** Types that can be believed. */
export function trustedTypes(trust: Trust | undefined): CertificateType[] {
  const types: CertificateType[] = [];
  if (trust?.rawKey !== undefined) types.push(RAW_PUBLIC_KEY);
  const hasX509 = trust?.anchors !== undefined || trust?.isPinned !== undefined;
  if (hasX509) types.push(X509);
  return types;
}

/** What a Certificate message of this type has inside. */
export function shown(own: OwnKey, type: CertificateType): readonly Uint8Array[] {
  return type === X509 ? own.chain : [publicKeyInfo(own.key.publicKey)];
}

export type ProvenLater = Extract<PeerIdentity, { readonly publicKey: Uint8Array }>;

/**
 * Whom a peer's certificate makes it, if it proves to hold the key; or the alert. `list` as
 * messages.ts reads it, `purpose`: what the peer is.
 */
export function peerOf(input: {
  readonly list: readonly Uint8Array[];
  readonly type: CertificateType;
  readonly trust: Trust;
  readonly purpose: "server" | "client";
  readonly p256: P256;
}): ProvenLater | number {
  const { list, type, trust, purpose, p256 } = input;
  if (list.length === 0) return ALERTS.handshakeFailure; // check: certificate-none
  if (type === RAW_PUBLIC_KEY) {
    const publicKey = pointOf(list[0]);
    if (publicKey === undefined) return ALERTS.unsupportedCertificate;
    const isTrusted = trust.rawKey?.(publicKey) === true;
    if (!isTrusted) return ALERTS.certificateUnknown; // check: raw-key-trusted
    return { by: "rawPublicKey", publicKey };
  }
  const nowSeconds = trust.nowSeconds?.();
  const isPinned = trust.isPinned?.(list[0]) === true;
  const anchors = isPinned ? [list[0]] : (trust.anchors ?? []);
  const isLeast = trust.isLeast === true;
  const found = verifyChain({ chain: list, anchors, purpose, p256, nowSeconds, isLeast });
  if (typeof found === "number") return found;
  const { publicKey, names, notAfterSeconds } = found;
  const untilSeconds = Math.min(Math.max(0, notAfterSeconds), UNTIL_MAX);
  return { by: "certificate", publicKey, names, untilSeconds };
}

/** Whether the peer signed `data` with its key. `der`: an Ecdsa-Sig-Value. */
export function isSigned(
  p256: P256,
  input: { readonly data: Uint8Array; readonly der: Uint8Array; readonly publicKey: Uint8Array },
): boolean {
  const signature = rawSignature(input.der);
  if (signature === undefined) return false;
  return p256.verify({ data: input.data, signature, publicKey: input.publicKey });
}

/** RFC 8422 §5.4: a server signs its ephemeral key with both randoms before it. */
export function serverKeyExchange(
  own: OwnKey,
  point: Uint8Array,
  randoms: { readonly client: Uint8Array; readonly server: Uint8Array },
): Uint8Array {
  const parameters = ecdheParameters(point);
  const data = concat(randoms.client, randoms.server, parameters);
  return concat(parameters, digitallySigned(derSignature(own.key.sign(data))));
}

export function isServerKeyExchange(
  p256: P256,
  exchange: EcdheExchange,
  input: {
    readonly client: Uint8Array;
    readonly server: Uint8Array;
    readonly publicKey: Uint8Array;
  },
): boolean {
  const data = concat(input.client, input.server, exchange.signed);
  return isSigned(p256, { data, der: exchange.signature, publicKey: input.publicKey });
}

/** CertificateVerify (RFC 5246 §7.4.8) over all messages so far. */
export function certificateVerify(own: OwnKey, messages: Uint8Array): Uint8Array {
  return digitallySigned(derSignature(own.key.sign(messages)));
}
