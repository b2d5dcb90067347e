/** The words of the `lumicast` command, and what is common to all of them. */
import { AUTHORITY_COMMANDS } from "./authority-commands.js";
import { type Command, helpOf, lineOf, parse, type Told } from "./command.js";
import { isKnown } from "./control.js";
import { DEVICE_COMMANDS } from "./device-commands.js";
import { doctor } from "./doctor.js";
import { UsageError } from "./fault.js";
import { GROUP_COMMANDS } from "./group-commands.js";
import { handOver } from "./hand-over-command.js";
import { JOIN_COMMANDS } from "./join-commands.js";
import { KEEP_COMMANDS } from "./keep-commands.js";
import { LABEL_COMMANDS } from "./label-commands.js";
import { REPLACE_COMMANDS } from "./replace-commands.js";
import { scan } from "./scan-command.js";
import { SENDER_COMMANDS } from "./sender-commands.js";
import { takeOver } from "./take-over-command.js";

const COMMANDS: readonly Command[] = [
  ...AUTHORITY_COMMANDS,
  handOver,
  takeOver,
  ...DEVICE_COMMANDS,
  ...JOIN_COMMANDS,
  ...LABEL_COMMANDS,
  ...REPLACE_COMMANDS,
  scan,
  ...GROUP_COMMANDS,
  ...SENDER_COMMANDS,
  ...KEEP_COMMANDS,
  doctor,
];

const COLUMNS = 18;

function usage(some: readonly Command[]): string {
  const lines = some.map(({ words, about }) => `  ${words.padEnd(COLUMNS - 1)} ${about}`);
  return [
    "usage: npm run lumicast -- COMMAND [arguments]; each has --help and --json",
    ...lines,
    "exit code: 0 done, 1 it failed, 2 the command line is wrong",
    "",
  ].join("\n");
}

/** Where a command says things. */
export interface Output {
  /** Results. */
  out(text: string): void;
  /** Progress and errors. */
  err(text: string): void;
  /** What the person says next; undefined: nothing is to come. Absent: nobody is there. */
  line?(): Promise<string | undefined>;
}

/** Runs a command line; its exit code. */
export async function run(args: readonly string[], output: Output): Promise<number> {
  try {
    return await dispatch(args, output);
  } catch (error) {
    output.err(`${isKnown(error) ? (error as Error).message : (error as Error).stack}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function dispatch(args: readonly string[], output: Output): Promise<number> {
  const { out, err } = output;
  const [first, second] = args;
  const two = COMMANDS.find(({ words }) => words === `${first} ${second}`);
  const command = two ?? COMMANDS.find(({ words }) => words === first);
  if (command === undefined) return unknown({ out, err }, first, second);
  const rest = args.slice(two === undefined ? 1 : 2);
  const parsed = parse(command, rest);
  if (parsed.help) {
    out(helpOf(command));
    return 0;
  }
  // Progress is no result: it goes where --json does not.
  const call = parsed.call(
    (line) => err(`${line}\n`),
    (question) => answerTo(question, output),
  );
  const told = await command.run(call);
  out(parsed.json ? `${JSON.stringify(told.json)}\n` : textOf(told));
  return told.ok === false ? 1 : 0;
}

/** Yes or no; asked again until it is one of these. */
async function answerTo(question: string, { err, line }: Output): Promise<boolean | undefined> {
  for (;;) {
    err(`${question} [y/n] `);
    const said = (await line?.())?.trim().toLowerCase();
    if (said === undefined) return undefined;
    if (/^y(es)?$/.test(said)) return true;
    if (/^no?$/.test(said)) return false;
  }
}

function textOf({ lines }: Told): string {
  return lines.map((line) => `${line}\n`).join("");
}

function unknown(
  { out, err }: Output,
  first: string | undefined,
  second: string | undefined,
): number {
  const some = COMMANDS.filter(({ words }) => words.startsWith(`${first} `));
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    out(usage(COMMANDS));
    return first === undefined ? 2 : 0;
  }
  const isHelp = second === "--help" || second === "-h";
  if (some.length > 0 && isHelp) {
    out(some.map((command) => `${lineOf(command)}\n`).join(""));
    return 0;
  }
  const words = [first, second].filter((word) => word?.startsWith("-") === false).join(" ");
  err(`there is no command ${words}\n${usage(some.length > 0 ? some : COMMANDS)}`);
  return 2;
}
