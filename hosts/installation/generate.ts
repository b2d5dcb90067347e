/**
 * Makes up an installation: a room with all lamps in reach of each other, or a corridor of `hops`
 * layers in which each layer hears only its neighbours, with up to three forwarders in each.
 */
import { randomBytes } from "node:crypto";
import { parseIpv6, parsePrefix } from "./address.js";
import { derive } from "./chance.js";
import { type Draw, enrol, keyed, pairsOf } from "./generate-keys.js";
import type {
  ApplicationGroup,
  Device,
  Installation,
  Position,
  Profile,
  Right,
  Role,
  UnicastGroup,
} from "./types.js";

export interface GenerateOptions {
  readonly luminaires: number;
  readonly switches: number;
  /** Presence sensors. */
  readonly sensors: number;
  /** Layers of luminaires between the switches and the far end: 1 = everybody hears everybody. */
  readonly hops: number;
  /** Share of frames lost on every link, 0 to 1. */
  readonly loss: number;
  /**
   * Decides the keys too, which are then no secrets. Without it keys are random and the run's seed
   * is 1.
   */
  readonly seed?: number;
  /**
   * Application groups, each with a security group of its own; lamps and switches take turns.
   * Default 1.
   */
  readonly groups?: number;
  /** Default `lowlatency`. With `oscore` lamps are commanded one by one. */
  readonly profile?: Profile;
}

const GRID_METRES = 3;
const CEILING_METRES = 2.7;
const SWITCH_METRES = 1.1;
const ROUTERS_A_LAYER = 3;
const PAN = 0x4c55;
const PREFIX = "fd6c:756d:6963:1::/64";
const COAP_PORT = 5683;

export function generate(options: GenerateOptions): Installation {
  const groups = options.groups ?? 1;
  const profile = options.profile ?? "lowlatency";
  const draw = drawing(options.seed);
  const ids = Array.from({ length: groups }, (_, index) => index + 1);
  const layout = new Layout(options);
  const luminaires = layout.luminaires(ids);
  const switches = layout.commanders("switch", options.switches, ids);
  const sensors = layout.commanders("presence", options.sensors, ids);
  const placed = [...luminaires, ...switches, ...sensors];
  const numbered = placed.map((device, index) => ({ ...device, short: index + 1 }));
  const devices = profile === "lowlatency" ? numbered : enrol(numbered, profile, draw);
  const unicast = profile === "oscore";
  return {
    name: `${options.luminaires} luminaires, ${options.hops} hop${options.hops === 1 ? "" : "s"}`,
    seed: options.seed ?? 1,
    network: {
      pan: PAN,
      prefix: must(parsePrefix(PREFIX)),
      rangeMetres: layout.rangeMetres,
      loss: options.loss,
      links: [],
    },
    securityGroups: unicast ? pairsOf(devices, draw) : ids.map((id) => keyed(id, profile, draw)),
    applicationGroups: unicast ? [] : ids.map(applicationGroup),
    unicastGroups: unicast ? ids.map(unicastGroup) : [],
    devices,
    rights: [...switches, ...sensors].map((device) => {
      return unicast ? rightOnDevices(device, devices) : right(device);
    }),
    // The lamps show what was commanded at once, and are off before the first press.
    settings: { fadeSeconds: 0, powerOn: "off" },
  };
}

function drawing(seed: number | undefined): Draw {
  return (bytes, ...labels) => {
    if (seed === undefined) return new Uint8Array(randomBytes(bytes));
    return derive(seed, ...labels).slice(0, bytes);
  };
}

/** ff15::/16 is a transient, site-local group; RFC 4291 §2.7. */
function applicationGroup(id: number): ApplicationGroup {
  const address = must(parseIpv6(`ff15::4c:${id.toString(16)}`));
  return { id, name: `group ${id}`, securityGroup: id, address, port: COAP_PORT };
}

