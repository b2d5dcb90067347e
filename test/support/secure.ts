/** Secure channels on a network that a test owns: what is lost, late or twice is its to say. */
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { NobleP256 } from "../../modules/crypto/noble-p256.js";
import type { Endpoint } from "../../modules/ports/datagram.js";
import { type DtlsChannelOptions, DtlsChannels } from "../../modules/secure/dtls.js";
import type {
  Answered,
  Asker,
  SecureRequest,
  SecureResponse,
} from "../../modules/secure/request.js";
import { TestClock } from "./clock.js";
import { addressOf } from "./dtls.js";
import { SeededRandom } from "./random.js";

export interface Flying {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly bytes: Uint8Array;
}

/** Whatever takes datagrams of one address. */
export interface Taker {
  readonly address: Endpoint;
  take(flying: Flying): void;
}

export class Wire {
  readonly clock = new TestClock();
  readonly sent: Flying[] = [];
  readonly takers: Taker[] = [];
  /** What arrives in place of a datagram; `delayMicros` from now. */
  fate: (flying: Flying, index: number) => readonly number[] = () => [0];

  send(flying: Flying): void {
    const copy = { ...flying, bytes: flying.bytes.slice() };
    this.sent.push(copy);
    for (const delay of this.fate(copy, this.sent.length - 1)) {
      this.clock.after(delay + 1000, () => this.deliver(copy));
    }
  }

  deliver(flying: Flying): void {
    const { address, port } = flying.to;
    const taker = this.takers.find((one) => {
      return one.address.port === port && one.address.address[15] === address[15];
    });
    taker?.take({ ...flying, bytes: flying.bytes.slice() });
  }

  /** Lets so many seconds go by. */
  pass(seconds = 1): void {
    this.clock.advance(seconds * 1_000_000);
  }
}

/** One end of DTLS channels: what it was asked, and what it drops. */
export class SecureEnd implements Taker {
  readonly address: Endpoint;
  readonly requests: SecureRequest[] = [];
  readonly drops: string[] = [];
  readonly opened: Asker[] = [];
  readonly closed: Asker[] = [];
  readonly channels: DtlsChannels;
  /** What it says to a request. */
  answer: (request: SecureRequest) => SecureResponse | Promise<SecureResponse> = () => ({
    code: 68,
  });

  constructor(wire: Wire, number: number, options: DtlsChannelOptions, seed = number) {
    this.address = addressOf(number);
    const parts = {
      clock: wire.clock,
      random: new SeededRandom(seed),
      crypto: new TsCrypto(undefined, new NobleP256()),
      send: (to: Endpoint, bytes: Uint8Array) => wire.send({ from: this.address, to, bytes }),
      handler: (request: SecureRequest) => {
        this.requests.push(request);
        return this.answer(request);
      },
      dropped: (_: Endpoint, reason: string) => this.drops.push(reason),
      opened: (asker: Asker) => this.opened.push(asker),
      closed: (asker: Asker) => this.closed.push(asker),
    };
    this.channels = new DtlsChannels(parts, options);
    wire.takers.push(this);
  }

  take({ from, bytes }: Flying): void {
    this.channels.receive(from, bytes);
  }
}

/** A promise that a synchronous test can keep: `then` is told at once, or when it is given. */
export class Promised<T> {
  #value: T | undefined = undefined;
  #failed = false;
  readonly #waiting: { yes: (value: T) => unknown; no: (why: unknown) => unknown }[] = [];

  give(value: T): void {
    this.#value = value;
    for (const { yes } of this.#waiting.splice(0)) yes(value);
  }

  fail(): void {
    this.#failed = true;
    for (const { no } of this.#waiting.splice(0)) no(undefined);
  }

  // biome-ignore lint/suspicious/noThenProperty: that is what it stands in for
  then<Y>(yes: (value: T) => Y, no: (why: unknown) => Y): Promised<Y> {
    const next = new Promised<Y>();
    const told = {
      yes: (value: T) => next.give(yes(value)),
      no: (why: unknown) => next.give(no(why)),
    };
    if (this.#value !== undefined) told.yes(this.#value);
    else if (this.#failed) told.no(undefined);
    else this.#waiting.push(told);
    return next;
  }

  /** As the code under test knows it. */
  get promise(): Promise<T> {
    return this as unknown as Promise<T>;
  }
}

/** What asking came to. */
export class Told {
  readonly answers: Answered[] = [];
  readonly done = (answered: Answered): void => {
    this.answers.push(answered);
  };

  /** Codes, or why there was none. */
  get words(): (number | string)[] {
    return this.answers.map((one) => (one.ok ? one.response.code : one.why));
  }
}
