/** Programs that run while a test talks to them, here or on a computer of a Lan. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { ROOT } from "../../hosts/root.js";
import { VENV } from "../../hosts/tools.js";
import { toHex } from "../../modules/bytes/hex.js";
import { SECURE_PORT } from "../../modules/device/channels.js";
import { Lan, lacksLan } from "./lan.js";

const PRODUCT = join(ROOT, "build/firmware/lumicast.xsb");
export const HOST = join(ROOT, "build/headless/release/lumicast");
export const PYTHON = join(VENV, "bin/python");

/** Where a program runs: the words of its command line become those of another. */
export type Place = (...words: readonly string[]) => [string, string[]];

const running = new Set<Program>();

/** At the end of a suite: what a failed test left behind would keep it from ending. */
export function stopPrograms(): void {
  for (const program of running) program.stop("SIGKILL");
}

/** A program and what it says, line by line. */
export class Program {
  readonly lines: string[] = [];
  errors = "";
  readonly #child: ChildProcess;
  readonly #name: string;
  #waiting: (() => void)[] = [];
  #rest = "";
  #over = false;

  constructor(place: Place, ...words: readonly string[]) {
    const [command, args] = place(...words);
    this.#name = words.slice(0, 3).join(" ");
    this.#child = spawn(command, args, { cwd: ROOT, stdio: ["pipe", "pipe", "pipe"] });
    running.add(this);
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => this.#take(text));
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.errors = (this.errors + text).slice(-8000);
      this.#wake();
    });
    this.#child.once("error", (error) => {
      this.errors += error.message;
      this.#end();
    });
    this.#child.once("close", () => this.#end());
  }

  /** The first line that matches, of those said so far and those to come. */
  async line(pattern: RegExp, seconds = 20): Promise<string> {
    const find = () => this.lines.find((line) => pattern.test(line));
    await this.#until(() => find() !== undefined, seconds, `says nothing like ${pattern}`);
    return find() as string;
  }

  /** Waits until what it wrote as errors matches. */
  async complained(pattern: RegExp, seconds = 20): Promise<void> {
    await this.#until(
      () => pattern.test(this.errors),
      seconds,
      `complains nothing like ${pattern}`,
    );
  }

  /** Waits until it has said so many lines. */
  async said(count: number, seconds = 20): Promise<void> {
    await this.#until(() => this.lines.length >= count, seconds, `does not say ${count} lines`);
  }

  async #until(holds: () => boolean, seconds: number, otherwise: string): Promise<void> {
    const until = performance.now() + seconds * 1000;
    while (!holds()) {
      const left = until - performance.now();
      if (this.#over || left <= 0) throw new Error(this.#told(otherwise));
      await this.#change(left);
    }
  }

  /** Waits for the end; throws unless it ends well. */
  async end(seconds = 30): Promise<string[]> {
    const until = performance.now() + seconds * 1000;
    while (!this.#over) {
      const left = until - performance.now();
      if (left <= 0) {
        this.stop();
        throw new Error(this.#told(`does not end in ${seconds} s`));
      }
      await this.#change(left);
    }
    if (this.#child.exitCode !== 0) throw new Error(this.#told(`ended ${this.#child.exitCode}`));
    return this.lines;
  }

  /** Waits for the end, whatever it is. */
  async over(): Promise<void> {
    while (!this.#over) await this.#change(1000);
  }

  /** Null while it runs, and where a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** One line on its standard input. */
  say(text: string): void {
    this.#child.stdin?.write(`${text}\n`);
  }

  stop(signal: NodeJS.Signals = "SIGTERM"): void {
    this.#child.kill(signal);
  }

  #told(what: string): string {
    return `${this.#name} ${what}\n${this.lines.slice(-30).join("\n")}\n${this.errors}`;
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() as string;
    this.lines.push(...lines);
    this.#wake();
  }

  #end(): void {
    if (this.#rest !== "") this.lines.push(this.#rest);
    this.#rest = "";
    this.#over = true;
    running.delete(this);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #change(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** Runs a program to its end and returns what it wrote. */
export async function output(place: Place, ...words: readonly string[]): Promise<string> {
  return (await new Program(place, ...words).end()).join("\n");
}

/** Files of one suite, gone with it. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "lumicast-interop-"));

  file(name: string, content?: string | Uint8Array): string {
    const path = join(this.path, name);
    if (content !== undefined) writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /** What a program kept there, gone: it begins anew. */
  forget(name: string): void {
    rmSync(join(this.path, name), { force: true });
  }

  /** A folder in it. */
  folder(name: string): string {
    const path = join(this.path, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The image of a program below test/interop/firmware. */
export function testImage(name: string): string {
  return image(name, join(ROOT, `test/interop/firmware/${name}.ts`));
}

let askers = 0;

/** The image of a client that does these things on the headless host (firmware/asker.ts). */
export function askerImage(folder: Folder, actions: readonly Action[]): string {
  const name = `asker-${askers++}`;
  const from = (path: string) => JSON.stringify(join(ROOT, path));
  const lines = [
    `import { board } from ${from("platforms/headless/board.ts")};`,
    `import { Asker } from ${from("test/interop/firmware/asker.ts")};`,
    `const ACTIONS = ${JSON.stringify(JSON.stringify(actions))};`,
    "export default function main() { new Asker(board(), JSON.parse(ACTIONS)); }",
  ];
  return image(name, folder.file(`${name}.ts`, `${lines.join("\n")}\n`));
}

/** An image of `entry`, gone with this process. */
export function image(name: string, entry: string): string {
  const folder = join(ROOT, "build/interop");
  mkdirSync(folder, { recursive: true });
  const bundle = join(folder, `${process.pid}-${name}.js`);
  const compiled = bundle.replace(/js$/, "xsb");
  run(process.execPath, [join(ROOT, "hosts/bundle.mjs"), "insecure", bundle, entry]);
  run(HOST, ["compile", bundle, compiled]);
  for (const file of [bundle, `${bundle}.map`]) rmSync(file, { force: true });
  process.once("exit", () => rmSync(compiled, { force: true }));
  return compiled;
}

function run(command: string, args: readonly string[]): void {
  const done = spawnSync(command, args, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${args.join(" ")}: ${done.stderr}`);
}

/** What a device is started with. */
export interface Provisioned {
  readonly name: string;
  readonly eui64: Uint8Array;
  readonly blob: Uint8Array;
  /** Its network is this computer's `lo`, where there is no multicast. */
  readonly isAlone?: true;
}

/** What the firmware runs on: the headless host's XS, or Node's V8 (node/board.ts). */
export const ENGINES = ["XS", "Node"] as const;
export type Engine = (typeof ENGINES)[number];

/** A device with the firmware as it is sold, started and listening. */
export function device(
  engine: Engine,
  place: Place,
  provisioned: Provisioned,
  folder: Folder,
): Promise<Program> {
  if (engine === "XS") return headless(place, PRODUCT, provisioned, folder);
  return onNode(place, provisioned, folder);
}

/** A device on the headless host, with another image. */
export async function headless(
  place: Place,
  image: string,
  { name, eui64, blob, isAlone }: Provisioned,
  folder: Folder,
): Promise<Program> {
  const flash = folder.file(`${name}.flash`);
  const provision = folder.file(`${name}.cbor`, blob);
  const files = ["--provision", provision, "--flash", flash, "--eui64", toHex(eui64)];
  const more = isAlone === true ? ["--interface", "lo"] : [];
  const ports = ["--port", `${SECURE_PORT}`];
  const program = new Program(place, HOST, "run", image, ...files, ...ports, ...more);
  await listening(place, program);
  return program;
}

async function onNode(
  place: Place,
  { name, blob, isAlone }: Provisioned,
  folder: Folder,
  ...more: readonly string[]
): Promise<Program> {
  const files = [folder.file(`${name}.cbor`, blob), folder.file(`${name}.flash`)];
  const main = join(ROOT, "build/node/test/interop/node/main.js");
  const network = isAlone === true ? "lo" : "";
  const program = new Program(place, process.execPath, main, ...files, network, ...more);
  await program.line(/"log":"listening"/, 30);
  return program;
}

/** Asks the kernel: a device says nothing when it is ready. */
async function listening(place: Place, program: Program): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const [command, args] = place("cat", "/proc/net/udp6");
    const { stdout } = spawnSync(command, args, { encoding: "utf8" });
    // 5683, whatever the address.
    if (/ [0-9A-F]{32}:1633 /.test(stdout)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await program.line(/^listening$/, 0);
}

/** What a peer is told to do, and what it says came of it (peers/*). */
export type Action = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface Answer {
  readonly code: string;
  /** Hex. */
  readonly payload: string;
  readonly observe?: number;
  /** Of aiocoap: how often it was challenged until then, and asked again with what it was sent. */
  readonly echoes?: number;
}

/** Runs a client of the others to its end. */
export async function client(
  place: Place,
  words: readonly string[],
  actions: readonly Action[],
): Promise<Answer[]> {
  const lines = await new Program(place, ...words, JSON.stringify(actions)).end();
  return lines.map((line) => JSON.parse(line) as Answer);
}

export function textOf({ payload }: Pick<Answer, "payload">): string {
  return Buffer.from(payload, "hex").toString();
}

export function hexOf(text: string): string {
  return Buffer.from(text).toString("hex");
}

/** An answer as the asker tells it. */
export interface Told extends Answer {
  /** Who answered, in hex. */
  readonly member: string;
  readonly news?: "fresh" | "stale" | "ended";
}

/** Our client, run to its end: its answers, and how often it had to prove that it is there. */
export async function ask(
  engine: Engine,
  place: Place,
  us: Provisioned,
  folder: Folder,
  actions: readonly Action[],
  seconds = 25,
): Promise<{ answers: Told[]; echoed: number }> {
  const program =
    engine === "XS"
      ? await headless(place, askerImage(folder, actions), us, folder)
      : await onNode(place, us, folder, folder.file(`${us.name}.do`, JSON.stringify(actions)));
  try {
    await program.line(/"log":"done"/, seconds);
    const logs = program.lines.map((line) => (JSON.parse(line) as { log?: string }).log ?? "");
    const told = logs.filter((log) => log.startsWith("answer ")).map((log) => log.slice(7));
    const answers = told.map((log) => (log.startsWith("{") ? JSON.parse(log) : { code: log }));
    return { answers: answers as Told[], echoed: logs.filter((log) => log === "echoed").length };
  } finally {
    program.stop();
    await program.over();
  }
}

/** A Lan for the tests of a suite; its programs end with them, and its folder goes. */
export function lanAround(
  made: { computers: number; folder: Folder; skip?: string | false },
  use: (lan: Lan) => void,
): void {
  const { computers, folder, skip = false } = made;
  let lan: Lan | undefined;
  before(async () => {
    if (lacksLan !== false || skip !== false) return;
    lan = await Lan.start(computers);
    use(lan);
  });
  after(() => {
    stopPrograms();
    lan?.stop();
    folder.remove();
  });
}
