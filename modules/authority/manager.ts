/**
 * The Group Manager: `/ace-group` and what is below it (RFC 9594 §4,
 * draft-ietf-ace-key-groupcomm-oscore §8).
 *
 * GROUPNAME is the security group's number, NODENAME a member's client id in hex. A client presents
 * its token at `/authz-info` first; what it may do with a group follows from the token's scope in
 * the application groups that the group's keys protect, from the tasks it joined with, and for the
 * rest from the table of the draft's §8.5.
 */
import type { ScopeEntry } from "../access/scope.js";
import { RECEIVER } from "../access/scope.js";
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import { type Cbor, decode } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import type { SecureRequest } from "../secure/request.js";
import {
  BAD_REQUEST,
  CBOR_FORMAT,
  CHANGED,
  CONTENT,
  DELETE,
  DELETED,
  FETCH,
  FORBIDDEN,
  GET,
  NOT_ALLOWED,
  NOT_FOUND,
  POST,
  PUT,
  type Reply,
  refuse,
  UNAUTHORIZED,
} from "./answers.js";
import { credsOf, filterOf, mostOf } from "./creds.js";
import { type Center, leave, renew } from "./distribution.js";
import { content, mapOf, P, problem } from "./groupcomm.js";
import { noteGiven } from "./heard.js";
import { answerJoin, type Caller, LATER } from "./joining.js";
import { keying, managerCredential, numbersFor, policiesOf, verifying } from "./keying.js";
import { isLate, mayRenewFor, renewForLate } from "./late.js";
import type { Rows } from "./ledger.js";
import {
  accesses,
  applications,
  groups,
  inGroup,
  keys,
  latestOf,
  type Member,
  members,
  NONE,
  noteLeft,
  numberKey,
  policyOf,
} from "./records.js";
import { isYoung } from "./renewal.js";
import { addStale, staleSince } from "./stale.js";
import { isSilent } from "./tasks.js";
import { accessName, isProof, PROOFS_MAX, vet } from "./vetting.js";

const GIDS_MAX = 32;
const NONCE_BYTES_MAX = 64;

interface Parts {
  readonly center: Center;
  readonly now: () => number;
}

type MemberHandler = (
  rows: Rows,
  center: Center,
  caller: Caller & { member: Member },
  request: SecureRequest,
) => Reply;

type Handler = (rows: Rows, center: Center, caller: Caller, request: SecureRequest) => Reply;

/** Handlers of one resource by method, and who may call them. */
interface Resource {
  readonly [method: number]: Handler;
}

export function answerManager(rows: Rows, { center, now }: Parts, request: SecureRequest): Reply {
  const name = accessName(request.from);
  const access = accesses.get(rows, name);
  if (access === undefined) return refuse("token", { code: UNAUTHORIZED });
  const isRevoked = rows.get("revoked", toHex(access.clientId)) !== undefined;
  if (isRevoked) return refuse("revoked", { code: UNAUTHORIZED }); // check: manager-revoked
  let nowSeconds = now();
  nowSeconds = latestOf(rows, "clock", nowSeconds); // check: manager-clock
  const isOver = access.expiresAt !== NONE && access.expiresAt <= nowSeconds;
  if (isOver) return refuse("expired", { code: UNAUTHORIZED }); // check: manager-expired
  const latest = latestOf(rows, `latest/${toHex(access.clientId)}`, access.issuedAt);
  // A newer token was presented elsewhere: it may grant less.
  const isOlder = access.issuedAt < latest;
  if (isOlder) return refuse("older", { code: UNAUTHORIZED }); // check: manager-older
  const [, gname, sub, node, last] = request.path;
  if (gname === undefined) return groupNames(rows, access.scope, request);
  const id = /^\d{1,8}$/.test(gname) ? Number(gname) : NONE;
  if (id === NONE || groups.get(rows, numberKey(id)) === undefined) {
    return { response: { code: NOT_FOUND } };
  }
  const entries = access.scope.filter((entry) => groupOf(rows, entry) === id);
  // RFC 9594 §4.1.2: the token has to speak of this group.
  if (entries.length === 0) return refuse("scope", { code: FORBIDDEN }); // check: manager-scope
  const member = members.get(rows, inGroup(id, access.clientId));
  const caller: Caller = { name, access, group: id, entries, member, now: nowSeconds };
  const resource = resourceOf({ sub, node, last, depth: request.path.length });
  if (resource === undefined) return { response: { code: NOT_FOUND } };
  const isOwn = node === undefined || node === toHex(access.clientId);
  if (!isOwn) return refuse("node", { code: FORBIDDEN }); // check: manager-node
  const handler = resource[request.method];
  if (handler === undefined) return { response: { code: NOT_ALLOWED } };
  return handler(rows, center, caller, request);
}

