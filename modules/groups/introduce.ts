/**
 * Members of groups whose messages are opened by who sent them, and not signed: an id is all there
 * is to know of one.
 */
import type { Drop } from "../bytes/outcome.js";
import { signs } from "./admission.js";
import type { SecurityGroup } from "./directory.js";
import type { Groups } from "./groups.js";

/** From here on messages of this one can be opened; undefined when that is so. */
export function introduce(
  { schemes }: Groups,
  security: SecurityGroup,
  id: Uint8Array,
): Drop | undefined {
  if (schemes === undefined || !hasTable(security) || signs(security)) return undefined;
  if (schemes.members.find(security.id, id, 0, id.length) !== undefined) return undefined;
  const put = schemes.members.put(security, { id, credential: new Uint8Array(0) });
  return put.ok ? undefined : put.drop;
}

/**
 * From here on messages of these are not opened any more, and their places are free; true when that
 * is durable. Windows last as long as their keys: who comes back goes on where he was.
 */
export function dismiss(
  { schemes }: Groups,
  security: SecurityGroup,
  ids: readonly Uint8Array[],
): boolean {
  if (schemes === undefined || !hasTable(security)) return true;
  for (const association of security.associations) {
    for (const id of ids) schemes.contexts.forget(association, id); // check: dismissed-context
  }
  return schemes.members.remove(security.id, ...ids);
}

/** Whether members are looked up: one key serves all of `lowlatency`, and two know each other. */
export function hasTable({ profile }: SecurityGroup): boolean {
  return profile.peer !== undefined && profile.proof !== "channel";
}
