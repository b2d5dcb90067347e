/**
 * DTLS handshakes with a pre-shared key, both ends in one process and nothing lost: what each end
 * computes. Random bytes are made up, so that two runs do the same.
 */
import { DtlsEndpoint, type DtlsEvents, type DtlsOptions } from "../../modules/dtls/endpoint.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { StillClock } from "./board.js";

const KEY_BYTES = 16;

export interface HandshakeEngine {
  readonly crypto: Crypto;
  nowMicros(): number;
  collect(): void;
}

/** Microseconds of each handshake, by end. */
export interface HandshakeTimes {
  readonly client: number[];
  readonly server: number[];
}

export function handshakes(engine: HandshakeEngine, count: number): HandshakeTimes {
  const times: HandshakeTimes = { client: [], server: [] };
  for (let round = 0; round < count; round++) {
    const pair = new Pair(engine, round);
    engine.collect();
    pair.open();
    times.client.push(pair.client.micros);
    times.server.push(pair.server.micros);
  }
  return times;
}

/** What each end hears in one handshake, in order. */
export interface Heard {
  readonly client: readonly Uint8Array[];
  readonly server: readonly Uint8Array[];
}

export function heardInOne(engine: HandshakeEngine): Heard {
  const pair = new Pair(engine);
  pair.open();
  return { client: pair.client.heard, server: pair.server.heard };
}

/**
 * One end alone, that hears what it would of the other; `engine` has to compute as the one that
 * heard it did.
 */
export function alone(engine: HandshakeEngine, side: keyof Heard, heard: readonly Uint8Array[]) {
  const pair = new Pair(engine);
  const [end, other] = side === "client" ? [pair.client, pair.server] : [pair.server, pair.client];
  return () => {
    if (side === "client") pair.connect();
    for (const bytes of heard) end.dtls.receive(other.address, bytes);
    if (!end.isOpen) throw new Error("the handshake failed");
  };
}

/** A client and a server that do not know each other yet. */
export class Pair {
  readonly client: End;
  readonly server: End;

  constructor(engine: HandshakeEngine, seed = 0) {
    const key = new Uint8Array(KEY_BYTES).fill(7);
    this.client = new End(engine, 1, seed, {});
    this.server = new End(engine, 2, seed, { server: { psk: () => key.slice() } });
  }

  connect(): void {
    const psk = { identity: Uint8Array.of(1, 2, 3, 4), key: new Uint8Array(KEY_BYTES).fill(7) };
    this.client.dtls.connect(this.server.address, { credentials: { psk } });
  }

  /** Throws an Error unless both ends come to be open. */
  open(): void {
    const { client, server } = this;
    client.timed(() => this.connect());
    while (client.out.length + server.out.length > 0) {
      server.take(client);
      client.take(server);
    }
    if (!client.isOpen || !server.isOpen) throw new Error("the handshake failed");
  }
}

class End {
  readonly address: Endpoint;
  readonly dtls: DtlsEndpoint;
  isOpen = false;
  micros = 0;
  out: Uint8Array[] = [];
  readonly heard: Uint8Array[] = [];
  readonly #now: () => number;

  constructor(engine: HandshakeEngine, number: number, seed: number, options: DtlsOptions) {
    this.#now = () => engine.nowMicros();
    this.address = { address: new Uint8Array(16).fill(number), port: 5684 };
    const random = new Counter(number * 100_000 + seed);
    const events: DtlsEvents = {
      send: (_, bytes) => void this.out.push(bytes),
      opened: () => {
        this.isOpen = true;
      },
      data: () => {},
      closed: () => {},
    };
    const parts = { clock: new StillClock(), random, crypto: engine.crypto };
    this.dtls = new DtlsEndpoint(parts, options, events);
  }

  timed(act: () => void): void {
    const begin = this.#now();
    act();
    this.micros += this.#now() - begin;
  }

  /** All that `from` has sent. */
  take(from: End): void {
    const arrived = from.out;
    from.out = [];
    this.heard.push(...arrived);
    for (const bytes of arrived) this.timed(() => this.dtls.receive(from.address, bytes));
  }
}

/** Differs each time; that is all a handshake with itself needs. */
class Counter {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      this.#state = (Math.imul(this.#state, 1103515245) + 12345) & 0x7fffffff;
      bytes[i] = this.#state >> 16;
    }
  }
}
