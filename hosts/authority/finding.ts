/**
 * Fresh devices of one network that are open now (modules/commission/fresh.ts): asked by link-local
 * multicast, then spoken to over DTLS, from one socket. What they answer in the clear proves
 * nothing.
 */
import { createSocket, type Socket } from "node:dgram";
import type { ClientCredentials } from "../../modules/dtls/credentials.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { DtlsChannels } from "../../modules/secure/dtls.js";
import type { Answered, Ask } from "../../modules/secure/request.js";
import { formatIpv6, parseIpv6 } from "../installation/address.js";
import { type Authority, random } from "./authority.js";
import { NodeClock } from "./clock.js";
import { ALL_COAP_NODES, discovery, type Found, foundIn, PLAIN_PORT, SECURE_PORT } from "./seek.js";

const TOKEN_BYTES = 4;
const GOODBYE_MS = 50;
/** Lost datagrams are asked for again. */
const AGAIN_MS = 1200;
/** Somebody who answers in a hundred names keeps nobody out: the person sees them all. */
const FOUND_MAX = 256;
/** Who was never answered a proof learns that soon; XS takes a while to compute. */
const TIMES = {
  firstMicros: 1_500_000,
  longestMicros: 3_000_000,
  retransmissions: 4,
} as const;

export class Finder {
  readonly #socket: Socket;
  readonly #network: string;
  readonly #clock = new NodeClock();
  readonly #channels: DtlsChannels;
  readonly #found = new Map<string, Found>();
  readonly #token = new Uint8Array(TOKEN_BYTES);
  /** What is shown to whom, by address. */
  readonly #credentials = new Map<string, ClientCredentials>();
  #mid = 0;

  private constructor(authority: Authority, socket: Socket, network: string) {
    this.#socket = socket;
    this.#network = network;
    random.fill(this.#token);
    this.#channels = new DtlsChannels(
      {
        clock: this.#clock,
        random,
        crypto: authority.crypto,
        send: (to, bytes) => this.#send(to, bytes),
        handler: undefined,
      },
      { client: ({ address }) => this.#credentials.get(formatIpv6(address)), times: TIMES },
    );
    // A device that is gone is told by silence.
    socket.on("error", () => {});
    socket.on("message", (message, { address, port }) => {
      const at = parseIpv6(address.split("%")[0]);
      if (at === undefined) return;
      const bytes = new Uint8Array(message);
      if (port === SECURE_PORT) this.#channels.receive({ address: at, port }, bytes);
      else if (port === PLAIN_PORT) this.#answered(at, bytes);
    });
  }

  static async open(authority: Authority, network: string): Promise<Finder> {
    const socket = createSocket({ type: "udp6", ipv6Only: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject).bind(0, () => {
        socket.off("error", reject);
        resolve();
      });
    });
    socket.setMulticastInterface(`::%${network}`);
    return new Finder(authority, socket, network);
  }

  close(): void {
    this.#channels.stop();
    this.#clock.stop();
    // Goodbyes are on their way: who heard one waits for nobody.
    setTimeout(() => this.#socket.close(), GOODBYE_MS);
  }

  /** Who answers within `ms`; at once when `isEnough` says so. Asked again every `againMs`. */
  async find(
    ms: number,
    isEnough: (found: Found) => boolean,
    againMs = AGAIN_MS,
  ): Promise<Found[]> {
    this.#found.clear();
    const until = Date.now() + ms;
    let nextMs = 0;
    while (Date.now() < until) {
      if (Date.now() >= nextMs) {
        this.#discover();
        nextMs = Date.now() + againMs;
      }
      if ([...this.#found.values()].some(isEnough)) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return [...this.#found.values()];
  }

  /** One question to a device that was found, under a connection with these credentials. */
  ask({ at }: Found, credentials: ClientCredentials, ask: Ask): Promise<Answered> {
    this.#credentials.set(formatIpv6(at), credentials);
    return new Promise((resolve) => {
      this.#channels.ask({ address: at, port: SECURE_PORT }, ask, resolve);
    });
  }

  #send({ address, port }: Endpoint, bytes: Uint8Array): void {
    const isLinkLocal = address[0] === 0xfe && (address[1] & 0xc0) === 0x80;
    const zone = isLinkLocal ? `%${this.#network}` : "";
    this.#socket.send(bytes, port, formatIpv6(address) + zone, () => {});
  }

  #discover(): void {
    const bytes = discovery(this.#mid++, this.#token);
    const to = `${formatIpv6(Uint8Array.from(ALL_COAP_NODES))}%${this.#network}`;
    this.#socket.send(bytes, PLAIN_PORT, to, () => {});
  }

  #answered(at: Uint8Array, bytes: Uint8Array): void {
    const found = foundIn(bytes, { at, token: this.#token });
    if (found === undefined || this.#found.size >= FOUND_MAX) return;
    this.#found.set(`${found.eui64} ${formatIpv6(at)}`, found);
  }
}
