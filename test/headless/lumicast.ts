/** Builds and runs the headless host for its tests. */
import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../hosts/root.js";

export type Variant = "release" | "debug" | "m32";

export function binary(variant: Variant): string {
  return join(ROOT, "build/headless", variant, "lumicast");
}

/** Builds a target of platforms/headless/Makefile; throws with what the compiler said. */
export function make(target: string): void {
  const args = ["-s", "-j2", "-C", join(ROOT, "platforms/headless"), target];
  const done = spawnSync("make", args, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`make ${target}: ${done.stderr}${done.stdout}`);
}

const folders: string[] = [];

/** A private folder, removed when the process ends. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "lumicast-"));
  if (folders.length === 0) {
    process.once("exit", () => {
      for (const path of folders) rmSync(path, { recursive: true, force: true });
    });
  }
  folders.push(folder);
  return folder;
}

/** Bundles `entry` and compiles it with the variant's own compiler; returns the image's path. */
export async function image(folder: string, entry: string, variant: Variant): Promise<string> {
  const { bundleInsecure } = await import(join(ROOT, "hosts/bundle.mjs"));
  const bundle = join(folder, `${variant}.js`);
  const out = join(folder, `${variant}.xsb`);
  await bundleInsecure(bundle, entry);
  const done = lumicast(variant, ["compile", bundle, out]);
  if (done.status !== 0) throw new Error(`compile: ${done.stderr}`);
  return out;
}

export function lumicast(
  variant: Variant,
  args: string[],
  input?: string,
): SpawnSyncReturns<string> {
  const options = { cwd: ROOT, encoding: "utf8", input: input ?? "", timeout: 60_000 } as const;
  return spawnSync(binary(variant), args, options);
}

/** test/headless/programs.ts as an image, run by the name of a program. */
export class Programs {
  readonly folder = scratch();
  readonly #variant: Variant;
  readonly #images = new Map<Variant, string>();

  constructor(variant: Variant) {
    this.#variant = variant;
    mkdirSync(this.folder, { recursive: true });
  }

  async build(): Promise<void> {
    make(this.#variant);
    const path = await image(this.folder, "test/headless/programs.ts", this.#variant);
    this.#images.set(this.#variant, path);
  }

  /** The arguments that choose a program. */
  choose(name: string, command = "run"): string[] {
    const file = join(this.folder, `${name}.provision`);
    writeFileSync(file, name);
    const path = this.#images.get(this.#variant);
    if (path === undefined) throw new Error("build() first");
    return [command, path, "--provision", file];
  }

  run(name: string, ...options: string[]): SpawnSyncReturns<string> {
    return lumicast(this.#variant, [...this.choose(name), ...options]);
  }

  /** The same in test mode. */
  test(name: string, ...options: string[]): SpawnSyncReturns<string> {
    return lumicast(this.#variant, [...this.choose(name, "test"), ...options]);
  }
}

export interface Line {
  readonly [key: string]: unknown;
}

/** The medium's end of a device's control socket: grants, and collects what comes back. */
export class Medium {
  static readonly #running = new Set<ChildProcess>();
  readonly lines: Line[] = [];
  stderr = "";
  #socket: Socket | undefined;
  #received = "";
  #wake: (() => void) | undefined;
  #exit: number | null | undefined;

  /** Starts a device, under `wrapper` if one is given; resolves when it has said hello. */
  static async start(
    args: string[],
    variant: Variant = "release",
    wrapper: readonly string[] = [],
  ): Promise<Medium> {
    const path = join(scratch(), "medium.sock");
    const server = createServer();
    const medium = new Medium();
    server.on("connection", (socket) => medium.#connected(socket));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const [command, ...rest] = [...wrapper, binary(variant), ...args, "--control", path];
    const child = spawn(command, rest, { stdio: ["ignore", "inherit", "pipe"] });
    Medium.#running.add(child);
    child.stderr.on("data", (chunk) => {
      medium.stderr += String(chunk);
    });
    child.on("close", (code) => {
      medium.#exit = code;
      Medium.#running.delete(child);
      server.close();
      medium.#wake?.();
    });
    await medium.#until((line) => line.hello !== undefined);
    return medium;
  }

  /** For after(): what a failed test left running would keep the suite from ending. */
  static killAll(): void {
    for (const child of Medium.#running) child.kill("SIGKILL");
  }

  /** Grants time with events; resolves with the lines up to and including "done". */
  async grant(time: number, events: object[] = []): Promise<Line[]> {
    return this.say({ grant: time, events }, (line) => line.done !== undefined);
  }

  async usage(): Promise<Record<string, number>> {
    const lines = await this.say({ usage: true }, (line) => line.usage !== undefined);
    return lines.at(-1)?.usage as Record<string, number>;
  }

  async say(message: object | string, last: (line: Line) => boolean): Promise<Line[]> {
    const from = this.lines.length;
    this.write(typeof message === "string" ? message : `${JSON.stringify(message)}\n`);
    await this.#until(last, from);
    return this.lines.slice(from);
  }

  write(text: string): void {
    this.#socket?.write(text);
  }

  /** Closes the socket. */
  hangUp(): void {
    this.#socket?.end();
  }

  /** The exit code, when the process has ended by itself. */
  async ended(): Promise<number | null> {
    while (this.#exit === undefined) await this.#event();
    return this.#exit;
  }

  async stop(): Promise<number | null> {
    this.write('{"stop":true}\n');
    return this.ended();
  }

  #connected(socket: Socket): void {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      this.#received += String(chunk);
      const lines = this.#received.split("\n");
      this.#received = lines.pop() as string;
      for (const line of lines) this.lines.push(JSON.parse(line) as Line);
      this.#wake?.();
    });
  }

  /** Waits for a line from index `from` on, or the end of the process. */
  async #until(last: (line: Line) => boolean, from = 0): Promise<void> {
    for (let i = from; ; ) {
      for (; i < this.lines.length; i++) if (last(this.lines[i])) return;
      if (this.#exit !== undefined) return;
      await this.#event();
    }
  }

  async #event(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
