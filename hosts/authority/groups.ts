/** What an operator does with groups: makes them, says who may be in them, renews their keys. */
import type { Level } from "../../modules/access/level.js";
import { RECEIVER, type ScopeEntry, SENDER } from "../../modules/access/scope.js";
import { createGroup, GROUP_MEMBERS_MAX, renew } from "../../modules/authority/distribution.js";
import {
  grantedIn,
  letIn,
  nextIssue,
  takeOut,
  whyBarred,
} from "../../modules/authority/granting.js";
import { tellLater } from "../../modules/authority/grouping.js";
import type { NUMBERS } from "../../modules/authority/heard.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { algorithmOf, SUITE_CCM, SUITE_NULL } from "../../modules/authority/material.js";
import {
  type Application,
  applications,
  devices,
  groups,
  latestOf,
  membersOf,
  NONE,
  nextOf,
  numberKey,
  numberOf,
  policies,
  policyOf,
  pushes,
  USUAL,
} from "../../modules/authority/records.js";
import { formatIpv6, parseIpv6 } from "../installation/address.js";
import type { Authority } from "./authority.js";
import { keyOf, nameOfClient, orNull, rolesText } from "./devices.js";
import { counted, Fault } from "./fault.js";
import { checkGroupName } from "./names.js";

export interface NewGroupArgs {
  readonly name: string;
  /** Where its members listen: an IPv6 multicast address. */
  readonly address: string;
  readonly port: number;
  /** Number on the air; undefined: the next free one. */
  readonly number?: number | undefined;
  /** Another group whose keys protect this one too. */
  readonly shares?: string | undefined;
  readonly profile: string;
  /** Of those that the scheme has (modules/authority/material.ts); undefined: the usual one. */
  readonly algorithm?: number | undefined;
  readonly graceSeconds: number;
  readonly validitySeconds: number;
  readonly messages: number;
  readonly renewsOnJoin: boolean;
  readonly renewsOnLeave: boolean;
  /** New keys are said to all at once, under those of a tree. */
  readonly hasTree: boolean;
  /** How newcomers get at numbers that senders used before; undefined: with a new key. */
  readonly numbers?: (typeof NUMBERS)[number] | undefined;
}

export interface GroupView {
  readonly name: string;
  readonly number: number;
  readonly address: string;
  readonly port: number;
  readonly securityGroup: number;
  readonly profile: string;
  /** The Group Encryption Algorithm of `group-oscore`, COSE's number; no other scheme has one. */
  readonly algorithm?: number;
  /** Of `dtls-record`. */
  readonly suite?: SuiteName;
  /** Epoch of its newest key; 0: there was none yet. */
  readonly key: number;
  readonly validitySeconds: number | null;
  /** How newcomers get at numbers that senders used before (modules/authority/heard.ts). */
  readonly numbers: string;
  /** Whether somebody listens to it now; null: nobody has to. */
  readonly listens: boolean | null;
  /** Who may come. */
  readonly devices: number;
  /** Who has come. */
  readonly members: number;
  /** Who does not have the newest key yet. */
  readonly waiting: number;
}

/** Cipher suites of `dtls-record`; under `null` anybody reads what is said, and nobody makes it. */
export const SUITES = Object.freeze({ ccm: SUITE_CCM, null: SUITE_NULL });
export type SuiteName = keyof typeof SUITES;

const APP_GROUP_MAX = 0xffffffff;

export function createOne(authority: Authority, args: NewGroupArgs): Promise<GroupView> {
  const { name, port, shares } = args;
  checkGroupName(name);
  const address = parseIpv6(args.address);
  if (address === undefined || address[0] !== 0xff) {
    throw new Fault(`--address: ${args.address} is no IPv6 multicast address; say ff35::... `);
  }
  return authority.decide(`group create ${name}`, (rows) => {
    if (namedGroup(rows, name) !== undefined) {
      throw new Fault(`there is a group ${name} already; lumicast group list shows it`);
    }
    const number = args.number ?? freeNumber(rows);
    if (applications.get(rows, numberKey(number)) !== undefined) {
      throw new Fault(`--number: ${number} is another group's; leave it out for a free one`);
    }
    const group = shares === undefined ? number : groupOf(rows, shares).application.group;
    if (shares === undefined) createGroup(rows, authority.center, number, args);
    const { hasTree, numbers = USUAL.numbers } = args;
    const isUsual = !hasTree && numbers === USUAL.numbers;
    if (!isUsual) policies.put(rows, numberKey(group), { ...USUAL, hasTree, numbers });
    applications.put(rows, numberKey(number), { name, group, address, port });
    return viewOf(rows, number);
  });
}

