/**
 * Every path of a device, with the access level of each method: here and in upkeep.ts, and nowhere
 * else, a level is declared (ARCHITECTURE, data model). Levels up to 2 are those that multicast
 * reaches; access/policy.ts sees to that.
 */
import { DISCOVERY, type Level, PARAMETERS, REPORTING, USE } from "../access/level.js";
import * as device from "./device.js";
import { discover } from "./discovery.js";
import * as light from "./light.js";
import { parameter } from "./parameters.js";
import {
  ANY_ROLE,
  DAYLIGHT,
  type Face,
  type Levels,
  LUMINAIRE,
  PRESENCE,
  type Reply,
  type Request,
  type Resource,
  row,
  SWITCH,
} from "./resource.js";
import * as sensors from "./sensors.js";
import { UPKEEP } from "./upkeep.js";

const READ: Levels = Object.freeze({ get: REPORTING });
const READ_USE: Levels = Object.freeze({ get: REPORTING, put: USE });

function settable(path: string, roles: number, level: Level): Resource {
  return row(path, roles, Object.freeze({ get: level, put: level }), parameter);
}

/** First, for it is found without building a path. */
export const LIGHT_COMMAND: Resource = row(
  "l",
  ANY_ROLE,
  Object.freeze({ post: USE }),
  light.postLight,
  'rt="lumicast.light";ct=60',
);

export const RESOURCES: readonly Resource[] = Object.freeze([
  LIGHT_COMMAND,
  row(".well-known/core", ANY_ROLE, Object.freeze({ get: DISCOVERY }), list),
  row("3311/0", LUMINAIRE, READ_USE, light.lightObject, 'rt="urn:oma:lwm2m:ext:3311";ct="110 112"'),
  row("3311/0/5850", LUMINAIRE, READ_USE, light.onOff),
  row("3311/0/5851", LUMINAIRE, READ_USE, light.dimmer),
  row("3311/0/5706", LUMINAIRE, READ, light.colour),
  row("3311/0/5537", LUMINAIRE, READ_USE, light.transition),
  row("3311/0/5538", LUMINAIRE, READ, light.remaining),
  row("3302/0/5500", PRESENCE, READ, sensors.presence, 'rt="urn:oma:lwm2m:ext:3302";ct=0'),
  row("3301/0/5700", DAYLIGHT, READ, sensors.illuminance, 'rt="urn:oma:lwm2m:ext:3301";ct=0'),
  row("3347/0/5500", SWITCH, READ, sensors.button, 'rt="urn:oma:lwm2m:ext:3347";ct=0'),
  row("3/0/0", ANY_ROLE, READ, device.manufacturer),
  row("3/0/1", ANY_ROLE, READ, device.model),
  row("3/0/2", ANY_ROLE, READ, device.serial),
  row("3/0/3", ANY_ROLE, READ, device.firmware),
  row("3/0/11", ANY_ROLE, READ, device.errorCode),
  row("scn/#", LUMINAIRE, Object.freeze({ get: USE, put: USE, delete: USE }), light.scene),
  row("idn", LUMINAIRE, Object.freeze({ put: USE }), light.identify, 'rt="lumicast.identify";ct=0'),
  settable("par/op/hold", PRESENCE, USE),
  settable("par/op/low", DAYLIGHT, USE),
  settable("par/op/high", DAYLIGHT, USE),
  settable("par/op/level", PRESENCE | DAYLIGHT, USE),
  settable("par/op/scene", SWITCH, USE),
  settable("par/power", LUMINAIRE, PARAMETERS),
  settable("par/fade", LUMINAIRE, PARAMETERS),
  settable("par/min", LUMINAIRE, PARAMETERS),
  settable("par/max", LUMINAIRE, PARAMETERS),
  settable("par/leisure", ANY_ROLE, PARAMETERS),
  ...UPKEEP,
]);

function list(request: Request, _face: Face, role: number): Reply {
  return discover(
    request,
    RESOURCES.filter((resource) => (resource.roles & role) !== 0),
  );
}
