/** `lumicast sender` and `lumicast light`. */
import { homedir } from "node:os";
import { join } from "node:path";
import { LEVEL_MAX, type Command as Say } from "../../modules/lighting/command.js";
import { emitSender, readSender } from "../sender/file.js";
import { type Lit, light as lit } from "../sender/light.js";
import {
  type Command,
  secondsOf,
  TEXT,
  type Told,
  textOf,
  type Values,
  wholeOf,
} from "./command.js";
import { counted, UsageError } from "./fault.js";
import { writeSecret } from "./identity.js";

const PERCENT = 100;
const MS = 1000;

const sender: Command = {
  words: "sender",
  usage: "NAME FILE [--tokens TIME] [--at [ADDRESS]:PORT]",
  about: "Enters a computer that may send commands, and writes the file that it needs.",
  help: `  --tokens TIME      how long its tokens last (15m): so long may who has the file send,
                     wherever it is not heard that it was reported lost
  --at [ADDR]:PORT   where it reaches this authority; else where that listens

FILE holds its secret: give it to that one computer, to be read by its owner alone. For one that is
known the file is written anew, as after a new group. Say what it may switch:
lumicast group add GROUP NAME --role sender. Where the KDC is another program, enter it there as
well: lumicast device add.
`,
  options: { tokens: { ...TEXT, default: "15m" }, at: TEXT },
  operands: [2, 2],
  run: async ({ values, operands, work }) => {
    const [name, path] = operands;
    const tokenSeconds = secondsOf("tokens", textOf(values, "tokens") ?? "15m");
    const at = textOf(values, "at");
    const file = await work("sender", { name, tokenSeconds, ...(at === undefined ? {} : { at }) });
    writeSecret(path, emitSender(file));
    const { eui64, clientId, groups, server } = file;
    const json = { name, eui64, clientId, file: path, server, groups: groups.map((g) => g.name) };
    return {
      json,
      lines: [
        `${path}: ${name} (${eui64}) is client ${clientId}`,
        `it knows ${counted(groups.length, "group")}`,
      ],
    };
  },
};

const light: Command = {
  words: "light",
  usage: "GROUP on|off|--level N [--as FILE]",
  about: "Switches the lamps of a group from this computer.",
  help: `  --level N          0 (off) to ${LEVEL_MAX}, or as 40%
  --fade TIME        how long the change takes, as 2s; else what each lamp is set to
  --as FILE          what lumicast sender wrote ($LUMICAST_SENDER, or ~/.lumicast-sender.json)
  --interface NAME   the network of the lamps; else the one that leads to the authority
  --wait TIME        how long it tries to get a key and an answer (20s)

Its numbers, tokens and keys lie in FILE.flash. Lamps obey after the authority is gone for as long
as its token lasts. Every scheme: in groups whose members sign, lamps ask the authority for its
public key once, so that the first command takes some seconds.

--json: group, network, sent (datagrams), ok (client ids of lamps that obeyed), failed ({client,
result}: failed or lampFailure).
`,
  options: {
    level: TEXT,
    fade: TEXT,
    as: TEXT,
    interface: TEXT,
    wait: { ...TEXT, default: "20s" },
  },
  operands: [1, 2],
  run: async ({ values, operands }) => {
    const [group, word] = operands;
    const command = commandOf(word, values);
    const path = textOf(values, "as") ?? process.env.LUMICAST_SENDER ?? usual();
    const network = textOf(values, "interface");
    const waitMs = secondsOf("wait", textOf(values, "wait") ?? "20s") * MS;
    const file = readSender(path);
    return told(await lit({ file, path }, { group, command, network, waitMs }));
  },
};

function usual(): string {
  return join(homedir(), ".lumicast-sender.json");
}

function commandOf(word: string | undefined, values: Values): Say {
  const level = textOf(values, "level");
  const fade = textOf(values, "fade");
  const isWord = word === "on" || word === "off";
  const isOne = word === undefined ? level !== undefined : isWord && level === undefined;
  if (!isOne)
    throw new UsageError(`say one of on, off and --level N; usage: lumicast light ${light.usage}`);
  const fadeTenths = fade === undefined ? undefined : secondsOf("fade", fade) * 10;
  return {
    ...(level === undefined ? { on: word === "on" } : levelOf(level)),
    ...(fadeTenths === undefined ? {} : { fadeTenths }),
  };
}

/** 0 is off: a level is what the next `on` returns to. */
function levelOf(text: string): Say {
  const [, digits] = /^(\d{1,3})%$/.exec(text) ?? [];
  const level =
    digits === undefined
      ? wholeOf("level", text, { least: 0, most: LEVEL_MAX })
      : Math.round((wholeOf("level", digits, { least: 0, most: PERCENT }) * LEVEL_MAX) / PERCENT);
  return level === 0 ? { on: false } : { on: true, level };
}

function told(answer: Lit): Told {
  const { group, ok, failed, sent, network } = answer;
  const nobody =
    `nobody in ${group} answered, ${counted(sent, "message")} on ${network}. Are lamps on that ` +
    "network (--interface), and do they have the key? lumicast group list tells who waits for it";
  const lines = [
    ...(ok.length > 0 ? [`${group}: ${counted(ok.length, "lamp")} obeyed`] : []),
    ...failed.map(({ client, result }) => `client ${client}: ${result}`),
  ];
  const isAnswered = ok.length + failed.length > 0;
  return {
    json: answer,
    lines: isAnswered ? lines : [nobody],
    ok: ok.length > 0 && failed.length === 0,
  };
}

export const SENDER_COMMANDS: readonly Command[] = [sender, light];
