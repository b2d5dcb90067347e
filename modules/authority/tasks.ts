/** What members do in a group, in the words of its Group Manager, and the roles of their tokens. */
import { MONITOR, REQUESTER, RESPONDER } from "../access/groupcomm.js";
import { RECEIVER, type Scope, SENDER } from "../access/scope.js";

export { MONITOR, REQUESTER, RESPONDER } from "../access/groupcomm.js";

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

/** What a scope's entries allow together. */
export function rolesOf(scope: Scope): number {
  return scope.reduce((all, { roles }) => all | roles, 0);
}

/** Those of the tasks that these roles allow. */
export function tasksWithin(tasks: number, roles: number): number {
  const all = [REQUESTER, RESPONDER, MONITOR].filter((task) => (rolesFor(task) & ~roles) === 0);
  return tasks & all.reduce((sum, task) => sum | task, 0);
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
