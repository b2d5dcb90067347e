/**
 * What members do in a group, in the words of its Group Manager: bits of "Tperm"
 * (draft-ietf-ace-key-groupcomm-oscore §3). draft-ietf-core-oscore-groupcomm-02 Appendix D.1 says
 * client for requester, server for responder and silent server for monitor.
 */
import { RECEIVER, SENDER } from "../access/scope.js";

export const REQUESTER = 2;
export const RESPONDER = 4;
export const MONITOR = 8;
/** Of somebody who is no member: checks signatures of what it overhears. */
export const VERIFIER = 16;

const MEMBER_TASKS = REQUESTER | RESPONDER | MONITOR;

/** Tasks that a token's roles come to where nobody says more. */
export function tasksOf(roles: number): number {
  return ((roles & SENDER) === 0 ? 0 : REQUESTER) | ((roles & RECEIVER) === 0 ? 0 : RESPONDER);
}

/** Roles that a token has to grant for these tasks. */
export function rolesFor(tasks: number): number {
  const sends = (tasks & REQUESTER) !== 0;
  const listens = (tasks & (RESPONDER | MONITOR | VERIFIER)) !== 0;
  return (sends ? SENDER : 0) | (listens ? RECEIVER : 0);
}

/**
 * What a member can be at once. One who never answers does not answer sometimes; the first drafts
 * know a client that is a silent server as well, RFC 10021's Group Manager (§6.1) does not.
 */
export function isCombination(tasks: number, profile: string): boolean {
  if (tasks === 0 || (tasks & ~MEMBER_TASKS) !== 0) return false;
  if ((tasks & MONITOR) === 0) return true;
  const isBoth = (tasks & RESPONDER) !== 0;
  if (isBoth) return false; // check: tasks-monitor-responder
  const isClient = (tasks & REQUESTER) !== 0;
  if (isClient && profile === "group-oscore") return false; // check: tasks-monitor-requester
  return true;
}

/** Sends nothing in the group: no id, no credential. */
export function isSilent(tasks: number): boolean {
  return (tasks & (REQUESTER | RESPONDER)) === 0;
}
