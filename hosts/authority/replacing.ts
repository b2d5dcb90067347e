/**
 * A device that makes room for another, or for nobody: replaced by a new one with one command, or
 * reset so that it can be somebody else's.
 */
import type { Scope } from "../../modules/access/scope.js";
import { expel } from "../../modules/authority/distribution.js";
import { tellLater } from "../../modules/authority/grouping.js";
import { isNamed } from "../../modules/authority/joiners.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { devices, latestOf, membersOf } from "../../modules/authority/records.js";
import { reportLost } from "../../modules/authority/server.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { CHANGED, codeText, POST } from "../../modules/coap/options.js";
import { parseLabel } from "../../modules/commission/label.js";
import type { Authority } from "./authority.js";
import type { DevicePlace } from "./device-side.js";
import { keyOf, nameOfClient } from "./devices.js";
import { Fault } from "./fault.js";
import { joinByLabel } from "./join.js";
import type { Joining } from "./join-flow.js";
import { joinPlace } from "./join-works.js";

/** Security groups that have new keys, and who has to hear of it. */
export interface Gone {
  readonly groups: readonly { readonly group: number; readonly members: readonly string[] }[];
}

export interface ResetArgs {
  readonly device: string;
  /** Its button was held: it is not asked. */
  readonly isByHand: boolean;
}

export interface ResetDone extends Gone {
  readonly device: string;
  readonly eui64: string;
}

/** POST, level 4: durable in its flash when it answers, and carried out before it starts again. */
const FACTORY_RESET = { method: POST, path: ["3", "0", "5"] } as const;
const NAME_MAX = 32;
const OLD = "-old";

/** It wipes every key, then the ledger forgets it. Throws a Fault that says what to do. */
export async function resetDevice(place: DevicePlace, args: ResetArgs): Promise<ResetDone> {
  const { authority } = place;
  const { eui64, name, clientId } = await authority.read((rows) => {
    const key = keyOf(rows, args.device);
    return { eui64: key, ...devices.need(rows, key) };
  });
  if (!args.isByHand) await wipe(place, name, clientId);
  const how = args.isByHand ? "by hand" : "as it said";
  const groups = await authority.decide(`${name} is reset, ${how}`, (rows) => {
    const left = putOut(rows, authority, eui64);
    const { credential } = devices.need(rows, eui64);
    // Its client id stays its own: nobody else gets its numbers.
    rows.delete("factory", toHex(credential));
    rows.delete("credential", toHex(credential));
    rows.delete("place", toHex(clientId));
    rows.delete("floor", eui64);
    devices.delete(rows, eui64);
    return left;
  });
  return { device: name, eui64, groups };
}

async function wipe(place: DevicePlace, name: string, clientId: Uint8Array): Promise<void> {
  const { authority } = place;
  const { side } = joinPlace(place);
  await authority.decide(`reset ${name}`, () => undefined);
  const answer = await side.ask(clientId, FACTORY_RESET);
  const hint = "hold its button for ten seconds, press it, and say --by-hand here";
  if (!answer.ok) {
    throw new Fault(
      `${name} does not answer (${answer.why}), and nothing was changed. Has it power? ` +
        `Or ${hint}; if it is gone: lumicast lost ${name}`,
    );
  }
  const { code } = answer.response;
  if (code === CHANGED) return;
  throw new Fault(
    `${name} refuses with ${codeText(code)}: joined by a press, it takes no such order; ${hint}`,
  );
}

export interface ReplaceArgs {
  readonly old: string;
  /** A label as printed, or a device that is here already. */
  readonly by: string;
}

export interface Replaced extends Gone {
  readonly ok: boolean;
  /** What it is called now. */
  readonly name: string;
  readonly eui64?: string;
  /** Of a new one. */
  readonly joining?: Joining;
}

/** Safe to be done again: what was done is found as it is. Throws a Fault. */
export async function replaceDevice(place: DevicePlace, args: ReplaceArgs): Promise<Replaced> {
  const { authority } = place;
  if (authority.identity.role !== "both") {
    throw new Fault("devices are replaced where AS and KDC are one program");
  }
  const old = await authority.read((rows) => keyOf(rows, args.old));
  const { name } = await authority.read((rows) => devices.need(rows, old));
  const label = parseLabel(authority.crypto, args.by);
  const known = await authority.read((rows) => keyIn(rows, label.ok ? label.eui64 : args.by));
  // Made once more, it is found done: the new one has the name.
  if (known === old) return { ok: true, name, eui64: old, groups: [] };
  let joining: Joining | undefined;
  if (label.ok) {
    const wish = { label: args.by, groups: [], like: old };
    joining = await joinByLabel(joinPlace(place), wish);
    if (!joining.ok) return { ok: false, name, joining, groups: [] };
  }
  const by = joining?.device?.eui64 ?? known;
  if (by === undefined) {
    throw new Fault(`${args.by} is no label, and no device of this place`);
  }
  const groups = await authority.decide(`replace ${name} by ${by}`, (rows) =>
    takeOver(rows, authority, { old, by }),
  );
  return { ok: true, name, eui64: by, groups, ...(joining && { joining }) };
}

function keyIn(rows: Rows, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const key = text.toLowerCase();
  if (devices.get(rows, key) !== undefined) return key;
  return devices.keys(rows).find((one) => devices.need(rows, one).name === text);
}

/** Name, groups, rights and place go over; the old one is lost. */
function takeOver(
  rows: Rows,
  authority: Authority,
  { old, by }: { old: string; by: string },
): Gone["groups"] {
  const before = devices.need(rows, old);
  const next = devices.need(rows, by);
  if (before.isLost) throw new Fault(`${before.name} was reported lost before`);
  if (next.isLost) throw new Fault(`${next.name} was reported lost, which is for good`);
  const scope = before.scope.filter(({ appGroup }) => appGroup !== null);
  const isIn = (own: Scope, group: number | null) => own.some((one) => one.appGroup === group);
  const own = next.scope.filter((one) => !isIn(scope, one.appGroup));
  for (const { appGroup } of scope) {
    const isNew = appGroup !== null && !isIn(next.scope, appGroup);
    if (isNew) tellLater(rows, by, appGroup, true);
  }
  const floor = rows.get("floor", old);
  if (floor !== undefined) rows.put("floor", by, floor);
  rows.delete("floor", old);
  devices.put(rows, old, { ...before, name: oldName(rows, before.name, old) });
  devices.put(rows, by, { ...next, name: before.name, scope: sorted([...own, ...scope]) });
  return putOut(rows, authority, old);
}

function sorted(scope: Scope): Scope {
  const place = (appGroup: number | null) => appGroup ?? -1;
  return [...scope].sort((a, b) => place(a.appGroup) - place(b.appGroup));
}

function oldName(rows: Rows, name: string, eui64: string): string {
  const short = `${name.slice(0, NAME_MAX - OLD.length)}${OLD}`;
  return isNamed(rows, short, eui64) ? `${eui64}${OLD}` : short;
}

/** No token of its counts, and every group that it was in has a new key. */
function putOut(rows: Rows, authority: Authority, eui64: string): Gone["groups"] {
  const { name, clientId, isLost } = devices.need(rows, eui64);
  if (isLost) throw new Fault(`${name} was reported lost before; nothing is left to do`);
  reportLost(rows, fromHex(eui64));
  const now = latestOf(rows, "clock", authority.now());
  const left = expel(rows, authority.center, clientId, now);
  return left.map((group) => ({
    group,
    members: membersOf(rows, group).map((member) => nameOfClient(rows, member.clientId)),
  }));
}
