/** `lumicast group ...`. */
import { isLevel } from "../../modules/access/level.js";
import { NUMBERS } from "../../modules/authority/heard.js";
import { GROUP_PROFILES } from "../../modules/authority/material.js";
import {
  type Command,
  FLAG,
  secondsOf,
  TEXT,
  type Told,
  table,
  textOf,
  type Values,
  wholeOf,
} from "./command.js";
import { counted, listed, UsageError } from "./fault.js";
import { type Granted, type GroupView, type NewGroupArgs, rolesOf, SUITES } from "./groups.js";
import type { NodeResult } from "./works.js";

const COAP_PORT = "5683";
const NONE = -1;

const create: Command = {
  words: "group create",
  usage: "NAME --address IPV6 [OPTIONS]",
  about: "Makes a group of devices that are commanded together.",
  help: `  --address IPV6     the multicast address its luminaires listen to
  --port PORT        (${COAP_PORT})
  --number N         its number on the air; else the next free one. Where AS and KDC are two
                     programs, make it with both, under the same number
  --shares GROUP     protected by the keys of that group, of which it is a part
  --profile NAME     ${GROUP_PROFILES.slice(0, 3).join(", ")},
                     ${GROUP_PROFILES.slice(3).join(", ")} (lowlatency)
  --algorithm N      group-oscore: what encrypts, AES-CCM with a tag of 16 bytes (30) or 8 (10);
                     a signature is worth no more than the tag (30)
  --suite NAME       dtls-record: ccm, or null: anybody reads what is said, nobody can make it (ccm)
  --grace TIME       how long members take the key before the newest (60s)
  --validity TIME    how long a key lasts (never)
  --messages N       how many messages a key lasts (no end)
  --renew-on-join    a new key when somebody comes: who comes cannot read what was said before
  --renew-on-leave   a new key when somebody is removed: who is gone cannot read what is said then
  --tree             a new key whenever somebody comes or goes, said to all members at once (LKH,
                     RFC 2627): authority start --interface
  --numbers HOW      how who comes late refuses what was said before: ${NUMBERS[0]}, by a new key
                     where somebody may have spoken under the one there is; ${NUMBERS[1]}, the
                     authority listens (authority start --interface) and tells numbers, with a new
                     key only where it missed something; ${NUMBERS[2]}, members see to it themselves
                     (${NUMBERS[0]})
`,
  options: {
    address: TEXT,
    port: { ...TEXT, default: COAP_PORT },
    number: TEXT,
    shares: TEXT,
    profile: { ...TEXT, default: "lowlatency" },
    algorithm: TEXT,
    suite: TEXT,
    grace: { ...TEXT, default: "60s" },
    validity: { ...TEXT, default: "never" },
    messages: TEXT,
    "renew-on-join": FLAG,
    "renew-on-leave": FLAG,
    tree: FLAG,
    numbers: TEXT,
  },
  operands: [1, 1],
  run: async ({ values, operands, work }) => {
    const address = textOf(values, "address");
    if (address === undefined) throw new UsageError("--address: where do its luminaires listen?");
    const [number, messages] = [textOf(values, "number"), textOf(values, "messages")];
    const most = 0xffffffff;
    const profile = profileOf(textOf(values, "profile"));
    const args: NewGroupArgs = {
      name: operands[0],
      address,
      port: wholeOf("port", textOf(values, "port") ?? COAP_PORT, { least: 1, most: 65535 }),
      number: number === undefined ? undefined : wholeOf("number", number, { least: 1, most }),
      shares: textOf(values, "shares"),
      profile,
      algorithm: choiceOf(values, profile),
      graceSeconds: Math.max(0, secondsOf("grace", textOf(values, "grace") ?? "60s")),
      validitySeconds: secondsOf("validity", textOf(values, "validity") ?? "never"),
      messages:
        messages === undefined ? NONE : wholeOf("messages", messages, { least: 1, most: 2 ** 48 }),
      renewsOnJoin: values["renew-on-join"] === true,
      renewsOnLeave: values["renew-on-leave"] === true,
      hasTree: values.tree === true,
      numbers: numbersOf(textOf(values, "numbers")),
    };
    const chosen = args.algorithm && (profile === "dtls-record" ? "suite" : "algorithm");
    const own = args.hasTree ? "tree" : ((args.numbers && "numbers") ?? chosen);
    if (own !== undefined && args.shares !== undefined) {
      throw new UsageError(
        `--${own}: the keys are those of ${args.shares}; leave out one of the two`,
      );
    }
    const group = await work("createGroup", args);
    const { name, address: at, port, securityGroup } = group;
    const where = `[${at}]:${port}, security group ${securityGroup}`;
    return { json: group, lines: [`${name} is group ${group.number}, ${where}`] };
  },
};

