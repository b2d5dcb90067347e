/**
 * What an operator can have done, by name: here where the ledger is open, which is this program or
 * the authority that runs (control.ts). Arguments and answers are JSON.
 */
import type { Authority } from "./authority.js";
import { type Contents, rowsOf } from "./backup.js";
import type { AskPerson, DeviceSide } from "./device-side.js";
import { addDevices, listDevices, showDevice } from "./devices.js";
import { type Expiring, expiringLines, expiringOf, isEndless } from "./expiring.js";
import { Fault } from "./fault.js";
import { placeDevice } from "./floor.js";
import {
  addToGroup,
  createOne,
  listGroups,
  type Rekeyed,
  type Removed,
  rekeyGroup,
  removeFromGroup,
} from "./groups.js";
import { beginHandOver, type HandOverArgs, prepareHandOver } from "./hand-over.js";
import { type Card, emitIdentity } from "./identity.js";
import { identify, joinDevice, openJoining, rename, watchFresh } from "./join-works.js";
import { type Lost, reportDevice } from "./lost.js";
import {
  type Gone,
  type ReplaceArgs,
  type ResetArgs,
  replaceDevice,
  resetDevice,
} from "./replacing.js";
import { scan } from "./scan.js";
import { makeSender, type SenderArgs } from "./senders.js";
import { status } from "./status.js";
import { takeOver } from "./take-over.js";
import { readLog, verifyLog, verifyOne } from "./tokens.js";

/** A line for whoever waits. */
export type Say = (line: string) => void;

/** What became of one node's new key. */
export interface NodeResult {
  readonly device: string;
  readonly securityGroup: number;
  /** `done`, or why not yet. */
  readonly result: string;
  readonly attempts: number;
}

/** What only an authority that runs can do. */
export interface Running {
  readonly side?: DeviceSide;
  /** Where it listens. */
  readonly at: string;
  /** Pushes the newest keys of these security groups, and waits for each member's answer. */
  deliver(groups: readonly number[], say: Say): Promise<readonly NodeResult[]>;
  /** Tells members which KDC they are handed over to, and waits for each one's answer. */
  handOver(say: Say): Promise<readonly NodeResult[]>;
  /** Tells other programs what they have to hear; names and results. */
  notify(say: Say): Promise<readonly { readonly center: string; readonly result: string }[]>;
  /** Whether it listens to a security group. */
  hears(group: number): boolean;
  /** Devices were entered, or are lost. */
  changed(): Promise<void>;
  /** Ends the program after the answer. */
  stop(): void;
}

export interface Place {
  readonly authority: Authority;
  readonly running: Running | undefined;
  readonly say: Say;
  /** Of whoever waits; absent: nobody does. */
  readonly ask?: AskPerson;
  /** Whoever waited has gone. */
  readonly left?: AbortSignal;
}

export interface Delivered {
  /** Undefined: nobody is running who could push them. */
  readonly nodes?: readonly NodeResult[];
}

async function delivered({ running, say }: Place, groups: readonly number[]): Promise<Delivered> {
  return running === undefined ? {} : { nodes: await running.deliver(groups, say) };
}

function numbersOf({ groups }: Gone): number[] {
  return groups.map(({ group }) => group);
}

export interface Shown extends Card {
  readonly running: boolean;
  readonly devices: number;
  readonly groups: number;
  readonly expiring: Expiring;
}