function freeNumber(rows: Rows): number {
  const isTaken = (number: number) =>
    applications.get(rows, numberKey(number)) !== undefined ||
    groups.get(rows, numberKey(number)) !== undefined;
  let number = nextOf(rows, "application");
  while (isTaken(number)) number = nextOf(rows, "application");
  if (number > APP_GROUP_MAX) throw new Fault("no number is left for a group");
  return number;
}

function namedGroup(rows: Rows, name: string): number | undefined {
  const key = applications.keys(rows).find((key) => applications.need(rows, key).name === name);
  return key === undefined ? undefined : numberOf(key);
}

/** By name or number. Throws a Fault. */
export function groupOf(rows: Rows, text: string): { number: number; application: Application } {
  const number = namedGroup(rows, text) ?? (/^\d{1,10}$/.test(text) ? Number(text) : NONE);
  const application = applications.get(rows, numberKey(number));
  if (application !== undefined) return { number, application };
  throw new Fault(`there is no group ${text}; lumicast group list shows them`);
}

/** `hears`: of an authority that runs. */
export function listGroups(
  authority: Authority,
  hears?: Hears,
): Promise<{ groups: readonly GroupView[] }> {
  return authority.read((rows) => ({
    groups: applications.keys(rows).map((key) => viewOf(rows, numberOf(key), hears)),
  }));
}

type Hears = (group: number) => boolean;

function viewOf(rows: Rows, number: number, hears: Hears = () => false): GroupView {
  const { name, group, address, port } = applications.need(rows, numberKey(number));
  const { profile, epoch, validitySeconds, algorithm } = groups.need(rows, numberKey(group));
  const { numbers } = policyOf(rows, group);
  return {
    name,
    number,
    address: formatIpv6(address),
    port,
    securityGroup: group,
    profile,
    ...choiceOf(profile, algorithm),
    key: epoch,
    validitySeconds: orNull(validitySeconds),
    numbers,
    listens: numbers === "heard" ? hears(group) : null,
    devices: grantedIn(rows, number).length,
    members: membersOf(rows, group).length,
    waiting: pushes.keys(rows, `${numberKey(group)}/`).length,
  };
}

function choiceOf(profile: string, made: number): Pick<GroupView, "algorithm" | "suite"> {
  const algorithm = algorithmOf(profile, made);
  if (algorithm === 0) return {};
  if (profile !== "dtls-record") return { algorithm };
  return { suite: algorithm === SUITE_NULL ? "null" : "ccm" };
}

export interface Grant {
  readonly group: string;
  readonly devices: readonly string[];
  readonly level: Level;
  readonly roles: number;
}

export interface Granted {
  readonly group: string;
  readonly devices: readonly string[];
  readonly level: number;
  readonly roles: string;
  /** Undefined: they were added. Otherwise what to do instead; nothing was changed. */
  readonly split?: readonly { readonly name: string; readonly devices: readonly string[] }[];
}

/** A group beyond a hundred is not made; how to divide it is the answer. */
export function addToGroup(authority: Authority, grant: Grant): Promise<Granted> {
  const { level, roles } = grant;
  return authority
    .decide(`group add ${grant.group} ${grant.devices.join(" ")}`, (rows) => {
      const { number, application } = groupOf(rows, grant.group);
      const keys = grant.devices.map((device) => keyOf(rows, device));
      const names = keys.map((key) => devices.need(rows, key).name);
      const answer = { group: application.name, devices: names, level, roles: rolesText(roles) };
      const barred = whyBarred(rows, number, keys);
      if (barred?.why === "split") {
        const union = [...new Set([...grantedIn(rows, number), ...keys])];
        const everybody = union.map((key) => devices.need(rows, key).name);
        throw new SplitNeeded({ ...answer, split: splitOf(application.name, everybody) });
      }
      if (barred?.why === "subset") throw new Fault(subsetText(rows, application.name, barred));
      const entry: ScopeEntry = { appGroup: number, level, roles };
      for (const key of keys) {
        const { isLost, name } = devices.need(rows, key);
        if (isLost) throw new Fault(`${name} was reported lost; enter its replacement instead`);
        letIn(rows, key, entry);
        tellLater(rows, key, number, true);
      }
      return answer;
    })
    .catch((error: unknown) => {
      if (error instanceof SplitNeeded) return error.answer;
      throw error;
    });
}

