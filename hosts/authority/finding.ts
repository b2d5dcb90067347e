/**
 * Fresh devices of one network that are open now (modules/commission/fresh.ts): asked by link-local
 * multicast, then spoken to over DTLS, from one socket. What they answer in the clear proves
 * nothing.
 */
import { createSocket, type Socket } from "node:dgram";
import { fromUtf8, utf8 } from "../../modules/bytes/utf8.js";
import { emitMessage, NON, type Option, parseMessage } from "../../modules/coap/message.js";
import { addOption, addPath, GET, URI_QUERY } from "../../modules/coap/options.js";
import type { ClientCredentials } from "../../modules/dtls/credentials.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { ROLE_NAMES } from "../../modules/ports/role.js";
import { DtlsChannels } from "../../modules/secure/dtls.js";
import type { Answered, Ask } from "../../modules/secure/request.js";
import { formatIpv6, parseIpv6 } from "../installation/address.js";
import { type Authority, random } from "./authority.js";
import { NodeClock } from "./clock.js";

const PLAIN_PORT = 5683;
const SECURE_PORT = 5684;
/** RFC 7252 §12.8: All CoAP Nodes, link-local. */
const ALL_COAP_NODES = "ff02::fd";
const QUERY = "rt=lumicast.fresh";
const TOKEN_BYTES = 4;
/** Lost datagrams are asked for again. */
const AGAIN_MS = 1200;
const LINK =
  /^<\/join>;rt="lumicast\.fresh";ep="([0-9a-f]{16})";n="(\d{1,4})";role="([a-z]{1,16})"$/;
/** Somebody who answers in a hundred names keeps nobody out: the person sees them all. */
const FOUND_MAX = 256;
/** Who was never answered a proof learns that soon; XS takes a while to compute. */
const TIMES = {
  firstMicros: 1_500_000,
  longestMicros: 3_000_000,
  retransmissions: 4,
} as const;

export interface Found {
  readonly eui64: string;
  /** Labels it has used; what it says. */
  readonly n: number;
  /** ports/role.ts */
  readonly role: (typeof ROLE_NAMES)[number];
  readonly at: Uint8Array;
}

export class Finder {
  readonly #socket: Socket;
  readonly #network: string;
  readonly #clock = new NodeClock();
  readonly #channels: DtlsChannels;
  readonly #found = new Map<string, Found>();
  readonly #token = new Uint8Array(TOKEN_BYTES);
  /** What is shown to whom is asked next. */
  #credentials: ClientCredentials | undefined;
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
      { client: () => this.#credentials, times: TIMES },
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
    this.#socket.close();
  }

  /** Who answers within `ms`; at once when `isEnough` says so. */
  async find(ms: number, isEnough: (found: Found) => boolean): Promise<Found[]> {
    this.#found.clear();
    const until = Date.now() + ms;
    let nextMs = 0;
    while (Date.now() < until) {
      if (Date.now() >= nextMs) {
        this.#discover();
        nextMs = Date.now() + AGAIN_MS;
      }
      if ([...this.#found.values()].some(isEnough)) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return [...this.#found.values()];
  }

  /** One question to a device that was found, under a connection with these credentials. */
  ask({ at }: Found, credentials: ClientCredentials, ask: Ask): Promise<Answered> {
    this.#credentials = credentials;
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
    const options: Option[] = [];
    addPath(options, "/.well-known/core");
    addOption(options, URI_QUERY, utf8(QUERY));
    const bytes = emitMessage({
      type: NON,
      code: GET,
      mid: this.#mid++,
      token: this.#token,
      options,
      payload: undefined,
    });
    this.#socket.send(bytes, PLAIN_PORT, `${ALL_COAP_NODES}%${this.#network}`, () => {});
  }

  #answered(at: Uint8Array, bytes: Uint8Array): void {
    const parsed = parseMessage(bytes);
    if (!parsed.ok) return;
    const { token, payload } = parsed.value;
    if (!Buffer.from(token).equals(this.#token)) return;
    const [, eui64, n, name] = LINK.exec(fromUtf8(payload ?? new Uint8Array(0)) ?? "") ?? [];
    const role = ROLE_NAMES.find((one) => one === name);
    if (role === undefined || this.#found.size >= FOUND_MAX) return;
    this.#found.set(`${eui64} ${formatIpv6(at)}`, { eui64, n: Number(n), role, at });
  }
}
