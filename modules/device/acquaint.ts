/**
 * Whose messages a device can open in groups whose keys come from a KDC: it enters groups whose
 * members sign at their Group Manager, and has the credential of each sender whose rights it was
 * shown before he says anything, so that the first command is obeyed.
 */
import { MONITOR, REQUESTER, RESPONDER } from "../access/groupcomm.js";
import { claimsOf } from "../access/token.js";
import { equalBytes } from "../bytes/equal.js";
import { readUint } from "../bytes/uint.js";
import { Admission, type AdmissionParts, signs } from "../groups/admission.js";
import type { SecurityGroup } from "../groups/directory.js";
import { hasTable, introduce } from "../groups/introduce.js";
import { Strangers } from "../groups/repository.js";
import type { Board } from "../ports/board.js";
import type { Parts } from "./parts.js";

const ID_BYTES_MAX = 4;

/** Undefined where no group has members. */
export function admissionOf(
  device: Parts,
  { crypto, random, log }: Board,
  parts: Pick<AdmissionParts, "incarnation" | "managerKey" | "ask">,
): Admission | undefined {
  const { clock, store, groups } = device;
  const { schemes } = groups;
  if (schemes === undefined) return undefined;
  const tasks = (security: SecurityGroup) => tasksIn(device, security);
  const admission = new Admission({ crypto, random, store, groups, log, tasks, ...parts });
  schemes.strangers ??= new Strangers({ clock, random });
  schemes.inquire = ({ association, id }, found) => {
    admission.inquire(association.security, id, (isThere) => {
      if (isThere) found();
    });
  };
  return admission;
}

/** What it does in a group, what is wanted most first. */
function tasksIn({ role, groups }: Parts, security: SecurityGroup): readonly number[] {
  // Who has nothing to sign with only listens.
  if (security.own?.signer === undefined) return [MONITOR];
  const { targets = [] } = role;
  const isSender = targets.some((id) => groups.directory.appGroup(id)?.security === security);
  return isSender ? [REQUESTER | RESPONDER, REQUESTER] : [RESPONDER];
}

/** Somebody's AT-R was taken: sees to it that his messages can be opened. */
export function acquaint(
  { groups }: Parts,
  admission: Admission | undefined,
  token: Uint8Array,
): void {
  const { schemes, directory, clientId } = groups;
  const claims = claimsOf(token);
  if (schemes === undefined || claims?.securityGroup === undefined) return;
  const { securityGroup, subject: id } = claims;
  if (securityGroup.length > ID_BYTES_MAX) return;
  const security = directory.security(readUint(securityGroup));
  if (security === undefined || !hasTable(security)) return;
  if (equalBytes(id, clientId) || schemes.members.find(security.id, id, 0, id.length) !== undefined)
    return;
  if (signs(security)) admission?.inquire(security, id, () => {});
  else introduce(groups, security, id);
}
