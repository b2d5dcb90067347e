/**
 * One word of the `lumicast` command: what it takes, what it does, how its answer reads. Arguments
 * are looked at before anything is opened, so that a typing error costs nothing.
 */
import { type ParseArgsConfig, parseArgs } from "node:util";
import type { OpenOptions } from "./authority.js";
import { openSession, type Session } from "./control.js";
import type { AskPerson } from "./device-side.js";
import { UsageError } from "./fault.js";
import { type State, stateOf } from "./state.js";
import type { Answer, Args, Say, WorkName } from "./works.js";

type Options = NonNullable<ParseArgsConfig["options"]>;

export type Values = Readonly<Record<string, string | boolean | string[] | undefined>>;

export interface Call {
  readonly state: State;
  readonly open: OpenOptions;
  readonly values: Values;
  readonly operands: readonly string[];
  readonly say: Say;
  /** Of the person at the terminal. */
  readonly ask: AskPerson;
  /** Does it at the authority that runs, or here. */
  work<K extends WorkName>(name: K, args: Args<K>, how?: How): Promise<Answer<K>>;
}

export interface How {
  /** Also where the ledger is not what it should be. */
  readonly unchecked?: true;
  /** Who answers its questions. */
  readonly ask?: AskPerson;
}

export interface Told {
  /** Of --json. */
  readonly json: object;
  /** Without it. */
  readonly lines: readonly string[];
  /** False: it failed, though it could be told. */
  readonly ok?: boolean;
}

export interface Command {
  /** "device add" */
  readonly words: string;
  /** What follows the words: "EUI64 --name NAME". */
  readonly usage: string;
  /** One line. */
  readonly about: string;
  /** Options and what else there is to know. */
  readonly help: string;
  readonly options: Options;
  /** How many operands at the least and the most. */
  readonly operands: readonly [number, number];
  run(call: Call): Promise<Told>;
}

const COMMON: Options = {
  state: { type: "string" },
  database: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
};

const COMMON_HELP = `  --state DIR        the authority's folder ($LUMICAST_STATE, or ~/.lumicast)
  --database URL     postgres://... in place of the database that the folder names
  --json             one JSON object
exit code: 0 done, 1 it failed, 2 the command line is wrong
`;

export const TEXT = { type: "string" } as const;
export const FLAG = { type: "boolean", default: false } as const;

export interface Parsed {
  readonly help: boolean;
  readonly json: boolean;
  call(say: Say, ask: AskPerson): Call;
}

/** Throws a UsageError. */
export function parse(command: Command, args: readonly string[]): Parsed {
  const { values, positionals } = read(command, args);
  const help = values.help === true;
  const [least, most] = command.operands;
  if (!help && positionals.length < least) throw new UsageError(`usage: ${lineOf(command)}`);
  if (!help && positionals.length > most) {
    throw new UsageError(`what is ${positionals[most]}? usage: ${lineOf(command)}`);
  }
  const state = stateOf(values.state as string | undefined);
  const open = { database: values.database as string | undefined };
  return {
    help,
    json: values.json === true,
    call: (say, ask) => ({
      state,
      open,
      values: values as Values,
      operands: positionals,
      say,
      ask,
      work: (name, given, { ask: answers, ...how } = {}) =>
        inSession(state, { ...open, ...how }, (session) => session.work(name, given, say, answers)),
    }),
  };
}

async function inSession<T>(
  state: State,
  open: OpenOptions,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(state, open);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

function read(command: Command, args: readonly string[]) {
  const options: Options = { ...COMMON, ...command.options };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\nusage: ${lineOf(command)}`);
  }
}

export function lineOf({ words, usage }: Command): string {
  return `lumicast ${words} ${usage}`.trimEnd();
}

export function helpOf(command: Command): string {
  const { about, help } = command;
  return `usage: ${lineOf(command)}\n\n${about}\n\n${help}${COMMON_HELP}`;
}

export function textOf(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400, y: 31_622_400 };

/** "90d" in seconds, -1 for "never". Throws a UsageError. */
export function secondsOf(option: string, text: string): number {
  if (text === "never") return -1;
  const [, count, unit] = /^(\d{1,9})([smhdy])$/.exec(text) ?? [];
  if (count === undefined) {
    throw new UsageError(`--${option}: ${text} is no time; say 90s, 30m, 8h, 30d, 2y or never`);
  }
  return Number(count) * UNITS[unit];
}

/** A whole number from `least` to `most`. Throws a UsageError. */
export function wholeOf(
  option: string,
  text: string,
  { least, most }: { least: number; most: number },
): number {
  const value = Number(text);
  if (/^\d{1,15}$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`--${option}: ${text} is no number from ${least} to ${most}`);
}

/** Rows under their heads, as wide as they are. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heads.map((head, at) =>
    Math.max(head.length, ...rows.map((row) => row[at].length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at]))
      .join("  ")
      .trimEnd();
  return [line(heads), ...rows.map(line)];
}

/** "2026-11-21 16:00:00Z"; "never" for null. */
export function timeText(seconds: number | null): string {
  if (seconds === null) return "never";
  return `${new Date(seconds * 1000).toISOString().replace("T", " ").slice(0, 19)}Z`;
}
