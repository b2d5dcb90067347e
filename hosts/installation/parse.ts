/**
 * Reads an installation file: shape first (here), then what has to agree across it (`agree.ts`).
 */

import { parseIpv6, parsePrefix } from "./address.js";
import { agree } from "./agree.js";
import type { Problem } from "./field.js";
import { Field } from "./field.js";
import { JsonError, parseJson } from "./json.js";
import { readFactoryKey, readSecurityGroup, readSeed } from "./keys.js";
import type {
  ApplicationGroup,
  Border,
  Device,
  Installation,
  Link,
  Network,
  Position,
  Right,
  Settings,
  UnicastGroup,
} from "./types.js";
import { POWER_ON, ROLES, TOKEN_POLICIES } from "./types.js";

export const FORMAT = 1;
const COAP_PORT = 5683;
const METRES_MAX = 10_000;
/** 0xfffe and 0xffff are no short addresses. */
const SHORT_MAX = 0xfffd;
const CLIENT_ID_BYTES_MAX = 8;
const UINT32_MAX = 0xffff_ffff;
/** Higher ids are those of pairs (provisioning.ts). */
const UNICAST_GROUP_MAX = 0x7fff_ffff;

/**
 * A file that cannot be used. The message lists every problem: file, line, field, fault, remedy.
 */
export class InstallationError extends Error {
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    super(
      problems
        .map(({ line, path, message }) => {
          return `${file}:${line}: ${path === "" ? "" : `${path}: `}${message}`;
        })
        .join("\n"),
    );
    this.problems = problems;
  }
}

export interface Parsed {
  readonly installation: Installation;
  /** Legal, but probably not what was meant; one line each. */
  readonly notes: readonly string[];
}

/** Throws InstallationError. `file` is only named in messages. */
export function parseInstallation(text: string, file: string): Parsed {
  const problems: Problem[] = [];
  const installation = readText(text, problems);
  if (installation === undefined || problems.length > 0) {
    throw new InstallationError(file, problems);
  }
  const notes = agree(installation, problems);
  if (problems.length > 0) throw new InstallationError(file, problems);
  return { installation, notes: notes.map((note) => `${file}: ${note}`) };
}

function readText(text: string, problems: Problem[]): Installation | undefined {
  try {
    const at = parseJson(text);
    return readInstallation(new Field({ path: "", at, line: 1, problems }));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const message = `column ${error.column}: not JSON: ${error.message}`;
    problems.push({ line: error.line, path: "", message });
    return undefined;
  }
}

const FIRMWARE_KEY = { min: 32, max: 32, example: "the public key of `npm run firmware -- key`" };

const INSTALLATION_FIELDS = [
  "lumicast",
  "name",
  "seed",
  "firmwareKey",
  "tokens",
  "network",
  "securityGroups",
  "applicationGroups",
  "unicastGroups",
  "devices",
  "rights",
  "settings",
];

function readInstallation(at: Field): Installation | undefined {
  if (!at.object(INSTALLATION_FIELDS)) return undefined;
  const format = at.member("lumicast");
  if (format.integer(0, UINT32_MAX) !== undefined && format.integer(FORMAT, FORMAT) === undefined) {
    return undefined;
  }
  const seed = at.member("seed");
  const signer = at.member("firmwareKey");
  const tokens = at.member("tokens");
  const rights = at.member("rights");
  const unicast = at.member("unicastGroups");
  const groups = at.member("applicationGroups");
  const onlyUnicast = unicast.present && !groups.present;
  return {
    name: optionalText(at.member("name"), "Meeting room") ?? "installation",
    seed: (seed.present ? seed.integer(0, UINT32_MAX) : undefined) ?? 1,
    ...(signer.present ? { firmwareKey: signer.hex(FIRMWARE_KEY) } : {}),
    ...(tokens.present ? { tokens: tokens.choice(TOKEN_POLICIES) } : {}),
    network: readNetwork(at.member("network")),
    securityGroups: at.member("securityGroups").items("security groups", 1).map(readSecurityGroup),
    applicationGroups: onlyUnicast
      ? []
      : groups.items("application groups", unicast.present ? 0 : 1).map(readApplicationGroup),
    unicastGroups: unicast.present ? unicast.items("groups").map(readUnicastGroup) : [],
    devices: at.member("devices").items("devices", 1).map(readDevice),
    rights: rights.items("rights").map(readRight),
    settings: readSettings(at.member("settings")),
  };
}

function optionalText(at: Field, example: string): string | undefined {
  return at.present ? at.text(example) : undefined;
}