function profileOf(name: string | undefined): string {
  const profile = GROUP_PROFILES.find((known) => known === name);
  if (profile !== undefined) return profile;
  throw new UsageError(`--profile: there is no ${name}; there are ${listed(GROUP_PROFILES)}`);
}

/** What its keys are to name, of what their scheme leaves to be chosen. */
function choiceOf(values: Values, profile: string): number | undefined {
  const [algorithm, suite] = [textOf(values, "algorithm"), textOf(values, "suite")];
  if (suite !== undefined) {
    if (profile !== "dtls-record") throw new UsageError("--suite: only dtls-record has suites");
    const known = Object.entries(SUITES).find(([name]) => name === suite);
    if (known !== undefined) return known[1];
    throw new UsageError(`--suite: there is no ${suite}; there are ccm and null`);
  }
  if (algorithm === undefined) return undefined;
  const isModern = profile === "group-oscore";
  if (!isModern) throw new UsageError("--algorithm: only group-oscore has a choice");
  if (algorithm === "10" || algorithm === "30") return Number(algorithm);
  throw new UsageError(`--algorithm: there is no ${algorithm}; there are 10 and 30`);
}

function numbersOf(text: string | undefined): NewGroupArgs["numbers"] {
  const numbers = NUMBERS.find((known) => known === text);
  if (numbers !== undefined || text === undefined) return numbers;
  throw new UsageError(`--numbers: there is no ${text}; there are ${listed(NUMBERS)}`);
}

const list: Command = {
  words: "group list",
  usage: "",
  about: "All groups: where they listen, who is in them, who waits for a key.",
  help: "",
  options: {},
  operands: [0, 0],
  run: async ({ work }) => {
    const { groups } = await work("listGroups", {});
    const rows = groups.map((group) => [
      group.name,
      `${group.number}`,
      `[${group.address}]:${group.port}`,
      schemeTold(group),
      `${group.key}`,
      group.listens === false ? `${group.numbers}, by nobody now` : group.numbers,
      `${group.members}/${group.devices}`,
      `${group.waiting}`,
    ]);
    const heads = ["name", "number", "address", "scheme", "key", "numbers", "here/may", "waiting"];
    return { json: { groups }, lines: table(heads, rows) };
  },
};

function schemeTold({ profile, algorithm, suite }: GroupView): string {
  const choice = algorithm ?? suite;
  return choice === undefined ? profile : `${profile} (${choice})`;
}

const add: Command = {
  words: "group add",
  usage: "GROUP DEVICE... [--level N] [--role sender|receiver|both]",
  about: "Says that devices may be in a group; they get its key when they ask for it.",
  help: `  --level N          what they may do there: 1 read, 2 everyday use (2)
  --role ROLE        sender, receiver or both (both)

A group has at most a hundred members, so that a new key reaches all of them in seconds. Above that
nothing is changed, and how to divide it is proposed.
`,
  options: { level: { ...TEXT, default: "2" }, role: { ...TEXT, default: "both" } },
  operands: [2, Number.MAX_SAFE_INTEGER],
  run: async ({ values, operands, work }) => {
    const [group, ...devices] = operands;
    const level = Number(textOf(values, "level"));
    // Group material reaches no further (ARCHITECTURE.md, decision 8).
    if (!isLevel(level) || level > 2) throw new UsageError("--level: 0, 1 or 2 within a group");
    const roles = rolesOf(textOf(values, "role") ?? "");
    if (roles === undefined) throw new UsageError("--role: say sender, receiver or both");
    const granted = await work("addToGroup", { group, devices, level, roles });
    return granted.split === undefined ? addedTold(granted) : splitTold(granted, granted.split);
  },
};

