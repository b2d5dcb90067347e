/** Programs that run while a test talks to them, here or on a computer of a Lan. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { provisioning } from "../../hosts/installation/provisioning.js";
import type { Device, Installation } from "../../hosts/installation/types.js";
import { ROOT } from "../../hosts/root.js";

const HOST = join(ROOT, "build/headless/release/lumicast");
export const PYTHON = join(ROOT, "build/interop/venv/bin/python");

/** Where a program runs: the words of its command line become those of another. */
export type Place = (...words: readonly string[]) => [string, string[]];
export const HERE: Place = (command, ...args) => [command, args];

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
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => this.#take(text));
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.errors = (this.errors + text).slice(-8000);
    });
    this.#child.once("error", (error) => {
      this.errors += error.message;
      this.#end();
    });
    this.#child.once("close", () => this.#end());
  }

  /** The first line that matches, of those said so far and those to come. */
  async line(pattern: RegExp, seconds = 15): Promise<string> {
    const until = performance.now() + seconds * 1000;
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      const left = until - performance.now();
      if (this.#over || left <= 0) throw new Error(this.#told(`says nothing like ${pattern}`));
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

  /** One line on its standard input. */
  say(text: string): void {
    this.#child.stdin?.write(`${text}\n`);
  }

  stop(): void {
    this.#child.kill();
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

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The image of a program below test/interop/firmware, made when it is older than its sources. */
export function testImage(name: string): string {
  const folder = join(ROOT, "build/interop");
  mkdirSync(folder, { recursive: true });
  const bundle = join(folder, `${process.pid}-${name}.js`);
  const image = bundle.replace(/js$/, "xsb");
  const entry = `test/interop/firmware/${name}.ts`;
  run(process.execPath, [join(ROOT, "hosts/bundle.mjs"), "insecure", bundle, entry]);
  run(HOST, ["compile", bundle, image]);
  for (const file of [bundle, `${bundle}.map`]) rmSync(file, { force: true });
  process.once("exit", () => rmSync(image, { force: true }));
  return image;
}

function run(command: string, args: readonly string[]): void {
  const done = spawnSync(command, args, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${args.join(" ")}: ${done.stderr}`);
}

/** A headless device, started and listening. */
export async function headless(
  place: Place,
  image: string,
  device: Device,
  room: Installation,
  folder: Folder,
  ...more: readonly string[]
): Promise<Program> {
  const blob = folder.file(`${device.name}.cbor`, provisioning(room, device));
  const flash = folder.file(`${device.name}.flash`);
  const eui64 = Buffer.from(device.eui64).toString("hex");
  const files = ["--provision", blob, "--flash", flash, "--eui64", eui64];
  const program = new Program(place, HOST, "run", image, ...files, ...more);
  await listening(place, program);
  return program;
}

/** Asks the kernel: a device says nothing when it is ready. */
async function listening(place: Place, program: Program): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const [command, args] = place("cat", "/proc/net/udp6");
    const { stdout } = spawnSync(command, args, { encoding: "utf8" });
    // 5683, listening on any address.
    if (/ 0{32}:1633 /.test(stdout)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await program.line(/^listening$/, 0);
}

export function exists(path: string): boolean {
  return existsSync(path) && statSync(path).size > 0;
}
