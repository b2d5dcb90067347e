/**
 * CoAP with one peer whose messages are proven: requests of his to the handler, requests of ours
 * and their answers, whichever way the messages are protected.
 *
 *   heard    duplicates, acknowledgements (coap/endpoint.ts) -> open -> handler, or whoever asked
 *   ask      blocks (coap/transfer.ts) -> one exchange each -> protect -> confirmable
 *
 * Rejected: one messaging layer for all peers of a port. Message ids are a session's own (RFC 7252
 * §9.1.1), and in common tables one peer could crowd out the others.
 *
 * One request of ours at a time is under way, with all its blocks: two bodies for one resource
 * would be mixed up (RFC 9175 §3.1), and NSTART is 1 anyway. A handler that has to wait for a
 * ledger is acknowledged for after a second, so that nobody asks again, and its answer goes out as
 * a message of its own (RFC 7252 §5.2.2).
 */
import { drop, type Outcome, ok } from "../bytes/outcome.js";
import { utf8 } from "../bytes/utf8.js";
import type { BodyLimits } from "../coap/block.js";
import { Endpoint, type EndpointLimits, type Request, suppresses } from "../coap/endpoint.js";
import { type Exchange, type ExchangeLimits, Exchanges } from "../coap/exchange.js";
import { CON, type Inner, type MessageType, type Option } from "../coap/message.js";
import {
  ACCEPT,
  addOption,
  addUint,
  CONTENT_FORMAT,
  ECHO,
  find,
  findTexts,
  findUint,
  INTERNAL_SERVER_ERROR,
  isRequest,
  LOCATION_PATH,
  NO_RESPONSE,
  SERVICE_UNAVAILABLE,
  UNAUTHORIZED,
  URI_PATH,
  URI_QUERY,
} from "../coap/options.js";
import { MAX_TRANSMIT_WAIT_MICROS } from "../coap/times.js";
import { Transfer } from "../coap/transfer.js";
import type { Clock, Timer } from "../ports/clock.js";
import type { DatagramPort } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import type {
  Answered,
  Ask,
  Asker,
  AskFailure,
  SecureHandler,
  SecureResponse,
  Told,
} from "./request.js";
import { peer, Service } from "./serve.js";

export interface ConversationLimits extends EndpointLimits, ExchangeLimits, BodyLimits {
  /** Requests of ours, the one under way included. */
  readonly asksMax: number;
  /** Requests of his that are not answered yet. */
  readonly pendingMax: number;
}

/** Of each peer. */
export const CONVERSATION_LIMITS: ConversationLimits = Object.freeze({
  peersMax: 1,
  outstandingMax: 4,
  remembersMax: 16,
  replyBytesMax: 2560,
  repliesMax: 1,
  exchangesMax: 1,
  answersMax: 1,
  bodiesMax: 1,
  bodyBytesMax: 4096,
  // Of 512 bytes.
  szxMax: 5,
  asksMax: 4,
  pendingMax: 2,
});

/** Before ACK_TIMEOUT ends. */
const ACKNOWLEDGE_MICROS = 1_000_000;

export type Header = { type: MessageType; mid: number; token: Uint8Array };

/** How messages are protected, and sent; `B` ties an answer to its request. */
export interface Protection<B> {
  /** A request of ours; undefined when it cannot be made. */
  request(header: Header, inner: Inner): { bytes: Uint8Array; bound: B } | undefined;
  /** The one answer to a request. */
  response(header: Header, inner: Inner, bound: B): Uint8Array | undefined;
  send(bytes: Uint8Array): boolean;
}

/** What a message says, and what its answer is bound to. */
export interface Content<B> {
  readonly inner: Inner;
  readonly bound: B;
}

/** A message's outside, and what opens it. */
export interface Heard<B> {
  readonly header: Request;
  /** An answer is opened against what was asked. Marks what it opened as seen. */
  readonly open: (asked: B | undefined) => Outcome<Content<B>>;
}

export interface ConversationParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Undefined: whatever is asked is not found. */
  readonly handler: SecureHandler | undefined;
  readonly limits?: ConversationLimits;
}

interface Asked<B> {
  bound: B | undefined;
}

/** A request of ours with all its blocks. */
interface Asking {
  readonly transfer: Transfer;
  readonly done: Told;
  /** RFC 9175 §2.3: what he wants to see again, once. */
  echo: Uint8Array | undefined;
}

/** A request of his whose answer is being made. */
interface Pending<B> {
  readonly header: Request;
  readonly bound: B;
  readonly noResponse: number | undefined;
  timer: Timer | undefined;
  isAcknowledged: boolean;
}

const DONE: Outcome<true> = ok(true);

