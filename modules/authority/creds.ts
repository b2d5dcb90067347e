/**
 * Public keys of a group's members, as its repository gives them out (RFC 9594 §4.4): all, or those
 * of some roles and ids. Where the Group Manager keeps none, it tells whose certificates they are,
 * and where those can be had (draft-ietf-core-oscore-groupcomm-02 Appendix D.2).
 */
import { peerTasks } from "../access/groupcomm.js";
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import { decodeList } from "../cbor/containers.js";
import type { Cbor } from "../cbor/decode.js";
import { encode } from "../cbor/encode.js";
import { P } from "./groupcomm.js";
import type { Rows } from "./ledger.js";
import { groups, inGroup, type Member, membersOf, numberKey, policyOf } from "./records.js";
import { isSilent } from "./tasks.js";

/** Roles or ids in one question; who has met all but one of a group's hundred names them. */
const FILTERS_MAX = 128;

/** `get_creds`: null for all, or what to look for. */
export interface Filter {
  /** False: everybody but these ids. */
  readonly includes: boolean;
  /** Any of these combinations, as bits of tasks.ts. */
  readonly tasks: readonly number[];
  readonly ids: readonly Uint8Array[];
}

/** Null for "all"; undefined for what is no filter. */
export function filterOf(value: Cbor): Filter | null | undefined {
  if (value === null) return null;
  if (!Array.isArray(value) || value.length !== 3) return undefined;
  const [includes, tasks, ids] = value;
  if (typeof includes !== "boolean" || !Array.isArray(tasks) || !Array.isArray(ids)) {
    return undefined;
  }
  if (tasks.length + ids.length > FILTERS_MAX) return undefined; // check: creds-filters
  if (!tasks.every((one): one is number => typeof one === "number")) return undefined;
  if (!ids.every((one): one is Uint8Array => one instanceof Uint8Array)) return undefined;
  return { includes, tasks, ids };
}

type Listed = { clientId: Uint8Array; member: Member };

/** Members that the filter is for; ids of nobody are passed over (the OSCORE profile's §9.3). */
function chosen(all: readonly Listed[], { includes, tasks, ids }: Filter): Listed[] {
  const named = new Set(ids.map(toHex));
  return all.filter(({ clientId, member }) => {
    const hasTask = tasks.some((wanted) => (member.tasks & wanted) === wanted);
    const isNamed = named.has(toHex(clientId));
    if (tasks.length === 0) return isNamed === includes;
    if (ids.length === 0) return hasTask;
    return includes ? hasTask || isNamed : hasTask && !isNamed;
  });
}

/** Who a newcomer with these tasks speaks with. */
function peersOf(tasks: number): Filter {
  return { includes: true, tasks: peerTasks(tasks), ids: [] };
}

/** How many credentials who asks has room for; undefined: for all. The rest he asks for again. */
export function mostOf(value: Cbor): number | undefined {
  return typeof value === "number" && value > 0 ? value : undefined;
}

/** One who joins: his question for all means those that concern him, and not himself. */
export interface Newcomer {
  readonly clientId: Uint8Array;
  readonly tasks: number;
}

/** `creds`, `peer_roles` and `peer_identifiers`; undefined where there is nobody to tell of. */
export function credsOf(
  rows: Rows,
  group: number,
  question: { filter: Filter | null; newcomer?: Newcomer; most?: number | undefined },
): Map<Cbor, Cbor> | undefined {
  const { filter, newcomer, most } = question;
  const { keepsCredentials } = policyOf(rows, group);
  const has = (clientId: Uint8Array, member: Member) =>
    keepsCredentials
      ? member.credential.length > 0
      : rows.get("subject", inGroup(group, clientId)) !== undefined;
  const all = membersOf(rows, group).filter(({ clientId, member }) => {
    const isSelf = newcomer !== undefined && equalBytes(clientId, newcomer.clientId);
    if (!member.isProven) return false; // check: creds-proven
    return !isSelf && !isSilent(member.tasks) && has(clientId, member);
  });
  const wanted = filter ?? (newcomer === undefined ? undefined : peersOf(newcomer.tasks));
  const listed = (wanted === undefined ? all : chosen(all, wanted)).slice(0, most);
  if (listed.length === 0) return undefined;
  const answer = new Map<Cbor, Cbor>([
    [P.NUM, groups.need(rows, numberKey(group)).epoch],
    [P.PEER_ROLES, listed.map(({ member }) => member.tasks)],
    [P.PEER_IDENTIFIERS, listed.map(({ clientId }) => clientId)],
  ]);
  if (keepsCredentials)
    return answer.set(
      P.CREDS,
      listed.map(({ member }) => member.credential),
    );
  const known = listed.map(({ clientId }) => subjectOf(rows, group, clientId));
  answer.set(
    P.SUBJECTS,
    known.map(({ subject }) => subject),
  );
  return answer.set(
    P.CREDS_REPO,
    known.map(({ repositories }): Cbor => [...repositories]),
  );
}

/** Whose certificate a member showed, and where it can be had. */
export interface Subject {
  readonly subject: Uint8Array;
  readonly repositories: readonly string[];
}

export function putSubject(rows: Rows, group: number, clientId: Uint8Array, of: Subject): void {
  rows.put("subject", inGroup(group, clientId), encode([of.subject, [...of.repositories]]));
}

function subjectOf(rows: Rows, group: number, clientId: Uint8Array): Subject {
  const key = inGroup(group, clientId);
  const [subject, list] = decodeList(rows.get("subject", key) ?? new Uint8Array(0)) ?? [];
  if (!(subject instanceof Uint8Array) || !Array.isArray(list)) {
    throw new Error(`ledger: subject ${key} does not parse; restore a backup`);
  }
  const repositories = list.filter((one): one is string => typeof one === "string");
  return { subject, repositories };
}
