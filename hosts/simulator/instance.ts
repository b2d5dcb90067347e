/**
 * One simulator window: an mcsim process with an instance folder (platforms/simulator/instance.h).
 *
 * mcsim is made to be there once: it copies the app into its configuration folder, and a second
 * start hands its arguments to the first by D-Bus. So each gets a configuration folder of its own,
 * with the window's place in it, and no D-Bus.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../root.js";
import type { Sdk } from "../sdk/sdk.js";

/** What an instance prints; one of the fields besides `at`. */
export interface Line {
  readonly at: number;
  readonly light?: { readonly level: number; readonly mired: number };
  readonly trace?: string;
  readonly log?: string;
  /** What the status LED says from now on. */
  readonly indicator?: string;
  readonly network?: string;
  readonly fatal?: string;
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** The least that mcsim makes of its window. */
export const WINDOW = { width: 640, height: 480 } as const;
/** Of the controls at the window's left, with the divider. */
const CONTROLS_WIDTH = 200;

const DEVICES = join(ROOT, "platforms/simulator/device");
const END_SECONDS_MAX = 3;

export class Instance {
  readonly name: string;
  readonly folder: string;
  readonly lines: Line[] = [];
  readonly #start: () => ChildProcess;
  readonly #hear: (line: Line) => void;
  #child: ChildProcess | undefined = undefined;

  /**
   * `hear` gets each line as it comes; `env` is added to the SDK's; `within` is a command that runs
   * the command after it somewhere else, such as in a network namespace.
   */
  constructor(input: {
    name: string;
    folder: string;
    provisioning: Uint8Array;
    sdk: Sdk;
    app: string;
    place: Place;
    env: Readonly<Record<string, string>>;
    hear: (line: Line) => void;
    within?: readonly string[];
  }) {
    const { name, folder, sdk, app, place, hear, within = [] } = input;
    this.name = name;
    this.folder = folder;
    this.#hear = hear;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "provisioning.cbor"), input.provisioning, { mode: 0o600 });
    const config = configuration(folder, place);
    const env = {
      ...sdk.env,
      ...input.env,
      LUMICAST_INSTANCE: folder,
      XDG_CONFIG_HOME: config,
      DBUS_SESSION_BUS_ADDRESS: "disabled:",
      // GTK's accessibility bus is D-Bus too.
      NO_AT_BRIDGE: "1",
    };
    const [command, ...args] = [...within, join(sdk.bin, "mcsim"), DEVICES, app];
    this.#start = () => spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Opens the window; resolves with mcsim's exit code when it is closed. */
  async run(): Promise<number | undefined> {
    const child = this.#start();
    this.#child = child;
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error("mcsim: no pipes");
    const reader = createInterface({ input: stdout });
    reader.on("line", (text) => this.#read(text));
    stderr.resume();
    const code = await new Promise<number | undefined>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status) => resolve(status ?? undefined));
    });
    this.#child = undefined;
    return code;
  }

  /** Ends exactly this one. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), END_SECONDS_MAX * 1000);
    await ended;
    clearTimeout(timer);
  }

  /** At once, when the program ends. */
  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  /** Debug builds print more than our lines. */
  #read(text: string): void {
    if (!text.startsWith('{"at":')) return;
    const line = JSON.parse(text) as Line;
    this.lines.push(line);
    this.#hear(line);
  }
}

/** mcsim's preferences: where its window is, and narrow controls. */
function configuration(folder: string, { x, y }: Place): string {
  const config = join(folder, "mcsim");
  mkdirSync(config, { recursive: true });
  const { width, height } = WINDOW;
  const window = ["[window]", `x=${x}`, `y=${y}`, `width=${width}`, `height=${height}`, ""];
  const preferences = { controlsCurrent: CONTROLS_WIDTH, controlsStatus: true, infoStatus: false };
  const name = join(config, "tech.moddable.mcsim");
  if (!existsSync(`${name}.ini`)) writeFileSync(`${name}.ini`, window.join("\n"));
  if (!existsSync(`${name}.main.json`)) {
    writeFileSync(`${name}.main.json`, JSON.stringify(preferences));
  }
  return config;
}