function unicastGroup(id: number): UnicastGroup {
  return { id, name: `group ${id}` };
}

/** On every other member of the group it commands: switches follow each other, too. */
function rightOnDevices({ name, target }: Device, devices: readonly Device[]): Right {
  const others = devices.filter((other) => other.name !== name);
  const members = others.filter(({ groups }) => groups.includes(must(target)));
  return { client: name, groups: [], devices: members.map((other) => other.name), level: 2 };
}

function right(device: Device): Right {
  return { client: device.name, groups: [must(device.target)], devices: [], level: 2 };
}

/** Where things hang. Layer 0 is the wall with the switches; luminaires fill layers 1 to `hops`. */
class Layout {
  readonly rangeMetres: number;
  readonly #options: GenerateOptions;
  readonly #perLayer: number;
  /** Columns of a layer, counted along the corridor (x). */
  readonly #columns: number;
  readonly #rows: number;
  readonly #pitchMetres: number;

  constructor(options: GenerateOptions) {
    this.#options = options;
    this.#perLayer = Math.max(1, Math.ceil(options.luminaires / options.hops));
    this.#rows = Math.max(1, Math.round(Math.sqrt(this.#perLayer)));
    this.#columns = Math.ceil(this.#perLayer / this.#rows);
    const wide = (this.#columns - 1) * GRID_METRES;
    const high = Math.max(this.#rows, options.switches, options.sensors) * GRID_METRES;
    // Far enough apart that two layers on are out of range while any two neighbours hear each
    // other: with pitch = 3 (wide + high) + 6 the farthest neighbours are nearer than 2 pitch -
    // wide.
    this.#pitchMetres = options.hops === 1 ? GRID_METRES : 3 * (wide + high) + 6;
    this.rangeMetres = Math.ceil(Math.hypot(this.#pitchMetres + wide, high, CEILING_METRES)) + 1;
  }

  luminaires(groups: readonly number[]): Device[] {
    return Array.from({ length: this.#options.luminaires }, (_, index) => {
      // Taking turns keeps the layers equally full; the first of each layer are its routers.
      const layer = 1 + (index % this.#options.hops);
      const inLayer = Math.floor(index / this.#options.hops);
      const column = Math.floor(inLayer / this.#rows);
      const position: Position = [
        layer * this.#pitchMetres + column * GRID_METRES,
        (inLayer % this.#rows) * GRID_METRES,
        CEILING_METRES,
      ];
      const device = blank("luminaire", index, position);
      const router = inLayer < ROUTERS_A_LAYER;
      return { ...device, router, groups: [groups[index % groups.length]] };
    });
  }

  commanders(role: Role, count: number, groups: readonly number[]): Device[] {
    return Array.from({ length: count }, (_, index) => {
      const position: Position = [0, index * GRID_METRES, SWITCH_METRES];
      const target = groups[index % groups.length];
      return { ...blank(role, index, position), target, groups: [target] };
    });
  }
}

const NAMES: Record<Role, string> = {
  luminaire: "lamp",
  switch: "switch",
  presence: "sensor",
  daylight: "daylight",
};
const ROLE_BYTE: Record<Role, number> = { luminaire: 1, switch: 2, presence: 3, daylight: 4 };

/** 02 in front: locally administered (IEEE Std 802 §8.2.2), so no real device has it. */
function blank(role: Role, index: number, position: Position): Device {
  const number = index + 1;
  const eui64 = Uint8Array.of(
    0x02,
    0x4c,
    0x55,
    0x4d,
    ROLE_BYTE[role],
    0,
    number >> 8,
    number & 0xff,
  );
  return {
    name: `${NAMES[role]}-${number}`,
    eui64,
    role,
    clientId: eui64,
    signingSeed: undefined,
    short: 1,
    position,
    router: false,
    groups: [],
    target: undefined,
    settings: {},
  };
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("generate: a constant of this file is wrong");
  return value;
}
