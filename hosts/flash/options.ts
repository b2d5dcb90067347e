/** The command line of `npm run flash`, checked as far as it goes without reading a file. */
import { parseArgs } from "node:util";
import { FLASH_ROLES, type FlashRole, TARGETS, type Target } from "./targets.js";

export interface FlashOptions {
  readonly platform: string;
  readonly target: Target;
  readonly role: FlashRole | undefined;
  readonly port: string | undefined;
  readonly provisioning: string | undefined;
  readonly installation: string | undefined;
  readonly device: string | undefined;
  /** Megabytes of flash; there are two firmware slots in 8. */
  readonly flashSize: 4 | 8;
  /** An image for devices that run already: nobody's keys in it, and nothing is flashed. */
  readonly update: boolean;
  /** mcconfig's config values, in the order they are given to it. */
  readonly config: ReadonlyMap<string, string>;
  readonly release: boolean;
  readonly dryRun: boolean;
}

/** A command line that cannot be used; shown without a stack. */
export class UsageError extends Error {}

const targetLines = Object.entries(TARGETS).map(
  ([name, { what }]) => `  ${name.padEnd(19)}${what}`,
);

export const HELP = `npm run flash -- TARGET [OPTIONS]

Builds the firmware for a board with the Moddable SDK and flashes it: checks what was said, prints
the mcconfig line that does it, and runs that.

TARGET is one of
${targetLines.join("\n")}

  --role ROLE            ${FLASH_ROLES.join(" or ")}; else what the provisioning says
  --port PORT            ESP32: serial port of the board (/dev/ttyUSB0); else ESP-IDF looks for it
  --provisioning FILE    this device's part of an installation (CBOR), built into the image; or
  --installation FILE --device NAME
                         the same made from an installation file
  --pins LIST            ESP32: button:9,neopixel:8 for example; names: button, status, lamp,
                         cold, warm, neopixel, pixels (how many). Else the development kit's own
  --whites COLD-WARM     the two whites in mired (154-370)
  --ssid NAME, --password SECRET
                         Wi-Fi targets
  --dataset HEX|FILE     Thread targets: the operational dataset, as 'dataset active -x' prints it
                         on a Thread router; else the board goes by the one it has kept
  --router 0|1           whether it may become a Thread router (1)
  --flash-size 4|8       ESP32: megabytes of flash (4); with 8, two slots for the firmware
  --kind TEXT            ESP32: what update images for it are made for; else the chip (esp32c3)
  --update               ESP32: only builds, an image for many devices that run already: --role, and
                         the pins and network of all of them; no device's keys
  --ports LIST           UDP ports to listen on besides 5683, by commas
  --release              without xsbug
  --dry-run              only prints the line, as it would be run, secrets and all
  --help                 this text

The image holds the device's keys: whoever reads the flash has them, unless the chip encrypts it.
Exit code 0 when the board is flashed, 1 when something is missing or fails, 2 if the command line
is wrong.
`;

const TEXT = { type: "string" } as const;
const FLAG = { type: "boolean", default: false } as const;
const SPECIFICATION = {
  role: TEXT,
  port: TEXT,
  provisioning: TEXT,
  installation: TEXT,
  device: TEXT,
  pins: TEXT,
  whites: TEXT,
  ssid: TEXT,
  password: TEXT,
  dataset: TEXT,
  router: TEXT,
  ports: TEXT,
  "flash-size": TEXT,
  kind: TEXT,
  update: FLAG,
  release: FLAG,
  "dry-run": FLAG,
  help: { ...FLAG, short: "h" },
} as const;

/** Undefined: help was asked for. Throws UsageError. */
export function parseOptions(args: readonly string[]): FlashOptions | undefined {
  const { values, positionals } = read(args);
  if (values.help) return undefined;
  const [platform, ...more] = positionals;
  if (platform === undefined) throw new UsageError(`which target? One of ${names()}`);
  if (more.length > 0) throw new UsageError(`one target at a time, not also ${more.join(" ")}`);
  const target = TARGETS[platform];
  if (target === undefined) {
    throw new UsageError(`there is no target ${platform}; there are ${names()}`);
  }
  const { provisioning, installation, device } = values;
  if (values.update) checkUpdate(target, values);
  else checkSource(values);
  return {
    platform,
    target,
    role: roleOf(values.role),
    port: values.port,
    provisioning,
    installation,
    device,
    flashSize: values["flash-size"] === "8" ? 8 : 4,
    update: values.update,
    config: configOf(platform, target, values),
    release: values.release,
    dryRun: values["dry-run"],
  };
}

function names(): string {
  return Object.keys(TARGETS).join(", ");
}

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: SPECIFICATION, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

type Values = ReturnType<typeof read>["values"];

function roleOf(text: string | undefined): FlashRole | undefined {
  if (text === undefined) return undefined;
  const role = FLASH_ROLES.find((name) => name === text);
  if (role !== undefined) return role;
  const why = ["presence", "daylight"].includes(text)
    ? "has no sensor on any board yet"
    : "is none";
  throw new UsageError(`--role: ${text} ${why}; say ${FLASH_ROLES.join(" or ")}`);
}

