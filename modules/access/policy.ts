/**
 * May this message use this resource? The one place where proof, right, level and transport meet.
 *
 * Problem: a group key is held by every lamp and switch of a room, so a message under it shows at
 * most that *some* member sent it, or, where it is signed, that it was sent to many at once; a
 * stolen lamp must not become a tool for reprogramming the building. The draft therefore disallows
 * group security beyond level 2 (Appendix A, note). Rejected: to leave that to whoever writes the
 * scopes into the tokens. One wrong scope, and the rule is gone. Chosen: ceilings that no right
 * lifts, each a line of its own below, and after them the right.
 */
import type { Proof } from "../bytes/outcome.js";
import { DISCOVERY, type Level, USE } from "./level.js";

export interface Access {
  /** Who the message was shown to come from; undefined for plain CoAP. */
  readonly proof: Proof | undefined;
  /** How this message reached us. */
  readonly transport: "multicast" | "unicast";
  /** What the right was granted for: one application group, or this device itself. */
  readonly scope: "group" | "device";
  /** The sender's right within that scope; 0 when it has none. */
  readonly granted: Level;
  /** What the resource declares for the method; undefined when it has no such method. */
  readonly needed: Level | undefined;
}

/** One above the highest level, for what nobody may do. */
const NOBODY = 6;

/** True when the message may be carried out. Pure; the caller counts a refusal as `forbidden`. */
export function mayUse(access: Access): boolean {
  const needed = access.needed ?? NOBODY;
  const proof = access.proof;
  if (proof === undefined && needed > DISCOVERY) return false; // check: access-plain
  if (access.granted < needed) return false; // check: access-granted
  if (needed <= USE) return true;
  // Signed and pairwise mode, unicast included: the credentials were vouched for by the same group.
  if (proof?.by !== "channel") return false; // check: access-group-material
  // Appendix A: level 2 "is the highest level of access that can be obtained using (secure)
  // multicast".
  if (access.transport !== "unicast") return false; // check: access-multicast
  // A right within an application group is about operating it, not about this device's structure.
  if (access.scope !== "device") return false; // check: access-device-scope
  return true;
}
