/**
 * A sender shows its AT-R to whoever has to know its rights (draft-somaraju §3.3, §3.5): by unicast
 * alone, so it has to find them first. Discovery is what anybody may do by multicast; whoever
 * answers is sent the token, three at a time.
 *
 * Answers are in the clear: anybody says that he is a lamp, a hundred times and from addresses that
 * nobody has. So it is chance who is next, not who was first; each is tried for a short time; and
 * who took the token before goes first.
 *
 * Again after a quarter of a minute, one, two, ten, and then every six hours: for lamps that get
 * power at the same moment, were off, or came later. Who has the token already says the same and
 * writes nothing. While there are more answers than places the pause does not grow.
 */
import { equalBytes } from "../bytes/equal.js";
import { isMulticast } from "../coap/addresses.js";
import { upTo } from "../coap/chance.js";
import { emitMessage, type Message, NON, type Option } from "../coap/message.js";
import { addPath, CONTENT, CREATED, GET, POST } from "../coap/options.js";
import type { AppGroup } from "../groups/directory.js";
import { ownToken } from "../groups/tokens.js";
import type { Timer } from "../ports/clock.js";
import type { Endpoint } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import { LIMITS } from "./limits.js";
import type { Parts } from "./parts.js";

const COAP_PORT = 5683;
const TOKEN_BYTES = 4;
const SECOND = 1_000_000;
const PAUSES_SECONDS = Object.freeze([15, 60, 120, 600, 6 * 3600]);

/** Answers come within the leisure (RFC 7252 §8.2). */
const GATHER_MICROS = 10 * SECOND;
/** At once; the table of peers has one place more. */
const TRIES_MAX = 3;
/** For two transmissions (RFC 7252 §4.2) and an answer to the second. */
const TRY_MICROS = 5 * SECOND;
/** Addresses that are shown the token in one round. */
const FOUND_MAX = 2 * LIMITS.answersMax;

/** A receiver that answered, and what he is to be shown. */
interface Receiver {
  readonly at: Endpoint;
  readonly shown: Uint8Array;
}

/** A token on its way. */
interface Try {
  readonly at: Endpoint;
  /** CoAP's. */
  readonly token: Uint8Array;
}

export class Presenting {
  readonly #device: Parts;
  readonly #random: Random;
  #round = 0;
  #timer: Timer | undefined = undefined;
  #gathering: Timer | undefined = undefined;
  /** Tokens (CoAP's) of the questions of this round, and what those who answer are shown. */
  #questions: { readonly token: Uint8Array; readonly shown: Uint8Array }[] = [];
  /** Addresses that answered in this round and were or will be shown the token. */
  #found: Uint8Array[] = [];
  /** Those that nobody knows yet, and how many there were. */
  #pool: Receiver[] = [];
  #seen = 0;
  /** Those that are next. */
  #first: Receiver[] = [];
  readonly #tries: Try[] = [];
  /** Addresses that took a token. */
  readonly #known: Uint8Array[] = [];

  constructor(device: Parts, random: Random) {
    this.#device = device;
    this.#random = random;
  }

  /** There is a token to be shown, perhaps a new one. */
  begin(): void {
    this.#round = 0;
    this.#next();
  }

