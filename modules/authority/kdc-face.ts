/**
 * The Key Distribution Center as CoAP resources: `/keys` (AT-KDC and wanted groups -> AT-Rs),
 * `/authz-info` (RFC 9200 §5.10.1, RFC 9594 §3.3: the token that lets a client join groups),
 * `/revoke`, `/ace-group/...` (manager.ts), `/grouping` and `/tapped` (grouping.ts), and
 * `/pressed`, by which a lamp says that somebody is at its button. Tokens are all
 * that counts here, with the channel that they were issued for; who changes a group by presses
 * counts by what he may be granted.
 */
import { ACE, ACE_CBOR, emitIntrospection, parametersOf, parseActive } from "../access/ace.js";
import type { Claims } from "../access/claims.js";
import { emitDelivery, parseQuestion } from "../access/delivery.js";
import type { TokenFault } from "../access/token.js";
import { fromHex } from "../bytes/hex.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import type { Answered, Ask, SecureHandler, SecureRequest } from "../secure/request.js";
import {
  BAD_REQUEST,
  CBOR_FORMAT,
  CHANGED,
  CONTENT,
  CREATED,
  CWT_FORMAT,
  FORBIDDEN,
  NOT_ALLOWED,
  NOT_FOUND,
  type Note,
  noteRefusal,
  POST,
  Refusals,
  type Reply,
  refuse,
  UNAUTHORIZED,
  UNAVAILABLE,
  UNSUPPORTED_FORMAT,
} from "./answers.js";
import { termsFor } from "./deliveries.js";
import { type Center, expel, giveKeys, present } from "./distribution.js";
import { answerGrouping, answerTapped } from "./grouping.js";
import type { Ledger, Rows } from "./ledger.js";
import { answerManager } from "./manager.js";
import { draw } from "./material.js";
import { accesses, NONE, ownerOf } from "./records.js";
import { readRevocation } from "./revocation.js";
import { accessName, signInfo } from "./vetting.js";

/** N_S: draft-ietf-ace-key-groupcomm-oscore §5.3 recommends 8 bytes of chance at least. */
export const CHALLENGE_BYTES = 16;

/** What its decisions are made with. */
export interface KdcDecision {
  readonly center: Center;
  /** Unix seconds, as far as is known. */
  readonly now: () => number;
}

export interface KdcParts extends KdcDecision {
  readonly ledger: Ledger;
  /** Where refusals go. */
  readonly note: (note: Note) => unknown;
  /** Asks the token's issuer what it stands for; absent where there is none to ask. */
  readonly resolve?: (token: Uint8Array) => Promise<Claims | undefined>;
}

export function kdcFace(parts: KdcParts): SecureHandler {
  const refusals = new Refusals();
  const { ledger, resolve } = parts;
  return async (request) => {
    const name = referenceIn(request);
    const resolved = name && (await resolve?.(name));
    const reply = await ledger.transaction((rows) => answerKdc(rows, parts, request, resolved));
    return noteRefusal(parts, refusals, request, reply);
  };
}

/**
 * How a KDC asks an AS about tokens by reference (RFC 9200 §5.9), over a channel that is proven to
 * be the AS's. Undefined for a token that is not in force, and where there is no answer.
 */
export function introspector(
  ask: (question: Ask) => Promise<Answered>,
): (token: Uint8Array) => Promise<Claims | undefined> {
  return async (token) => {
    const payload = emitIntrospection(token);
    const answered = await ask({ method: POST, path: ["introspect"], format: ACE_CBOR, payload });
    if (!answered.ok || answered.response.code !== CREATED) return undefined;
    return parseActive(answered.response.payload ?? new Uint8Array(0));
  };
}

/** `resolved`: what the issuer says of a token by reference. */
export function answerKdc(
  rows: Rows,
  parts: KdcDecision,
  request: SecureRequest,
  resolved?: Claims,
): Reply {
  const [name, ...more] = request.path;
  if (name === "ace-group") return answerManager(rows, parts, request);
  const resource = more.length === 0 ? RESOURCES[name] : undefined;
  if (resource === undefined) return { response: { code: NOT_FOUND } };
  if (request.method !== POST) return { response: { code: NOT_ALLOWED } };
  return resource(rows, parts, request, resolved);
}

type Resource = (
  rows: Rows,
  parts: KdcDecision,
  request: SecureRequest,
  resolved: Claims | undefined,
) => Reply;

const RESOURCES: Readonly<Record<string, Resource>> = Object.freeze({
  keys,
  "authz-info": authzInfo,
  revoke,
  grouping: answerGrouping,
  tapped: answerTapped,
  pressed: () => ({ response: { code: CHANGED } }),
});