export class Conversation<B> {
  readonly asker: Asker;
  readonly #clock: Clock;
  readonly #limits: ConversationLimits;
  readonly #protection: Protection<B>;
  readonly #endpoint: Endpoint;
  readonly #exchanges: Exchanges<Asked<B>, Inner>;
  readonly #service: Service;
  readonly #peer = peer();
  /** The first one is under way. */
  readonly #asks: Asking[] = [];
  #underWay: { readonly exchange: Exchange<Asked<B>>; mid: number | undefined } | undefined;
  readonly #pending: Pending<B>[] = [];

  constructor(parts: ConversationParts, asker: Asker, protection: Protection<B>) {
    const limits = parts.limits ?? CONVERSATION_LIMITS;
    const { address, port } = this.#peer;
    const net: DatagramPort = {
      address,
      join: () => false,
      leave: () => undefined,
      send: ({ bytes }) => protection.send(bytes),
      onDatagram: undefined,
    };
    this.asker = asker;
    this.#clock = parts.clock;
    this.#limits = limits;
    this.#protection = protection;
    this.#endpoint = new Endpoint({ ...parts, net, port, limits });
    this.#exchanges = new Exchanges({ ...parts, limits });
    this.#service = new Service({ ...parts, limits, asker });
  }

  /** Whether anything is under way, either way. */
  get isBusy(): boolean {
    return this.#asks.length + this.#pending.length > 0 || this.#service.holds;
  }

  /** Whether this is the token of a request of ours. */
  awaits(token: Uint8Array): boolean {
    return this.#exchanges.match(token, 0, token.length, this.#peer).ok;
  }

  /** A message of the peer's; why it had no effect. */
  heard({ header, open }: Heard<B>): Outcome<true> {
    const verdict = this.#endpoint.check(header, this.#peer);
    if (verdict === "duplicate") return drop("duplicate");
    if (verdict === "done") return DONE;
    if (!isRequest(header.code)) return this.#answered(header, open);
    const opened = open(undefined);
    if (!opened.ok) return opened;
    this.#endpoint.remember(header, this.#peer);
    this.#serve(header, opened.value);
    return DONE;
  }

  /** Asks; `done` is told once, never from within. False, and not told, when too many wait. */
  ask(ask: Ask, done: Told): boolean {
    const { bodyBytesMax, szxMax: szx, asksMax } = this.#limits;
    if (this.#asks.length >= asksMax) return false; // check: asks-max
    const transfer = new Transfer(innerOf(ask), { bodyBytesMax, szx });
    this.#asks.push({ transfer, done, echo: undefined });
    if (this.#asks.length === 1) this.#clock.after(0, () => this.#begin());
    return true;
  }

  /** Ends it: whoever asked is told why, nothing is kept, no timer set. */
  stop(why: AskFailure = "closed"): void {
    this.#endpoint.stop();
    this.#exchanges.stop();
    this.#service.stop();
    for (const one of this.#pending.slice()) this.#settle(one);
    for (const { done } of this.#asks.splice(0)) done({ ok: false, why }, this.asker);
  }

  /** The next message of the request that is first. */
  #begin(): void {
    const [asking] = this.#asks;
    if (asking === undefined) return;
    const asked: Asked<B> = { bound: undefined };
    const exchange = this.#exchanges.open({
      binding: asked,
      many: false,
      waitMicros: MAX_TRANSMIT_WAIT_MICROS,
      onAnswer: (inner) => this.#goOn(asking, inner),
      onDone: (answers) => {
        if (answers === 0) this.#fail("timeout");
      },
    });
    if (exchange === undefined) {
      this.#fail("busy");
      return;
    }
    const { token } = exchange;
    this.#underWay = { exchange, mid: undefined };
    this.#underWay.mid = this.#endpoint.send({
      to: this.#peer,
      confirmable: true,
      make: ({ type, mid }) => {
        const inner = withEcho(asking.transfer.next(), asking.echo);
        const made = this.#protection.request({ type, mid, token }, inner);
        asked.bound = made?.bound;
        return made?.bytes;
      },
      onFailed: (failure) => this.#fail(failure === "unmade" ? "closed" : failure),
    });
    if (this.#underWay.mid === undefined) this.#fail("busy");
  }

