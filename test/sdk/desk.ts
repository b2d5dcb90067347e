/** A room on a virtual display: its windows, and an eavesdropper on its network. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { formatIpv6 } from "../../hosts/installation/address.js";
import { generate } from "../../hosts/installation/generate.js";
import { provisioning } from "../../hosts/installation/provisioning.js";
import { ROOT } from "../../hosts/root.js";
import { appOf, type Build, type Sdk } from "../../hosts/sdk/sdk.js";
import { Instance, type Line, type Place, WINDOW } from "../../hosts/simulator/instance.js";
import { makeNetwork, type Network } from "./network.js";
import { Screen } from "./screen.js";

const WAIT_MS = 30_000;

/** A window, and waiting for what it prints. */
export class Desk {
  readonly place: Place;
  readonly instance: Instance;
  #from = 0;
  #wake: () => void = () => {};

  constructor(index: number, make: (desk: Desk) => Instance) {
    this.place = { x: index * WINDOW.width, y: 0 };
    this.instance = make(this);
  }

  readonly heard = (): void => this.#wake();

  /** The next line that fits; those before it are passed over. */
  async line(what: string, fits: (line: Line) => boolean): Promise<Line> {
    const limit = AbortSignal.timeout(WAIT_MS);
    for (;;) {
      const lines = this.instance.lines;
      while (this.#from < lines.length) {
        const line = lines[this.#from++];
        if (fits(line)) return line;
      }
      if (limit.aborted) {
        throw new Error(`${this.instance.name}: no ${what}; ${JSON.stringify(lines)}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        limit.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  light(level: number): Promise<Line> {
    return this.line(`light ${level}`, ({ light }) => light?.level === level);
  }

  traced(event: string): Promise<Line> {
    return this.line(event, ({ trace }) => trace === event);
  }

  /** Everything it printed, when nothing more is waited for. */
  get levels(): number[] {
    return this.instance.lines.flatMap(({ light }) => (light === undefined ? [] : [light.level]));
  }
}

/** Hears and sends the group's datagrams (recorder.ts). */
function eavesdrop(network: Network, group: string) {
  const [command, ...args] = [
    ...network.within,
    process.execPath,
    join(ROOT, "build/node/test/sdk/recorder.js"),
    group,
    network.interface,
  ];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    next: async () => (await lines.next()).value as string,
    send: (hex: string) => void child.stdin.write(`${hex}\n`),
    stop: () => void child.kill("SIGKILL"),
  };
}

/** Two lamps and a switch, each in its window. */
export class Room {
  readonly desks: readonly Desk[];
  readonly screen: Screen;
  readonly ear: ReturnType<typeof eavesdrop>;
  readonly #network: Network;
  readonly #folder = mkdtempSync(join(tmpdir(), "lumicast-sdk-"));

  private constructor(sdk: Sdk, made: Build, network: Network, screen: Screen) {
    const room = generate({ luminaires: 2, switches: 1, sensors: 0, hops: 1, loss: 0 });
    this.screen = screen;
    this.#network = network;
    this.ear = eavesdrop(network, formatIpv6(room.applicationGroups[0].address));
    const env = { DISPLAY: screen.display, LUMICAST_INTERFACE: network.interface };
    this.desks = room.devices.map((device, index) => {
      return new Desk(index, ({ place, heard }) => {
        const { name } = device;
        const folder = join(this.#folder, name);
        mkdirSync(folder);
        const blob = provisioning(room, device);
        const { within } = network;
        const windowed = { name, folder, place, env, within, hear: heard };
        return new Instance({ ...windowed, provisioning: blob, sdk, app: appOf(made) });
      });
    });
  }

  /** Undefined where no network can be had. */
  static async open(sdk: Sdk, made: Build): Promise<Room | undefined> {
    const network = await makeNetwork();
    if (network === undefined) return undefined;
    return new Room(sdk, made, network, await Screen.open());
  }

  async close(): Promise<void> {
    this.ear.stop();
    await Promise.all(this.desks.map(({ instance }) => instance.stop()));
    this.screen.close();
    this.#network.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
