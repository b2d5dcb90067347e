/**
 * The join request at the Group Manager (RFC 9594 §4.3.1, draft-ietf-ace-key-groupcomm-oscore §6.3,
 * draft-ietf-core-oscore-groupcomm-02 Appendix D.1).
 *
 * Sender ids are client ids here, for rights are granted to them (WIRE.md), so nobody gets another
 * one. What a new id is for, that no number is used twice with one key by who forgot where he was,
 * a new key does as well: whoever joins again makes the group get one, not more often than once a
 * minute.
 */
import { INCARNATION_BYTES } from "../access/delivery.js";
import type { ScopeEntry } from "../access/scope.js";
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import { decodeList } from "../cbor/containers.js";
import type { Cbor } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { ACE_GROUPCOMM_CBOR } from "../groups/repository.js";
import type { SecureResponse } from "../secure/request.js";
import { BAD_REQUEST, CHANGED, CREATED, FORBIDDEN, type Reply, refuse } from "./answers.js";
import { credsOf, filterOf, mostOf, putSubject } from "./creds.js";
import { type Center, GROUP_MEMBERS_MAX, join, renew, whyNot } from "./distribution.js";
import { P, problem } from "./groupcomm.js";
import { noteGiven } from "./heard.js";
import { keying, welcome } from "./keying.js";
import type { Rows } from "./ledger.js";
import { draw, schemeOf } from "./material.js";
import {
  type Access,
  accesses,
  groups,
  hasLeft,
  type Member,
  members,
  NONE,
  numberKey,
  policyOf,
} from "./records.js";
import { isYoung } from "./renewal.js";
import { isCombination, isSilent, rolesFor } from "./tasks.js";
import {
  isProof,
  isProvenAnywhere,
  PROOFS_MAX,
  provenCredential,
  signInfoEntry,
  type Vetted,
  vet,
} from "./vetting.js";

/** What a client with nothing left is told (RFC 9594 §4.1.2). */
export const LATER = "things change after a renewal; try later";
const NONCE_BYTES_MAX = 64;
const CHALLENGE_BYTES = 16;
const REPOSITORIES_MAX = 4;
const URI_CHARS_MAX = 128;

/** One who asks something of a group: what he may be in it, and is. */
export interface Caller {
  /** The row of his access. */
  readonly name: string;
  readonly access: Access;
  readonly group: number;
  /** What his token grants in the group's application groups. */
  readonly entries: readonly ScopeEntry[];
  readonly member: Member | undefined;
  readonly now: number;
}

interface Wish {
  readonly scope: Uint8Array;
  readonly tasks: number;
  readonly nonce: Uint8Array;
  readonly incarnation: Uint8Array | undefined;
  readonly map: Map<Cbor, Cbor>;
}

export function answerJoin(
  rows: Rows,
  center: Center,
  caller: Caller,
  map: Map<Cbor, Cbor>,
): Reply {
  const { group, access, entries, now, member } = caller;
  const { profile } = groups.need(rows, numberKey(group));
  const wish = wishOf(map, group);
  if (wish === undefined) return needed(rows, center, caller, "malformed");
  const { tasks, nonce } = wish;
  if (!isCombination(tasks, profile)) return needed(rows, center, caller, "roles");
  const roles = entries.reduce((all, entry) => all | entry.roles, 0);
  const isGranted = (rolesFor(tasks) & ~roles) === 0;
  if (!isGranted) return refuse("scope", { code: FORBIDDEN }); // check: join-tasks-granted
  if (!policyOf(rows, group).isActive) return problem("inactive");
  const asked = map.has(P.GET_CREDS) ? filterOf(map.get(P.GET_CREDS)) : null;
  if (asked === undefined) return needed(rows, center, caller, "malformed");
  const vetted = credentialFor(rows, center, caller, wish);
  if ("response" in vetted) return vetted;
  const isBack = member !== undefined || hasLeft(rows, group, access.clientId);
  const isTooSoon = isBack && isYoung(rows, group, now);
  if (isTooSoon) return problem("noIds", LATER); // check: join-again
  const refused = enter(rows, center, { caller, wish, vetted });
  if (refused !== undefined) return refused;
  accesses.put(rows, caller.name, { ...accesses.need(rows, caller.name), nonce });
  if (member !== undefined) renew(rows, center, group, { isBroken: false, now });
  noteGiven(rows, group, access.clientId);
  const answer = new Map<Cbor, Cbor>([
    ...keying(rows, { group, now, clientId: access.clientId, tasks }),
    ...welcome(rows, center, { group, nonce }),
  ]);
  if (map.has(P.GET_CREDS)) {
    const newcomer = { ...access, tasks };
    const most = mostOf(map.get(P.CREDS_MAX));
    const creds = credsOf(rows, group, { filter: asked, newcomer, most });
    for (const [label, value] of creds ?? NOBODY) answer.set(label, value);
  }
  const response: SecureResponse = {
    code: member === undefined ? CREATED : CHANGED,
    format: ACE_GROUPCOMM_CBOR,
    payload: encode(answer),
    location: ["ace-group", `${group}`, "nodes", toHex(access.clientId)],
  };
  return { response };
}

