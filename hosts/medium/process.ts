/**
 * One device process: started, granted time, asked, stopped; its end, expected or not, always
 * arrives. A process that does not answer within the watchdog's time counts as hung and is killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { MediumError } from "./error.js";
import {
  type DeviceEvent,
  type DeviceLine,
  type Output,
  parseLine,
  type Usage,
} from "./protocol.js";

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

export interface Granted {
  readonly outputs: readonly Output[];
  /** When the device wants to run next. */
  readonly next: number | undefined;
}

interface Waiting {
  readonly outputs: Output[];
  /** Takes the line that ends the wait; false for one that does not. */
  readonly accept: (line: DeviceLine) => boolean;
  readonly reject: (error: Error) => void;
}

/** platforms/headless. */
const EXIT_WORDS: Readonly<Record<number, string>> = {
  70: "uncaught error",
  71: "heap ceiling reached",
  72: "stack overflow",
};
const STDERR_LINES = 12;
const STOP_MS = 2_000;

export class DeviceProcess {
  readonly name: string;
  /** As the process names it, for instance "xs 13.3.0"; "" before its hello. */
  engine = "";
  readonly #child: ChildProcess;
  readonly #watchdogMs: number;
  readonly #ended: Promise<void>;
  #socket: Socket | undefined;
  #waiting: Waiting | undefined;
  #failure: Error | undefined;
  #fatal: string | undefined;
  #stderr = "";

  /** `onFailed`: the process broke while nobody waited for it. */
  constructor(input: {
    name: string;
    command: Command;
    watchdogMs: number;
    onFailed: (error: Error) => void;
  }) {
    const { name, command } = input;
    this.name = name;
    this.#watchdogMs = input.watchdogMs;
    // A session of its own: a Ctrl-C at the terminal is the medium's to handle, not every device's.
    this.#child = spawn(command.file, command.args, {
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-8_192);
    });
    this.#ended = new Promise((resolve) => {
      this.#child.on("error", (error) => {
        this.#fail(`cannot be started: ${error.message}`, input.onFailed);
        resolve();
      });
      this.#child.on("close", (code, signal) => {
        this.#fail(this.#obituary(code, signal), input.onFailed);
        resolve();
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves with its first line. */
  hello(): Promise<void> {
    return this.#wait<void>("to say hello", undefined, (line, resolve) => {
      if (line.kind !== "hello") return false;
      this.engine = line.engine;
      resolve();
      return true;
    });
  }

  /** The hub found the process's own socket; its lines come through `receive` from now on. */
  attach(socket: Socket): void {
    this.#socket = socket;
    socket.on("error", () => socket.destroy());
  }

  /** Lets the device run up to and including `untilMicros`. `events` in order of time. */
  grant(untilMicros: number, events: readonly DeviceEvent[]): Promise<Granted> {
    const outputs: Output[] = [];
    const message = JSON.stringify({ grant: untilMicros, events });
    const what = `to answer the grant up to ${untilMicros} µs`;
    return this.#wait<Granted>(
      what,
      message,
      (line, resolve) => {
        if (line.kind !== "done" || line.at !== untilMicros) return false;
        resolve({ outputs, next: line.next });
        return true;
      },
      outputs,
    );
  }

  usage(): Promise<Usage> {
    return this.#wait<Usage>("to tell its usage", '{"usage":true}', (line, resolve) => {
      if (line.kind !== "usage") return false;
      resolve(line.usage);
      return true;
    });
  }

  /** One line from the process. */
  receive(text: string): void {
    if (this.#failure !== undefined) return;
    try {
      this.#take(parseLine(text));
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
      this.killNow();
    }
  }

  /** Asks it to end and sees to it that it does. */
  async stop(): Promise<void> {
    this.#failure ??= new MediumError(`${this.name}: stopped`);
    this.#socket?.end('{"stop":true}\n');
    const timer = setTimeout(() => this.killNow(), STOP_MS);
    if (this.#socket === undefined) this.killNow();
    await this.#ended;
    clearTimeout(timer);
  }

  /** The power goes: no chance to finish anything. Resolves when the process is gone. */
  async powerCut(): Promise<void> {
    this.#failure ??= new MediumError(`${this.name}: has no power`);
    this.killNow();
    await this.#ended;
  }

  killNow(): void {
    this.#child.kill("SIGKILL");
    this.#socket?.destroy();
  }

  #take(line: DeviceLine): void {
    if (line.kind === "fatal") {
      this.#fatal = line.reason;
      return;
    }
    const waiting = this.#waiting;
    if (waiting?.accept(line) === true) return;
    const isOutput = line.kind !== "hello" && line.kind !== "done" && line.kind !== "usage";
    if (waiting === undefined || !isOutput) throw new Error(`an unexpected ${line.kind} line`);
    waiting.outputs.push(line);
  }

  #wait<T>(
    what: string,
    message: string | undefined,
    accept: (line: DeviceLine, resolve: (value: T) => void) => boolean,
    outputs: Output[] = [],
  ): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#waiting !== undefined) throw new Error(`${this.name}: asked twice at once`);
    return new Promise<T>((resolve, reject) => {
      const watchdog = setTimeout(() => {
        this.#fail(`took more than ${this.#watchdogMs / 1000} s ${what}; it was killed`);
        this.killNow();
      }, this.#watchdogMs);
      const settle = () => {
        clearTimeout(watchdog);
        this.#waiting = undefined;
      };
      this.#waiting = {
        outputs,
        accept: (line) =>
          accept(line, (value) => {
            settle();
            resolve(value);
          }),
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      if (message !== undefined) this.#socket?.write(`${message}\n`);
    });
  }

  #fail(what: string, onFailed?: (error: Error) => void): void {
    const expected = this.#failure !== undefined;
    this.#failure ??= new MediumError(`${this.name}: ${what}`);
    if (this.#waiting !== undefined) this.#waiting.reject(this.#failure);
    else if (!expected) onFailed?.(this.#failure);
  }

  #obituary(code: number | null, signal: string | null): string {
    const how = signal !== null ? `was ended by ${signal}` : `ended with exit code ${code}`;
    const word = code === null ? undefined : EXIT_WORDS[code];
    const because = [word, this.#fatal].filter((part) => part !== undefined).join(": ");
    const lines = this.#stderr.trimEnd().split("\n").slice(-STDERR_LINES);
    const tail = lines.join("") === "" ? "" : `\n  ${lines.join("\n  ")}`;
    return `the device process ${how}${because === "" ? "" : ` (${because})`}${tail}`;
  }
}
