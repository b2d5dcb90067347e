/**
 * A network of its own for a test: computers, each with one Ethernet and one IPv6 address, on one
 * bridge, made of Linux's network namespaces by whoever runs the test (`unshare` makes him root in
 * there). Nothing of it reaches the machine's own network, and it ends with the test.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { lacks } from "../support/skip.js";

/** fd00:6c75::/64, the computer's number at the end. */
const PREFIX = "fd00:6c75::";

/** Reads its standard input to the end: lives as long as the test. */
const UNTIL_CLOSED = "echo ready; exec cat >/dev/null";

/** Of a computer that allows none, where there are some. */
const FORBIDDEN = "LUMICAST_NO_NAMESPACES";

/** What keeps a Lan from being made here; false when nothing does. */
export const lacksLan =
  process.env[FORBIDDEN] === "1"
    ? `needs network namespaces, which ${FORBIDDEN} forbids`
    : lacks("network namespaces");

/**
 * node:test's `test` for a suite on a Lan; where there can be none, one skip for the whole suite,
 * with what is done `instead`, and a function that leaves its tests out.
 */
export function testOnLan(
  instead?: string,
): (name: string, options: { skip: string | false }, run: () => Promise<void> | void) => void {
  if (lacksLan === false) return (...given) => void test(...given);
  const skip = instead === undefined ? lacksLan : `${lacksLan}; instead, ${instead}`;
  test("a network of its own for the interop suites", { skip }, () => {});
  return () => {};
}

/** One computer of a Lan. */
export interface Computer {
  /** As text; port 5683 is free on it. */
  readonly address: string;
  /** The command line that runs `words` there. */
  command(...words: readonly string[]): [string, string[]];
}

/** One computer that talks to itself, over `lo`: its own network where that is allowed. */
export class Alone {
  /** As text. */
  readonly address = "::1";
  readonly #namespace: Namespace | undefined;

  private constructor(namespace: Namespace | undefined) {
    this.#namespace = namespace;
  }

  static async start(): Promise<Alone> {
    if (lacksLan !== false) return new Alone(undefined);
    const namespace = await Namespace.make("unshare", ["-r", "-n"]);
    namespace.run("ip", "link", "set", "lo", "up");
    return new Alone(namespace);
  }

  readonly command = (...words: readonly string[]): [string, string[]] =>
    this.#namespace?.enter(words) ?? [words[0], words.slice(1)];

  stop(): void {
    this.#namespace?.stop();
  }
}

export class Lan {
  readonly #hub: Namespace;
  readonly #computers: Namespace[] = [];

  private constructor(hub: Namespace) {
    this.#hub = hub;
  }

  /** A bridge with `count` computers. */
  static async start(count: number): Promise<Lan> {
    const lan = new Lan(await Namespace.make("unshare", ["-r", "-n"]));
    try {
      lan.#hub.run("ip", "link", "set", "lo", "up");
      lan.#hub.run("ip", "link", "add", "name", "bridge", "type", "bridge", "mcast_snooping", "0");
      lan.#hub.run("ip", "link", "set", "bridge", "up");
      for (let number = 1; number <= count; number++) await lan.#add(number);
    } catch (error) {
      lan.stop();
      throw error;
    }
    return lan;
  }

  computer(number: number): Computer {
    const { address } = this;
    const namespace = this.#computers[number - 1];
    return {
      address: address(number),
      command: (...words) => namespace.enter(words),
    };
  }

  /** Where all frames pass, on the interface `bridge`. */
  get hub(): Pick<Computer, "command"> {
    return { command: (...words) => this.#hub.enter(words) };
  }

  readonly address = (number: number): string => `${PREFIX}${number.toString(16)}`;

  stop(): void {
    for (const namespace of [...this.#computers, this.#hub]) namespace.stop();
  }

  async #add(number: number): Promise<void> {
    const [command, args] = this.#hub.enter(["unshare", "-n"]);
    const computer = await Namespace.make(command, args);
    this.#computers.push(computer);
    const port = `port${number}`;
    const peer = ["type", "veth", "peer", "name", "eth0", "netns", `${computer.pid}`];
    this.#hub.run("ip", "link", "add", "name", port, ...peer);
    this.#hub.run("ip", "link", "set", port, "master", "bridge", "up");
    computer.run("ip", "link", "set", "lo", "up");
    // No link-local address: one that is still being checked for duplicates would be in the way.
    computer.run("ip", "link", "set", "eth0", "addrgenmode", "none", "up");
    computer.run("ip", "addr", "add", `${this.address(number)}/64`, "dev", "eth0", "nodad");
  }
}

/** A namespace, kept alive by a process of its own. */
class Namespace {
  readonly #keeper: ChildProcess;

  private constructor(keeper: ChildProcess) {
    this.#keeper = keeper;
  }

  /** `command args` is to run a shell in a new namespace. */
  static async make(command: string, args: readonly string[]): Promise<Namespace> {
    const all = [...args, "sh", "-c", UNTIL_CLOSED];
    const keeper = spawn(command, all, { stdio: ["pipe", "pipe", "inherit"] });
    const [first] = await Promise.race([
      once(keeper.stdout!, "data"),
      once(keeper, "exit").then(() => [""]),
    ]);
    if (!`${first}`.includes("ready")) throw new Error(`${command} makes no namespace`);
    return new Namespace(keeper);
  }

  get pid(): number {
    return this.#keeper.pid!;
  }

  enter(words: readonly string[]): [string, string[]] {
    return ["nsenter", ["--preserve-credentials", "-U", "-n", "-t", `${this.pid}`, ...words]];
  }

  run(...words: string[]): void {
    const [command, args] = this.enter(words);
    const done = spawnSync(command, args, { encoding: "utf8" });
    if (done.status !== 0) throw new Error(`${words.join(" ")}: ${done.stderr}`);
  }

  stop(): void {
    this.#keeper.stdin?.end();
  }
}
