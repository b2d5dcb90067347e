/**
 * What is said to an Authorization Server, and what it says (RFC 9200 §5.8 and §5.9, RFC 9201):
 * CBOR maps with the integers of Table 5 and Table 6. Parameters that are not known here are passed
 * over, as OAuth wants it (RFC 6749 §3.2), those that are known have to be what they should be.
 */
import { decodeMap } from "../cbor/containers.js";
import type { Cbor } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import type { Claims } from "./claims.js";
import { emitScope, parseScope, type Scope } from "./scope.js";
import { TOKEN_BYTES_MAX } from "./token.js";

/** application/ace+cbor (RFC 9200 §8.16). */
export const ACE_CBOR = 19;
/** application/cose; cose-type="cose-sign1" (RFC 9052 §11.3.2): the signed time. */
export const COSE_SIGN1 = 18;

/** RFC 9200 Tables 5 and 6, RFC 9201 §5 (cnf, req_cnf), RFC 9594 §11.4 (sign_info and below). */
export const ACE = Object.freeze({
  ACCESS_TOKEN: 1,
  EXPIRES_IN: 2,
  REQ_CNF: 4,
  AUDIENCE: 5,
  CNF: 8,
  SCOPE: 9,
  ACTIVE: 10,
  TOKEN: 11,
  ERROR: 30,
  ERROR_DESCRIPTION: 31,
  GRANT_TYPE: 33,
  TOKEN_TYPE: 34,
  ACE_PROFILE: 38,
  CNONCE: 39,
  SIGN_INFO: 45,
  KDCCHALLENGE: 46,
});

/** Table 4, the only one there is here; Tables of RFC 9200 §8.7; RFC 9202 §6, RFC 9203 §9.1. */
export const CLIENT_CREDENTIALS = 2;
export const BEARER = 1;
export const COAP_DTLS = 1;
export const COAP_OSCORE = 2;

/** RFC 9200 Table 3. */
export const ACE_ERROR = Object.freeze({
  invalidRequest: 1,
  invalidClient: 2,
  unauthorizedClient: 4,
  unsupportedGrantType: 5,
  invalidScope: 6,
  unsupportedPopKey: 7,
});

// Claims have the same integers in an answer of `/introspect` (RFC 9200 §5.9.4).
const ISS = 1;
const SUB = 2;
const AUD = 3;
const EXP = 4;
const IAT = 6;
const CTI = 7;
/** "kid" of cnf (RFC 8747 §3.1). */
const CNF_KID = 3;

const LIMITS = { depthMax: 4, itemsMax: 64 };
const NAME_CHARS_MAX = 64;
const NONCE_BYTES_MAX = 16;

/** A map of parameters, whatever is in it. */
export function parametersOf(payload: Uint8Array): Map<Cbor, Cbor> | undefined {
  return decodeMap(payload, LIMITS);
}

/** What a client asks `/token` for. */
export interface TokenAsk {
  readonly grantType: number;
  readonly audience: string | undefined;
  readonly scope: Scope | undefined;
  /** The name of the key that the token is to be bound to; null for a key that is none of ours. */
  readonly keyName: Uint8Array | null | undefined;
  /** Whether it wants to hear how to speak to the audience. */
  readonly asksProfile: boolean;
}

export function emitTokenAsk(ask: { audience: string; scope?: Scope }): Uint8Array {
  const map = new Map<Cbor, Cbor>([[ACE.AUDIENCE, ask.audience]]);
  if (ask.scope !== undefined) map.set(ACE.SCOPE, emitScope(ask.scope));
  return encode(map);
}

/** `scope` for one that is none of ours, `malformed` for any other fault. */
export function parseTokenAsk(payload: Uint8Array): TokenAsk | "malformed" | "scope" {
  const map = parametersOf(payload);
  if (map === undefined) return "malformed";
  const grantType = map.get(ACE.GRANT_TYPE) ?? CLIENT_CREDENTIALS;
  const audience = map.get(ACE.AUDIENCE);
  const isName = typeof audience === "string" && audience.length <= NAME_CHARS_MAX;
  if (typeof grantType !== "number" || !(audience === undefined || isName)) return "malformed";
  const wanted = map.get(ACE.SCOPE);
  const scope = wanted instanceof Uint8Array ? parseScope(wanted) : undefined;
  if (wanted !== undefined && scope === undefined) return "scope";
  const asksProfile = map.get(ACE.ACE_PROFILE) === null;
  return { grantType, audience, scope, keyName: keyNameOf(map.get(ACE.REQ_CNF)), asksProfile };
}

function keyNameOf(value: Cbor): Uint8Array | null | undefined {
  if (value === undefined) return undefined;
  const kid = value instanceof Map && value.size === 1 ? value.get(CNF_KID) : undefined;
  return kid instanceof Uint8Array ? kid : null;
}

