/**
 * The Authorization Server as CoAP resources: `/token`, `/introspect` (RFC 9200 §5.8, §5.9) and
 * `/time`. Who asks was proven by the channel (Asker); what he may have stands in the ledger.
 */
import {
  ACE_CBOR,
  ACE_ERROR,
  CLIENT_CREDENTIALS,
  COAP_DTLS,
  COAP_OSCORE,
  COSE_SIGN1,
  emitActive,
  emitError,
  emitTokenAnswer,
  parseIntrospection,
  parseTimeAsk,
  parseTokenAsk,
} from "../access/ace.js";
import type { Claims } from "../access/claims.js";
import { type TokenFault, type TrustAnchor, verifyToken } from "../access/token.js";
import { equalBytes } from "../bytes/equal.js";
import { fromHex, toHex } from "../bytes/hex.js";
import { decode } from "../cbor/decode.js";
import { EDDSA } from "../ports/crypto.js";
import type { Random } from "../ports/random.js";
import type { SecureHandler, SecureRequest } from "../secure/request.js";
import {
  BAD_REQUEST,
  CONTENT,
  CREATED,
  FORBIDDEN,
  handlerOf,
  NOT_ALLOWED,
  NOT_FOUND,
  type Note,
  POST,
  type Reply,
  refuse,
  UNAUTHORIZED,
  UNAVAILABLE,
  UNSUPPORTED_FORMAT,
} from "./answers.js";
import { admitJoiner } from "./joiners.js";
import type { Ledger, Rows } from "./ledger.js";
import { devices, latestOf, NONE, tokens } from "./records.js";
import {
  claimsOf,
  deviceBy,
  grantToken,
  type Issuer,
  REFERENCE_BYTES,
  signTime,
} from "./server.js";

/** A Key Distribution Center that this server gives tokens for. */
export interface Audience {
  readonly name: string;
  /** Who it is when it asks about tokens: an Asker's id; absent where it never does. */
  readonly asker?: string;
  /** Whether its tokens are names that it has to ask about. */
  readonly byReference?: boolean;
  /** Whether they are the rights of who bears them. */
  readonly isBearer?: boolean;
}

/** What its decisions are made with. */
export interface AsDecision {
  readonly issuer: Issuer;
  readonly random: Random;
  /** The first is meant where a client names none. */
  readonly audiences: readonly Audience[];
  /** Unix seconds; undefined where this server has no clock that can be trusted. */
  readonly now: () => number | undefined;
}

export interface AsParts extends AsDecision {
  readonly ledger: Ledger;
  /** Where refusals go. */
  readonly note: (note: Note) => unknown;
}

/** RFC 9200 Table 3 for a fault of ours, and its words. */
const ERRORS: Readonly<Partial<Record<TokenFault, readonly [number, string]>>> = Object.freeze({
  holder: [ACE_ERROR.invalidClient, "not a device of this place"],
  revoked: [ACE_ERROR.unauthorizedClient, "out of service"],
  scope: [ACE_ERROR.invalidScope, "more than this device may have"],
});

export function asFace(parts: AsParts): SecureHandler {
  return handlerOf(parts, (rows, request) => answerAs(rows, parts, request));
}

/** One of the three resources; everything it decides is a function of rows. */
export function answerAs(rows: Rows, parts: AsDecision, request: SecureRequest): Reply {
  const [name, ...more] = request.path;
  const resource = more.length === 0 ? RESOURCES[name] : undefined;
  if (resource === undefined) return { response: { code: NOT_FOUND } };
  if (request.method !== POST) return { response: { code: NOT_ALLOWED } };
  if (request.format !== ACE_CBOR) return { response: { code: UNSUPPORTED_FORMAT } };
  return resource(rows, parts, request);
}

type Resource = (rows: Rows, parts: AsDecision, request: SecureRequest) => Reply;

const RESOURCES: Readonly<Record<string, Resource>> = Object.freeze({ token, introspect, time });