function checkSource({ provisioning, installation, device }: Values): void {
  if (provisioning !== undefined && installation !== undefined) {
    throw new UsageError("--provisioning or --installation, not both");
  }
  if ((installation === undefined) !== (device === undefined)) {
    throw new UsageError("--installation FILE and --device NAME go together");
  }
  if (provisioning === undefined && installation === undefined) {
    throw new UsageError(
      "who is this device? Give --installation FILE --device NAME, or --provisioning FILE",
    );
  }
}

function checkUpdate({ chip }: Target, values: Values): void {
  if (chip === undefined) throw new UsageError("--update: this board has no second slot");
  if (values["flash-size"] !== "8") {
    throw new UsageError("--update: there is a second slot with --flash-size 8 only");
  }
  for (const name of ["provisioning", "installation", "device", "port"] as const) {
    if (values[name] === undefined) continue;
    throw new UsageError(`--${name}: an image for many devices is no one's, and is not flashed`);
  }
  if (values.role === undefined) throw new UsageError("--update: of which --role are they?");
}

const CONFIG = [
  "pins",
  "whites",
  "ssid",
  "password",
  "dataset",
  "router",
  "ports",
  "kind",
] as const;

/** What mcconfig is told besides the role; role goes first, where a person looks. */
function configOf(platform: string, target: Target, values: Values): Map<string, string> {
  const config = new Map<string, string>();
  const put = (name: (typeof CONFIG)[number]) => {
    const value = values[name];
    if (value !== undefined) config.set(name, value);
  };
  const refuse = (...refused: (keyof Values)[]) => {
    const given = refused.find((name) => values[name] !== undefined);
    if (given !== undefined) throw new UsageError(`--${given}: ${platform} has no use for it`);
  };
  if (target.network === "wifi") refuse("dataset", "router");
  else refuse("ssid", "password");
  if (target.chip === undefined) refuse("pins", "whites", "port", "kind", "flash-size");
  if (!["4", "8", undefined].includes(values["flash-size"])) {
    throw new UsageError("--flash-size: say 4, or 8 where there is as much or more");
  }
  checkWifi(values);
  if (values.router !== undefined && !/^[01]$/.test(values.router)) {
    throw new UsageError("--router: say 0 or 1");
  }
  if (values.whites !== undefined) checkWhites(values.whites);
  if (values.pins !== undefined) checkPins(platform, target, values.pins);
  if (values.ports !== undefined) checkPorts(values.ports);
  if (values.kind !== undefined && !/^[\w.-]{1,32}$/.test(values.kind)) {
    throw new UsageError("--kind: 1 to 32 letters, digits, dots and dashes");
  }
  for (const name of CONFIG) put(name);
  return config;
}

function checkWifi({ ssid, password }: Values): void {
  const bytes = Buffer.byteLength(ssid ?? "x");
  if (bytes < 1 || bytes > 32) throw new UsageError("--ssid: 1 to 32 bytes");
  if (password === undefined) return;
  if (ssid === undefined) throw new UsageError("--password: of which --ssid?");
  // IEEE 802.11 annex J
  if (password.length < 8 || password.length > 63) {
    throw new UsageError("--password: a WPA passphrase has 8 to 63 characters");
  }
}

function checkWhites(text: string): void {
  const [, cold, warm] = /^(\d{2,4})-(\d{2,4})$/.exec(text) ?? [];
  if (Number(cold) >= 50 && Number(cold) < Number(warm) && Number(warm) <= 1000) return;
  throw new UsageError(`--whites: ${text} is no pair of mireds, cold one first; say 154-370`);
}

function checkPorts(text: string): void {
  const ports = text.split(",");
  const good = ports.every((port) => /^\d{1,5}$/.test(port) && Number(port) <= 65535);
  if (!good || ports.length > 7) {
    throw new UsageError(`--ports: ${text}: up to 7 numbers below 65536, by commas`);
  }
}

const OUTPUTS = ["status", "lamp", "cold", "warm", "neopixel"];
const PIXELS_MAX = 64;

function checkPins(platform: string, { chip }: Target, text: string): void {
  const taken = new Set<number>();
  for (const part of text.split(",")) {
    const [, name, number] = /^([a-z]+):(\d{1,3})$/.exec(part) ?? [];
    if (name === undefined) {
      throw new UsageError(`--pins: ${part} is no pin; write name:number, button:9 for example`);
    }
    const pin = Number(number);
    if (name === "pixels") {
      if (pin < 1 || pin > PIXELS_MAX) throw new UsageError("--pins: pixels are 1 to 64");
      continue;
    }
    if (name !== "button" && !OUTPUTS.includes(name)) {
      const known = ["button", ...OUTPUTS, "pixels"].join(", ");
      throw new UsageError(`--pins: there is no pin ${name}; there are ${known}`);
    }
    if (!chip?.pins.has(pin)) {
      const why = "the chip has no such pin, or its flash is wired to it";
      throw new UsageError(`--pins: ${name}:${pin}: not on ${platform}: ${why}`);
    }
    if (name !== "button" && !chip.outputs.has(pin)) {
      throw new UsageError(`--pins: ${name}:${pin}: this pin is an input only; take another`);
    }
    if (taken.has(pin)) throw new UsageError(`--pins: ${pin} is given to two things`);
    taken.add(pin);
  }
}