/** The token out of an answer of `/token`; undefined when it is no such answer. */
export function parseTokenAnswer(
  payload: Uint8Array,
): { token: Uint8Array; expiresIn: number | undefined } | undefined {
  const map = parametersOf(payload);
  const token = map?.get(ACE.ACCESS_TOKEN);
  const expiresIn = map?.get(ACE.EXPIRES_IN);
  if (!(token instanceof Uint8Array) || token.length > TOKEN_BYTES_MAX) return undefined;
  if (!(expiresIn === undefined || typeof expiresIn === "number")) return undefined;
  return { token, expiresIn };
}

export function emitTokenAnswer(answer: {
  token: Uint8Array;
  scope: Scope;
  expiresIn: number | undefined;
  /** Undefined: whoever bears the token has its rights. */
  keyName: Uint8Array | undefined;
  aceProfile: number | undefined;
}): Uint8Array {
  const { token, scope, expiresIn, keyName, aceProfile } = answer;
  const map = new Map<Cbor, Cbor>([
    [ACE.ACCESS_TOKEN, token],
    [ACE.SCOPE, emitScope(scope)],
  ]);
  if (expiresIn !== undefined) map.set(ACE.EXPIRES_IN, expiresIn);
  if (keyName === undefined) map.set(ACE.TOKEN_TYPE, BEARER);
  else map.set(ACE.CNF, new Map<Cbor, Cbor>([[CNF_KID, keyName]]));
  if (aceProfile !== undefined) map.set(ACE.ACE_PROFILE, aceProfile);
  return encode(map);
}

/** RFC 9200 §5.8.3. */
export function emitError(error: number, description: string): Uint8Array {
  return encode(
    new Map<Cbor, Cbor>([
      [ACE.ERROR, error],
      [ACE.ERROR_DESCRIPTION, description],
    ]),
  );
}

export function emitIntrospection(token: Uint8Array): Uint8Array {
  return encode(new Map<Cbor, Cbor>([[ACE.TOKEN, token]]));
}

export function parseIntrospection(payload: Uint8Array): Uint8Array | undefined {
  const token = parametersOf(payload)?.get(ACE.TOKEN);
  return token instanceof Uint8Array && token.length <= TOKEN_BYTES_MAX ? token : undefined;
}

/** Undefined stands for a token that is not, or no longer, in force. */
export function emitActive(claims: Claims | undefined): Uint8Array {
  if (claims === undefined) return encode(new Map<Cbor, Cbor>([[ACE.ACTIVE, false]]));
  const map = new Map<Cbor, Cbor>([
    [ACE.ACTIVE, true],
    [ISS, claims.issuer],
    [SUB, claims.subject],
    [AUD, claims.audience],
    [IAT, claims.issuedAt],
    [CTI, claims.id],
    [ACE.SCOPE, emitScope(claims.scope)],
  ]);
  if (claims.expiresAt !== undefined) map.set(EXP, claims.expiresAt);
  const { confirmation } = claims;
  if (confirmation !== undefined && "kid" in confirmation) {
    map.set(ACE.CNF, new Map<Cbor, Cbor>([[CNF_KID, confirmation.kid]]));
  }
  return encode(map);
}

/** Claims of a token that its issuer says is in force; undefined for every other answer. */
export function parseActive(payload: Uint8Array): Claims | undefined {
  const map = parametersOf(payload);
  if (map === undefined) return undefined;
  if (map.get(ACE.ACTIVE) !== true) return undefined; // check: introspect-active
  const [issuer, audience] = [map.get(ISS), map.get(AUD)];
  const [subject, id, wanted] = [map.get(SUB), map.get(CTI), map.get(ACE.SCOPE)];
  const [issuedAt, expiresAt] = [map.get(IAT), map.get(EXP)];
  if (typeof issuer !== "string" || typeof audience !== "string") return undefined;
  if (!(subject instanceof Uint8Array) || !(id instanceof Uint8Array)) return undefined;
  const scope = wanted instanceof Uint8Array ? parseScope(wanted) : undefined;
  if (scope === undefined || typeof issuedAt !== "number") return undefined;
  if (!(expiresAt === undefined || typeof expiresAt === "number")) return undefined;
  const kid = keyNameOf(map.get(ACE.CNF));
  if (kid === null) return undefined;
  return {
    ...{ issuer, subject, audience, issuedAt, id, scope },
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(kid === undefined ? {} : { confirmation: { kid } }),
  };
}

/** The nonce for a signed time. */
export function emitTimeAsk(nonce: Uint8Array): Uint8Array {
  return encode(new Map<Cbor, Cbor>([[ACE.CNONCE, nonce]]));
}

export function parseTimeAsk(payload: Uint8Array): Uint8Array | undefined {
  const nonce = parametersOf(payload)?.get(ACE.CNONCE);
  const isNonce = nonce instanceof Uint8Array && nonce.length <= NONCE_BYTES_MAX;
  return isNonce ? nonce : undefined;
}