function groupOf(rows: Rows, { appGroup }: ScopeEntry): number | undefined {
  return appGroup === null ? undefined : applications.get(rows, numberKey(appGroup))?.group;
}

function resourceOf(path: {
  sub: string | undefined;
  node: string | undefined;
  last: string | undefined;
  depth: number;
}): Resource | undefined {
  const { sub, node, last, depth } = path;
  if (sub === undefined) return GROUP;
  if (sub !== "nodes") return depth === 3 ? RESOURCES[sub] : undefined;
  if (node === undefined || depth > 5) return undefined;
  if (last === undefined) return NODE;
  return last === "cred" ? NODE_CRED : undefined;
}

/** RFC 9594 §4.2.1: names of the groups that keys with these ids belong to. */
function groupNames(rows: Rows, scope: readonly ScopeEntry[], request: SecureRequest): Reply {
  if (request.method !== FETCH) return { response: { code: NOT_ALLOWED } };
  const wanted = mapOf(request)?.get(P.GID);
  if (!Array.isArray(wanted) || wanted.length === 0 || wanted.length > GIDS_MAX) {
    return refuse("malformed", { code: BAD_REQUEST });
  }
  const reached = new Set(scope.map((entry) => groupOf(rows, entry)));
  const found: { gid: Uint8Array; id: number }[] = [];
  for (const id of reached) {
    if (id === undefined) continue;
    const { epoch } = groups.need(rows, numberKey(id));
    // The newest only: an old one has no group any more (§9.9 of the OSCORE profile).
    const gid = epoch === 0 ? undefined : keys.need(rows, inGroup(id, epoch)).keyId;
    if (gid === undefined) continue;
    const isWanted = wanted.some((one) => one instanceof Uint8Array && equalBytes(one, gid));
    if (isWanted) found.push({ gid, id });
  }
  if (found.length === 0) return content(new Uint8Array(0));
  return content(
    new Map<Cbor, Cbor>([
      [P.GID, found.map(({ gid }) => gid)],
      [P.GNAME, found.map(({ id }) => `${id}`)],
      [P.GURI, found.map(({ id }) => `/ace-group/${id}`)],
    ]),
  );
}

/** For members alone; the handler gets what it knows of this one. */
function forMembers(handle: MemberHandler): Handler {
  return (rows, center, caller, request) => {
    const { member } = caller;
    if (member === undefined) return problem("membersOnly");
    return handle(rows, center, { ...caller, member }, request);
  };
}

/** For members that take the newest key: who is late for it gets the next one (late.ts). */
function forKeyed(handle: MemberHandler): Handler {
  return forMembers((rows, center, caller, request) => {
    const { group, access, now } = caller;
    const comer = { group, clientId: access.clientId, now };
    if (isLate(rows, comer, center.listening)) {
      const mustWait = !mayRenewFor(rows, group, now);
      if (mustWait) return problem("noIds", LATER);
      renewForLate(rows, center, group, now); // check: manager-late
    }
    return handle(rows, center, caller, request);
  });
}

