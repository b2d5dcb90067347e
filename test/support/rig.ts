/**
 * Whole devices in one test: the firmware's own composition over memory flash, a test's clock and a
 * net in memory. Runs on Node and on XS. Provisioning is written here by hand, field by field, so
 * that a change of the format is noticed.
 */

import { type Cbor, encode } from "../../modules/cbor/encode.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { channels } from "../../modules/device/channels.js";
import { Device } from "../../modules/device/device.js";
import { dialogues } from "../../modules/device/dialogues.js";
import { presses } from "../../modules/device/presses.js";
import { ROLE } from "../../modules/device/provision.js";
import { schemes } from "../../modules/device/schemes.js";
import { upkeep } from "../../modules/device/upkeep.js";
import type { Board } from "../../modules/ports/board.js";
import type { Button, Sensor } from "../../modules/ports/button.js";
import type { Crypto, Signatures } from "../../modules/ports/crypto.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import type { PatternName } from "../../modules/ports/indicator.js";
import type { Intake } from "../../modules/ports/intake.js";
import type { LightOutput } from "../../modules/ports/light.js";
import type { RoleName } from "../../modules/ports/role.js";
import type { TraceEvent } from "../../modules/ports/trace.js";
import { address, deviceAddress } from "./addresses.js";
import { PoweredClock, TestClock } from "./clock.js";
import { FakeSignatures } from "./fake-signatures.js";
import { NorFlash } from "./flash.js";
import type { Guild } from "./guild.js";
import { Net, type NetPort } from "./net.js";
import { copyOf } from "./output.js";
import { SeededRandom } from "./random.js";
import type { TestSlots } from "./slots.js";

export { ROLE } from "../../modules/device/provision.js";

export const GROUP_ADDRESS = address(0xff15, 0x00fd);
export const PORT = 5683;
const GROUP: Endpoint = { address: GROUP_ADDRESS, port: PORT };

export interface KeySpec {
  readonly id: number;
  readonly fill: number;
  readonly validitySeconds?: number;
  readonly messages?: number;
}

export interface Spec {
  readonly number: number;
  readonly role: number;
  /** Application groups -> security group; the default is group 1 on security group 1. */
  readonly appGroups?: readonly (readonly [id: number, security: number])[];
  readonly keys?: readonly KeySpec[];
  readonly graceSeconds?: number;
  readonly target?: number;
  /** [client, application group or null, level]; the default lets clients 1 to 9 use group 1. */
  readonly rights?: readonly (readonly [client: number, group: number | null, level: number])[];
  readonly settings?: readonly (readonly [number, number])[];
  /** Groups of schemes with a key for each member. */
  readonly guilds?: readonly Guild[];
  /** Epochs of the guilds' keys; the first one's alone by default. */
  readonly epochs?: readonly number[];
  /** Its chance, where two rigs are one device with and without its flash. */
  readonly seed?: number;
  /** In place of TypeScript's. */
  readonly crypto?: Crypto;
  /** Native help on the receive path. */
  readonly intake?: Intake;
  /** Genuine ones, where a suite is about them. */
  readonly signatures?: Signatures;
  /** Two slots, and whoever signs what goes there. */
  readonly slots?: TestSlots;
  readonly firmwareKey?: Uint8Array;
  /** Field 21: who gives it keys; with it the device has channels. */
  readonly authority?: Map<Cbor, Cbor>;
  /** What the image was built for; absent: whatever provisioning says. */
  readonly built?: RoleName;
}

const DEFAULT_RIGHTS = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((client) => [client, 1, 2] as const);

/** The CBOR map of modules/device/provision.ts. */
export function provisioning(spec: Spec): Uint8Array {
  const appGroups = spec.appGroups ?? [[1, 1]];
  const keys = spec.keys ?? [{ id: 7, fill: 0xa1 }];
  const guilds = spec.guilds ?? [];
  const securities = [...new Set(appGroups.map(([, security]) => security))];
  const root = new Map<Cbor, Cbor>([
    [0, 1],
    [1, eui64(spec.number)],
    [2, spec.role],
    [3, Uint8Array.of(spec.number)],
    [
      4,
      [
        ...securities.map((id) => securityPart(id, keys, spec.graceSeconds ?? 60)),
        ...guilds.map((guild) => guild.part(spec.number, spec.epochs ?? [guild.firstEpoch])),
      ],
    ],
    [
      5,
      [
        ...appGroups.map(([id, security]) => appGroupPart(id, security, GROUP)),
        ...guilds.flatMap((guild) =>
          guild.appGroups.map(([id, to]) => appGroupPart(id, guild.spec.id, to)),
        ),
      ],
    ],
    [
      6,
      (spec.rights ?? DEFAULT_RIGHTS).map(([client, group, level]) => [
        Uint8Array.of(client),
        group,
        level,
      ]),
    ],
  ]);
  if (spec.target !== undefined || spec.role !== ROLE.LUMINAIRE) root.set(7, spec.target ?? 1);
  if (spec.settings !== undefined) root.set(8, new Map(spec.settings));
  if (spec.firmwareKey !== undefined) root.set(20, spec.firmwareKey);
  if (spec.authority !== undefined) root.set(21, spec.authority);
  return encode(root);
}