  /** Whether it is an answer to a question of ours; then it was taken. */
  heard(message: Message, from: Endpoint): boolean {
    if (message.code === CREATED) this.#taken(message, from);
    const question = this.#questions.find(({ token }) => equalBytes(token, message.token));
    if (question === undefined) return false;
    const { address } = from;
    const isFound = isIn(this.#found, address) || this.#found.length >= FOUND_MAX;
    if (isFound || message.code !== CONTENT) return true; // check: presenting-once
    const at = { address: address.slice(), port: from.port };
    const receiver = { at, shown: question.shown };
    if (isIn(this.#known, address)) this.#first.push(receiver);
    else if (!this.#enter(receiver)) return true;
    this.#found.push(at.address);
    this.#send();
    return true;
  }

  /** Each that answers has the same chance of a place, however early (Vitter's algorithm R). */
  #enter(receiver: Receiver): boolean {
    this.#seen++;
    if (this.#pool.length < LIMITS.answersMax) {
      this.#pool.push(receiver);
      return true;
    }
    const place = upTo(this.#random, this.#seen - 1);
    if (place >= this.#pool.length) return false; // check: presenting-chance
    const { at } = this.#pool[place];
    this.#found.splice(this.#found.indexOf(at.address), 1);
    this.#pool[place] = receiver;
    return true;
  }

  /** Anybody may say so; he gains a place before others, no more. */
  #taken({ token }: Message, { address }: Endpoint): void {
    const isOurs = this.#tries.some((one) => {
      return equalBytes(one.token, token) && equalBytes(one.at.address, address);
    });
    if (!isOurs || isIn(this.#known, address)) return;
    const isFull = this.#known.length >= LIMITS.answersMax;
    const place = isFull ? upTo(this.#random, this.#known.length - 1) : this.#known.length;
    this.#known[place] = address.slice();
  }

  #next(): void {
    const { clock, groups, role, store } = this.#device;
    if (this.#timer !== undefined) clock.cancel(this.#timer);
    if (this.#gathering !== undefined) clock.cancel(this.#gathering);
    const isFlooded = this.#seen > LIMITS.answersMax;
    this.#questions = [];
    this.#found = [];
    this.#pool = [];
    this.#seen = 0;
    this.#first = [];
    const { targets = [] } = role;
    let isAny = false;
    for (const appGroup of groups.directory.appGroups()) {
      const { address } = appGroup;
      const isPair = !isMulticast(address);
      const shown =
        isPair || targets.includes(appGroup.id) ? ownToken(store, appGroup.security.id) : undefined;
      if (shown === undefined) continue;
      isAny = true;
      // Where the other one of two is, the installation says.
      if (isPair) this.#first.push({ at: { address, port: COAP_PORT }, shown });
      else this.#ask(appGroup, shown);
    }
    this.#send();
    if (!isAny) return;
    this.#gathering = clock.after(GATHER_MICROS, () => {
      this.#questions = [];
    });
    if (isFlooded && this.#round > 1) this.#round--;
    const pause = PAUSES_SECONDS[Math.min(this.#round++, PAUSES_SECONDS.length - 1)];
    this.#timer = clock.after(pause * SECOND, () => this.#next());
  }

  #ask({ address }: AppGroup, shown: Uint8Array): void {
    const { endpoint, net } = this.#device;
    const token = new Uint8Array(TOKEN_BYTES);
    this.#random.fill(token);
    this.#questions.push({ token, shown });
    const options: Option[] = [];
    addPath(options, "/.well-known/core");
    const head = { type: NON, code: GET, mid: endpoint.nextMid(), token } as const;
    const bytes = emitMessage({ ...head, options, payload: undefined });
    net.send({ to: { address, port: COAP_PORT }, fromPort: COAP_PORT, bytes });
  }

  #send(): void {
    while (this.#tries.length < TRIES_MAX) {
      const receiver = this.#first.shift() ?? this.#draw();
      if (receiver === undefined) return;
      if (this.#show(receiver)) continue;
      // The table of peers is full; it goes on when one of ours is through.
      this.#first.unshift(receiver);
      return;
    }
  }

  #draw(): Receiver | undefined {
    const { length } = this.#pool;
    if (length === 0) return undefined;
    const [drawn] = this.#pool.splice(upTo(this.#random, length - 1), 1);
    return drawn;
  }

  #show({ at, shown: payload }: Receiver): boolean {
    const { endpoint, clock } = this.#device;
    const options: Option[] = [];
    addPath(options, "/authz-info");
    const token = new Uint8Array(TOKEN_BYTES);
    this.#random.fill(token);
    const one = { at, token };
    const over = () => {
      clock.cancel(timer);
      this.#tries.splice(this.#tries.indexOf(one), 1);
      this.#send();
    };
    const mid = endpoint.send({
      to: at,
      confirmable: true,
      make: (header) => emitMessage({ ...header, code: POST, token, options, payload }),
      onAcked: over,
      onFailed: over,
    });
    if (mid === undefined) return false;
    this.#tries.push(one);
    const timer = clock.after(TRY_MICROS, () => {
      endpoint.settle(at, mid);
      over();
    });
    return true;
  }
}

function isIn(addresses: readonly Uint8Array[], address: Uint8Array): boolean {
  return addresses.some((one) => equalBytes(one, address));
}