/** For who is no member and may listen: it checks signatures. */
function forVerifiers(handle: Handler): Handler {
  return (rows, center, caller, request) => {
    const mayListen = caller.entries.some(({ roles }) => (roles & RECEIVER) !== 0);
    const isVerifier = caller.member === undefined && mayListen;
    if (!isVerifier) return problem("verifiersOnly"); // check: manager-verifiers
    const { profile } = groups.need(rows, numberKey(caller.group));
    if (profile !== "group-oscore") return problem("noSignatures");
    return handle(rows, center, caller, request);
  };
}

const GROUP: Resource = Object.freeze({
  [GET]: forKeyed((rows, center, { group, now, access }) => {
    noteGiven(rows, group, access.clientId);
    const numbers = numbersFor(rows, center, group);
    return content(new Map([...keying(rows, { group, now }), ...numbers]));
  }),
  [POST]: (rows: Rows, center: Center, caller: Caller, request: SecureRequest) => {
    const map = mapOf(request);
    if (map === undefined) return refuse("malformed", { code: BAD_REQUEST });
    return answerJoin(rows, center, caller, map);
  },
});

const NODE: Resource = Object.freeze({
  [GET]: forKeyed(ownKeying),
  // RFC 9594 §4.8.2 says PUT, the OSCORE profile's §9.2 POST.
  [PUT]: forMembers(newKeying),
  [POST]: forMembers(newKeying),
  [DELETE]: forMembers((rows, center, { group, access }) => {
    noteLeft(rows, group, access.clientId);
    leave(rows, center, group, access.clientId);
    return { response: { code: DELETED } };
  }),
});

const NODE_CRED: Resource = Object.freeze({ [POST]: forMembers(newCredential) });

const RESOURCES: Readonly<Record<string, Resource>> = Object.freeze({
  active: {
    [GET]: forMembers((rows, _center, { group }) => {
      return content(policyOf(rows, group).isActive, CBOR_FORMAT);
    }),
  },
  num: {
    [GET]: forMembers((rows, _center, { group }) => {
      return content(groups.need(rows, numberKey(group)).epoch, CBOR_FORMAT);
    }),
  },
  policies: {
    [GET]: forMembers((rows, _center, { group }) => {
      return content(new Map<Cbor, Cbor>([[P.GROUP_POLICIES, policiesOf(rows, group)]]));
    }),
  },
  "stale-sids": { [FETCH]: forMembers(staleIds) },
  "verif-data": {
    [GET]: forVerifiers((rows, center, { group, now }) => {
      if (groups.need(rows, numberKey(group)).epoch === 0) return problem("inactive");
      return content(verifying(rows, center, { group, now }));
    }),
  },
  "kdc-cred": {
    [GET]: forMembers((_rows, center, { access }) => {
      return content(managerCredential(center, access.nonce));
    }),
    [FETCH]: forVerifiers((_rows, center, _caller, request) => {
      const nonce = mapOf(request)?.get(P.CNONCE);
      const isNonce = nonce instanceof Uint8Array && nonce.length <= NONCE_BYTES_MAX;
      if (!isNonce) return refuse("malformed", { code: BAD_REQUEST });
      return content(managerCredential(center, nonce));
    }),
  },
  creds: { [GET]: creds, [FETCH]: creds },
});

function ownKeying(rows: Rows, center: Center, caller: Caller & { member: Member }): Reply {
  const { group, now, access, member } = caller;
  const { clientId } = access;
  noteGiven(rows, group, clientId);
  const key = keying(rows, { group, now, clientId, tasks: member.tasks });
  return content(new Map([...key, ...numbersFor(rows, center, group)]));
}

/** A member whose numbers are used up: the group gets a new key, in which they begin anew. */
function newKeying(rows: Rows, center: Center, caller: Caller & { member: Member }): Reply {
  const { group, now, member } = caller;
  if (isSilent(member.tasks)) return problem("roles"); // check: renewal-roles
  if (!policyOf(rows, group).isActive) return problem("inactive");
  const isTooSoon = isYoung(rows, group, now);
  if (isTooSoon) return problem("noIds", LATER); // check: renewal-again
  renew(rows, center, group, { isBroken: false, now });
  return ownKeying(rows, center, caller);
}

