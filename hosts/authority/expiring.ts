/**
 * What would end by itself after the authority is gone for good. Where it leaves, tokens and keys
 * have no end, and a budget of messages lasts longer than the lamps (ARCHITECTURE.md, decision 11).
 */
import type { Rows } from "../../modules/authority/ledger.js";
import { groups, membersOf, NONE, numberOf, tokens } from "../../modules/authority/records.js";
import { nameOfClient } from "./devices.js";
import { counted } from "./fault.js";

/** Twenty years of a command each second. */
const MESSAGES_MIN = 20 * 366 * 86400;
const SHOWN_MAX = 8;

export interface Expiring {
  readonly tokens: readonly { readonly device: string; readonly expiresAt: number }[];
  readonly groups: readonly {
    readonly securityGroup: number;
    /** Null: it does not end by time, or not by messages. */
    readonly validitySeconds: number | null;
    readonly messages: number | null;
  }[];
}

export function expiringOf(rows: Rows, now: number): Expiring {
  const ending = tokens.keys(rows).flatMap((id) => {
    const { clientId, expiresAt, isRevoked } = tokens.need(rows, id);
    if (expiresAt === NONE || isRevoked || expiresAt <= now) return [];
    return [{ device: nameOfClient(rows, clientId), expiresAt }];
  });
  const short = groups.keys(rows).flatMap((key) => {
    const { epoch, validitySeconds, messages } = groups.need(rows, key);
    const securityGroup = numberOf(key);
    if (epoch === 0 || membersOf(rows, securityGroup).length === 0) return [];
    const byTime = validitySeconds === NONE ? null : validitySeconds;
    const byCount = messages === NONE || messages >= MESSAGES_MIN ? null : messages;
    if (byTime === null && byCount === null) return [];
    return [{ securityGroup, validitySeconds: byTime, messages: byCount }];
  });
  return { tokens: ending, groups: short };
}

export function isEndless(expiring: Expiring): boolean {
  return expiring.tokens.length === 0 && expiring.groups.length === 0;
}

/** One line each, a few of them. */
export function expiringLines({ tokens, groups }: Expiring): string[] {
  const lines = [
    ...groups.map(({ securityGroup, validitySeconds, messages }) => {
      const end = validitySeconds === null ? `${messages} messages` : `${validitySeconds} s`;
      return `the key of security group ${securityGroup} ends after ${end}`;
    }),
    ...tokens.map(({ device, expiresAt }) => {
      return `a token of ${device} ends ${new Date(expiresAt * 1000).toISOString()}`;
    }),
  ];
  const more = lines.length - SHOWN_MAX;
  return more > 0 ? [...lines.slice(0, SHOWN_MAX), `and ${counted(more, "other")}`] : lines;
}
