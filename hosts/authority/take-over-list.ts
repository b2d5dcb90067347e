/**
 * Who is in a room that is taken over, as its switch says it (modules/commission/handing.ts), and
 * how they are entered here. The switch has shown no more than that it is the one with the label:
 * what it says gives nobody more than a room gives, and changes nothing of who is here already.
 */
import { isLevel, USE } from "../../modules/access/level.js";
import type { ScopeEntry } from "../../modules/access/scope.js";
import { createGroup } from "../../modules/authority/distribution.js";
import { isNamed } from "../../modules/authority/joiners.js";
import type { Rows } from "../../modules/authority/ledger.js";
import {
  type Application,
  applications,
  devices,
  groups,
  NONE,
  numberKey,
} from "../../modules/authority/records.js";
import { enrol } from "../../modules/authority/server.js";
import { equalBytes } from "../../modules/bytes/equal.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { readUint } from "../../modules/bytes/uint.js";
import { decodeList } from "../../modules/cbor/containers.js";
import type { Authority } from "./authority.js";
import { goOn, type Shipped } from "./devices.js";
import { Failed } from "./join-flow.js";
import { isName } from "./names.js";

export interface Granted extends Application {
  readonly number: number;
  readonly entry: ScopeEntry;
}

/** One of the room. */
export interface Listed {
  readonly device: Shipped;
  readonly granted: readonly Granted[];
}

const LIMITS = { depthMax: 5, itemsMax: 1000 };
const PSK_BYTES = 16;
const EUI64_BYTES = 8;
const ADDRESS_BYTES = 16;
const GRACE_SECONDS = 60;
const COUNT_MAX = 0xffffff;
const PORT_MAX = 0xffff;
const NEXT_PLACE =
  "take this room over with an authority that is new: lumicast authority init --state DIR";

/** Undefined where anything of it is not what a switch says. */
export function listedIn(payload: Uint8Array): Listed[] | undefined {
  const all = decodeList(payload, LIMITS)?.map(listedOf);
  return all?.every((one) => one !== undefined) ? (all as Listed[]) : undefined;
}

function listedOf(item: unknown): Listed | undefined {
  const [eui64, name, credential, psk, clientId, handOvers, issuedAt, used, granted] = list(item);
  const isKnown = isBytes(eui64, EUI64_BYTES) && typeof name === "string" && isName(name);
  if (!isKnown || !isBytes(psk, PSK_BYTES) || !isBytes(credential, 1, 32)) return undefined;
  if (!isBytes(clientId, 1, 4) || !isCount(handOvers) || !isCount(issuedAt, 2 ** 40)) return;
  const keys = list(used).map((one) => {
    const [group, prefix, epoch] = list(one);
    if (!isCount(group) || !isBytes(prefix, 1, 4) || !isCount(epoch)) return undefined;
    return { group, prefix: readUint(prefix), epoch };
  });
  const isSane = keys.every((one) => one !== undefined && one.prefix <= COUNT_MAX);
  const groupsOf = list(granted).map(grantedOf);
  if (!isSane || !groupsOf.every((one) => one !== undefined)) return undefined;
  const before = {
    ...{ clientId: toHex(clientId), handOvers, issuedAt },
    keys: keys.flatMap((one) => one ?? []),
  };
  const ids = { eui64: toHex(eui64), name, psk: toHex(psk), identity: toHex(credential) };
  return { device: { ...ids, before }, granted: groupsOf.flatMap((one) => one ?? []) };
}

function grantedOf(item: unknown): Granted | undefined {
  const [number, name, group, address, port, level, roles] = list(item);
  const isPlace = isBytes(address, ADDRESS_BYTES) && address[0] === 0xff && isCount(port, PORT_MAX);
  if (!isCount(number) || !isCount(group) || typeof name !== "string" || !isPlace) return undefined;
  // More than everyday use no room gives.
  if (!isLevel(level) || level > USE) return undefined;
  if (!isCount(roles, 3) || roles === 0) return undefined;
  const entry = { appGroup: number, level, roles };
  return { number, name, group, address, port, entry };
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isBytes(value: unknown, least: number, most = least): value is Uint8Array {
  return value instanceof Uint8Array && value.length >= least && value.length <= most;
}

function isCount(value: unknown, most = COUNT_MAX): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= most;
}

/** One decision: the room's groups, devices, and what each may do. Throws a Failed. */
export function enterRoom(
  authority: Authority,
  rows: Rows,
  { room, name }: { room: readonly Listed[]; name: string | undefined },
): void {
  for (const { granted } of room) {
    for (const one of granted) enterGroup(authority, rows, one, name);
  }
  for (const one of room) enterDevice(authority, rows, one);
}

function enterGroup(
  { center }: Authority,
  rows: Rows,
  { number, name: said, group, address, port }: Granted,
  wished: string | undefined,
): void {
  const known = applications.get(rows, numberKey(number));
  if (known !== undefined) {
    const isSame = known.group === group && equalBytes(known.address, address);
    if (isSame) return;
    throw new Failed(`its group has number ${number}, which is ${known.name} here`, NEXT_PLACE);
  }
  const name = wished ?? said;
  const all = applications.keys(rows).map((key) => applications.need(rows, key).name);
  if (all.includes(name)) throw new Failed(`there is a group ${name}`, "give another --name");
  if (groups.get(rows, numberKey(group)) !== undefined) {
    throw new Failed(`its keys have number ${group}, which others have here`, NEXT_PLACE);
  }
  createGroup(rows, center, group, {
    ...{ profile: "lowlatency", graceSeconds: GRACE_SECONDS },
    ...{ validitySeconds: NONE, messages: NONE, renewsOnJoin: false, renewsOnLeave: true },
  });
  applications.put(rows, numberKey(number), { name, group, address, port });
}

function enterDevice(authority: Authority, rows: Rows, { device, granted }: Listed): void {
  const { eui64, psk = "", identity = "", before } = device;
  const credential = fromHex(identity);
  const known = devices.get(rows, eui64);
  const isOther = known !== undefined && !equalBytes(known.credential, credential);
  if (isOther) {
    throw new Failed(
      `${eui64} is ${known.name} here`,
      `lumicast lost ${known.name}, if it is gone`,
    );
  }
  const isTaken = isNamed(rows, device.name, eui64);
  const name = known?.name ?? (isTaken ? `${device.name}-${eui64.slice(-4)}` : device.name);
  const own = granted.map(({ entry }) => entry);
  const rest = (known?.scope ?? []).filter(({ appGroup }) => {
    return !own.some((entry) => entry.appGroup === appGroup);
  });
  goOn(authority, rows, device, credential);
  rows.put("factory", identity, fromHex(psk));
  const clientId = fromHex(before?.clientId ?? "");
  const scope = [...rest, ...own];
  try {
    enrol(rows, fromHex(eui64), { name, credential, scope, tokenSeconds: NONE, clientId });
  } catch (error) {
    throw new Failed((error as Error).message, NEXT_PLACE);
  }
}
