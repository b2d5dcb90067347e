/**
 * `npm run simulator`: the firmware in the Moddable SDK's simulator, a window a device.
 *
 * The problem: one device says nothing about group lighting, and mcsim shows one. Rejected: plain
 * mcconfig, which ends every simulator that runs before it starts its own, and one window with many
 * devices, which would be one firmware. Chosen: one build, and as many mcsim processes over it as
 * the installation has devices, each with a folder of its own.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadKeyed, saveInstallation } from "../installation/file.js";
import { generate } from "../installation/generate.js";
import { InstallationError } from "../installation/parse.js";
import { provisioning } from "../installation/provisioning.js";
import type { Installation } from "../installation/types.js";
import { atEnd } from "../medium/cleanup.js";
import { ROOT } from "../root.js";
import { appOf, build, findSdk, HOST, SdkProblem } from "../sdk/sdk.js";
import { Instance, type Line, type Place, WINDOW } from "./instance.js";
import { HELP, parseOptions, type SimulatorOptions, UsageError } from "./options.js";

/** What platforms/simulator ends with to be started again. */
const EXIT_RESTART = 70;
/** A device that ends sooner than this after its start would only do it again. */
const RUN_MS_LEAST = 3000;
const COLUMNS = 3;
const GAP = 8;

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const sdk = findSdk();
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (HOST === "lin" && !DISPLAY && !WAYLAND_DISPLAY) {
    throw new SdkProblem("there is no display: set DISPLAY, or run this under xvfb-run");
  }
  const made = { platform: HOST, out: join(ROOT, "build/sdk/out"), debug: options.debug };
  console.error("building the simulator; the first time takes a minute or two");
  await build(sdk, made);
  const folder = folderOf(options);
  const instances = open(installation(options, folder), folder, options, {
    sdk,
    app: appOf(made),
  });
  atEnd(() => {
    for (const instance of instances) instance.kill();
  });
  console.error(`${instances.length} devices; click on the grey button of a switch`);
  await Promise.all(instances.map(keepRunning));
}

/** A folder of the person's, or one that is gone afterwards. */
function folderOf({ keep }: SimulatorOptions): string {
  if (keep !== undefined) {
    mkdirSync(keep, { recursive: true });
    return keep;
  }
  const folder = mkdtempSync(join(tmpdir(), "lumicast-simulator-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * What was kept goes before what is made up: devices refuse other keys under the ids they know.
 */
function installation(options: SimulatorOptions, folder: string): Installation {
  const kept = join(folder, "installation.json");
  const file = options.file ?? (existsSync(kept) ? kept : undefined);
  if (file !== undefined) return loadKeyed(file).installation;
  const { luminaires, switches } = options;
  const room = generate({ luminaires, switches, sensors: 0, hops: 1, loss: 0 });
  saveInstallation(kept, room);
  return room;
}

function open(
  room: Installation,
  folder: string,
  options: SimulatorOptions,
  made: Pick<ConstructorParameters<typeof Instance>[0], "sdk" | "app">,
): Instance[] {
  const devices = room.devices.filter(({ role }) => role === "luminaire" || role === "switch");
  const env: Record<string, string> =
    options.interface === undefined ? {} : { LUMICAST_INTERFACE: options.interface };
  return devices.map((device, index) => {
    const { name } = device;
    const hear = (line: Line) =>
      console.log(options.json ? jsonOf(name, line) : textOf(name, line));
    const blob = provisioning(room, device);
    const place = placeOf(index);
    const own = join(folder, name);
    return new Instance({ ...made, name, folder: own, provisioning: blob, place, env, hear });
  });
}

function placeOf(index: number): Place {
  const column = index % COLUMNS;
  const row = Math.floor(index / COLUMNS);
  return { x: column * (WINDOW.width + GAP), y: row * (WINDOW.height + GAP) };
}

/** Until its window is closed; a restart, as a board does it, opens it again. */
async function keepRunning(instance: Instance): Promise<void> {
  for (;;) {
    const began = Date.now();
    const code = await instance.run();
    if (code !== EXIT_RESTART) return;
    if (Date.now() - began < RUN_MS_LEAST) {
      throw new SdkProblem(`${instance.name} does not start; its last line says why`);
    }
  }
}

function jsonOf(name: string, line: Line): string {
  return JSON.stringify({ name, ...line });
}

function textOf(name: string, { at, light, ...others }: Line): string {
  const seconds = (at / 1e6).toFixed(3).padStart(9);
  const what =
    light === undefined
      ? Object.entries(others).map(([key, text]) => `${key} ${text}`)
      : [`light ${light.level}`];
  return `${seconds} ${name.padEnd(10)} ${what.join(", ")}`;
}

main().catch((error: unknown) => {
  const known =
    error instanceof UsageError ||
    error instanceof SdkProblem ||
    error instanceof InstallationError;
  console.error(known ? error.message : error);
  // Also ends the windows that are open.
  process.exit(error instanceof UsageError ? 2 : 1);
});
