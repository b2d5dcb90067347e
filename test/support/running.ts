/** What tests of authorities have in common: a folder, a database server, programs that run. */
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { Device } from "./guests.js";
import { Desk, euiOf } from "./lumicast.js";
import { PostgresServer } from "./postgres.js";
import { lacks } from "./skip.js";

/** Where a program runs, as in test/interop/lan.ts. */
type Place = (...words: readonly string[]) => [string, string[]];

const here: Place = (...words) => [words[0], words.slice(1)];

export const PROGRAM = join(ROOT, "build/node/hosts/authority/main.js");

/** PostgreSQL for a suite, from its first test to its last. */
export interface Database {
  /** Why this machine has none. */
  readonly skip: string | false;
  /** Options that name it. */
  readonly option: () => string[];
  readonly url: () => string;
}

/** A folder, and a server beside it; gone after the suite's last test. */
export function deskWithDatabase(): { desk: Desk; database: Database } {
  const desk = new Desk();
  const skip = lacks("PostgreSQL");
  let server: PostgresServer | undefined;
  before(() => {
    if (!skip) server = new PostgresServer();
  });
  after(() => {
    server?.stop();
    desk.remove();
  });
  const url = () => server?.url ?? "";
  return { desk, database: { skip, url, option: () => ["--database", url()] } };
}

export interface Ran {
  readonly at: string;
  readonly child: ChildProcess;
  /** All it said, once it has ended; its exit code first. */
  readonly ended: Promise<{ code: number | null; said: string }>;
  /** So far. */
  readonly said: () => string;
}

/** Authorities that run, processes of their own, and devices that come to them. */
export class Programs {
  readonly #started: ChildProcess[] = [];
  readonly #devices: Device[] = [];

  constructor() {
    after(async () => {
      for (const device of this.#devices) await device.close();
      for (const child of this.#started) child.kill("SIGKILL");
    });
  }

  /** Starts one; resolves when it listens. */
  start(state: readonly string[], listen = "[::1]:0", place: Place = here): Promise<Ran> {
    const words = [process.execPath, PROGRAM, "authority", "start", "--listen", listen, ...state];
    const child = spawn(...place(...words), { stdio: ["ignore", "pipe", "pipe"] });
    this.#started.push(child);
    let said = "";
    const ended = new Promise<{ code: number | null; said: string }>((resolve) => {
      child.on("close", (code) => resolve({ code, said }));
    });
    return new Promise((resolve, reject) => {
      const hear = (chunk: Buffer) => {
        said += chunk.toString();
        const [, at] = /runs on (\S+);/.exec(said) ?? [];
        if (at !== undefined) resolve({ at, child, ended, said: () => said });
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      void ended.then(({ code }) => reject(new Error(`ended with ${code}: ${said}`)));
    });
  }

  /** The power goes. */
  async kill({ child, ended }: Ran): Promise<void> {
    child.kill("SIGKILL");
    await ended;
  }

  /** The device of this number, as `shipped` ships it. */
  lamp(number: number): Promise<Device> {
    return this.device(number, number.toString(16).padStart(32, "0"));
  }

  async device(number: number, psk: string): Promise<Device> {
    const device = await Device.of(euiOf(number), psk);
    this.#devices.push(device);
    return device;
  }
}

/** What an authority says of itself, in a file. */
export async function cardOf(desk: Desk, state: readonly string[], name: string): Promise<string> {
  const shown = await desk.json("authority", "show", ...state);
  writeFileSync(desk.path(name), JSON.stringify(shown));
  return desk.path(name);
}

/** Asks until it is so. Throws an Error with `said` after two minutes: devices ask within one. */
export async function until(isSo: () => Promise<boolean>, said: () => string): Promise<void> {
  const end = Date.now() + 120_000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within two minutes: ${said()}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