/** `creds` has to be there where it was asked for. */
const NOBODY: readonly (readonly [number, Cbor])[] = Object.freeze([
  [P.CREDS, []],
  [P.PEER_ROLES, []],
  [P.PEER_IDENTIFIERS, []],
]);

/** Scope and N_C; the scope is one entry `[group name, tasks]` in a byte string. */
function wishOf(map: Map<Cbor, Cbor>, group: number): Wish | undefined {
  const scope = map.get(P.SCOPE);
  const nonce = map.get(P.CNONCE);
  if (!(scope instanceof Uint8Array) || !(nonce instanceof Uint8Array)) return undefined;
  if (nonce.length === 0 || nonce.length > NONCE_BYTES_MAX) return undefined;
  const [name, tasks] = decodeList(scope, { depthMax: 1, itemsMax: 3 }) ?? [];
  if (typeof tasks !== "number") return undefined;
  if (name !== `${group}`) return undefined; // check: join-scope-name
  const said = map.get(P.INCARNATION);
  const isSaid = said instanceof Uint8Array && said.length === INCARNATION_BYTES;
  return { scope, tasks, nonce, incarnation: isSaid ? said : undefined, map };
}

/** The OSCORE profile's §6.3: 4.00 that tells what a join request here has to have. */
function needed(rows: Rows, center: Center, caller: Caller, reason: string): Reply {
  const { group, name } = caller;
  const access = accesses.need(rows, name);
  const challenge = draw(center.random, CHALLENGE_BYTES);
  accesses.put(rows, name, { ...access, challenge });
  const answer = new Map<Cbor, Cbor>([[P.KDCCHALLENGE, challenge]]);
  const { signs } = schemeOf(groups.need(rows, numberKey(group)).profile);
  const { keepsCredentials } = policyOf(rows, group);
  if (signs) answer.set(P.SIGN_INFO, [signInfoEntry(rows, group, keepsCredentials)]);
  const payload = encode(answer);
  return refuse(reason, { code: BAD_REQUEST, format: ACE_GROUPCOMM_CBOR, payload });
}

/** The credential it joins with; the key's own length is 0 where none is needed. */
interface Shown {
  readonly credential: Uint8Array;
  readonly isProven: boolean;
  readonly subject?: Uint8Array;
}

/** What it joins with, or why not. */
function credentialFor(rows: Rows, center: Center, caller: Caller, wish: Wish): Shown | Reply {
  const { group, access, member } = caller;
  const { profile } = groups.need(rows, numberKey(group));
  const none = new Uint8Array(0);
  if (!schemeOf(profile).signs || isSilent(wish.tasks)) {
    return { credential: none, isProven: false };
  }
  const shown = wish.map.get(P.CLIENT_CRED) ?? none;
  const proof = wish.map.get(P.CLIENT_CRED_VERIFY);
  if (!(shown instanceof Uint8Array)) return needed(rows, center, caller, "malformed");
  if (proof === undefined) {
    const isProven = member?.isProven === true && member.credential.length > 0;
    // What he said at /keys alone is nobody's yet.
    const own = isProven ? member.credential : (provenCredential(rows, access.clientId) ?? none);
    const isKnown = own.length > 0 && (shown.length === 0 || equalBytes(shown, own));
    if (!isKnown) return needed(rows, center, caller, "credential"); // check: join-credential
    return vetAgain(rows, center, caller, own);
  }
  if (!(proof instanceof Uint8Array)) return needed(rows, center, caller, "malformed");
  return prove(rows, center, caller, { ...wish, credential: shown, proof });
}

