/**
 * How commands reach the authority that runs: a unix socket in its state folder, which only its
 * owner can enter. One JSON line asks, lines of progress come back, and one line that ends it.
 */
import { chmodSync, existsSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { Authority, type OpenOptions } from "./authority.js";
import type { AskPerson } from "./device-side.js";
import { Fault, UsageError } from "./fault.js";
import type { State } from "./state.js";
import {
  type Answer,
  type Args,
  isWork,
  type Place,
  type Say,
  WORKS,
  type WorkName,
} from "./works.js";

/** The shortest limit of a socket's path, macOS's. */
const PATH_MAX = 103;

interface Asked {
  readonly work: string;
  readonly args: object;
}

/** Of the person, to a question. */
interface Answered {
  readonly answer: boolean | null;
}

type Told =
  | { say: string }
  | { ask: string }
  | { done: unknown }
  | { fail: string; isKnown: boolean };

/** Where works are done. */
export interface Session {
  readonly isRunning: boolean;
  work<K extends WorkName>(name: K, args: Args<K>, say?: Say, ask?: AskPerson): Promise<Answer<K>>;
  close(): Promise<void>;
}

/** The authority that runs, or else the ledger itself. */
export async function openSession(state: State, options: OpenOptions = {}): Promise<Session> {
  state.check();
  if (existsSync(state.socket) && options.database === undefined) {
    const socket = await connected(state.socket);
    if (socket !== undefined) return remote(socket);
  }
  const authority = await Authority.open(state, options);
  return {
    isRunning: false,
    work: (name, args, say = () => {}, ask = nobody) =>
      perform({ authority, running: undefined, say, ask }, name, args),
    close: () => authority.close(),
  };
}

/** Whether an authority of this folder runs. */
export async function isRunning(state: State): Promise<boolean> {
  if (!existsSync(state.socket)) return false;
  const socket = await connected(state.socket);
  socket?.destroy();
  return socket !== undefined;
}

/** Undefined where nobody listens: an authority that was killed leaves the file behind. */
function connected(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}

function remote(socket: Socket): Session {
  return {
    isRunning: true,
    work: (work, args, say = () => {}, ask = nobody) =>
      asked(socket, { work, args }, say, ask) as Promise<never>,
    close: async () => void socket.destroy(),
  };
}

const nobody: AskPerson = () => Promise.resolve(undefined);

function asked(socket: Socket, question: Asked, say: Say, ask: AskPerson): Promise<unknown> {
  const answered = (answer: boolean | undefined) =>
    void socket.write(`${JSON.stringify({ answer: answer ?? null })}\n`);
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: socket });
    lines.on("line", (line) => {
      const told = JSON.parse(line) as Told;
      if ("say" in told) return say(told.say);
      if ("ask" in told) return void ask(told.ask).then(answered);
      lines.close();
      if ("done" in told) resolve(told.done);
      else reject(told.isKnown ? new Fault(told.fail) : new Error(told.fail));
    });
    const broken = () =>
      reject(new Fault("the authority ended before it answered; look at its log"));
    socket.once("close", broken).once("error", broken);
    socket.write(`${JSON.stringify(question)}\n`);
  });
}

/** Throws a Fault where the path is too long for a socket. */
export async function listen(state: State, place: Omit<Place, "say">): Promise<Server> {
  if (state.socket.length > PATH_MAX) {
    throw new Fault(`--state: ${state.folder} is too long a path for a socket; take a shorter one`);
  }
  rmSync(state.socket, { force: true });
  const server = createServer((socket) => serve(socket, place));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(state.socket, resolve);
  });
  chmodSync(state.socket, 0o600);
  return server;
}

function serve(socket: Socket, place: Omit<Place, "say">): void {
  const tell = (told: Told) => void socket.write(`${JSON.stringify(told)}\n`);
  const leaving = new AbortController();
  let answer: ((said: boolean | undefined) => void) | undefined;
  // Who has left does not hear it.
  socket.on("error", () => {});
  socket.on("close", () => {
    leaving.abort();
    answer?.(undefined);
  });
  const say = (words: string) => tell({ say: words });
  const ask: AskPerson = (question) =>
    new Promise((resolve) => {
      answer = resolve;
      tell({ ask: question });
    });
  createInterface({ input: socket }).on("line", (line) => {
    const said = JSON.parse(line) as Asked | Answered;
    if ("answer" in said) return answer?.(said.answer ?? undefined);
    perform({ ...place, say, ask, left: leaving.signal }, said.work, said.args).then(
      (done) => tell({ done }),
      (error: unknown) => {
        const { message } = error as Error;
        tell({ fail: message, isKnown: isKnown(error) });
      },
    );
  });
}

async function perform<K extends WorkName>(
  place: Place,
  name: K | string,
  args: Args<K> | object,
): Promise<Answer<K>> {
  if (!isWork(name)) throw new Fault(`this authority does not know ${name}; is it older?`);
  const work = WORKS[name] as (place: Place, args: object) => Promise<Answer<K>>;
  return work(place, args);
}

/** Said without a stack: it is about something of the person's. Ledgers' errors say the remedy. */
export function isKnown(error: unknown): boolean {
  if (error instanceof Fault || error instanceof UsageError) return true;
  return error instanceof Error && Object.getPrototypeOf(error) === Error.prototype;
}
