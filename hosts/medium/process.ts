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
  /** A fault of its flash took the power before the grant was over; the process is gone. */
  readonly powerLost: boolean;
  /** It ended on purpose, to be started anew. */
  readonly startsAnew: boolean;
}

interface Question<T> {
  /** "took more than 20 s ..." */
  readonly what: string;
  readonly message?: string;
  /** The value in the line that ends the wait; undefined for any other line. */
  readonly answer: (line: DeviceLine) => { readonly value: T } | undefined;
  /** Collects what comes before the answer. */
  readonly outputs?: Output[];
  /** The answer of a process that a flash fault took the power from; else that is a failure. */
  readonly powerLost?: (startsAnew: boolean) => T;
}

interface Waiting {
  readonly outputs: Output[];
  /** True for the line that ended the wait. */
  readonly accept: (line: DeviceLine) => boolean;
  readonly reject: (error: Error) => void;
  readonly powerLost?: ((startsAnew: boolean) => void) | undefined;
}

/** platforms/native/xs13/host.h, platforms/cortexm/startup.c. */
const EXIT_WORDS: Readonly<Record<number, string>> = {
  70: "uncaught error",
  71: "heap ceiling reached",
  72: "stack overflow",
  74: "processor fault",
};
const EXIT_POWER_CUT = 73;
/** On purpose: to be started anew, as after a power cut. */
const EXIT_RESTART = 75;
const STDERR_LINES = 12;
const STOP_MS = 2_000;

export class DeviceProcess {
  readonly name: string;
  /** As the process names it, for instance "xs 13.3.0"; "" before its hello. */
  engine = "";
  readonly #child: ChildProcess;
  readonly #watchdogMs: number;
  readonly #onWake: () => void;
  readonly #ended: Promise<void>;
  #socket: Socket | undefined;
  #waiting: Waiting | undefined;
  #failure: Error | undefined;
  #fatal: string | undefined;
  #stderr = "";

  /**
   * `onFailed`: the process broke while nobody waited for it. `onWake`: it wants to run at once.
   */
  constructor(input: {
    name: string;
    command: Command;
    watchdogMs: number;
    onWake: () => void;
    onFailed: (error: Error) => void;
  }) {
    const { name, command } = input;
    this.name = name;
    this.#onWake = input.onWake;
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
        const isOff = code === EXIT_POWER_CUT || code === EXIT_RESTART;
        if (isOff && this.#waiting?.powerLost !== undefined) {
          this.#failure ??= new MediumError(`${name}: has no power`);
          this.#waiting.powerLost(code === EXIT_RESTART);
        }
        this.#fail(this.#obituary(code, signal), input.onFailed);
        resolve();
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves with its first line: true, or false when a flash fault took the power before it. */
  hello(): Promise<boolean> {
    return this.#ask<boolean>({
      what: "to say hello",
      answer: (line) => {
        if (line.kind !== "hello") return undefined;
        this.engine = line.engine;
        return { value: true };
      },
      powerLost: () => false,
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
    return this.#ask<Granted>({
      what: `to answer the grant up to ${untilMicros} µs`,
      message: JSON.stringify({ grant: untilMicros, events }),
      outputs,
      answer: (line) => {
        if (line.kind !== "done" || line.at !== untilMicros) return undefined;
        return { value: { outputs, next: line.next, powerLost: false, startsAnew: false } };
      },
      powerLost: (startsAnew) => ({ outputs, next: undefined, powerLost: true, startsAnew }),
    });
  }

  usage(): Promise<Usage> {
    return this.#ask<Usage>({
      what: "to tell its usage",
      message: '{"usage":true}',
      answer: (line) => (line.kind === "usage" ? { value: line.usage } : undefined),
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
    if (line.kind === "wake") {
      this.#onWake();
      return;
    }
    const waiting = this.#waiting;
    if (waiting?.accept(line) === true) return;
    const isOutput = line.kind !== "hello" && line.kind !== "done" && line.kind !== "usage";
    if (waiting === undefined || !isOutput) throw new Error(`an unexpected ${line.kind} line`);
    waiting.outputs.push(line);
  }

  #ask<T>(question: Question<T>): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#waiting !== undefined) throw new Error(`${this.name}: asked twice at once`);
    const { what, message, answer, powerLost } = question;
    return new Promise<T>((resolve, reject) => {
      const watchdog = setTimeout(() => {
        this.#fail(`took more than ${this.#watchdogMs / 1000} s ${what}; it was killed`);
        this.killNow();
      }, this.#watchdogMs);
      const settle = (end: () => void) => {
        clearTimeout(watchdog);
        this.#waiting = undefined;
        end();
      };
      this.#waiting = {
        outputs: question.outputs ?? [],
        accept: (line) => {
          const found = answer(line);
          if (found !== undefined) settle(() => resolve(found.value));
          return found !== undefined;
        },
        reject: (error) => settle(() => reject(error)),
        powerLost: powerLost && ((anew) => settle(() => resolve(powerLost(anew)))),
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