function addedTold(granted: Granted): Told {
  const { group, devices, level, roles } = granted;
  const line = `${listed(devices)} may be in ${group}: level ${level}, ${roles}`;
  return { json: { ...granted, done: true }, lines: [line] };
}

function splitTold(granted: Granted, split: NonNullable<Granted["split"]>): Told {
  const { group } = granted;
  const total = split.reduce((sum, { devices }) => sum + devices.length, 0);
  const parts = split.flatMap(({ name, devices }) => [
    `  lumicast group create ${name} --address ADDRESS`,
    `  lumicast group add ${name} ${devices.join(" ")}`,
  ]);
  return {
    json: { ...granted, done: false },
    lines: [
      `${group} would have ${total} members, and 100 is the most; nothing was changed.`,
      `Divide it into ${counted(split.length, "group")}, by room where you can:`,
      ...parts,
    ],
    ok: false,
  };
}

const remove: Command = {
  words: "group remove",
  usage: "GROUP [DEVICE...]",
  about: "Takes devices out of a group; without devices, the group itself, once it is empty.",
  help: `Their tokens for it count no more. The key is renewed where the group was made with
--renew-on-leave. For a device that is in wrong hands: lumicast lost DEVICE

`,
  options: {},
  operands: [1, Number.MAX_SAFE_INTEGER],
  run: async ({ operands, work }) => {
    const [group, ...devices] = operands;
    const removed = await work("removeFromGroup", { group, devices });
    const what = removed.isGone
      ? `${removed.group} is gone`
      : `${listed(removed.devices)} is out of ${removed.group}; its key is number ${removed.key}`;
    return {
      json: removed,
      lines: [what, ...deliveryLines(removed.nodes, 0)],
    };
  },
};

const rekey: Command = {
  words: "group rekey",
  usage: "GROUP [--broken]",
  about: "Gives a group a new key, and pushes it to every member.",
  help: `  --broken           the old key is in wrong hands: nobody takes it any longer, at once

Every member's result is told. One that is asleep gets it when it asks.
`,
  options: { broken: FLAG },
  operands: [1, 1],
  run: async ({ values, operands, work }) => {
    const [group] = operands;
    const rekeyed = await work("rekeyGroup", { group, broken: values.broken === true });
    const { name, key, members } = { name: rekeyed.group, ...rekeyed };
    return {
      json: rekeyed,
      lines: [`${name} has key ${key}`, ...deliveryLines(rekeyed.nodes, members.length)],
      ok: (rekeyed.nodes ?? []).every(({ result }) => result === "done"),
    };
  },
};

/** What became of a push to each, or that nobody pushes. */
export function deliveryLines(nodes: readonly NodeResult[] | undefined, waiting: number): string[] {
  if (nodes === undefined) {
    if (waiting === 0) return [];
    return [`${counted(waiting, "member")} will get it when the authority runs: authority start`];
  }
  if (nodes.length === 0) return [];
  const open = nodes.filter(({ result }) => result !== "done");
  const done = nodes.length - open.length;
  return [
    `${done} of ${counted(nodes.length, "member")} have it`,
    ...open.map(({ device, result, attempts }) => `  ${device}: ${result} (tried ${attempts})`),
  ];
}

export const GROUP_COMMANDS: readonly Command[] = [create, list, add, remove, rekey];
