/**
 * A room whose devices get all their keys from an authority on the medium: what they are told at
 * first is where they are and a factory credential, no key of a group and no right.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RECEIVER, type ScopeEntry, SENDER } from "../../modules/access/scope.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { emitFactory } from "../../modules/commission/factory.js";
import { NobleSignatures } from "../../modules/crypto/noble.js";
import { ROLE_NAMES } from "../../modules/ports/role.js";
import { Chance } from "../installation/chance.js";
import { meshAddress } from "../installation/members.js";
import { provisioning } from "../installation/provisioning.js";
import { PAIR_IDS, shareOf } from "../installation/share.js";
import { meshNodes, radioLinks } from "../installation/topology.js";
import {
  BORDER,
  type Border,
  type Device,
  type Installation,
  type MemberGroup,
  type SecurityGroup,
} from "../installation/types.js";
import { atEnd } from "../medium/cleanup.js";
import type { CommandOf } from "../medium/launch.js";
import type { MediumOptions } from "../medium/types.js";
import { ROOT } from "../root.js";

export const SECURE_PORT = 5684;
export const ISSUER = "room";
export const KID = Uint8Array.of(1);

/** What the authority's process is told; secret. Bytes in hex. */
export interface Plan {
  /** Of the authority's signing key. */
  readonly seed: string;
  /** Whom tokens for receivers are for. */
  readonly domain: string;
  readonly groups: readonly {
    readonly id: number;
    readonly profile: string;
    readonly graceSeconds: number;
    /** Of a context of two: client ids. */
    readonly pair?: readonly [string, string];
  }[];
  readonly applications: readonly {
    readonly id: number;
    readonly name: string;
    readonly group: number;
    readonly address: string;
    readonly port: number;
  }[];
  readonly devices: readonly {
    readonly name: string;
    readonly eui64: string;
    readonly clientId: string;
    readonly identity: string;
    readonly key: string;
    readonly scope: readonly ScopeEntry[];
    /** How long its tokens last; absent: they have no end. */
    readonly tokenSeconds?: number;
  }[];
  /** Where devices are fresh: by name, what joins each. */
  readonly joins?: Readonly<Record<string, PlannedJoin>>;
}

export interface PlannedJoin {
  /** What is printed on it. Secret. */
  readonly label: string;
  /** ports/role.ts */
  readonly role: number;
  /** Its provisioning, but for the credential that it is given with it. */
  readonly blob: string;
}

export interface Terms {
  /** By device name: how long its tokens last. The others' have no end. */
  readonly tokenSeconds?: Readonly<Record<string, number>>;
}

const COAP_PORT = 5683;
const NOBODY = new Uint8Array(0);
const KEY_BYTES = 16;
const SEED_BYTES = 32;
/** Where all tokens have to end and nobody says when. */
const EXPIRING_SECONDS = 24 * 3600;
const KEEPER = join(ROOT, "build/node/hosts/room/keeper.js");

type Managed = Pick<MediumOptions, "installation" | "authority" | "blobOf">;

/** The room with an authority in its middle, and what the medium has to know. */
export function managed(room: Installation, terms: Terms = {}): Managed {
  const installation = withBorder(room);
  const plan = planOf(room, terms);
  return {
    installation,
    authority: keeperOf(plan),
    blobOf: (blob, { name }) => blobFor(installation, plan, { blob, name }),
  };
}

/** The same, where devices know nothing but what is printed on them, and have to be joined. */
export function fresh(room: Installation, terms: Terms = {}): Managed {
  const installation = withBorder(room);
  const plan = planOf(room, terms);
  const links = radioLinks(installation);
  const labels = new Map(plan.devices.map(({ name, key }) => [name, key]));
  const joins = installation.devices.map((device): [string, PlannedJoin] => {
    const { name } = device;
    const given = provisioning(installation, device, links);
    const blob = toHex(blobFor(installation, plan, { blob: given, name }));
    return [name, { label: labels.get(name) ?? "", role: roleOf(device), blob }];
  });
  return {
    installation,
    authority: keeperOf({ ...plan, joins: Object.fromEntries(joins) }),
    blobOf: (blob, { name }) => {
      const device = installation.devices.find((one) => one.name === name);
      if (device === undefined) return blob;
      const label = fromHex(labels.get(name) ?? "");
      const { eui64 } = device;
      const more = { n: 0, rawKey: undefined, trustOnPress: false };
      return emitFactory({ eui64, role: roleOf(device), label, ...more });
    },
  };
}

