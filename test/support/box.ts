import { fromUtf8, utf8 } from "../../modules/bytes/utf8.js";
import type { Option } from "../../modules/coap/message.js";
import { ACCEPT, addOption, addUint, CONTENT_FORMAT } from "../../modules/coap/options.js";
import type { Command } from "../../modules/lighting/command.js";
import { DaylightSensor } from "../../modules/lighting/daylight.js";
import { PresenceSensor } from "../../modules/lighting/presence.js";
import { Switch } from "../../modules/lighting/switch.js";
import type { Face, Reply, Request } from "../../modules/resources/resource.js";
import * as roles from "../../modules/resources/resource.js";
import { Resources } from "../../modules/resources/resources.js";
import { Lamp } from "./lamp.js";

export const GET = 1;
export const POST = 2;
export const PUT = 3;
export const DELETE = 4;

/** A device with all behaviours; `role` decides what of them is a resource. */
export class Box {
  readonly lamp = new Lamp();
  readonly heard: { command: Command; prevails: boolean }[] = [];
  readonly done: string[] = [];
  readonly stored = new Map<string, Uint8Array>();
  readonly face: Face;
  readonly wallSwitch: Switch;
  readonly presence: PresenceSensor;
  readonly daylight: DaylightSensor;
  readonly resources: Resources;

  constructor(role: number = roles.LUMINAIRE) {
    const { clock, settings, luminaire } = this.lamp;
    const ports = { clock, settings, send: () => {} };
    this.wallSwitch = new Switch(ports);
    this.presence = new PresenceSensor(ports);
    this.daylight = new DaylightSensor(ports);
    const { wallSwitch, presence, daylight, stored, done, heard } = this;
    const common = {
      facts: { manufacturer: "Lumicast", model: "M1", serial: "0200000000000014", firmware: "0.1" },
      settings,
      upkeep: {
        system: {
          restart: () => void done.push("restart"),
          factoryReset: () => done.push("reset") > 0,
        },
        structure: {
          get: (path: string) => stored.get(path),
          put: (path: string, value: Uint8Array) => {
            if (value[0] === 0xff) return "malformed" as const;
            if (value[0] === 0xfe) return "refused" as const;
            const known = stored.has(path);
            stored.set(path, value);
            return known ? ("changed" as const) : ("created" as const);
          },
          delete: (path: string) => stored.delete(path),
        },
      },
    };
    const follower = {
      heard: (command: Command, prevails: boolean) => void heard.push({ command, prevails }),
    };
    this.face =
      role === roles.LUMINAIRE
        ? { ...common, luminaire }
        : { ...common, wallSwitch, presence, daylight, follower };
    this.resources = new Resources(role, this.face);
  }

  /** What the device does with a request: the reply, or the code of the refusal. */
  ask(code: number, path: string, wish: Wish = {}): Reply {
    const options = pathOptions(path);
    if (wish.format !== undefined) addUint(options, CONTENT_FORMAT, wish.format);
    if (wish.accept !== undefined) addUint(options, ACCEPT, wish.accept);
    for (const { number, value } of wish.options ?? []) addOption(options, number, value);
    const resource = this.resources.find(options);
    if (resource === undefined) return { code: 132, quiet: true };
    const payload = typeof wish.payload === "string" ? utf8(wish.payload) : wish.payload;
    const request: Request = {
      code,
      options,
      payload,
      sender: 7,
      prevails: wish.prevails ?? false,
    };
    return this.resources.handle(resource, request);
  }

  /** Code and text of a GET. */
  read(path: string, wish: Wish = {}): string {
    const { code, payload } = this.ask(GET, path, wish);
    return `${code >> 5}.${code & 31} ${payload === undefined ? "" : fromUtf8(payload)}`;
  }

  /** Code of anything else, as "2.4". */
  write(code: number, path: string, wish: Wish = {}): string {
    const reply = this.ask(code, path, wish);
    return `${reply.code >> 5}.${reply.code & 31}`;
  }
}

export interface Wish {
  readonly payload?: Uint8Array | string;
  readonly format?: number;
  readonly accept?: number;
  readonly options?: readonly Option[];
  readonly prevails?: boolean;
}

export function pathOptions(path: string): Option[] {
  if (path === "") return [];
  return path.split("/").map((segment) => ({ number: 11, value: utf8(segment) }));
}

/** An option by hand. */
export function bytes(number: number, ...value: number[]): Option {
  return { number, value: Uint8Array.from(value) };
}
