/**
 * Which devices may be in a group, and the two decisions about it: one is let in, one is taken
 * out. Whoever decides (an operator's command, a tap while a group is changed by presses), it is
 * the same decision under the same bounds.
 */
import { type Scope, type ScopeEntry, SENDER } from "../access/scope.js";
import { toHex } from "../bytes/hex.js";
import { type Center, GROUP_MEMBERS_MAX, narrow } from "./distribution.js";
import type { Rows } from "./ledger.js";
import { applications, devices, latestOf, numberKey, numberOf } from "./records.js";

/** EUI-64s of who may be in an application group. */
export function grantedIn(rows: Rows, number: number): string[] {
  return devices.keys(rows).filter((key) => {
    const { scope, isLost } = devices.need(rows, key);
    return !isLost && scope.some(({ appGroup }) => appGroup === number);
  });
}

/** Why these devices may not come into a group. */
export type Barred =
  /** There would be too many of them for its keys. */
  | { readonly why: "split" }
  /** This one is not in the group whose keys protect it. */
  | { readonly why: "subset"; readonly key: string; readonly whole: string };

/** Undefined: they may. `number`: the application group's. */
export function whyBarred(rows: Rows, number: number, keys: readonly string[]): Barred | undefined {
  const { group } = applications.need(rows, numberKey(number));
  const all = new Set([...securityGroupDevices(rows, group), ...keys]);
  if (all.size > GROUP_MEMBERS_MAX) return { why: "split" }; // check: grant-members-max
  return strangerTo(rows, { number, group, keys });
}

/** Who may be in any of the application groups that one security group protects. */
function securityGroupDevices(rows: Rows, group: number): Set<string> {
  const numbers = applications
    .keys(rows)
    .filter((key) => applications.need(rows, key).group === group)
    .map(numberOf);
  return new Set(numbers.flatMap((number) => grantedIn(rows, number)));
}

/**
 * draft-somaraju §3.3: one key serves several application groups only where all are subsets of one;
 * otherwise somebody has the key of a group that he has no rights in.
 */
function strangerTo(
  rows: Rows,
  { number, group, keys }: { number: number; group: number; keys: readonly string[] },
): Barred | undefined {
  if (number === group) return undefined;
  const whole = applications.get(rows, numberKey(group));
  if (whole === undefined) return undefined;
  const inWhole = new Set(grantedIn(rows, group));
  const key = keys.find((one) => !inWhole.has(one));
  return key === undefined ? undefined : { why: "subset", key, whole: whole.name };
}

/** What it may be granted from now on is this as well. */
export function letIn(rows: Rows, key: string, entry: ScopeEntry): void {
  const device = devices.need(rows, key);
  devices.put(rows, key, { ...device, scope: withEntry(device.scope, entry) });
}

function withEntry(scope: Scope, entry: ScopeEntry): Scope {
  const place = ({ appGroup }: ScopeEntry) => appGroup ?? -1;
  const others = scope.filter(({ appGroup }) => appGroup !== entry.appGroup);
  return [...others, entry].sort((a, b) => place(a) - place(b));
}

/** From when on tokens of who is taken out count; several of one decision have one. */
export function nextIssue(rows: Rows, now: number): number {
  const from = latestOf(rows, "issued", now) + 1;
  latestOf(rows, "issued", from);
  return from;
}

/** Tokens issued before `from` say more than the device may do: only newer ones count. */
export function takeOut(
  rows: Rows,
  center: Center,
  { key, number, from }: { key: string; number: number; from: number },
): void {
  const device = devices.need(rows, key);
  const left = device.scope.filter(({ appGroup }) => appGroup !== number);
  devices.put(rows, key, { ...device, scope: left });
  latestOf(rows, `latest/${toHex(device.clientId)}`, from);
  narrow(rows, center, device.clientId, left);
}

/** How many groups it commands. */
export function commandedBy(scope: Scope): number {
  return scope.filter(({ roles }) => (roles & SENDER) !== 0).length;
}