function appGroupPart(id: number, security: number, { address, port }: Endpoint): Cbor {
  return new Map<Cbor, Cbor>([
    [0, id],
    [1, security],
    [2, address],
    [3, port],
  ]);
}

function securityPart(id: number, keys: readonly KeySpec[], graceSeconds: number): Cbor {
  return new Map<Cbor, Cbor>([
    [0, id],
    [1, "lowlatency"],
    [2, keys.map((spec) => keyPart(id, spec))],
    [3, graceSeconds],
  ]);
}

/** Each security group has its own key bytes. */
function keyPart(security: number, spec: KeySpec): Cbor {
  const part = new Map<Cbor, Cbor>([
    [0, Uint8Array.of(spec.id)],
    [1, new Uint8Array(16).fill(spec.fill + security - 1)],
  ]);
  if (spec.validitySeconds !== undefined) part.set(2, spec.validitySeconds);
  if (spec.messages !== undefined) part.set(3, spec.messages);
  return part;
}

export function eui64(number: number): Uint8Array {
  return Uint8Array.of(2, 0, 0, 0, 0, 0, 0, number);
}

/** One device and everything a test may touch of it. */
export class Rig {
  readonly spec: Spec;
  readonly flash: NorFlash;
  readonly port: NetPort;
  readonly events: TraceEvent[] = [];
  readonly shown: LightOutput[] = [];
  readonly log: string[] = [];
  /** What its LED was told to show. */
  readonly patterns: PatternName[] = [];
  /** Why it started anew: the test calls `restart`. */
  readonly restarts: string[] = [];
  readonly button: Button = { onEdge: undefined };
  readonly sensor: Sensor = { onMotion: undefined, onLux: undefined };
  readonly light = {
    failed: false,
    show: (output: LightOutput) => void this.shown.push(copyOf(output)),
  };
  readonly signatures = new FakeSignatures();
  device: Device;
  readonly #clock: TestClock;
  /** Chance goes on over a restart, as a board's does. */
  readonly #random: SeededRandom;
  #power = new PoweredClock(new TestClock());

  constructor(room: Room, spec: Spec, flash = new NorFlash({ size: 65536, programBytes: 16 })) {
    this.spec = spec;
    this.flash = flash;
    this.#clock = room.clock;
    this.#random = new SeededRandom(spec.seed ?? spec.number);
    this.port = room.net.port(deviceAddress(spec.number));
    this.device = this.#start();
  }

  /** How often an event was counted. */
  count(event: TraceEvent): number {
    return this.events.filter((one) => one === event).length;
  }

  get level(): number | undefined {
    return this.shown.at(-1)?.level;
  }

  /** Power off and on: everything in memory is gone. */
  restart(): void {
    this.#power.isOff = true;
    this.device = this.#start();
  }

  #start(): Device {
    this.#power = new PoweredClock(this.#clock);
    const board: Board = {
      clock: this.#power,
      random: this.#random,
      crypto: this.spec.crypto ?? new TsCrypto(this.spec.signatures ?? this.signatures),
      flash: this.flash,
      trace: { count: (event) => void this.events.push(event) },
      light: this.light,
      button: this.button,
      indicator: { show: (pattern) => void this.patterns.push(pattern) },
      sensor: this.sensor,
      datagram: this.port,
      ...(this.spec.intake === undefined ? {} : { intake: this.spec.intake }),
      ...(this.spec.slots === undefined ? {} : { slots: this.spec.slots.boot() }),
      ...(this.spec.built === undefined ? {} : { role: this.spec.built }),
      provisioning: () => provisioning(this.spec),
      log: (line) => void this.log.push(line),
      fatal: (line) => {
        throw new Error(line);
      },
      restart: (why) => void this.restarts.push(why),
    };
    const services = { dialogues, presses, schemes, upkeep };
    const isManaged = this.spec.authority !== undefined;
    return Device.start(board, isManaged ? { ...services, channels } : services);
  }
}

/** Devices that share a clock and a net. */
export class Room {
  readonly clock = new TestClock(1_000_000);
  readonly net = new Net(this.clock);

  luminaire(number: number, more: Partial<Spec> = {}): Rig {
    return new Rig(this, { number, role: ROLE.LUMINAIRE, ...more });
  }

  switch(number: number, more: Partial<Spec> = {}): Rig {
    return new Rig(this, { number, role: ROLE.SWITCH, ...more });
  }

  sensor(number: number, role: number): Rig {
    return new Rig(this, { number, role });
  }

  /** A luminaire given another one's flash. */
  luminaireOn(number: number, flash: NorFlash, more: Partial<Spec> = {}): Rig {
    return new Rig(this, { number, role: ROLE.LUMINAIRE, ...more }, flash);
  }

  /** A short press without bounce. */
  press(rig: Rig): void {
    rig.button.onEdge?.(true, this.clock.micros());
    this.clock.advance(100_000);
    rig.button.onEdge?.(false, this.clock.micros());
    this.clock.advance(20_000);
  }
}