  /** An answer, verified: to a block, or to the whole. */
  #goOn(asking: Asking, inner: Inner): void {
    this.#rest();
    const echo = inner.code === UNAUTHORIZED ? find(inner.options, ECHO) : undefined;
    if (echo !== undefined && asking.echo === undefined) {
      asking.echo = echo.slice();
      this.#begin();
      return;
    }
    const whole = asking.transfer.answered(inner);
    if (whole === undefined) this.#begin();
    else if (whole.ok) this.#finish({ ok: true, response: responseOf(whole.value) });
    else this.#fail(whole.drop === "overflow" ? "overflow" : "malformed");
  }

  #fail(why: AskFailure): void {
    this.#rest();
    this.#finish({ ok: false, why });
  }

  /** The request that is first is done; the next one begins. */
  #finish(answered: Answered): void {
    const asking = this.#asks.shift();
    if (this.#asks.length > 0) this.#clock.after(0, () => this.#begin());
    asking?.done(answered, this.asker);
  }

  /** Nothing of ours is under way. */
  #rest(): void {
    const underWay = this.#underWay;
    if (underWay === undefined) return;
    this.#underWay = undefined;
    this.#exchanges.close(underWay.exchange);
    if (underWay.mid !== undefined) this.#endpoint.settle(this.#peer, underWay.mid);
  }

  #answered(header: Request, open: Heard<B>["open"]): Outcome<true> {
    const { token, type } = header;
    const found = this.#exchanges.match(token, 0, token.length, this.#peer);
    if (!found.ok) {
      // RFC 7252 §4.2: or he says it again and again.
      if (type === CON) this.#endpoint.reject(header, { from: this.#peer, to: this.#peer });
      return found;
    }
    const opened = open(found.value.binding.bound);
    if (!opened.ok) return opened;
    if (type === CON) {
      this.#endpoint.remember(header, this.#peer);
      this.#endpoint.acknowledge(header, this.#peer);
    }
    return this.#exchanges.answered(found.value, this.#peer, opened.value.inner);
  }

  #serve(header: Request, { inner, bound }: Content<B>): void {
    const noResponse = findUint(inner.options, NO_RESPONSE);
    const pending: Pending<B> = {
      header,
      bound,
      noResponse,
      timer: undefined,
      isAcknowledged: false,
    };
    const isFull = this.#pending.length >= this.#limits.pendingMax;
    let answers: () => Inner | Promise<Inner> = () => this.#service.answer(inner);
    if (isFull) answers = () => bare(SERVICE_UNAVAILABLE); // check: pending-max
    const answer = answers();
    if (!("then" in answer)) {
      this.#say(pending, answer);
      return;
    }
    this.#pending.push(pending);
    pending.timer = this.#clock.after(ACKNOWLEDGE_MICROS, () => {
      pending.timer = undefined;
      pending.isAcknowledged = header.type === CON;
      this.#endpoint.acknowledge(header, this.#peer);
    });
    const then = (late: Inner) => {
      if (this.#settle(pending)) this.#say(pending, late);
    };
    answer.then(then, () => then(bare(INTERNAL_SERVER_ERROR)));
  }

  /** False when nobody waits for it any more. */
  #settle(pending: Pending<B>): boolean {
    const at = this.#pending.indexOf(pending);
    if (at < 0) return false;
    this.#pending.splice(at, 1);
    if (pending.timer !== undefined) this.#clock.cancel(pending.timer);
    pending.timer = undefined;
    return true;
  }

  #say({ header, bound, noResponse, isAcknowledged }: Pending<B>, answer: Inner): void {
    if (suppresses(noResponse, answer.code)) {
      if (!isAcknowledged) this.#endpoint.acknowledge(header, this.#peer);
      return;
    }
    const make = (own: { type: MessageType; mid: number }) =>
      this.#protection.response({ ...own, token: header.token }, answer, bound);
    if (isAcknowledged) this.#endpoint.send({ to: this.#peer, confirmable: true, make });
    else this.#endpoint.reply({ request: header, from: this.#peer, make });
  }
}

function bare(code: number): Inner {
  return { code, options: [], payload: undefined };
}

function innerOf({ method, path, query = [], format, accept, payload }: Ask): Inner {
  const options: Option[] = [];
  for (const segment of path) addOption(options, URI_PATH, utf8(segment));
  for (const part of query) addOption(options, URI_QUERY, utf8(part));
  if (format !== undefined) addUint(options, CONTENT_FORMAT, format);
  if (accept !== undefined) addUint(options, ACCEPT, accept);
  return { code: method, options, payload: payload?.length === 0 ? undefined : payload };
}

function withEcho(inner: Inner, echo: Uint8Array | undefined): Inner {
  if (echo === undefined) return inner;
  const options = [...inner.options];
  addOption(options, ECHO, echo);
  return { ...inner, options };
}

function responseOf({ code, options, payload }: Inner): SecureResponse {
  const format = findUint(options, CONTENT_FORMAT);
  const location = findTexts(options, LOCATION_PATH) ?? [];
  return {
    code,
    ...(format === undefined ? {} : { format }),
    ...(payload === undefined ? {} : { payload }),
    ...(location.length === 0 ? {} : { location }),
  };
}
