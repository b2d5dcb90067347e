/** `lumicast device ...` and `lumicast lost`. */
import { existsSync, readFileSync } from "node:fs";
import {
  type Call,
  type Command,
  FLAG,
  secondsOf,
  TEXT,
  type Told,
  table,
  textOf,
  timeText,
} from "./command.js";
import type { DeviceView, Shipped } from "./devices.js";
import { counted, Fault, UsageError } from "./fault.js";
import { deliveryLines } from "./group-commands.js";
import { checkRights } from "./identity.js";
import { certificatesIn, publicKeyIn } from "./pem.js";

const add: Command = {
  words: "device add",
  usage: "EUI64 --name NAME --psk-file FILE, or --from FILE",
  about: "Enters devices as they were shipped, with the keys the factory gave them.",
  help: `  --name NAME        what people call it
  --psk-file FILE    holds its key, 16 to 64 bytes as hex digits; - reads it from standard input
  --identity HEX     the identity under which it knows the key; else its EUI-64
  --raw-key KEY      its public key in place of a shared one: a P-256 point, 04..., or a PEM file
  --certificate FILE its X.509 certificate in PEM, which alone is believed: no other of its issuer
  --tokens TIME      how long its tokens last: 8h for a phone; never (usual) for what is fixed
  --from FILE        many of them: a JSON list of {"eui64", "name", "psk", "rawKey" or
                     "certificate", "identity", "tokenSeconds"}
`,
  options: {
    name: TEXT,
    "psk-file": TEXT,
    identity: TEXT,
    "raw-key": TEXT,
    certificate: TEXT,
    tokens: TEXT,
    from: TEXT,
  },
  operands: [0, 1],
  run: async (call) => {
    const { devices } = await call.work("addDevices", { shipped: shippedOf(call) });
    const lines = devices.map(({ name, eui64, clientId }) => {
      return `${name} (${eui64}) is ${clientId === "" ? "known" : `client ${clientId}`}`;
    });
    return { json: { devices }, lines };
  },
};

function shippedOf({ values, operands }: Call): Shipped[] {
  const from = textOf(values, "from");
  if (from !== undefined) return listOf(from);
  const [eui64] = operands;
  const name = textOf(values, "name");
  if (eui64 === undefined || name === undefined) {
    throw new UsageError(`usage: lumicast device add ${add.usage}`);
  }
  const file = textOf(values, "psk-file");
  const tokens = textOf(values, "tokens");
  const identity = textOf(values, "identity");
  const rawKey = textOf(values, "raw-key");
  const certificate = textOf(values, "certificate");
  return [
    {
      eui64: eui64.toLowerCase(),
      name,
      ...(file === undefined ? {} : { psk: secretOf(file) }),
      ...(identity === undefined ? {} : { identity }),
      ...(rawKey === undefined ? {} : { rawKey: publicKeyIn("--raw-key", rawKey) }),
      ...(certificate === undefined
        ? {}
        : { certificate: certificatesIn("--certificate", certificate)[0] }),
      ...(tokens === undefined ? {} : { tokenSeconds: secondsOf("tokens", tokens) }),
    },
  ];
}

function secretOf(file: string): string {
  if (file !== "-" && !existsSync(file)) throw new Fault(`--psk-file: there is no ${file}`);
  if (file !== "-") checkRights(file);
  return readFileSync(file === "-" ? 0 : file, "utf8")
    .trim()
    .toLowerCase();
}

function listOf(file: string): Shipped[] {
  if (!existsSync(file)) throw new Fault(`--from: there is no ${file}`);
  checkRights(file);
  let list: unknown;
  try {
    list = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Fault(`--from: ${file} is no JSON (${(error as Error).message})`);
  }
  const isList = Array.isArray(list) && list.every((one) => typeof one?.eui64 === "string");
  if (!isList) throw new Fault(`--from: ${file} is no list of {"eui64", "name", "psk", ...}`);
  return list as Shipped[];
}

const list: Command = {
  words: "device list",
  usage: "",
  about: "All devices, and what each may be in.",
  help: "",
  options: {},
  operands: [0, 0],
  run: async (call) => {
    const { devices } = await call.work("listDevices", {});
    const rows = devices.map(({ name, eui64, clientId, lost, grants }) => {
      const words = grants.map(({ group, joined }) => `${group ?? "itself"}${joined ? "" : "?"}`);
      return [name, eui64, clientId, lost ? "LOST" : words.join(" ") || "-"];
    });
    const heads = ["name", "EUI-64", "client", "groups (?: has not come yet)"];
    return { json: { devices }, lines: table(heads, rows) };
  },
};

const show: Command = {
  words: "device show",
  usage: "DEVICE",
  about: "One device: its rights, which keys it has, its tokens. By name or EUI-64.",
  help: "",
  options: {},
  operands: [1, 1],
  run: async (call) => {
    const shown = await call.work("showDevice", { device: call.operands[0] });
    const tokens = shown.tokens.map(({ id, issuedAt, expiresAt, revoked }) => {
      const end = revoked ? "revoked" : `ends ${timeText(expiresAt)}`;
      return `token ${id}: issued ${timeText(issuedAt)}, ${end}`;
    });
    return { json: shown, lines: [...deviceLines(shown), ...tokens] };
  },
};

function deviceLines(device: DeviceView): string[] {
  const { name, eui64, clientId, credential, by, lost, grants } = device;
  return [
    `${name}  EUI-64 ${eui64}  client ${clientId}${lost ? "  LOST" : ""}`,
    `known by its ${by}, ${credential}`,
    ...grants.map(({ group, level, roles, joined, key }) => {
      const state = joined ? `has key ${key ?? "none yet"}` : "has not come yet";
      return `in ${group ?? "itself"}: level ${level}, ${roles}; ${state}`;
    }),
  ];
}

const lost: Command = {
  words: "lost",
  usage: "DEVICE [--yes]",
  about: "A device is lost: none of its tokens counts, and every group it was in gets a new key.",
  help: `  --yes              without it, this only says what would be done

It is for good: the device cannot be entered again with the same key. Its groups take nothing under
the old key any more, with no time of grace; members that are asleep get the new one when they wake.
`,
  options: { yes: FLAG },
  operands: [1, 1],
  run: async (call) => {
    const [device] = call.operands;
    if (call.values.yes !== true) {
      const shown = await call.work("showDevice", { device });
      const groups = shown.grants.map(({ group }) => group).join(", ") || "no group";
      const would = `${shown.name} would be out for good; new keys in: ${groups}. Do it: --yes`;
      return { json: { device: shown.name, done: false }, lines: [would], ok: false };
    }
    return lostTold(await call.work("lost", { device }));
  },
};

function lostTold(answer: import("./works.js").Answer<"lost">): Told {
  const { device, tokens, groups, nodes, told } = answer;
  const numbers = groups.map(({ group }) => group).join(", ");
  const where =
    groups.length === 0 ? "it was in no group" : `new keys in security group ${numbers}`;
  return {
    json: { ...answer, done: true },
    lines: [
      `${device} is out: ${counted(tokens, "token")} revoked, ${where}`,
      ...(told ?? []).map(({ center, result }) => `${center}: ${result}`),
      ...deliveryLines(nodes, groups.flatMap(({ members }) => members).length),
    ],
    ok: (told ?? []).every(({ result }) => result === "done"),
  };
}

export const DEVICE_COMMANDS: readonly Command[] = [add, list, show, lost];