/** Leaves the decision without an effect. */
class SplitNeeded extends Error {
  readonly answer: Granted;

  constructor(answer: Granted) {
    super("too many members");
    this.answer = answer;
  }
}

/** As even as can be, in the order given: neighbours on the list mostly share a room. */
export function splitOf(
  name: string,
  all: readonly string[],
): { name: string; devices: readonly string[] }[] {
  const count = Math.ceil(all.length / GROUP_MEMBERS_MAX);
  return Array.from({ length: count }, (_, at) => {
    const from = Math.floor((at * all.length) / count);
    const to = Math.floor(((at + 1) * all.length) / count);
    return { name: `${name}-${at + 1}`, devices: all.slice(from, to) };
  });
}

function subsetText(
  rows: Rows,
  name: string,
  { key, whole }: { readonly key: string; readonly whole: string },
): string {
  const { name: device } = devices.need(rows, key);
  return (
    `${device} is not in ${whole}, whose keys protect ${name} too; first: ` +
    `lumicast group add ${whole} ${device}`
  );
}

export interface Removed {
  readonly group: string;
  readonly devices: readonly string[];
  /** Epoch of the group's key now. */
  readonly key: number;
  /** Security groups whose keys may have been renewed by it. */
  readonly securityGroups: readonly number[];
  /** Whether the group itself is gone. */
  readonly isGone: boolean;
}

/**
 * Takes devices out of a group in peace: their tokens for it are void, and the key is renewed where
 * the group's policy says so. Without devices the group itself goes, when nobody is in it.
 */
export function removeFromGroup(
  authority: Authority,
  args: { group: string; devices: readonly string[] },
): Promise<Removed> {
  return authority.decide(`group remove ${args.group} ${args.devices.join(" ")}`, (rows) => {
    const { number, application } = groupOf(rows, args.group);
    if (args.devices.length === 0) return removeGroup(rows, number, application);
    const { name, group } = application;
    const from = nextIssue(rows, authority.now());
    const names = args.devices.map((text) => {
      const key = keyOf(rows, text);
      const { name: device, scope } = devices.need(rows, key);
      if (!scope.some(({ appGroup }) => appGroup === number)) {
        throw new Fault(`${device} is not in ${name}; lumicast device show ${device}`);
      }
      takeOut(rows, authority.center, { key, number, from });
      tellLater(rows, key, number, false);
      return device;
    });
    const { epoch } = groups.need(rows, numberKey(group));
    const securityGroups = [group];
    return { group: name, devices: names, key: epoch, securityGroups, isGone: false };
  });
}

function removeGroup(rows: Rows, number: number, { name, group }: Application): Removed {
  const left = grantedIn(rows, number).map((key) => devices.need(rows, key).name);
  if (left.length > 0) {
    throw new Fault(`${counted(left.length, "device")} may still be in ${name}; remove them first`);
  }
  const sharing = applications
    .keys(rows)
    .filter((key) => numberOf(key) !== number && applications.need(rows, key).group === group);
  if (number === group && sharing.length > 0) {
    const { name: other } = applications.need(rows, sharing[0]);
    throw new Fault(`the keys of ${name} protect ${other} too; remove that one first`);
  }
  const { epoch } = groups.need(rows, numberKey(group));
  applications.delete(rows, numberKey(number));
  // The security group's row stays: its key ids must not be given again.
  return { group: name, devices: [], key: epoch, securityGroups: [], isGone: true };
}

export interface Rekeyed {
  readonly group: string;
  readonly securityGroup: number;
  readonly key: number;
  /** Who has to hear of it. */
  readonly members: readonly string[];
}

export function rekeyGroup(
  authority: Authority,
  { group, broken }: { group: string; broken: boolean },
): Promise<Rekeyed> {
  return authority.decide(`group rekey ${group}`, (rows) => {
    const { application } = groupOf(rows, group);
    const now = latestOf(rows, "clock", authority.now());
    const key = renew(rows, authority.center, application.group, { isBroken: broken, now });
    const names = membersOf(rows, application.group).map(({ clientId }) =>
      nameOfClient(rows, clientId),
    );
    return {
      group: application.name,
      securityGroup: application.group,
      key,
      members: names,
    };
  });
}

/** `sender`, `receiver` or `both`; undefined for other words. */
export function rolesOf(text: string): number | undefined {
  return ({ sender: SENDER, receiver: RECEIVER, both: SENDER | RECEIVER } as const)[
    text as "both"
  ] as number | undefined;
}