function readNetwork(at: Field): Network {
  const ok = at.object(["pan", "prefix", "rangeMetres", "loss", "links", "border"]);
  const range = at.member("rangeMetres");
  const loss = at.member("loss");
  const links = at.member("links");
  const border = at.member("border");
  if (ok && !range.present && !links.present) {
    range.fault(
      "is missing, and so is links",
      "give the radio range in metres, or the list of links",
    );
  }
  return {
    pan: (ok ? at.member("pan").integer(1, 0xfffe) : undefined) ?? 1,
    prefix: (ok ? readPrefix(at.member("prefix")) : undefined) ?? new Uint8Array(8),
    rangeMetres: range.present ? range.number(0.1, METRES_MAX) : undefined,
    loss: (loss.present ? loss.number(0, 1) : undefined) ?? 0,
    links: links.present ? links.items("links").map(readLink) : [],
    ...(border.present ? { border: readBorder(border) } : {}),
  };
}

function readBorder(at: Field): Border {
  at.object(["eui64", "position", "short"]);
  const short = at.member("short");
  return {
    eui64: readEui64(at.member("eui64")) ?? new Uint8Array(8),
    position: readPosition(at.member("position")),
    short: (short.present ? short.integer(1, SHORT_MAX) : undefined) ?? SHORT_MAX,
  };
}

function readPrefix(at: Field): Uint8Array | undefined {
  const text = at.text("fd6c:756d:6963:1::/64");
  if (text === undefined) return undefined;
  const prefix = parsePrefix(text);
  const right = 'give a /64, for example "fd6c:756d:6963:1::/64"';
  return prefix ?? at.fault(`"${text}" is not an IPv6 prefix of 64 bits`, right);
}

function readLink(at: Field): Link {
  at.object(["from", "to", "loss"]);
  return {
    from: at.member("from").text("switch-1") ?? "",
    to: at.member("to").text("lamp-1") ?? "",
    loss: at.member("loss").number(0, 1) ?? 0,
  };
}

function readApplicationGroup(at: Field): ApplicationGroup {
  at.object(["id", "name", "securityGroup", "address", "port"]);
  const id = at.member("id").integer(0, UINT32_MAX) ?? 0;
  const port = at.member("port");
  return {
    id,
    name: optionalText(at.member("name"), "room") ?? `group ${id}`,
    securityGroup: at.member("securityGroup").integer(0, UINT32_MAX) ?? 0,
    address: readMulticast(at.member("address")) ?? new Uint8Array(16),
    port: (port.present ? port.integer(1, 65535) : undefined) ?? COAP_PORT,
  };
}

function readUnicastGroup(at: Field): UnicastGroup {
  at.object(["id", "name"]);
  const id = at.member("id").integer(0, UNICAST_GROUP_MAX) ?? 0;
  return { id, name: optionalText(at.member("name"), "stairs") ?? `group ${id}` };
}

function readMulticast(at: Field): Uint8Array | undefined {
  const text = at.text("ff15::4c:1");
  if (text === undefined) return undefined;
  const address = parseIpv6(text);
  const right = 'give an IPv6 multicast address, for example "ff15::4c:1"';
  if (address === undefined) return at.fault(`"${text}" is not an IPv6 address`, right);
  return address[0] === 0xff ? address : at.fault(`"${text}" is a unicast address`, right);
}

function readUnicast(at: Field): Uint8Array | undefined {
  const text = at.text("fd00:6c75::1");
  if (text === undefined) return undefined;
  const address = parseIpv6(text);
  const right = 'give the device\'s address on Wi-Fi, for example "fd00:6c75::1"';
  if (address === undefined) return at.fault(`"${text}" is not an IPv6 address`, right);
  return address[0] === 0xff ? at.fault(`"${text}" is a multicast address`, right) : address;
}

const DEVICE_FIELDS = [
  "name",
  "eui64",
  "role",
  "position",
  "router",
  "clientId",
  "signingSeed",
  "factoryKey",
  "short",
  "wifi",
  "groups",
  "target",
  "settings",
];

