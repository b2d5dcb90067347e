/** DTLS endpoints on a network that a test owns: datagrams wait until it lets them go. */
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleP256 } from "../../modules/crypto/noble-p256.js";
import type { Connection, End } from "../../modules/dtls/connection.js";
import { DtlsEndpoint, type DtlsEvents, type DtlsOptions } from "../../modules/dtls/endpoint.js";
import type { Finished } from "../../modules/dtls/handshake.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { TestClock } from "./clock.js";
import { SeededRandom } from "./random.js";

export interface Flying {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly bytes: Uint8Array;
}

/** One end: what it was told, in order. */
export class DtlsPeer {
  readonly address: Endpoint;
  readonly dtls: DtlsEndpoint;
  readonly opened: { connection: Connection; finished: Finished }[] = [];
  readonly data: Uint8Array[] = [];
  readonly ends: End[] = [];
  readonly drops: string[] = [];
  readonly moves: Endpoint[] = [];

  constructor(net: DtlsNet, number: number, options: DtlsOptions, more: Partial<DtlsEvents> = {}) {
    this.address = addressOf(number);
    const { clock } = net;
    // The crypto of a test is as good as its chance.
    const random = new SeededRandom(number);
    const crypto = new TsCrypto(undefined, new NobleP256());
    this.dtls = new DtlsEndpoint({ clock, random, crypto }, options, {
      send: (to, bytes) => net.send({ from: this.address, to, bytes }),
      opened: (connection, finished) => this.opened.push({ connection, finished }),
      data: (_, data) => this.data.push(data),
      closed: (_, end) => this.ends.push(end),
      moved: (_, before) => this.moves.push(before),
      dropped: (_, reason) => this.drops.push(reason),
      ...more,
    });
    net.peers.push(this);
  }

  /** The connection opened last. */
  get connection(): Connection {
    return this.opened[this.opened.length - 1].connection;
  }
}

export class DtlsNet {
  readonly clock = new TestClock();
  readonly peers: DtlsPeer[] = [];
  /** Everything that was sent, in order. */
  readonly sent: Flying[] = [];
  /** What becomes of a datagram: the datagrams that arrive in its place. */
  fate: (flying: Flying, index: number) => readonly Flying[] = (flying) => [flying];
  readonly #waiting: Flying[] = [];

  send(flying: Flying): void {
    this.sent.push(flying);
    this.#waiting.push(...this.fate(flying, this.sent.length - 1));
  }

  /** Delivers until nothing is under way; throws when that never happens. */
  settle(): void {
    for (let count = 0; this.#waiting.length > 0; count++) {
      if (count > 10000) throw new Error("the network does not come to rest");
      this.deliver(this.#waiting.shift() as Flying);
    }
  }

  deliver({ from, to, bytes }: Flying): void {
    const peer = this.peers.find(({ address }) => address.port === to.port);
    peer?.dtls.receive(from, bytes.slice());
  }

  /** Lets time go by in steps, delivering after each. */
  pass(micros: number, steps = 1): void {
    for (let step = 0; step < steps; step++) {
      this.clock.advance(micros);
      this.settle();
    }
  }
}

export function addressOf(number: number): Endpoint {
  const address = new Uint8Array(16);
  address[0] = 0xfd;
  address[15] = number;
  return { address, port: 20000 + number };
}