export const WORKS = {
  addDevices: async (place: Place, args: Parameters<typeof addDevices>[1]) => {
    const added = await addDevices(place.authority, args);
    await place.running?.changed();
    return added;
  },
  sender: async (place: Place, args: SenderArgs) => {
    const { authority, running } = place;
    const file = await makeSender(authority, { ...args, at: args.at ?? running?.at });
    await running?.changed();
    return file;
  },
  joinDevice,
  takeOver,
  openJoining,
  watchFresh,
  scan,
  identify,
  rename: ({ authority }: Place, args: { device: string; name: string }) => rename(authority, args),
  status,
  listDevices: ({ authority }: Place, _: object) => listDevices(authority),
  showDevice: ({ authority }: Place, args: { device: string }) => showDevice(authority, args),
  placeDevice: ({ authority }: Place, args: Parameters<typeof placeDevice>[1]) =>
    placeDevice(authority, args),
  createGroup: ({ authority }: Place, args: Parameters<typeof createOne>[1]) =>
    createOne(authority, args),
  listGroups: ({ authority, running }: Place, _: object) => listGroups(authority, running?.hears),
  addToGroup: ({ authority }: Place, args: Parameters<typeof addToGroup>[1]) =>
    addToGroup(authority, args),
  removeFromGroup: async (
    place: Place,
    args: Parameters<typeof removeFromGroup>[1],
  ): Promise<Removed & Delivered> => {
    const removed = await removeFromGroup(place.authority, args);
    return { ...removed, ...(await delivered(place, removed.securityGroups)) };
  },
  rekeyGroup: async (
    place: Place,
    args: Parameters<typeof rekeyGroup>[1],
  ): Promise<Rekeyed & Delivered> => {
    const rekeyed = await rekeyGroup(place.authority, args);
    return { ...rekeyed, ...(await delivered(place, [rekeyed.securityGroup])) };
  },
  lost: async (
    place: Place,
    args: { device: string },
  ): Promise<Lost & Delivered & { told?: readonly { center: string; result: string }[] }> => {
    const lost = await reportDevice(place.authority, args);
    await place.running?.changed();
    const told = lost.centers.length === 0 ? undefined : await place.running?.notify(place.say);
    const nodes = await delivered(
      place,
      lost.groups.map(({ group }) => group),
    );
    return { ...lost, ...nodes, ...(told === undefined ? {} : { told }) };
  },
  reset: async (place: Place, args: ResetArgs) => {
    const done = await resetDevice(place, args);
    await place.running?.changed();
    return { ...done, ...(await delivered(place, numbersOf(done))) };
  },
  replace: async (place: Place, args: ReplaceArgs) => {
    const done = await replaceDevice(place, args);
    await place.running?.changed();
    return { ...done, ...(await delivered(place, numbersOf(done))) };
  },
  prepareHandOver: ({ authority }: Place, args: HandOverArgs) => prepareHandOver(authority, args),
  handOver: async (
    { authority, running, say }: Place,
    args: HandOverArgs,
  ): Promise<Delivered & { to: string; waiting: readonly string[] }> => {
    const waiting = await beginHandOver(authority, args);
    const told = running === undefined ? {} : { nodes: await running.handOver(say) };
    return { to: `${args.card.domain}/kdc`, waiting, ...told };
  },
  verifyToken: ({ authority }: Place, args: { token: string }) => verifyOne(authority, args),
  readLog: ({ authority }: Place, args: { last: number }) => readLog(authority, args),
  verifyLog: ({ authority }: Place, _: object) => verifyLog(authority),
  show: ({ authority, running }: Place, _: object): Promise<Shown> =>
    authority.read((rows) => ({
      ...authority.card,
      ...(running === undefined ? {} : { at: running.at }),
      running: running !== undefined,
      devices: rows.keys("device", "").length,
      groups: rows.keys("application", "").length,
      expiring: expiringOf(rows, authority.now()),
    })),
  contents: async ({ authority }: Place, args: { to: string }): Promise<Contents> => {
    await authority.decide(`backup ${args.to}`, () => undefined);
    const rows = await authority.read(rowsOf);
    const identity = emitIdentity(authority.identity);
    return { madeAt: authority.now(), identity, rows };
  },
  stop: async (place: Place, { anyway }: { anyway: boolean }): Promise<{ stopped: true }> => {
    const { authority, running } = place;
    if (running === undefined) throw new Fault("it is not running");
    const expiring = await authority.read((rows) => expiringOf(rows, authority.now()));
    if (!anyway && !isEndless(expiring)) {
      throw new Fault(
        [
          "without the authority these would end, and nobody would renew them:",
          ...expiringLines(expiring).map((line) => `  ${line}`),
          "let it run, give them no end, or stop it --anyway",
        ].join("\n"),
      );
    }
    running.stop();
    return { stopped: true };
  },
} as const;

export type Works = typeof WORKS;
export type WorkName = keyof Works;
export type Args<K extends WorkName> = Parameters<Works[K]>[1];
export type Answer<K extends WorkName> = Awaited<ReturnType<Works[K]>>;

export function isWork(name: string): name is WorkName {
  return Object.hasOwn(WORKS, name);
}