function readDevice(at: Field, index: number): Device {
  at.object(DEVICE_FIELDS);
  const router = at.member("router");
  const short = at.member("short");
  const groups = at.member("groups");
  const target = at.member("target");
  const wifi = at.member("wifi");
  const targetId = target.present ? target.integer(0, UINT32_MAX) : undefined;
  const eui64 = readEui64(at.member("eui64")) ?? new Uint8Array(8);
  const factoryKey = readFactoryKey(at.member("factoryKey"));
  return {
    name: at.member("name").text("lamp-1") ?? "",
    eui64,
    role: at.member("role").choice(ROLES) ?? "luminaire",
    clientId: readClientId(at.member("clientId")) ?? withoutLeadingZeros(eui64),
    signingSeed: readSeed(at.member("signingSeed")),
    ...(factoryKey === undefined ? {} : { factoryKey }),
    short: (short.present ? short.integer(1, SHORT_MAX) : undefined) ?? index + 1,
    position: readPosition(at.member("position")),
    router: (router.present ? router.boolean() : undefined) ?? false,
    ...(wifi.present ? { wifi: readUnicast(wifi) ?? new Uint8Array(16) } : {}),
    groups: groups.present ? readIds(groups) : targetId === undefined ? [] : [targetId],
    target: targetId,
    settings: readSettings(at.member("settings")),
  };
}

function readEui64(at: Field): Uint8Array | undefined {
  const eui64 = at.hex({ min: 8, max: 8, example: "02124b0000000001" });
  if (eui64 === undefined) return undefined;
  const right = "give the device's own EUI-64, as on its label";
  if (eui64.every((byte) => byte === 0)) return at.fault("is all zeros", right);
  // IEEE Std 802 §8.2.2: the lowest bit of the first byte marks a group address, not a device.
  return (eui64[0] & 1) === 0 ? eui64 : at.fault("is a group address (odd first byte)", right);
}

function readClientId(at: Field): Uint8Array | undefined {
  if (!at.present) return undefined;
  const id = at.hex({ min: 1, max: CLIENT_ID_BYTES_MAX, example: "2a" });
  // WIRE.md: client_id is a uint, and a leading zero in it is malformed.
  if (id !== undefined && id[0] === 0) return at.fault("begins with 00", "leave leading zeros out");
  return id;
}

/** WIRE.md: an EUI-64 as client_id drops its leading zero bytes. */
function withoutLeadingZeros(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? bytes : bytes.slice(first);
}

function readPosition(at: Field): Position {
  const axes = at.items("metres: [x, y, z]");
  if (axes.length !== 3) {
    if (axes.length > 0) at.fault(`has ${axes.length} numbers`, "give three: [x, y, z] in metres");
    return [0, 0, 0];
  }
  const [x, y, z] = axes.map((axis) => axis.number(-METRES_MAX, METRES_MAX) ?? 0);
  return [x, y, z];
}

function readIds(at: Field): number[] {
  return at.items("group ids").map((item) => item.integer(0, UINT32_MAX) ?? 0);
}

function readRight(at: Field): Right {
  at.object(["client", "groups", "devices", "level"]);
  const groups = at.member("groups");
  const devices = at.member("devices");
  if (!groups.present && !devices.present) {
    at.fault("names neither groups nor devices", 'give "groups": [1] or "devices": ["lamp-1"]');
  }
  return {
    client: at.member("client").text("switch-1") ?? "",
    groups: groups.present ? readIds(groups) : [],
    devices: devices.present
      ? devices.items("device names").map((item) => item.text("lamp-1") ?? "")
      : [],
    level: at.member("level").integer(0, 5) ?? 0,
  };
}

/** Name, least, most, whole number; the bounds are those of modules/lighting/settings.ts. */
const SETTINGS: readonly [Exclude<keyof Settings, "powerOn">, number, number, boolean][] = [
  ["fadeSeconds", 0, 6553.5, false],
  ["holdSeconds", 1, 65_535, true],
  ["luxLow", 0, 100_000, true],
  ["luxHigh", 0, 100_000, true],
  ["leisureMs", 0, 60_000, true],
  ["levelMin", 1, 254, true],
  ["levelMax", 1, 254, true],
  ["sensorLevel", 0, 254, true],
  ["pressScene", 0, 254, true],
  ["reports", 0, 1, true],
];

function readSettings(at: Field): Settings {
  const names = ["powerOn", ...SETTINGS.map(([name]) => name)];
  if (!at.present || !at.object(names)) return {};
  const values: { -readonly [K in keyof Settings]: Settings[K] } = {};
  for (const [name, least, most, whole] of SETTINGS) {
    const field = at.member(name);
    if (!field.present) continue;
    const value = whole ? field.integer(least, most) : field.number(least, most);
    if (value !== undefined) values[name] = value;
  }
  const powerOn = at.member("powerOn").present ? at.member("powerOn").choice(POWER_ON) : undefined;
  return powerOn === undefined ? values : { ...values, powerOn };
}
