/**
 * A device that was lost, stolen or thrown away (draft-somaraju §5.5): no token of its counts any
 * more, no key is given to it, and every group it was in has a new key that it cannot read, at
 * once. All of it in one decision; who has to hear of the new keys is written down with it.
 */
import { expel } from "../../modules/authority/distribution.js";
import { devices, latestOf, membersOf } from "../../modules/authority/records.js";
import { reportLost } from "../../modules/authority/server.js";
import { fromHex } from "../../modules/bytes/hex.js";
import type { Authority } from "./authority.js";
import { keyOf, nameOfClient } from "./devices.js";
import { Fault } from "./fault.js";
import { addNotices } from "./notices.js";

export interface Lost {
  readonly device: string;
  readonly eui64: string;
  /** Tokens that were revoked. */
  readonly tokens: number;
  /** Security groups that have new keys. */
  readonly groups: readonly { readonly group: number; readonly members: readonly string[] }[];
  /** Key Distribution Centers, other programs, that have to be told. */
  readonly centers: readonly string[];
}

export function reportDevice(authority: Authority, args: { device: string }): Promise<Lost> {
  const { role } = authority.identity;
  if (role === "kdc") {
    throw new Fault("devices are known to the Authorization Server; run this with its --state");
  }
  return authority.decide(`lost ${args.device}`, (rows) => {
    const eui64 = keyOf(rows, args.device);
    const { name, clientId, isLost } = devices.need(rows, eui64);
    if (isLost) throw new Fault(`${name} was reported lost before; nothing is left to do`);
    const tokens = reportLost(rows, fromHex(eui64));
    const now = latestOf(rows, "clock", authority.now());
    const left = role === "both" ? expel(rows, authority.center, clientId, now) : [];
    return {
      device: name,
      eui64,
      tokens,
      groups: left.map((group) => ({
        group,
        members: membersOf(rows, group).map((member) => nameOfClient(rows, member.clientId)),
      })),
      centers: addNotices(rows, authority, clientId),
    };
  });
}
