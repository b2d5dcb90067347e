/**
 * A device's part of the installation as the CBOR map that modules/device/provision.ts reads. It
 * holds this device's groups, keys and rights and nothing of anybody else's.
 */
import { encode } from "../../modules/cbor/encode.js";
import type { Cbor } from "../../modules/cbor/value.js";
import { FORMAT_VERSION, ROLE } from "../../modules/device/provision.js";
import * as setting from "../../modules/lighting/settings.js";
import type { Link } from "../radio/types.js";
import { shareOf } from "./share.js";
import { radioLinks, routesOf } from "./topology.js";
import type { Device, GroupKey, Installation, Settings } from "./types.js";
import { POWER_ON } from "./types.js";

const ROLES = {
  luminaire: ROLE.LUMINAIRE,
  switch: ROLE.SWITCH,
  presence: ROLE.PRESENCE,
  daylight: ROLE.DAYLIGHT,
} as const;

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
  const { groups, security, rights } = shareOf(room, device);
  const blob = new Map<Cbor, Cbor>([
    [0, FORMAT_VERSION],
    [1, device.eui64],
    [2, ROLES[device.role]],
    [3, device.clientId],
    [
      4,
      security.map(({ id, profile, keys, graceSeconds }) => {
        return map([0, id], [1, profile], [2, keys.map(keyPart)], [3, graceSeconds]);
      }),
    ],
    [
      5,
      groups.map(({ id, securityGroup, address, port }) => {
        return map([0, id], [1, securityGroup], [2, address], [3, port]);
      }),
    ],
    [6, rights.map(({ client, group, level }) => [client.clientId, group ?? null, level])],
    [8, settingsPart({ ...room.settings, ...device.settings })],
    [9, networkPart(room, device, links)],
  ]);
  if (device.target !== undefined) blob.set(7, device.target);
  return encode(blob);
}

function map(...entries: readonly (readonly [number, Cbor | undefined])[]): Map<Cbor, Cbor> {
  const present = entries.filter((entry): entry is [number, Cbor] => entry[1] !== undefined);
  return new Map(present);
}

function keyPart({ keyId, key, validityHours, messages }: GroupKey): Cbor {
  const seconds = validityHours === undefined ? undefined : Math.round(validityHours * 3600);
  return map([0, uintBytes(keyId)], [1, key], [2, seconds], [3, messages]);
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

function networkPart(room: Installation, device: Device, links: readonly Link[]): Cbor {
  const { pan, prefix } = room.network;
  const routes = routesOf(room, device, links);
  const reachable = routes.size > 0 ? (routes as Map<Cbor, Cbor>) : undefined;
  return map([0, pan], [1, device.short], [2, prefix], [3, reachable], [4, device.router]);
}
