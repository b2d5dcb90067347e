/** The unix socket the device processes connect to, and who is who among them. */
import { createServer, type Server, type Socket } from "node:net";
import { MediumError } from "./error.js";
import type { DeviceProcess } from "./process.js";
import { LINE_CHARACTERS_MAX, parseLine } from "./protocol.js";

/** struct sockaddr_un holds 108 bytes, the final zero included (unix(7)). */
const SOCKET_PATH_BYTES_MAX = 107;

export class Hub {
  readonly path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** By EUI-64 in hex. */
  readonly #expected = new Map<string, DeviceProcess>();

  private constructor(path: string) {
    this.path = path;
    this.#server = createServer((socket) => this.#meet(socket));
  }

  /** The folder of `path` must be private to this user: whoever reaches the socket is believed. */
  static listen(path: string): Promise<Hub> {
    if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
      const why = `${path} is too long for a unix socket; set TMPDIR to a shorter folder`;
      return Promise.reject(new MediumError(why));
    }
    const hub = new Hub(path);
    return new Promise((resolve, reject) => {
      hub.#server.once("error", reject);
      hub.#server.listen(path, () => resolve(hub));
    });
  }

  /** The next process that says hello with this EUI-64 is `process`. */
  expect(eui64: string, process: DeviceProcess): void {
    this.#expected.set(eui64, process);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #meet(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let process: DeviceProcess | undefined;
    onLines(socket, (line) => {
      process ??= this.#identify(socket, line);
      if (process === undefined) socket.destroy();
      else process.receive(line);
    });
  }

  #identify(socket: Socket, line: string): DeviceProcess | undefined {
    const hello = readHello(line);
    if (hello === undefined) return undefined;
    const process = this.#expected.get(hello);
    this.#expected.delete(hello);
    process?.attach(socket);
    return process;
  }
}

function readHello(line: string): string | undefined {
  try {
    const hello = parseLine(line);
    return hello.kind === "hello" ? hello.eui64 : undefined;
  } catch {
    return undefined;
  }
}

/** Whole lines without their ends. A line beyond all reason closes the socket. */
function onLines(socket: Socket, take: (line: string) => void): void {
  let rest = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() as string;
    for (const line of lines) take(line);
    if (rest.length > LINE_CHARACTERS_MAX) socket.destroy();
  });
}
