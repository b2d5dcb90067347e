/** Installation files on disk. They hold the group keys: written for their owner only. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { toHex } from "../../modules/bytes/hex.js";
import { formatIpv6, formatPrefix } from "./address.js";
import type { Parsed } from "./parse.js";
import { FORMAT, InstallationError, parseInstallation } from "./parse.js";
import type { Device, Installation, KeyWord, Network, SchemeKey, SecurityGroup } from "./types.js";

/** Throws InstallationError, also when there is no such file. */
export function loadInstallation(path: string): Parsed {
  return parseInstallation(readText(path), path);
}

/** For devices that get no keys elsewhere: throws InstallationError, too, where one is missing. */
export function loadKeyed(path: string): Parsed {
  const parsed = loadInstallation(path);
  const { securityGroups } = parsed.installation;
  const message =
    "is missing, and no authority gives keys here; write them, or save a room with " +
    "npm start -- --keys file --save FILE";
  const problems = securityGroups.flatMap(({ keys }, index) => {
    return keys.length > 0 ? [] : [{ line: 1, path: `securityGroups[${index}].keys`, message }];
  });
  if (problems.length > 0) throw new InstallationError(path, problems);
  return parsed;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `cannot be read (${why}); give the path of an installation file`;
    throw new InstallationError(path, [{ line: 1, path: "", message }]);
  }
}

/** Mode 0600, also when the file was there before with another. */
export function saveInstallation(path: string, installation: Installation): void {
  writeFileSync(path, formatInstallation(installation), { mode: 0o600 });
  chmodSync(path, 0o600);
}

/** The text `parseInstallation` reads back as the same installation. */
export function formatInstallation(installation: Installation): string {
  const file = {
    lumicast: FORMAT,
    name: installation.name,
    seed: installation.seed,
    ...(installation.tokens === undefined ? {} : { tokens: installation.tokens }),
    network: networkJson(installation.network),
    securityGroups: installation.securityGroups.map(securityGroupJson),
    applicationGroups: installation.applicationGroups.map((group) => {
      return { ...group, address: formatIpv6(group.address) };
    }),
    ...(installation.unicastGroups.length > 0 ? { unicastGroups: installation.unicastGroups } : {}),
    devices: installation.devices.map(deviceJson),
    rights: installation.rights,
    settings: installation.settings,
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

function networkJson(network: Network): object {
  const { border } = network;
  const own = border === undefined ? {} : { border: { ...border, eui64: toHex(border.eui64) } };
  return { ...network, prefix: formatPrefix(network.prefix), ...own };
}

function securityGroupJson(group: SecurityGroup): object {
  if (group.profile === "lowlatency") {
    const { keys, ...common } = group;
    const said = keys.map((key) => ({ ...key, key: toHex(key.key) }));
    return { ...common, ...(keys.length > 0 ? { keys: said } : {}) };
  }
  const { keys, policies, bindSources, renegotiate, ...common } = group;
  return {
    ...common,
    ...(Object.keys(policies).length > 0 ? { policies } : {}),
    ...(bindSources ? { bindSources } : {}),
    ...(renegotiate ? { renegotiate } : {}),
    ...(keys.length > 0 ? { keys: keys.map(keyJson) } : {}),
  };
}

function keyJson({ words, ...terms }: SchemeKey): object {
  const said = Object.entries(words).map(([name, word]) => [name, wordJson(word)]);
  return { ...Object.fromEntries(said), ...terms };
}

/** Bytes of length 0 are what is not said. */
function wordJson(word: KeyWord): string | number | undefined {
  if (!(word instanceof Uint8Array)) return word;
  return word.length > 0 ? toHex(word) : undefined;
}

function deviceJson({ signingSeed, factoryKey, wifi, ...device }: Device): object {
  const { eui64, clientId } = device;
  return {
    ...device,
    eui64: toHex(eui64),
    clientId: toHex(clientId),
    ...(signingSeed === undefined ? {} : { signingSeed: toHex(signingSeed) }),
    ...(factoryKey === undefined ? {} : { factoryKey: toHex(factoryKey) }),
    ...(wifi === undefined ? {} : { wifi: formatIpv6(wifi) }),
  };
}
