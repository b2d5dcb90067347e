/**
 * A device's part of the installation as the CBOR map that modules/device/provision.ts reads. It
 * holds this device's groups, keys and rights and nothing of anybody else's.
 */
import { encode } from "../../modules/cbor/encode.js";
import type { Cbor } from "../../modules/cbor/value.js";
import { FORMAT_VERSION, ROLE } from "../../modules/device/provision.js";
import * as setting from "../../modules/lighting/settings.js";
import type { Link } from "../radio/types.js";
import { listenersOf, membershipOf, meshAddress } from "./members.js";
import { SCHEMES } from "./schemes.js";
import { PAIR_IDS, type Share, shareOf, unicastTargets } from "./share.js";
import { type MeshNode, meshNodes, radioLinks, routesOf } from "./topology.js";
import type {
  Device,
  GroupKey,
  Installation,
  KeyTerms,
  MemberGroup,
  SchemeKey,
  SecurityGroup,
  Settings,
} from "./types.js";
import { BORDER, POWER_ON, SIGNATURE_POLICIES, SYNCHRONISATION_POLICIES } from "./types.js";

const ROLES = {
  luminaire: ROLE.LUMINAIRE,
  switch: ROLE.SWITCH,
  presence: ROLE.PRESENCE,
  daylight: ROLE.DAYLIGHT,
} as const;

const COAP_PORT = 5683;

/**
 * `links` are the installation's; pass them when asking for many devices, they take time to find.
 * Throws RangeError when the device is not one of the installation's (our bug).
 */
export function provisioning(
  room: Installation,
  device: Device,
  links: readonly Link[] = radioLinks(room),
): Uint8Array {
  if (!room.devices.includes(device)) throw new RangeError(`${device.name} is not in ${room.name}`);
  const share = shareOf(room, device);
  const { groups, security, pairs, rights } = share;
  const held = [...security, ...pairs.map(({ group }) => group)];
  const blob = new Map<Cbor, Cbor>([
    [0, FORMAT_VERSION],
    [1, device.eui64],
    [2, ROLES[device.role]],
    [3, device.clientId],
    [4, held.map((group) => securityPart(room, device, share, group))],
    [
      5,
      [
        ...groups.map(({ id, securityGroup, address, port }) => {
          return map([0, id], [1, securityGroup], [2, address], [3, port]);
        }),
        ...pairs.map(({ group, peer }) => {
          const address = meshAddress(room, peer);
          return map([0, pairId(group)], [1, group.id], [2, address], [3, COAP_PORT]);
        }),
      ],
    ],
    [6, rights.map(({ client, group, level }) => [client.clientId, group ?? null, level])],
    [8, settingsPart({ ...room.settings, ...device.settings })],
  ]);
  if (device.wifi === undefined) blob.set(9, networkPart(room, device, links));
  const targets = unicastTargets(room, device).flatMap((peer) => {
    return pairs.filter((pair) => pair.peer === peer).map(({ group }) => pairId(group));
  });
  if (targets.length > 0) blob.set(7, targets[0]).set(10, targets);
  else if (device.target !== undefined) blob.set(7, device.target);
  if (room.firmwareKey !== undefined) blob.set(20, room.firmwareKey);
  return encode(blob);
}

/** To the device a context of two is a group of its own, with an id no group of the file has. */
function pairId({ id }: MemberGroup): number {
  return PAIR_IDS + id;
}

function securityPart(
  room: Installation,
  device: Device,
  share: Share,
  group: SecurityGroup,
): Map<Cbor, Cbor> {
  const { id, profile, graceSeconds } = group;
  if (group.profile === "lowlatency") {
    return map([0, id], [1, profile], [2, group.keys.map(keyPart)], [3, graceSeconds]);
  }
  const pair = share.pairs.find((one) => one.group === group);
  const { seed, members, ...own } = membershipOf(room, device, group);
  const { signatures, synchronisation, acceptUnverified, gapMax } = group.policies;
  return map(
    [0, id],
    [1, profile],
    [2, group.keys.map((key) => schemeKeyPart(group, key, pair?.peer.clientId))],
    [3, graceSeconds],
    [4, map([0, own.id], [1, own.credential], [2, seed])],
    [5, members.map(({ id, credential }) => [id, credential])],
    [6, numberOf(SIGNATURE_POLICIES, signatures)],
    [7, numberOf(SYNCHRONISATION_POLICIES, synchronisation)],
    [8, acceptUnverified],
    [9, gapMax],
    [10, repositoryPart(room, share, group)],
    [11, synchronisation === "challenge" ? listenersOf(room, group) : undefined],
    [12, group.renegotiate ? true : undefined],
  );
}