function token(rows: Rows, parts: AsDecision, request: SecureRequest): Reply {
  const ask = parseTokenAsk(request.payload);
  if (ask === "malformed") return failed(ask, ACE_ERROR.invalidRequest, "no token request");
  if (ask === "scope") return failed(ask, ACE_ERROR.invalidScope, "no scope of ours");
  if (ask.grantType !== CLIENT_CREDENTIALS) {
    return failed("grant", ACE_ERROR.unsupportedGrantType, "client credentials only");
  }
  const credential = fromHex(request.from.id);
  const isOwn = ask.keyName === undefined || isSame(ask.keyName, credential);
  const { unsupportedPopKey } = ACE_ERROR;
  if (!isOwn) return failed("holder", unsupportedPopKey, "not your key"); // check: token-own-key
  const { audiences, issuer, random } = parts;
  const audience = audiences.find(({ name }) => name === (ask.audience ?? audiences[0]?.name));
  if (audience === undefined) {
    return failed("audience", ACE_ERROR.invalidRequest, "no such audience");
  }
  // Who shows what a join gave it has been joined, whatever became of its answer.
  admitJoiner(rows, credential);
  const granted = grantToken(rows, issuer, {
    credential,
    audience: audience.name,
    ...(ask.scope === undefined ? {} : { scope: ask.scope }),
    ...(audience.byReference === true ? { reference: random } : {}),
    isBearer: audience.isBearer === true,
    now: parts.now() ?? 0,
  });
  if (!granted.ok) {
    const [error, words] = ERRORS[granted.fault] ?? [ACE_ERROR.invalidRequest, "refused"];
    return failed(granted.fault, error, words);
  }
  const { tokenSeconds = NONE, scope = [] } = deviceBy(rows, credential) ?? {};
  const aceProfile = request.from.by === "dtls" ? COAP_DTLS : COAP_OSCORE;
  const payload = emitTokenAnswer({
    token: granted.value,
    scope: ask.scope ?? scope,
    expiresIn: tokenSeconds === NONE ? undefined : tokenSeconds,
    keyName: audience.isBearer === true ? undefined : credential,
    aceProfile: ask.asksProfile ? aceProfile : undefined,
  });
  return { response: { code: CREATED, format: ACE_CBOR, payload } };
}

/** RFC 9200 §5.8.3: 4.01 for who is nobody, 4.00 for everything else. */
function failed(reason: string, error: number, words: string): Reply {
  const code = error === ACE_ERROR.invalidClient ? UNAUTHORIZED : BAD_REQUEST;
  return refuse(reason, { code, format: ACE_CBOR, payload: emitError(error, words) });
}

/** RFC 9200 §5.9: what became of a token, for the one it was issued for. */
function introspect(rows: Rows, parts: AsDecision, request: SecureRequest): Reply {
  const { audiences, issuer, now } = parts;
  const found = audiences.find(({ asker }) => asker === request.from.id);
  const audience = found ?? audiences[0];
  if (found === undefined) return refuse("holder", { code: FORBIDDEN }); // check: introspect-asker
  const asked = parseIntrospection(request.payload);
  if (asked === undefined) return failed("malformed", ACE_ERROR.invalidRequest, "no token");
  const id = idOf(issuer, asked, audience.name);
  const nowSeconds = latestOf(rows, "issued", now() ?? 0);
  const claims = id && activeClaims(rows, issuer, { id, audience, nowSeconds });
  return { response: { code: CREATED, format: ACE_CBOR, payload: emitActive(claims) } };
}

/** The token's id: its name is that itself, any other has to be one that this server signed. */
function idOf(issuer: Issuer, asked: Uint8Array, audience: string): Uint8Array | undefined {
  const decoded = decode(asked);
  if (decoded.ok && decoded.value instanceof Uint8Array) {
    // Ids of tokens that are no references count up: nobody has to know one to guess it.
    if (decoded.value.length !== REFERENCE_BYTES) return undefined; // check: introspect-reference
    return decoded.value;
  }
  // Whether it is over, its row says.
  const rules = { anchors: [anchorOf(issuer)], audience, nowSeconds: 0 };
  const verdict = verifyToken(issuer.crypto, asked, rules);
  return verdict.ok ? verdict.value.id : undefined;
}

function anchorOf({ name, kid, voucher }: Issuer): TrustAnchor {
  const by = { issuer: name, kid };
  return voucher.alg === EDDSA
    ? { ...by, alg: voucher.alg, publicKey: voucher.signer.publicKey }
    : { ...by, alg: voucher.alg, secret: voucher.secret };
}

function activeClaims(
  rows: Rows,
  issuer: Issuer,
  { id, audience, nowSeconds }: { id: Uint8Array; audience: Audience; nowSeconds: number },
): Claims | undefined {
  const issued = tokens.get(rows, toHex(id));
  if (issued === undefined) return undefined;
  if (issued.isRevoked) return undefined; // check: introspect-revoked
  if (issued.audience !== audience.name) return undefined; // check: introspect-audience
  const isOver = issued.expiresAt !== NONE && issued.expiresAt <= nowSeconds;
  if (isOver) return undefined; // check: introspect-expired
  const owner = rows.get("client", toHex(issued.clientId));
  const device = owner === undefined ? undefined : devices.get(rows, toHex(owner));
  if (device === undefined || device.isLost) return undefined; // check: introspect-lost
  return claimsOf(issuer, id, issued);
}

/** A signed time for a device without a clock. */
function time(_rows: Rows, { issuer, now }: AsDecision, request: SecureRequest): Reply {
  const nonce = parseTimeAsk(request.payload);
  const seconds = now();
  // A made up time would let tokens live that are over.
  if (seconds === undefined) return { response: { code: UNAVAILABLE } };
  const payload = nonce && signTime(issuer, { now: seconds, nonce });
  if (payload === undefined) return refuse("malformed", { code: BAD_REQUEST });
  return { response: { code: CONTENT, format: COSE_SIGN1, payload } };
}

function isSame(a: Uint8Array | null | undefined, b: Uint8Array): boolean {
  return a !== null && a !== undefined && equalBytes(a, b);
}
