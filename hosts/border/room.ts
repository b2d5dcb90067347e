/** The half of an installation that is on the mesh, in real time, and its border to the rest. */
import { createInterface } from "node:readline";
import { loadKeyed } from "../installation/file.js";
import { meshAddress } from "../installation/members.js";
import { meshNodes } from "../installation/topology.js";
import { BORDER, type Installation } from "../installation/types.js";
import { atEnd } from "../medium/cleanup.js";
import type { CommandOf } from "../medium/launch.js";
import { Medium } from "../medium/medium.js";
import { disownAddresses } from "./addresses.js";
import { BorderError } from "./error.js";
import { type BorderOptions, UsageError } from "./options.js";
import type { Status } from "./station.js";
import { provisionWifi } from "./wifi.js";

const PRESS_MICROS = 120_000;

/** `main`: this program's file, which is the border's, too. */
export async function runRoom(options: BorderOptions, main: string): Promise<void> {
  const installation = load(options.file ?? "");
  const { link } = options;
  if (options.wifi !== undefined) {
    const lines = provisionWifi(installation, options.wifi, link);
    process.stdout.write(`${lines.join("\n")}\n`);
    return;
  }
  const say = (line: object, text: string) => {
    process.stdout.write(`${options.json ? JSON.stringify(line) : text}\n`);
  };
  const addresses = meshNodes(installation)
    .filter(({ name }) => name !== BORDER)
    .map((node) => meshAddress(installation, node));
  // However this program ends; the border itself does so when it is asked to end.
  const forget = atEnd(() => disownAddresses(link, addresses));
  const medium = await Medium.start({
    installation,
    pacing: "real",
    engine: options.engine,
    border: borderCommand({ ...options, ports: portsOf(installation, options) }, main),
    ...(options.pcap === undefined ? {} : { pcap: options.pcap }),
  });
  medium.on("light", ({ device, light }) => {
    say({ device, level: light.level }, `${device}: level ${light.level}`);
  });
  medium.on("log", ({ device, text }) => {
    if (device !== BORDER) say({ device, log: text }, `${device}: ${text}`);
    else if (options.json) process.stdout.write(`${text}\n`);
    else process.stdout.write(`border: ${wordsOf(text)}\n`);
  });
  const switches = installation.devices.filter(({ role, wifi }) => {
    return role === "switch" && wifi === undefined;
  });
  createInterface({ input: process.stdin }).on("line", (line) => {
    const name = line.trim();
    if (!switches.some((one) => one.name === name)) {
      const names = switches.map((one) => one.name).join(", ");
      process.stderr.write(`${name}: no switch on the mesh; press ${names}\n`);
      return;
    }
    const now = medium.now;
    medium.button(name, true, now);
    medium.button(name, false, now + PRESS_MICROS);
  });
  try {
    await medium.run(Number.MAX_SAFE_INTEGER);
  } finally {
    await medium.stop();
    disownAddresses(link, addresses);
    forget();
  }
}

/** How the medium starts the border: this program again, as a station. */
export function borderCommand(
  options: Pick<BorderOptions, "link" | "ports" | "querySeconds">,
  main: string,
  place: (file: string, args: string[]) => ReturnType<CommandOf> = (file, args) => ({ file, args }),
): CommandOf {
  const { link, ports, querySeconds } = options;
  const own = ["--interface", link, ...ports.flatMap((port) => ["--port", `${port}`])];
  if (querySeconds !== undefined) own.push("--query", `${querySeconds}`);
  return (args) => place(process.execPath, [main, ...args, ...own]);
}

function load(file: string): Installation {
  const { installation, notes } = loadKeyed(file);
  for (const note of notes) process.stderr.write(`note: ${note}\n`);
  if (installation.network.border === undefined) {
    throw new UsageError(`${file}: it has no "border" in its network; see hosts/installation`);
  }
  if (installation.network.prefix[0] === 0xfe) {
    throw new BorderError(`${file}: network.prefix is link-local; give a unique local one, fd…/64`);
  }
  return installation;
}

/** Groups may have ports of their own. */
function portsOf({ applicationGroups }: Installation, { ports }: BorderOptions): number[] {
  return [...new Set([...ports, ...applicationGroups.map(({ port }) => port)])];
}

function wordsOf(text: string): string {
  const line = JSON.parse(text) as Partial<Status> & { fault?: string };
  if (line.fault !== undefined) return line.fault;
  const groups = line.groups?.length ? line.groups.join(", ") : "no group";
  const passed = `out ${line.outward}, in ${line.inward}, refused ${line.refused}`;
  return `${line.devices} devices of ${line.prefix} on ${line.interface}; ${groups}; ${passed}`;
}
