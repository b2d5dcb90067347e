/** `lumicast authority hand-over`: devices go to another KDC. */
import { existsSync } from "node:fs";
import { cardOf } from "./authority-commands.js";
import { type Call, type Command, FLAG, TEXT, type Told, textOf } from "./command.js";
import { counted, Fault, UsageError } from "./fault.js";
import type { HandOverArgs } from "./hand-over.js";
import { writeSecret } from "./identity.js";
import { parseAt } from "./net.js";
import type { Answer } from "./works.js";

export const handOver: Command = {
  words: "authority hand-over",
  usage: "--to CARD [--at [ADDRESS]:PORT] [--as [ADDRESS]:PORT] --list FILE | --yes",
  about: "Hands every device over to another KDC, which this one then has no say against.",
  help: `  --to CARD          of the KDC that follows: what \`authority show --json\` said there
  --at [ADDR]:PORT   where devices reach it; else as its card has it
  --as [ADDR]:PORT   where they reach its AS, where that is another program
  --list FILE        writes the devices and their new keys, for nobody's eyes but that KDC's:
                     device add --from FILE there, before --yes (at its AS as well); its groups
                     have the numbers that they have here (group create --number)
  --yes              tells every device by itself, and what became of each; it is for good

Exit code 1 while some are missing. Who is asleep is tried again for as long as this authority runs;
say it again with --yes to look. A device whose answer was lost shows as missing, and is there.
Who has FILE can speak to those devices as their KDC: delete it when it was taken.
`,
  options: { to: TEXT, at: TEXT, as: TEXT, list: TEXT, yes: FLAG },
  operands: [0, 0],
  run: async (call) => {
    const { values, work } = call;
    const args = argsOf(call);
    const list = textOf(values, "list");
    if (values.yes === true) {
      if (list !== undefined) throw new UsageError("--list FILE first, --yes when it was taken");
      return toldOf(await work("handOver", args));
    }
    if (list === undefined) {
      throw new UsageError("--list: a FILE for the devices' new keys; --yes when it was taken");
    }
    if (existsSync(list)) throw new Fault(`${list} is there already; give another name`);
    const { to, devices } = await work("prepareHandOver", args);
    writeSecret(list, `${JSON.stringify(devices, undefined, 2)}\n`);
    const lines = [
      `${list}: ${counted(devices.length, "device")} for ${to}, which nobody has told them yet`,
      `next, there: lumicast device add --from ${list}`,
      "then, here: the same with --yes in place of --list",
    ];
    return { json: { to, file: list, devices: devices.length, done: false }, lines };
  },
};

function argsOf({ values }: Call): HandOverArgs {
  const to = textOf(values, "to");
  if (to === undefined) {
    throw new UsageError("--to: the card of which KDC? Made there: lumicast authority show --json");
  }
  const card = cardOf(to, textOf(values, "at"));
  if (card.role === "as") {
    throw new Fault(`--to: ${card.name} is an Authorization Server; give the card of its KDC`);
  }
  const at = reachable("at", card.at);
  const as = textOf(values, "as");
  if (card.role === "kdc" && as === undefined) {
    throw new UsageError("--as: where does its Authorization Server listen? Say [ADDRESS]:PORT");
  }
  return { card, at, server: as === undefined ? at : reachable("as", as) };
}

function reachable(option: string, at: string | undefined): string {
  const parsed = at === undefined ? undefined : parseAt(option, at);
  const isSomewhere = parsed !== undefined && parsed.address !== "::" && parsed.port > 0;
  if (at !== undefined && isSomewhere) return at;
  throw new UsageError(`--${option}: where do devices reach it? Say [ADDRESS]:PORT`);
}

function toldOf({ to, waiting, nodes }: Answer<"handOver">): Told {
  const open = (nodes ?? []).filter(({ result }) => result !== "done");
  const missing = nodes === undefined ? waiting.length : open.length;
  const json = { to, nodes: nodes ?? [], missing, done: missing === 0 };
  if (nodes === undefined && missing > 0) {
    const line = `${counted(missing, "device")} will hear it when this one runs: authority start`;
    return { json, lines: [line], ok: false };
  }
  const lines = [
    missing === 0 ? `all devices follow ${to}` : `${counted(missing, "device")} missing`,
    ...open.map(({ device, result, attempts }) => `  ${device}: ${result} (tried ${attempts})`),
  ];
  return { json, lines, ok: missing === 0 };
}
