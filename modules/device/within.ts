/** What a client may do under group material, which may serve several application groups. */

import { DISCOVERY, type Level } from "../access/level.js";
import type { Rights } from "../access/rights.js";
import { equalBytes } from "../bytes/equal.js";
import type { Id64 } from "../bytes/id64.js";
import type { Directory, SecurityGroup } from "../groups/directory.js";
import type { Endpoint } from "../ports/datagram.js";

/** What is known of whom a message was meant for. */
export interface Meant {
  readonly security: SecurityGroup;
  /** Where it was sent to, if that was to many. */
  readonly to: Endpoint | undefined;
}

/** The highest of his rights within the application groups that it may have been meant for. */
export function levelWithin(
  { rights, directory }: { readonly rights: Rights; readonly directory: Directory },
  client: Id64,
  meant: Meant,
): Level {
  let highest: Level = DISCOVERY;
  for (const appGroup of directory.appGroups()) {
    if (appGroup.security !== meant.security) continue; // check: rights-security
    const { to } = meant;
    const isElsewhere = to !== undefined && !equalBytes(appGroup.address, to.address);
    if (isElsewhere) continue; // check: rights-address
    const isOtherPort = to !== undefined && appGroup.port !== to.port;
    if (isOtherPort) continue; // check: rights-port
    const level = rights.level(appGroup.id, client);
    if (level > highest) highest = level;
  }
  return highest;
}
