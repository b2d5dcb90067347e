/**
 * Making and checking tokens: CWTs (RFC 8392) in a COSE_Sign1 or COSE_Mac0.
 *
 * A token is checked in the order of RFC 7519 §7.2, RFC 8392 §7.2: form, algorithm and signature of
 * an anchor that is trusted *for this issuer*, then the claims. The outcome of a refusal has a name
 * of its own for each reason: the person who mends it reads it in a log. None of them is told to
 * the peer.
 *
 * What was accepted last of a client is kept by the caller: `issuedAt` only rises, so that an old
 * token with more rights cannot come back after a newer one took them.
 */
import { equalBytes } from "../bytes/equal.js";
import { decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { Tagged } from "../cbor/value.js";
import { TAG_CWT } from "../cose/headers.js";
import { type Anchor, isVouched, type Voucher, vouch, vouchedOf } from "../cose/vouched.js";
import type { Crypto } from "../ports/crypto.js";
import { type Claims, emitClaims, parseClaims } from "./claims.js";

/** The longest token anybody takes; a scope of 64 groups and an envelope fit. */
export const TOKEN_BYTES_MAX = 1024;
const LIMITS = { depthMax: 4, itemsMax: 16 };

export const TOKEN_FAULTS = [
  /** No CWT of ours: another form, claims missing or unknown, a date that is none. */
  "malformed",
  /** Names a token that only its issuer can resolve; receivers do not ask anybody. */
  "reference",
  /** No anchor here for this issuer and key. */
  "untrusted",
  /** Signature or MAC does not verify, or is of another algorithm than the anchor's. */
  "forged",
  /** Meant for somebody else. */
  "audience",
  "expired",
  /** Without an end, where the rules of this place ask for one. */
  "endless",
  /** With an end, where nobody said what time it is and the rules ask for that. */
  "timeless",
  /** Issued before one that was accepted of the same client. */
  "older",
  /** Grants more than its issuer may grant. */
  "scope",
  /** Whoever presented it is not whom it was issued to. */
  "holder",
  /** Taken back by its issuer. */
  "revoked",
  /** Its client id is that of another issuer's device here. */
  "taken",
] as const;

export type TokenFault = (typeof TOKEN_FAULTS)[number];

export type Verdict<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: TokenFault };

/** An issuer that is trusted, and how it is recognised. */
export type TrustAnchor = Anchor & {
  readonly issuer: string;
  /** The name of its key, as tokens carry it. */
  readonly kid: Uint8Array;
};

/** The token's bytes: 61(18([…])) or 61(17([…])). */
export function issueToken(
  crypto: Pick<Crypto, "hmac">,
  input: { claims: Claims; voucher: Voucher; kid: Uint8Array },
): Uint8Array {
  const { claims, voucher, kid } = input;
  const object = vouch(crypto, { voucher, kid, payload: emitClaims(claims) });
  const token = encode(new Tagged(TAG_CWT, object));
  if (token.length > TOKEN_BYTES_MAX) throw new RangeError(`a token of ${token.length} bytes`);
  return token;
}

/** What a place asks of a token beyond its signature. */
export interface TokenRules {
  readonly anchors: readonly TrustAnchor[];
  readonly audience: string;
  /** Unix seconds as far as is known: the last time seen, where there is no clock. */
  readonly nowSeconds: number;
  /** Only tokens that end are taken. */
  readonly mustExpire?: boolean;
  /** `nowSeconds` may be long ago, and what ended since is not to be taken. */
  readonly isTimeless?: boolean;
}

/** A token whose signature nobody looked at. */
interface Read {
  readonly claims: Claims;
  readonly vouched: NonNullable<ReturnType<typeof vouchedOf>>;
  readonly anchor: TrustAnchor;
}

/** What a token that may be for us says; not that it is so. */
export function glanceAt(token: Uint8Array, rules: TokenRules): Verdict<Claims> {
  const read = readToken(token, rules);
  if (!read.ok) return read;
  const { claims } = read.value;
  const isOurs = claims.audience === rules.audience;
  return isOurs ? { ok: true, value: claims } : fault("audience");
}

/** The claims of a token that is genuine, for us and in force. */
export function verifyToken(
  crypto: Pick<Crypto, "hmac" | "signatures">,
  token: Uint8Array,
  rules: TokenRules,
): Verdict<Claims> {
  const read = readToken(token, rules);
  if (!read.ok) return read;
  const { claims, vouched, anchor } = read.value;
  if (!isVouched(crypto, vouched, anchor)) return fault("forged"); // check: token-vouched
  const isOurs = claims.audience === rules.audience;
  if (!isOurs) return fault("audience"); // check: token-audience
  const { expiresAt } = claims;
  const isEndless = expiresAt === undefined && rules.mustExpire === true;
  if (isEndless) return fault("endless"); // check: token-endless
  const isUndated = expiresAt !== undefined && rules.isTimeless === true;
  const isOver = expiresAt !== undefined && expiresAt <= rules.nowSeconds;
  if (isOver) return fault("expired"); // check: token-expired
  if (isUndated) return fault("timeless"); // check: token-timeless
  return { ok: true, value: claims };
}

function readToken(token: Uint8Array, rules: TokenRules): Verdict<Read> {
  if (token.length > TOKEN_BYTES_MAX) return fault("malformed"); // check: token-size
  const decoded = decode(token, LIMITS);
  if (!decoded.ok) return fault("malformed");
  // Anything else is a name for a token: RFC 9200 §5.8.2, an opaque reference.
  if (decoded.value instanceof Uint8Array) return fault("reference"); // check: token-reference
  const outer = decoded.value;
  if (!(outer instanceof Tagged)) return fault("malformed");
  if (outer.tag !== TAG_CWT) return fault("malformed"); // check: token-tag
  const vouched = vouchedOf(outer.value);
  const claims = vouched && parseClaims(vouched.object.content);
  if (vouched === undefined || claims === undefined) return fault("malformed");
  const anchor = anchorOf(rules.anchors, claims.issuer, vouched.object.kid);
  if (anchor === undefined) return fault("untrusted");
  return { ok: true, value: { claims, vouched, anchor } };
}

/** What a token says, whoever wrote it; undefined when it is none. */
export function claimsOf(token: Uint8Array): Claims | undefined {
  const decoded = decode(token, LIMITS);
  const outer = decoded.ok ? decoded.value : undefined;
  const vouched = outer instanceof Tagged ? vouchedOf(outer.value) : undefined;
  return vouched && parseClaims(vouched.object.content);
}

/** Trust is in a key *for an issuer*: another issuer's key does not vouch for him. */
function anchorOf(
  anchors: readonly TrustAnchor[],
  issuer: string,
  kid: Uint8Array | undefined,
): TrustAnchor | undefined {
  if (kid === undefined) return undefined;
  return anchors.find((anchor) => {
    if (anchor.issuer !== issuer) return false; // check: token-issuer
    return equalBytes(anchor.kid, kid);
  });
}

export function fault<T = never>(reason: TokenFault): Verdict<T> {
  return { ok: false, fault: reason };
}
