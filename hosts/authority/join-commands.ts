/** `lumicast join ...`, and what is done with devices that are there. */
import { readFileSync } from "node:fs";
import {
  type Command,
  FLAG,
  TEXT,
  type Told,
  table,
  textOf,
  timeText,
  wholeOf,
} from "./command.js";
import { NodeCrypto } from "./crypto.js";
import { counted, UsageError } from "./fault.js";
import type { Joining } from "./join-flow.js";
import { readLabels, textFor } from "./labels.js";
import type { Answer } from "./works.js";

const WATCH_SECONDS = "180";
const STDIN = 0;

const open: Command = {
  words: "join open",
  usage: "[--labels LIST] [--trust-presses [--yes]] [--group GROUP]... [--seconds N] [--count N]",
  about: "Joins every device that is pressed now, by its label where that is known.",
  help: `  --labels LIST      labels by device, as \`labels make\` writes them; their names are kept
  --trust-presses    the others by their press alone: each blinks, and is joined when you say that
                     it is the one you pressed; it takes orders up to level 2, and no more
  --yes              says so beforehand, for all of them: only where nobody else is near
  --group GROUP      may be in this group; several times for several
  --seconds N        for so long (${WATCH_SECONDS}); Ctrl-C ends it before
  --count N          ends when so many have joined

Devices that are joined by a press have to come one at a time: where two are open at once, neither
is joined, and the window closes. Exit code 1 where one failed, or none was joined.
`,
  options: {
    ...{ labels: TEXT, "trust-presses": FLAG, yes: FLAG, count: TEXT },
    group: { type: "string", multiple: true },
    seconds: { ...TEXT, default: WATCH_SECONDS },
  },
  operands: [0, 0],
  run: async ({ values, work, ask }) => {
    const list = textOf(values, "labels");
    const crypto = new NodeCrypto();
    const known = list === undefined ? [] : readLabels(crypto, list);
    const labels = known.map((one) => {
      return { eui64: one.eui64, text: textFor(crypto, one), name: one.name };
    });
    const trustsPresses = values["trust-presses"] === true;
    const isConfirmed = values.yes === true;
    if (isConfirmed && !trustsPresses) throw new UsageError("--yes: goes with --trust-presses");
    if (list === undefined && !trustsPresses) {
      throw new UsageError("--labels LIST or --trust-presses; one device: lumicast join code");
    }
    const text = textOf(values, "seconds") ?? WATCH_SECONDS;
    const seconds = wholeOf("seconds", text, { least: 1, most: 3600 });
    const most = textOf(values, "count");
    const count = most === undefined ? undefined : wholeOf("count", most, { least: 1, most: 1000 });
    const groups = Array.isArray(values.group) ? values.group : [];
    const args = { seconds, labels, groups, trustsPresses, isConfirmed, count };
    return openedTold(await work("openJoining", args, { ask }));
  },
};

function openedTold(opened: Answer<"openJoining">): Told {
  const { joins, unknown, closed } = opened;
  const rows = joins.map(({ eui64, device, failure }) => {
    const state = failure === undefined ? "joined" : `failed at "${failure.step}": ${failure.why}`;
    return [device?.name ?? "-", eui64, state];
  });
  const lines = [
    ...(rows.length === 0 ? ["no device was joined"] : table(["name", "EUI-64", "state"], rows)),
    ...unknown.map((eui64) => `${eui64} is open, and its label is not known: lumicast join code`),
    ...(closed === "two devices" ? ["closed: two devices were pressed at once"] : []),
  ];
  const ok = joins.length > 0 && joins.every((one) => one.ok) && closed !== "two devices";
  return { json: opened, lines, ok };
}

const code: Command = {
  words: "join code",
  usage: "CODE|QR-TEXT|- [--name NAME] [--group GROUP]...",
  about: "Joins the device with this label, which somebody has just pressed.",
  help: `  --name NAME        what people call it; else what it was called, or its role and number
  --group GROUP      may be in this group; several times for several

CODE is what is printed under the QR code, QR-TEXT what is in it, with which no other device is
tried; - reads it from standard input, where no list of programs shows it. Steps: label, find,
prove, enter, hand over, come back, keys, light. It is safe to do it again at any time.
`,
  options: { name: TEXT, group: { type: "string", multiple: true } },
  operands: [1, 1],
  run: async ({ values, operands, work }) => {
    const label = operands[0] === "-" ? readFileSync(STDIN, "utf8").trim() : operands[0];
    const groups = Array.isArray(values.group) ? values.group : [];
    return joinTold(await work("joinDevice", { label, name: textOf(values, "name"), groups }));
  },
};

