/**
 * The border router's own process: a station of the medium on one side, UDP/IPv6 on the other.
 * modules/lowpan/border.ts decides what passes.
 */
import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { BorderStack } from "../../modules/lowpan/border.js";
import { formatIpv6, formatPrefix } from "../installation/address.js";
import { disownAddresses, ownAddresses } from "./addresses.js";
import { Control } from "./control.js";
import { BorderError } from "./error.js";
import { Outside } from "./outside.js";
import { addressOf, type Place, readPlace } from "./place.js";

export interface StationOptions {
  readonly control: string;
  /** A file: see place.ts. */
  readonly place: string;
  readonly link: string;
  readonly ports: readonly number[];
  readonly querySeconds: number | undefined;
}

const STATUS_MICROS = 5_000_000;

/** What the border tells, as JSON, when it changes and every five seconds. */
export interface Status {
  readonly interface: string;
  readonly prefix: string;
  readonly devices: number;
  readonly ports: readonly number[];
  /** Joined outside, because somebody on the mesh listens. */
  readonly groups: readonly string[];
  /** Datagrams passed. */
  readonly outward: number;
  readonly inward: number;
  /** Not let in: size, addresses, rate, no time for it. */
  readonly refused: number;
  /** Over the rates: into groups, to devices, out. */
  readonly held: readonly [number, number, number];
  readonly unsent: number;
}

export async function runStation(options: StationOptions): Promise<void> {
  const place = readPlace(readFileSync(options.place));
  const addresses = place.devices.map((short) => addressOf(place, short));
  const control = await Control.connect(options.control, place.eui64);
  try {
    ownAddresses(options.link, addresses);
    const border = new Border(options, place, control);
    const end = () => {
      border.close();
      disownAddresses(options.link, addresses);
      control.close();
      process.exit(0);
    };
    control.onEnd = end;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
    await border.open(addresses);
    // Not before: what devices send while nothing is open would be lost.
    control.hello();
  } catch (error) {
    disownAddresses(options.link, addresses);
    throw error;
  }
}

class Border {
  readonly #options: StationOptions;
  readonly #place: Place;
  readonly #control: Control;
  readonly #outside: Outside;
  #stack: BorderStack | undefined;
  #refused = 0;

  constructor(options: StationOptions, place: Place, control: Control) {
    this.#options = options;
    this.#place = place;
    this.#control = control;
    const { link, ports } = options;
    this.#outside = new Outside({
      link,
      ports,
      onDatagram: (passing) => {
        control.soon(() => {
          // Told as a number: a line for each would let a flood through to the medium.
          if (this.#stack?.enter(passing) !== undefined) this.#refused += 1;
        });
      },
      onFault: (text) => control.soon(() => control.log(JSON.stringify({ fault: text }))),
    });
    control.onBoot = () => this.#boot();
  }

  open(addresses: readonly Uint8Array[]): Promise<void> {
    return this.#outside.open(addresses);
  }

  close(): void {
    this.#outside.close();
  }

  #boot(): void {
    const { pan, short, prefix, routes } = this.#place;
    const { querySeconds } = this.#options;
    const control = this.#control;
    const stack = new BorderStack({
      ...{ pan, short, prefix, routes },
      ...(querySeconds === undefined ? {} : { querySeconds }),
      radio: control.radio,
      clock: control,
      trace: control.trace,
      random: { fill: (bytes) => void randomFillSync(bytes) },
      onOutward: (passing) => this.#outside.send(passing),
      onListeners: (group, listened) => {
        if (listened) void this.#outside.listen(group);
        else this.#outside.ignore(group);
        this.#tell();
      },
    });
    this.#stack = stack;
    stack.listeners.start();
    const repeat = () => {
      this.#tell();
      control.after(STATUS_MICROS, repeat);
    };
    repeat();
  }

  #tell(): void {
    this.#control.log(JSON.stringify(this.#status()));
  }

  #status(): Status {
    const { prefix, devices } = this.#place;
    const stack = this.#stack;
    if (stack === undefined) throw new BorderError("the border has not begun");
    const { groups, devices: toDevices, out } = stack.gates;
    return {
      interface: this.#options.link,
      prefix: formatPrefix(prefix),
      devices: devices.length,
      ports: this.#options.ports,
      groups: stack.listeners.groups.map(formatIpv6),
      outward: stack.outward,
      inward: stack.inward,
      refused: this.#refused + this.#control.dropped,
      held: [groups.refused, toDevices.refused, out.refused],
      unsent: this.#outside.unsent,
    };
  }
}