/** Where this device asks, and under which context; undefined for the repository itself. */
function repositoryPart(
  room: Installation,
  { pairs }: Share,
  { repository }: MemberGroup,
): Cbor | undefined {
  if (repository === undefined) return undefined;
  const { device, port, path } = repository;
  const channel = pairs.find(({ peer }) => peer.name === device);
  if (channel === undefined) return undefined;
  const address = meshAddress(room, channel.peer);
  return map([0, address], [1, port], [2, path], [3, channel.group.id]);
}

function numberOf<T>(words: readonly T[], word: T | undefined): number | undefined {
  return word === undefined ? undefined : words.indexOf(word);
}

function map(...entries: readonly (readonly [number, Cbor | undefined])[]): Map<Cbor, Cbor> {
  const present = entries.filter((entry): entry is [number, Cbor] => entry[1] !== undefined);
  return new Map(present);
}

function keyPart({ keyId, key, ...terms }: GroupKey): Cbor {
  return map([0, uintBytes(keyId)], [1, key], ...termsPart(terms));
}

function schemeKeyPart(
  { profile }: MemberGroup,
  { words, ...terms }: SchemeKey,
  peer: Uint8Array | undefined,
): Cbor {
  const { keyId, raw } = SCHEMES[profile];
  return map([0, keyId(words)], [1, raw(words, peer)], ...termsPart(terms));
}

function termsPart({ validityHours, messages }: KeyTerms): [number, Cbor | undefined][] {
  const seconds = validityHours === undefined ? undefined : Math.round(validityHours * 3600);
  return [
    [2, seconds],
    [3, messages],
  ];
}

/** WIRE.md: key_id is a minimal big-endian `uint`. */
function uintBytes(value: number): Uint8Array {
  const hex = value.toString(16);
  return Uint8Array.from(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex"));
}

function settingsPart(settings: Settings): Cbor {
  const { fadeSeconds, powerOn } = settings;
  return map(
    [setting.FADE, fadeSeconds === undefined ? undefined : Math.round(fadeSeconds * 10)],
    [setting.POWER_ON, powerOn === undefined ? undefined : POWER_ON.indexOf(powerOn)],
    [setting.HOLD, settings.holdSeconds],
    [setting.LUX_LOW, settings.luxLow],
    [setting.LUX_HIGH, settings.luxHigh],
    [setting.LEISURE, settings.leisureMs],
    [setting.LEVEL_MIN, settings.levelMin],
    [setting.LEVEL_MAX, settings.levelMax],
    [setting.SENSOR_LEVEL, settings.sensorLevel],
    [setting.PRESS_SCENE, settings.pressScene],
    [setting.REPORTS, settings.reports],
  );
}

/**
 * What the border router is told (hosts/border/place.ts): its place on the mesh and the short
 * addresses of those it passes datagrams for. No key, no right. Throws RangeError when the
 * installation has none.
 */
export function borderPart(
  room: Installation,
  links: readonly Link[] = radioLinks(room),
): Uint8Array {
  const nodes = meshNodes(room);
  const border = nodes.find(({ name }) => name === BORDER);
  if (border === undefined) throw new RangeError(`${room.name} has no border`);
  const shorts = nodes.filter((node) => node !== border).map(({ short }) => short);
  return encode(
    new Map<Cbor, Cbor>([
      [0, FORMAT_VERSION],
      [1, border.eui64],
      [2, networkPart(room, border, links)],
      [3, shorts],
    ]),
  );
}

function networkPart(room: Installation, device: MeshNode, links: readonly Link[]): Cbor {
  const { pan, prefix } = room.network;
  const routes = routesOf(room, device, links);
  const reachable = routes.size > 0 ? (routes as Map<Cbor, Cbor>) : undefined;
  return map([0, pan], [1, device.short], [2, prefix], [3, reachable], [4, device.router]);
}
