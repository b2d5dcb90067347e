/**
 * The border's side on UDP/IPv6: one socket a device and port, bound to the device's own address,
 * and one a group and port while somebody on the mesh listens; the kernel reports those groups by
 * MLDv2. What is sent to a group is not looped back to this computer.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { toHex } from "../../modules/bytes/hex.js";
import type { Passing } from "../../modules/lowpan/border.js";
import { formatIpv6, parseIpv6 } from "../installation/address.js";
import { BorderError } from "./error.js";

export interface OutsideConfig {
  readonly link: string;
  readonly ports: readonly number[];
  readonly onDatagram: (passing: Passing) => void;
  readonly onFault: (text: string) => void;
}

export class Outside {
  readonly #config: OutsideConfig;
  /** By address and port. */
  readonly #devices = new Map<string, Socket>();
  /** By group. */
  readonly #groups = new Map<string, Socket[]>();
  /** From ports nobody named, or refused by the kernel. */
  unsent = 0;

  constructor(config: OutsideConfig) {
    this.#config = config;
  }

  /** The addresses have to be this computer's by now. Throws BorderError. */
  async open(devices: readonly Uint8Array[]): Promise<void> {
    const { ports, link } = this.#config;
    for (const address of devices) {
      for (const port of ports) {
        const socket = await this.#bound(address, port);
        socket.setMulticastInterface(`::%${link}`);
        socket.setMulticastLoopback(false);
        this.#devices.set(name(address, port), socket);
      }
    }
  }

  /** From now on what is sent to `group` is heard here. */
  async listen(group: Uint8Array): Promise<void> {
    const key = toHex(group);
    if (this.#groups.has(key)) return;
    const sockets: Socket[] = [];
    this.#groups.set(key, sockets);
    const { ports, link, onFault } = this.#config;
    for (const port of ports) {
      try {
        const socket = await this.#bound(group, port);
        // Nobody listens any more.
        if (this.#groups.get(key) !== sockets) return void socket.close();
        socket.addMembership(formatIpv6(group), `::%${link}`);
        sockets.push(socket);
      } catch (error) {
        onFault(error instanceof Error ? error.message : String(error));
      }
    }
  }

  ignore(group: Uint8Array): void {
    const key = toHex(group);
    for (const socket of this.#groups.get(key) ?? []) socket.close();
    this.#groups.delete(key);
  }

  /** A datagram of a device. */
  send({ from, to, bytes, hopLimit }: Passing & { readonly hopLimit: number }): void {
    const socket = this.#devices.get(name(from.address, from.port));
    if (socket === undefined) {
      this.unsent += 1;
      return;
    }
    if (to.address[0] === 0xff) socket.setMulticastTTL(hopLimit);
    else socket.setTTL(hopLimit);
    socket.send(bytes, to.port, formatIpv6(to.address), (error) => {
      if (error !== null) this.unsent += 1;
    });
  }

  close(): void {
    for (const socket of this.#devices.values()) socket.close();
    for (const sockets of this.#groups.values()) for (const socket of sockets) socket.close();
    this.#devices.clear();
    this.#groups.clear();
  }

  #bound(address: Uint8Array, port: number): Promise<Socket> {
    const { onDatagram, onFault, link } = this.#config;
    const socket = createSocket({
      type: "udp6",
      ipv6Only: true,
      // Only addresses come here; asked for at once, or a hop limit would be the next datagram's.
      lookup: (host, _options, done) => done(null, host, 6),
    });
    const text = formatIpv6(address);
    socket.on("message", (bytes: Buffer, { address: sender, port: fromPort }: RemoteInfo) => {
      // With a zone it is link-local, and stays outside.
      const from = parseIpv6(sender);
      if (from === undefined) return;
      const to = { address, port };
      onDatagram({ from: { address: from, port: fromPort }, to, bytes: Uint8Array.from(bytes) });
    });
    return new Promise((resolve, reject) => {
      const refused = (error: NodeJS.ErrnoException) => {
        const fix =
          error.code === "EADDRINUSE"
            ? "another border runs here; stop it"
            : `see ip -6 address show dev ${link}`;
        reject(new BorderError(`cannot listen on [${text}]:${port}: ${error.message}; ${fix}`));
      };
      socket.once("error", refused);
      socket.bind(port, text, () => {
        socket.off("error", refused);
        socket.on("error", (error) => onFault(`[${text}]:${port}: ${error.message}`));
        resolve(socket);
      });
    });
  }
}

function name(address: Uint8Array, port: number): string {
  return `${toHex(address)} ${port}`;
}