/** Who is out of reach of the authority's radio: newcomers speak with neighbours alone. */
export function outOfReach(room: Installation): string[] {
  const installation = withBorder(room);
  const nodes = meshNodes(installation).map(({ name }) => name);
  const border = nodes.indexOf(BORDER);
  const links = radioLinks(installation);
  const hears = new Set(links.filter(({ from }) => from === border).map(({ to }) => to));
  const isHeard = new Set(links.filter(({ to }) => to === border).map(({ from }) => from));
  const isNear = (index: number) => hears.has(index) && isHeard.has(index);
  return nodes.filter((_, index) => index !== border && !isNear(index));
}

function roleOf({ role }: Device): number {
  return ROLE_NAMES.indexOf(role) + 1;
}

function withBorder(room: Installation): Installation {
  return { ...room, network: { ...room.network, border: placeOf(room) } };
}

function keeperOf(plan: Plan): CommandOf {
  const folder = mkdtempSync(join(tmpdir(), "lumicast-keys-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "plan.json");
  writeFileSync(file, JSON.stringify(plan), { mode: 0o600 });
  return (args) => ({ file: process.execPath, args: [KEEPER, ...args, "--plan", file] });
}

/** A device's provisioning, with the authority in place of keys and rights. */
function blobFor(
  room: Installation,
  plan: Plan,
  { blob, name }: { blob: Uint8Array; name: string },
): Uint8Array {
  const device = plan.devices.find((one) => one.name === name);
  const { border } = room.network;
  if (device === undefined || border === undefined) return blob;
  const { publicKey } = new NobleSignatures().signer(fromHex(plan.seed));
  const at = map([0, meshAddress(room, { short: border.short })], [1, SECURE_PORT]);
  const credential = map([4, fromHex(device.identity)], [5, fromHex(device.key)]);
  const trusted = map([0, ISSUER], [1, KID], [2, publicKey], [3, room.name]);
  const places = map([6, at], [7, at], [9, publicKey]);
  if (room.tokens === "expiring") places.set(10, true);
  return unprovisioned(blob, new Map([...trusted, ...credential, ...places]));
}

/** In the middle of the room, where most devices hear it. */
function placeOf({ devices }: Installation): Border {
  const middle = [0, 1, 2].map((axis) => {
    return devices.reduce((sum, { position }) => sum + position[axis], 0) / devices.length;
  });
  const short = Math.max(...devices.map((device) => device.short)) + 1;
  const position = [middle[0], middle[1], middle[2]] as const;
  return { eui64: Uint8Array.of(2, 0xaa, 0, 0, 0, 0, 0, 1), short, position };
}

/** A simulated room's: one seed replays it, keys included. */
export function draw(chance: Chance, length: number): string {
  const bytes = Uint8Array.from({ length }, () => chance.integer(0, 255));
  return toHex(bytes);
}

function planOf(room: Installation, { tokenSeconds = {} }: Terms): Plan {
  const chance = new Chance(room.seed, "factory");
  const application = ({
    id,
    securityGroup,
    address,
    port,
    name,
  }: Installation["applicationGroups"][number]) => {
    return { id, name, group: securityGroup, address: toHex(address), port };
  };
  const usual = room.tokens === "expiring" ? EXPIRING_SECONDS : undefined;
  const secondsOf = (name: string) => {
    const seconds = tokenSeconds[name] ?? usual;
    return seconds === undefined ? {} : { tokenSeconds: seconds };
  };
  return {
    seed: draw(chance, SEED_BYTES),
    domain: room.name,
    groups: room.securityGroups.map((group) => groupOf(room, group)),
    applications: [
      ...room.applicationGroups.map(application),
      ...pairsOf(room).map(({ id }) => {
        return { id: PAIR_IDS + id, name: `pair ${id}`, group: id, address: "", port: COAP_PORT };
      }),
    ],
    devices: room.devices.map((device) => ({
      name: device.name,
      eui64: toHex(device.eui64),
      clientId: toHex(device.clientId),
      identity: toHex(device.eui64),
      key: toHex(device.factoryKey ?? fromHex(draw(chance, KEY_BYTES))),
      scope: scopeOf(room, device),
      ...secondsOf(device.name),
    })),
  };
}

function pairsOf({ securityGroups }: Installation): MemberGroup[] {
  return securityGroups.filter((group): group is MemberGroup => {
    return group.profile !== "lowlatency" && group.pair !== undefined;
  });
}

function groupOf(room: Installation, group: SecurityGroup): Plan["groups"][number] {
  const { id, profile, graceSeconds } = group;
  const pair = group.profile === "lowlatency" ? undefined : group.pair;
  if (pair === undefined) return { id, profile, graceSeconds };
  const [one, other] = pair.map((name) => {
    return toHex(room.devices.find((device) => device.name === name)?.clientId ?? NOBODY);
  });
  return { id, profile, graceSeconds, pair: [one, other] };
}

/** Where this device may send to one alone, and who may to it. */
function pairScope(room: Installation, device: Device): ScopeEntry[] {
  const { pairs } = shareOf(room, device);
  const levelOf = (client: Device, on: Device) => {
    const rights = room.rights.filter(({ client: name, devices }) => {
      return name === client.name && devices.includes(on.name);
    });
    return Math.max(0, ...rights.map((right) => right.level)) as ScopeEntry["level"];
  };
  return pairs.map(({ group, peer }) => {
    const level = levelOf(device, peer);
    const receives = levelOf(peer, device) > 0 ? RECEIVER : 0;
    const roles = receives | (level > 0 ? SENDER : 0) || RECEIVER;
    return { appGroup: PAIR_IDS + group.id, level, roles };
  });
}

/** What the installation's rights say, the other way round: where this device may send. */
function scopeOf(room: Installation, device: Device): ScopeEntry[] {
  const ids = new Set([...device.groups, ...(device.target === undefined ? [] : [device.target])]);
  const groups = room.applicationGroups.filter(({ id }) => ids.has(id));
  const shared = groups.map(({ id: appGroup }) => {
    const rights = room.rights.filter(({ client, groups: in_ }) => {
      return client === device.name && in_.includes(appGroup);
    });
    const level = Math.max(0, ...rights.map((right) => right.level)) as ScopeEntry["level"];
    const receives = device.groups.includes(appGroup) ? RECEIVER : 0;
    return { appGroup, level, roles: receives | (level > 0 ? SENDER : 0) || RECEIVER };
  });
  return [...shared, ...pairScope(room, device)];
}

/** The same room with what its devices' makers gave them in place of keys. */
export function withoutKeys(room: Installation): Installation {
  const chance = new Chance(room.seed, "factory");
  return {
    ...room,
    securityGroups: room.securityGroups.map((group) => ({ ...group, keys: [] })),
    devices: room.devices.map((device) => {
      const drawn = fromHex(draw(chance, KEY_BYTES));
      return { ...device, factoryKey: device.factoryKey ?? drawn };
    }),
  };
}

/** Fields 4 (keys and members of groups) and 6 (rights) empty, 21 the authority. */
function unprovisioned(blob: Uint8Array, authority: Map<Cbor, Cbor>): Uint8Array {
  const decoded = decode(blob, { depthMax: 8, itemsMax: 65_536 });
  if (!decoded.ok || !(decoded.value instanceof Map)) throw new Error("not a provisioning map");
  const root = decoded.value;
  for (const group of root.get(4) as Map<Cbor, Cbor>[]) {
    group.set(2, []);
    if (group.has(5)) group.set(5, []);
  }
  root.set(6, []);
  root.set(21, authority);
  return encode(root);
}

function map(...entries: readonly (readonly [number, Cbor])[]): Map<Cbor, Cbor> {
  return new Map<Cbor, Cbor>(entries);
}
