/**
 * CWT Claims Sets as credentials (RFC 8392, RFC 8747 §3.2; RFC 10021 §2.4): an Ed25519 public key,
 * and around it whatever its issuer wanted to say.
 *
 * A credential goes into additional data and into pairwise keys byte for byte as its issuer made
 * it, so nothing of it is ever written again, and other claims (subject, issuer) are let be. About
 * the key there is no choice: one COSE_Key for EdDSA on Ed25519. Deterministic CBOR only, as
 * everywhere here.
 *
 *     {8: {1: {1: 1, 3: -8, -1: 6, -2: x}}}      3 (alg) and 2 (kid) may be absent
 */
import { type Cbor, decode } from "../cbor/decode.js";
import { type Crypto, EDDSA } from "../ports/crypto.js";

/** Claim "cnf" (RFC 8747 §3.1) and its COSE_Key. */
const CNF = 8;
const COSE_KEY = 1;
/** COSE_Key parameters (RFC 9052 §7.1, RFC 9053 §7.2). */
const KTY = 1;
const KID = 2;
const ALG = 3;
const CRV = -1;
const X = -2;
const OKP = 1;
const ED25519 = 6;
const PUBLIC_KEY_BYTES = 32;

const LIMITS = { depthMax: 5, itemsMax: 64 };

/**
 * Whether a key may be a member's. RFC 10021 §2.5.2: one of small order verifies what nobody
 * signed, and agrees with everybody on the same secret.
 */
export function isMemberKey({ signatures }: Crypto, publicKey: Uint8Array | undefined): boolean {
  if (publicKey === undefined) return false;
  return signatures?.isPublicKey(publicKey) === true;
}

/** The 32 bytes of the public key, a copy; undefined when it is no such credential. */
export function publicKeyOf(credential: Uint8Array): Uint8Array | undefined {
  const decoded = decode(credential, LIMITS);
  const cnf = decoded.ok ? mapIn(decoded.value, CNF) : undefined;
  const key = mapIn(cnf, COSE_KEY);
  if (cnf === undefined || key === undefined) return undefined;
  // A second way to confirm would be a second key.
  if (cnf.size !== 1) return undefined; // check: ccs-cnf-one
  if (key.get(KTY) !== OKP) return undefined; // check: ccs-kty
  if (key.get(CRV) !== ED25519) return undefined; // check: ccs-curve
  const alg = key.get(ALG);
  if (alg !== undefined && alg !== EDDSA) return undefined; // check: ccs-alg
  // Above all no -4: whoever sends his private key around is nobody to be trusted.
  for (const label of key.keys()) if (!isKnown(label)) return undefined; // check: ccs-key-extra
  const x = key.get(X);
  return x instanceof Uint8Array && x.length === PUBLIC_KEY_BYTES ? x : undefined;
}

function mapIn(value: Cbor, key: number): Map<Cbor, Cbor> | undefined {
  const found = value instanceof Map ? value.get(key) : undefined;
  return found instanceof Map ? found : undefined;
}

function isKnown(label: Cbor): boolean {
  return label === KTY || label === KID || label === ALG || label === CRV || label === X;
}