/** A credential that was shown before: it may be over, or of another kind than this group's. */
function vetAgain(rows: Rows, center: Center, caller: Caller, own: Uint8Array): Shown | Reply {
  const vetted = vetFor(rows, center, caller, own);
  if (vetted === undefined) return problem("credential");
  return { credential: own, isProven: true, ...withSubject(vetted) };
}

function prove(
  rows: Rows,
  center: Center,
  caller: Caller,
  shown: Pick<Wish, "scope" | "nonce"> & { credential: Uint8Array; proof: Uint8Array },
): Shown | Reply {
  const access = accesses.need(rows, caller.name);
  const isBarred = access.failures >= PROOFS_MAX;
  if (isBarred) return refuse("proofs", { code: FORBIDDEN }); // check: proofs-max
  const { credential, proof, scope, nonce } = shown;
  const vetted = vetFor(rows, center, caller, credential);
  if (vetted === undefined) return problem("credential");
  const { publicKey } = vetted;
  const { challenge } = access;
  const isShown =
    proof.length === 0
      ? isProvenAnywhere(rows, access.clientId, credential)
      : isProof(center.crypto, { publicKey, signature: proof, scope, challenge, nonce });
  if (!isShown) {
    accesses.put(rows, caller.name, { ...access, failures: access.failures + 1 });
    return problem("proof"); // check: join-proof
  }
  accesses.put(rows, caller.name, { ...access, failures: 0 });
  return { credential, isProven: true, ...withSubject(vetted) };
}

function vetFor(rows: Rows, center: Center, caller: Caller, credential: Uint8Array) {
  const { profile } = groups.need(rows, numberKey(caller.group));
  const { keepsCredentials } = policyOf(rows, caller.group);
  const { crypto, certifiers = [] } = center;
  return vet(credential, { crypto, profile, keepsCredentials, certifiers, now: caller.now });
}

function withSubject({ subject }: Vetted): { subject?: Uint8Array } {
  return subject === undefined ? {} : { subject };
}

/** Makes it a member, in every application group of the group that its token names. */
function enter(
  rows: Rows,
  center: Center,
  input: { caller: Caller; wish: Wish; vetted: Shown },
): Reply | undefined {
  const { caller, wish, vetted } = input;
  const { group, access, entries } = caller;
  const { clientId: subject, expiresAt } = access;
  const claims = { subject, ...(expiresAt === NONE ? {} : { expiresAt }) };
  const allowed = rolesFor(wish.tasks);
  const { isProven, credential } = vetted;
  const joinings = entries
    .map((entry) => ({ ...entry, roles: entry.roles & allowed }))
    .filter(({ roles }) => roles !== 0)
    .map((entry) => ({
      ...{ group, claims, entry, credential, isProven, tasks: wish.tasks },
      ...(wish.incarnation === undefined ? {} : { incarnation: wish.incarnation }),
    }));
  for (const joining of joinings) {
    if (whyNot(rows, joining) !== undefined) return problem("noIds", splitAdvice(rows, group));
  }
  for (const joining of joinings) join(rows, center, joining);
  if (vetted.subject !== undefined) {
    const repositories = repositoriesOf(wish.map.get(P.CREDS_REPO));
    putSubject(rows, group, subject, { subject: vetted.subject, repositories });
  }
  return undefined;
}

function splitAdvice(rows: Rows, group: number): string {
  const { length } = members.keys(rows, `${numberKey(group)}/`);
  return length < GROUP_MEMBERS_MAX
    ? "the id of this client has no place in the group's messages"
    : `group ${group} has ${length} members: split it`;
}

/** One URI or a list of them. */
function repositoriesOf(value: Cbor): string[] {
  const list = Array.isArray(value) ? value : [value];
  const uris = list.filter((one): one is string => {
    return typeof one === "string" && one.length <= URI_CHARS_MAX;
  });
  return uris.slice(0, REPOSITORIES_MAX);
}
