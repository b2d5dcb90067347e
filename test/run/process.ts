import { type ChildProcess, spawn } from "node:child_process";
import { ROOT } from "../../hosts/root.js";

export interface Finished {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly timedOut: boolean;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

const running = new Set<ChildProcess>();

/** Runs a program to its end, at most `limitSeconds`; its input is empty. `env` is added. */
export function runProcess(
  command: string,
  args: readonly string[],
  options: { limitSeconds: number; env?: Readonly<Record<string, string>> },
): Promise<Finished> {
  return new Promise((resolve) => {
    // node --test leaves a mark that makes tests below it report to it and not to us.
    const env = { ...process.env, ...options.env, NODE_TEST_CONTEXT: undefined };
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let output = "";
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, options.limitSeconds * 1000);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        // A runaway's chatter must not eat the memory of the machine; its end tells enough.
        output = output.length < 4e6 ? output + text : output.slice(-1e6) + text;
      });
    }
    const end = (code: number | undefined) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code, timedOut, output });
    };
    child.once("error", (error) => {
      output += `cannot run ${command}: ${error.message}\n`;
      end(undefined);
    });
    child.once("close", (code) => end(code ?? undefined));
  });
}

/** Passes a signal on to whatever runs and resolves when all of it has ended, or after 5 s. */
export async function stopAll(signal: NodeJS.Signals): Promise<void> {
  const ends = [...running].map(
    (child) => new Promise<void>((resolve) => child.once("close", () => resolve())),
  );
  for (const child of running) child.kill(signal);
  const limit = new Promise<void>((resolve) => setTimeout(resolve, 5000).unref());
  await Promise.race([Promise.all(ends), limit]);
  for (const child of running) child.kill("SIGKILL");
}

/** The end of a long output: what a person needs to see of a failure. */
export function tail(output: string, lines = 60): string {
  const all = output.trimEnd().split("\n");
  return all.length <= lines ? all.join("\n") : ["...", ...all.slice(-lines)].join("\n");
}