/** Who cannot be believed, asks its AS again; who may not, need not. */
function denied(reason: TokenFault): Reply {
  if (reason === "malformed") return refuse(reason, { code: BAD_REQUEST });
  const isMisplaced = reason === "scope" || reason === "audience";
  return refuse(reason, { code: isMisplaced ? FORBIDDEN : UNAUTHORIZED });
}

function keys(
  rows: Rows,
  { center, now }: KdcDecision,
  request: SecureRequest,
  resolved: Claims | undefined,
): Reply {
  if (request.format !== CBOR_FORMAT) return { response: { code: UNSUPPORTED_FORMAT } };
  const question = parseQuestion(request.payload);
  if (question === undefined) return denied("malformed");
  const { id, pairwise } = request.from;
  // Without a key of its own a member would get the group's in the clear of somebody's channel.
  if (pairwise === undefined) return refuse("channel", { code: UNAUTHORIZED });
  const asked = { ...question, holder: fromHex(id), pairwise, now: now() };
  const given = giveKeys(rows, center, {
    ...asked,
    ...(resolved === undefined ? {} : { resolved }),
  });
  if (!given.ok) {
    const isLate = given.fault === "later";
    return isLate ? refuse("later", { code: UNAVAILABLE }) : denied(given.fault);
  }
  const { clientId, groups } = given.value;
  const terms = termsFor(rows, { clientId, groups, now: now() }, center.listening);
  const payload = emitDelivery({ tokens: given.value.tokens, ...terms });
  return { response: { code: CONTENT, format: CBOR_FORMAT, payload } };
}

/** Takes a token for the Group Manager, and gives what its holder has to sign with his own key. */
function authzInfo(
  rows: Rows,
  { center, now }: KdcDecision,
  request: SecureRequest,
  resolved: Claims | undefined,
): Reply {
  const token = tokenIn(request);
  if (token === undefined) return denied("malformed");
  const holder = fromHex(request.from.id);
  const asked = { token, holder, now: now(), ...(resolved === undefined ? {} : { resolved }) };
  const presented = present(rows, center, asked);
  if (!presented.ok) return denied(presented.fault);
  const { subject, scope, issuedAt, expiresAt } = presented.value.claims;
  const key = accessName(request.from);
  const before = accesses.get(rows, key);
  const isAgain = before !== undefined && issuedAt <= before.issuedAt;
  const challenge = draw(center.random, CHALLENGE_BYTES);
  accesses.put(rows, key, {
    clientId: subject,
    scope,
    issuedAt,
    expiresAt: expiresAt ?? NONE,
    challenge,
    nonce: new Uint8Array(0),
    // The same token once more is no new start for who failed to show his key.
    failures: isAgain ? before.failures : 0,
  });
  const answer = new Map<Cbor, Cbor>([[ACE.KDCCHALLENGE, challenge]]);
  const asksInfo = parametersOf(request.payload)?.get(ACE.SIGN_INFO) === null;
  if (asksInfo) answer.set(ACE.SIGN_INFO, signInfo(rows, scope));
  return { response: { code: CREATED, format: ACE_CBOR, payload: encode(answer) } };
}

/** The token alone (application/cwt), or among parameters (RFC 9594 §3.3). */
function tokenIn({ format, payload }: SecureRequest): Uint8Array | undefined {
  if (format === CWT_FORMAT) return payload;
  if (format !== ACE_CBOR) return undefined;
  const token = parametersOf(payload)?.get(ACE.ACCESS_TOKEN);
  return token instanceof Uint8Array ? token : undefined;
}

/** draft-somaraju §5.5, step 1: what an AS says of a client, whoever brings it. */
function revoke(rows: Rows, { center, now }: KdcDecision, request: SecureRequest): Reply {
  const { crypto, anchors, name: audience } = center;
  const said = readRevocation(crypto, request.payload, { anchors, audience });
  if (!said.ok) return denied(said.fault);
  const { clientId, issuer } = said.value;
  const owner = ownerOf(rows, clientId);
  const isOthers = owner !== undefined && owner.issuer !== issuer;
  if (isOthers) return denied("taken"); // check: revocation-owner
  expel(rows, center, clientId, now());
  return { response: { code: CHANGED } };
}

/** A token by reference in a request that brings one. */
function referenceIn(request: SecureRequest): Uint8Array | undefined {
  const token =
    request.path[0] === "keys" ? parseQuestion(request.payload)?.token : tokenIn(request);
  const decoded = token && decode(token);
  return decoded?.ok === true && decoded.value instanceof Uint8Array ? token : undefined;
}
