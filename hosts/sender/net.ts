/**
 * UDP/IPv6 of a sender on a computer: CoAP from its own port, where reports of lamps are bound to,
 * DTLS from any free one, so that an authority may run on the same computer. It is in no multicast
 * group: it talks, and is answered by unicast.
 */
import { createSocket, type Socket } from "node:dgram";
import { networkInterfaces } from "node:os";
import type { Clock } from "../../modules/ports/clock.js";
import type { Datagram, DatagramPort, Endpoint } from "../../modules/ports/datagram.js";
import { Fault } from "../authority/fault.js";
import { endpointOf } from "../authority/net.js";
import { formatIpv6, parseIpv6 } from "../installation/address.js";

const COAP_PORT = 5683;
const SECURE_PORT = 5684;
/** Routers between floors; a link has none. */
const HOPS = 8;

export class SenderNet implements DatagramPort {
  readonly address: Uint8Array;
  /** What it is called here: "eth0". */
  readonly network: string;
  onDatagram: ((datagram: Datagram) => void) | undefined = undefined;
  readonly #clock: Clock;
  readonly #sockets = new Map<number, Socket>();
  readonly #heard = new Set<string>();

  private constructor(clock: Clock, own: { address: string; network: string }) {
    this.#clock = clock;
    this.address = parseIpv6(own.address) as Uint8Array;
    this.network = own.network;
  }

  /**
   * On the interface that is named, or the one that leads to `towards`. Throws a Fault that says
   * what is in the way.
   */
  static async open(
    clock: Clock,
    { network, towards, port }: { network?: string | undefined; towards: string; port: number },
  ): Promise<SenderNet> {
    const own = network === undefined ? await leadingTo(towards) : named(network);
    const net = new SenderNet(clock, own);
    try {
      for (const one of new Set([COAP_PORT, port])) await net.#listen(one, one, own);
      await net.#listen(SECURE_PORT, 0, own);
    } catch (error) {
      net.close();
      throw error;
    }
    return net;
  }

  /** Whether anything came from there. */
  hasHeard({ address, port }: Endpoint): boolean {
    return this.#heard.has(`${formatIpv6(address)} ${port}`);
  }

  join(): boolean {
    return true;
  }

  leave(): void {}

  send({ to, fromPort, bytes }: { to: Endpoint; fromPort: number; bytes: Uint8Array }): boolean {
    const socket = this.#sockets.get(fromPort) ?? this.#sockets.get(COAP_PORT);
    // A copy: the device writes its next datagram in the same place.
    socket?.send(bytes.slice(), to.port, formatIpv6(to.address), () => {});
    return socket !== undefined;
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  /** `port` is what the device knows it as, `bound` where it is. */
  async #listen(port: number, bound: number, own: { address: string; network: string }) {
    const socket = createSocket({ type: "udp6", reuseAddr: bound !== 0, ipv6Only: true });
    this.#sockets.set(port, socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("error", (error: NodeJS.ErrnoException) => {
        const isTaken = error.code === "EADDRINUSE";
        const why = isTaken ? "another CoAP program has it; stop that one" : error.code;
        reject(new Fault(`UDP port ${bound} of ${own.address}: ${why}`));
      });
      socket.bind(bound, own.address, () => {
        socket.removeAllListeners("error");
        resolve();
      });
    });
    socket.on("error", () => {});
    socket.setMulticastInterface(`::%${own.network}`);
    socket.setMulticastTTL(HOPS);
    const to = { address: this.address, port };
    socket.on("message", (message, { address, port: fromPort }) => {
      const from = parseIpv6(address.split("%")[0]);
      if (from === undefined) return;
      this.#heard.add(`${formatIpv6(from)} ${fromPort}`);
      const bytes = new Uint8Array(message);
      const atMicros = this.#clock.micros();
      this.onDatagram?.({ from: { address: from, port: fromPort }, to, bytes, atMicros });
    });
  }
}

function interfaces(): { address: string; network: string }[] {
  return Object.entries(networkInterfaces()).flatMap(([network, entries = []]) => {
    const sixes = entries.filter(({ family }) => family === "IPv6");
    // Others than link-local first: they need no zone.
    sixes.sort((a, b) => Number(isLocal(a.address)) - Number(isLocal(b.address)));
    return sixes.map(({ address }) => ({ address, network }));
  });
}

function isLocal(address: string): boolean {
  return address.startsWith("fe80");
}

function named(network: string): { address: string; network: string } {
  const found = interfaces().find((one) => one.network === network && !isLocal(one.address));
  if (found !== undefined) return found;
  const names = [...new Set(interfaces().map((one) => one.network))].join(", ") || "none";
  throw new Fault(
    `--interface: ${network} has no IPv6 address but a link-local one; there are ${names}`,
  );
}

/** What the system would send from: nothing is sent. */
async function leadingTo(towards: string): Promise<{ address: string; network: string }> {
  const { address, port } = endpointOf("at", towards);
  const socket = createSocket("udp6");
  const own = await new Promise<string | undefined>((resolve) => {
    socket.once("error", () => resolve(undefined));
    socket.connect(port, formatIpv6(address), () => resolve(socket.address().address));
  });
  socket.close();
  const found = interfaces().find((one) => one.address === own?.split("%")[0]);
  if (found !== undefined) return found;
  throw new Fault(`no network leads to ${towards}; connect to it, or say which: --interface NAME`);
}