function joinTold(joined: Joining): Told {
  const { ok, device, failure } = joined;
  const lines =
    failure === undefined
      ? [`${device?.name} (${device?.eui64}) has joined as client ${device?.clientId}`]
      : [`failed at "${failure.step}": ${failure.why}`, `next: ${failure.next}`];
  return { json: joined, lines, ok };
}

const watch: Command = {
  words: "join watch",
  usage: "[--seconds N]",
  about: "Shows fresh devices that are open now, as they come.",
  help: `  --seconds N        for so long (${WATCH_SECONDS}); Ctrl-C ends it before
`,
  options: { seconds: { ...TEXT, default: WATCH_SECONDS } },
  operands: [0, 0],
  run: async ({ values, work }) => {
    const text = textOf(values, "seconds") ?? WATCH_SECONDS;
    const seconds = wholeOf("seconds", text, { least: 1, most: 3600 });
    const watched = await work("watchFresh", { seconds });
    const rows = watched.devices.map(({ eui64, role }) => [eui64, role]);
    const lines =
      rows.length === 0 ? ["no fresh device was open"] : table(["EUI-64", "role"], rows);
    return { json: watched, lines };
  },
};

const identify: Command = {
  words: "identify",
  usage: "DEVICE [--seconds N]",
  about: "Lets a lamp blink, to be found.",
  help: `  --seconds N        for so long (10); 0 ends it
`,
  options: { seconds: { ...TEXT, default: "10" } },
  operands: [1, 1],
  run: async ({ values, operands, work }) => {
    const text = textOf(values, "seconds") ?? "10";
    const seconds = wholeOf("seconds", text, { least: 0, most: 3600 });
    const done = await work("identify", { device: operands[0], seconds });
    const what = seconds === 0 ? "blinks no more" : `blinks for ${seconds} s`;
    return { json: done, lines: [`${done.device} ${what}`] };
  },
};

const rename: Command = {
  words: "rename",
  usage: "DEVICE NAME",
  about: "Gives a device another name; nothing else changes.",
  help: "",
  options: {},
  operands: [2, 2],
  run: async ({ operands, work }) => {
    const done = await work("rename", { device: operands[0], name: operands[1] });
    return { json: done, lines: [`${done.before} is ${done.name} now`] };
  },
};

const status: Command = {
  words: "status",
  usage: "",
  about: "The age of each device's last word, which keys it has, and who is missing.",
  help: `
A device is counted as well only where it was heard within a day, by the authority that runs now,
and has said that it has the newest key of each of its groups.
`,
  options: {},
  operands: [0, 0],
  run: async ({ work }) => statusTold(await work("status", {})),
};

function statusTold(now: Answer<"status">): Told {
  const rows = now.devices.map(({ name, age, keys, wrong }) => [
    name,
    age === null ? "-" : ageText(age),
    keys.map(({ group, has, newest }) => `${group} ${has ?? "-"}/${newest ?? "-"}`).join(" ") ||
      "-",
    wrong.join("; ") || "well",
  ]);
  const well = now.devices.filter(({ wrong }) => wrong.length === 0).length;
  const lines = [
    ...(rows.length === 0 ? [] : table(["name", "last word", "keys: has/newest", "state"], rows)),
    ...now.pending.map(({ name, eui64, since }) => {
      return `${name} (${eui64}) is pending since ${timeText(since)}: it never showed itself`;
    }),
    `${well} of ${counted(now.devices.length, "device")} known to be well`,
    ...(now.running ? [] : ["the authority does not run, and hears nobody"]),
  ];
  return { json: now, lines };
}

function ageText(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

export const JOIN_COMMANDS: readonly Command[] = [open, code, watch, identify, rename, status];