/** RFC 9594 §4.9.1: another public key in place of the one it has. */
function newCredential(
  rows: Rows,
  center: Center,
  caller: Caller & { member: Member },
  request: SecureRequest,
): Reply {
  const { group, member, now, name } = caller;
  const access = accesses.need(rows, name);
  const { profile, epoch } = groups.need(rows, numberKey(group));
  const { keepsCredentials, isActive } = policyOf(rows, group);
  const map = mapOf(request);
  const [credential, nonce] = [map?.get(P.CLIENT_CRED), map?.get(P.CNONCE)];
  const signature = map?.get(P.CLIENT_CRED_VERIFY);
  if (isSilent(member.tasks)) return problem("roles");
  if (!isActive) return problem("inactive");
  const isBarred = access.failures >= PROOFS_MAX;
  if (isBarred) return refuse("proofs", { code: FORBIDDEN }); // check: credential-proofs-max
  if (!(credential instanceof Uint8Array) || !(nonce instanceof Uint8Array)) {
    return refuse("malformed", { code: BAD_REQUEST });
  }
  const { crypto, certifiers = [] } = center;
  const vetted = vet(credential, { crypto, profile, keepsCredentials, certifiers, now });
  if (vetted === undefined) return problem("credential");
  const { challenge } = access;
  const { publicKey } = vetted;
  const proof = { scope: joinScope(group, member), challenge, nonce, publicKey };
  const isShown = signature instanceof Uint8Array && isProof(crypto, { ...proof, signature });
  if (!isShown) {
    accesses.put(rows, name, { ...access, failures: access.failures + 1 });
    return problem("proof"); // check: credential-proof
  }
  const key = inGroup(group, access.clientId);
  members.put(rows, key, { ...member, credential, isProven: true });
  // Others have the old one: they ask anew for whoever is stale.
  addStale(rows, group, epoch, access.clientId);
  return { response: { code: CHANGED } };
}

/** The scope entry of the latest join, which is signed again (RFC 9594 §4.9.1). */
function joinScope(group: number, { tasks }: Member): Uint8Array {
  return encode([`${group}`, tasks]);
}

function staleIds(
  rows: Rows,
  _center: Center,
  { group }: Caller,
  { payload }: SecureRequest,
): Reply {
  const decoded = decode(payload, { depthMax: 0, itemsMax: 1 });
  const since = decoded.ok && typeof decoded.value === "number" ? decoded.value : NONE;
  const { epoch: newest } = groups.need(rows, numberKey(group));
  const isVersion = since >= 0 && since < newest;
  if (!isVersion) return refuse("malformed", { code: BAD_REQUEST }); // check: stale-version
  const ids = staleSince(rows, group, { since, newest });
  if (ids === undefined) return { response: { code: CONTENT } };
  return content(ids, CBOR_FORMAT);
}

function creds(rows: Rows, _center: Center, caller: Caller, request: SecureRequest): Reply {
  const { group, member, entries } = caller;
  const mayListen = entries.some(({ roles }) => (roles & RECEIVER) !== 0);
  const mayAsk = member !== undefined || mayListen;
  if (!mayAsk) return problem("membersOnly"); // check: creds-members
  const isAll = request.method === GET;
  const map = isAll ? undefined : mapOf(request);
  const filter = isAll ? null : filterOf(map?.get(P.GET_CREDS) ?? "none");
  const isEmpty = filter !== null && filter?.tasks.length === 0 && filter.ids.length === 0;
  if (filter === undefined || (filter === null && !isAll) || isEmpty) {
    return refuse("malformed", { code: BAD_REQUEST });
  }
  const most = mostOf(map?.get(P.CREDS_MAX));
  return content(credsOf(rows, group, { filter, most }) ?? new Uint8Array(0));
}
