/** UDP over IPv6, as modules/ports has it, on Node. */
import { createSocket, type Socket, type SocketOptions } from "node:dgram";
import { toHex } from "../../modules/bytes/hex.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { formatIpv6, parseIpv6 } from "../installation/address.js";
import { Fault, UsageError } from "./fault.js";

/** What a thousand peers send while a commit is waited for. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;
const NAMES_MAX = 8192;

/** Addresses are addresses: the resolver, with a turn of the loop for each, is left out. */
const lookup: NonNullable<SocketOptions["lookup"]> = (address, _options, done) => {
  done(null, address, 6);
};

/** A port of this computer; link-local peers are answered over the interface they came by. */
export class UdpPort {
  onDatagram: ((from: Endpoint, bytes: Uint8Array) => void) | undefined;
  readonly #socket: Socket;
  /** Addresses as bytes, by their text, and their text with a zone, by bytes. */
  readonly #bytes = new Map<string, Uint8Array>();
  readonly #zoned = new Map<string, string>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (message, { address, port }) => {
      const from = this.#parsed(address);
      if (from !== undefined) this.onDatagram?.({ address: from, port }, new Uint8Array(message));
    });
    // A peer that is gone is told by silence, as everywhere else.
    socket.on("error", () => {});
  }

  /** Throws a Fault when the port is taken or the address is nobody's here. */
  static async bind({ address, port }: { address: string; port: number }): Promise<UdpPort> {
    const socket = createSocket({ type: "udp6", ipv6Only: true, lookup });
    await new Promise<void>((resolve, reject) => {
      socket.once("error", (error: NodeJS.ErrnoException) => {
        const isTaken = error.code === "EADDRINUSE";
        const what = isTaken ? "is taken; say another: --listen" : `does not work (${error.code})`;
        reject(new Fault(`[${address}]:${port} ${what}`));
      });
      socket.bind({ address, port }, () => {
        socket.removeAllListeners("error");
        resolve();
      });
    });
    try {
      socket.setRecvBufferSize(RECEIVE_BUFFER);
    } catch {
      // Less has to do.
    }
    return new UdpPort(socket);
  }

  /** "[::1]:5684" */
  get at(): string {
    const { address, port } = this.#socket.address();
    return `[${address}]:${port}`;
  }

  send({ address, port }: Endpoint, bytes: Uint8Array): boolean {
    const text = this.#zoned.get(toHex(address)) ?? formatIpv6(address);
    this.#socket.send(bytes, port, text, () => {});
    return true;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  #parsed(text: string): Uint8Array | undefined {
    const known = this.#bytes.get(text);
    if (known !== undefined) return known;
    const [plain, zone] = text.split("%");
    const bytes = parseIpv6(plain);
    if (bytes === undefined) return undefined;
    if (this.#bytes.size >= NAMES_MAX) {
      this.#bytes.clear();
      this.#zoned.clear();
    }
    this.#bytes.set(text, bytes);
    if (zone !== undefined) this.#zoned.set(toHex(bytes), text);
    return bytes;
  }
}

/** "[fd00::1]:5684". Throws a UsageError that names the option. */
export function parseAt(option: string, text: string): { address: string; port: number } {
  const [, address, digits] = /^\[([0-9a-fA-F:]+)\]:(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (address === undefined || parseIpv6(address) === undefined || port > 65535) {
    throw new UsageError(`--${option}: ${text} is no [ADDRESS]:PORT; say [::]:5684 for example`);
  }
  return { address, port };
}

export function endpointOf(option: string, text: string): Endpoint {
  const { address, port } = parseAt(option, text);
  return { address: parseIpv6(address) as Uint8Array, port };
}
