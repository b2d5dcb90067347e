/** What is to be run for a command line: reads the files it names, writes and runs nothing. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Provisioning, parseProvisioning } from "../../modules/device/provision.js";
import { ROLE_NAMES } from "../../modules/ports/role.js";
import { loadKeyed } from "../installation/file.js";
import { provisioning } from "../installation/provisioning.js";
import { ROOT } from "../root.js";
import type { FlashOptions } from "./options.js";
import { FLASH_ROLES } from "./targets.js";

/** Something in a file that a person has to mend. */
export class FlashProblem extends Error {}

export interface Plan {
  /** What goes before mcconfig on the line. */
  readonly env: ReadonlyMap<string, string>;
  readonly args: readonly string[];
  /** Built into the image; written for its owner only. Undefined: an image for many. */
  readonly blob: Uint8Array | undefined;
  readonly blobFile: string;
  /** Arguments that hold a secret. */
  readonly secrets: readonly string[];
  /** For the person, before it begins. */
  readonly notes: readonly string[];
}

/** Of partitions_8mb.csv and its sdkconfig. */
const EIGHT = "_8mb";
const SECRETS = ["password", "dataset"];

/** As the manifest has it (manifest_provisioning.json): said, in case the shell says another. */
const NOBODYS = join(ROOT, "platforms/moddable/LUMICAST_PROVISIONING-is-not-set");

/** Throws FlashProblem or InstallationError. */
export function planOf(options: FlashOptions): Plan {
  if (options.update) return updateOf(options);
  const blob = blobOf(options);
  const part = parsed(blob, options.provisioning ?? options.installation ?? "");
  const words = wordsOf(options, roleOf(options, part));
  const blobFile = join(ROOT, "build/flash", `${nameOf(part)}.cbor`);
  const env = new Map([["LUMICAST_PROVISIONING", blobFile]]);
  if (options.flashSize === 8) env.set("LUMICAST_FLASH", EIGHT);
  if (options.port !== undefined) env.set("UPLOAD_PORT", options.port);
  return {
    env,
    args: [...(options.release ? ["-m"] : ["-d", "-m"]), "-p", options.platform, ...words],
    blob,
    blobFile,
    secrets: secretsOf(words),
    notes: notesOf(options),
  };
}

/** Neither keys nor board; a debug image would wait for xsbug. */
function updateOf(options: FlashOptions): Plan {
  const { platform, role = "", config } = options;
  const words = wordsOf(options, role);
  const chip = platform.split("/")[1] ?? "esp32";
  const image = `$MODDABLE/build/bin/${platform}/release/lumicast/xs_esp32.bin`;
  return {
    env: new Map([
      ["LUMICAST_PROVISIONING", NOBODYS],
      ["LUMICAST_FLASH", EIGHT],
    ]),
    args: ["-m", "-p", platform, "-t", "build", ...words],
    blob: undefined,
    blobFile: NOBODYS,
    secrets: secretsOf(words),
    notes: [
      ...notesOf(options),
      `then: npm run firmware -- pack ${image} --kind ${config.get("kind") ?? chip}`,
    ],
  };
}

function wordsOf(options: FlashOptions, role: string): string[] {
  const config = new Map([["role", role], ...options.config]);
  const dataset = config.get("dataset");
  if (dataset !== undefined) config.set("dataset", datasetOf(dataset));
  return [...config].map(([name, value]) => `${name}=${value}`);
}

function secretsOf(words: readonly string[]): string[] {
  return words.filter((word) => SECRETS.some((name) => word.startsWith(`${name}=`)));
}

function blobOf({ provisioning: file, installation, device }: FlashOptions): Uint8Array {
  if (file !== undefined) return readBytes("--provisioning", file);
  const { installation: room } = loadKeyed(installation as string);
  const found = room.devices.find(({ name }) => name === device);
  if (found !== undefined) return provisioning(room, found);
  const known = room.devices.map(({ name }) => name).join(", ");
  throw new FlashProblem(`--device: ${installation} has no ${device}; it has ${known}`);
}

function readBytes(option: string, file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new FlashProblem(`${option}: ${file} cannot be read (${(error as Error).message})`);
  }
}

function parsed(blob: Uint8Array, file: string): Provisioning {
  try {
    return parseProvisioning(blob);
  } catch (error) {
    const how = "make it with --installation FILE --device NAME";
    throw new FlashProblem(`${file}: ${(error as Error).message}; ${how}`);
  }
}

function roleOf({ role }: FlashOptions, part: Provisioning): string {
  const provisioned = ROLE_NAMES[part.role - 1];
  const known = FLASH_ROLES.find((name) => name === provisioned);
  if (known === undefined) {
    const why = "no board has its sensor yet";
    throw new FlashProblem(`role: the provisioning is of a ${provisioned}, and ${why}`);
  }
  if (role === undefined || role === known) return known;
  throw new FlashProblem(`--role: ${role}, but the provisioning is of a ${known}; which is it?`);
}

function nameOf({ eui64 }: Provisioning): string {
  return Buffer.from(eui64).toString("hex");
}

/** Hex, or a file that holds it. */
function datasetOf(text: string): string {
  const isHex = /^([0-9a-f]{2})+$/i;
  if (isHex.test(text)) return checked(text);
  if (!existsSync(text)) {
    throw new FlashProblem(`--dataset: ${text} is neither pairs of hex digits nor a file`);
  }
  const held = Buffer.from(readBytes("--dataset", text)).toString("utf8").trim();
  if (isHex.test(held)) return checked(held);
  throw new FlashProblem(`--dataset: ${text} does not hold what 'dataset active -x' prints`);
}

/** Whole, and with a network key; the board checks each field (platforms/native/dataset.c). */
function checked(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  const types: number[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    types.push(bytes[at]);
    at += 2 + bytes[at + 1];
  }
  if (bytes.length > 254 || at !== bytes.length) {
    throw new FlashProblem("--dataset: ends within a field; was it copied whole?");
  }
  const NETWORK_KEY = 5;
  if (types.includes(NETWORK_KEY)) return hex.toLowerCase();
  throw new FlashProblem(
    "--dataset: has no network key; take the active dataset, not a pending one",
  );
}

function notesOf({ target, config }: FlashOptions): string[] {
  if (target.network === "wifi" && !config.has("ssid")) {
    return ["no --ssid: the board will have no network"];
  }
  if (target.network === "thread" && !config.has("dataset")) {
    return ["no --dataset: it goes by the one the board has kept; a new board has none"];
  }
  return [];
}

/** A word as a shell takes it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
