/**
 * The server's side of one request whose asker is proven: options, blocks both ways, and the
 * handler. What a handler says in many bytes is kept until its last block went out: it was made
 * once, and asking again would make another (a token, a key).
 */
import { equalBytes } from "../bytes/equal.js";
import { utf8 } from "../bytes/utf8.js";
import { Agenda } from "../coap/agenda.js";
import { Bodies, type BodyLimits, findBlock, keyOf, slice } from "../coap/block.js";
import type { Inner, Option } from "../coap/message.js";
import {
  ACCEPT,
  addOption,
  addUint,
  BAD_OPTION,
  BAD_REQUEST,
  BLOCK1,
  BLOCK2,
  CONTENT_FORMAT,
  codeClass,
  findTexts,
  findUint,
  INTERNAL_SERVER_ERROR,
  LOCATION_PATH,
  NOT_FOUND,
  REQUEST_ENTITY_INCOMPLETE,
  URI_HOST,
  URI_PATH,
  URI_PORT,
  URI_QUERY,
  unsupportedOption,
} from "../coap/options.js";
import { EXCHANGE_LIFETIME_MICROS } from "../coap/times.js";
import type { Clock } from "../ports/clock.js";
import type { Endpoint } from "../ports/datagram.js";
import type { Asker, SecureHandler, SecureRequest, SecureResponse } from "./request.js";

const UNDERSTOOD = [URI_HOST, URI_PATH, URI_PORT, URI_QUERY, ACCEPT, BLOCK1, BLOCK2];

/** Where the peer of one channel is, to what tells several peers apart. */
export function peer(): Endpoint {
  return { address: new Uint8Array(4), port: 0 };
}

/** An answer of which a block went out. */
interface Held {
  readonly method: number;
  /** What RFC 7959 §2.5 calls the same resource and request. */
  readonly key: Uint8Array;
  readonly response: SecureResponse;
}

/** Of one channel. */
export class Service {
  readonly #limits: BodyLimits;
  readonly #handler: SecureHandler | undefined;
  readonly #asker: Asker;
  readonly #bodies: Bodies;
  /** One: who asks anew wants the former no more. */
  readonly #held: Agenda<Held>;
  readonly #clock: Clock;
  readonly #peer = peer();
  #last: Held | undefined = undefined;

  constructor(parts: {
    clock: Clock;
    limits: BodyLimits;
    asker: Asker;
    handler: SecureHandler | undefined;
  }) {
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#asker = parts.asker;
    this.#handler = parts.handler;
    this.#bodies = new Bodies(parts);
    this.#held = new Agenda(parts.clock, () => this.#keep(undefined));
  }

  /** Whether an answer is kept for its other blocks. */
  get holds(): boolean {
    return this.#last !== undefined;
  }

  /** The answer, in its first block where it has several; later where the handler has to wait. */
  answer(inner: Inner): Inner | Promise<Inner> {
    const unsupported = unsupportedOption(inner.options, UNDERSTOOD);
    if (unsupported !== undefined) return bare(BAD_OPTION); // check: secure-critical
    const key = keyOf(inner.options);
    if (isLaterBlock(inner)) return this.#next(inner, key);
    const taken = this.#bodies.take(inner, { from: this.#peer, sender: 0 });
    if ("code" in taken) return { code: taken.code, options: taken.options, payload: undefined };
    const request = requestOf(this.#asker, taken.whole);
    if (request === undefined) return bare(BAD_REQUEST);
    const handled = this.#handler?.(request) ?? { code: NOT_FOUND };
    const emit = (response: SecureResponse) => {
      const answer = this.#emit({ method: inner.code, key, response }, inner.options);
      if (taken.option !== undefined) addOption(answer.options, BLOCK1, taken.option.value);
      return answer;
    };
    if (!("then" in handled)) return emit(handled);
    return handled.then(emit, () => bare(INTERNAL_SERVER_ERROR));
  }

  stop(): void {
    this.#bodies.stop();
    this.#keep(undefined);
  }

  /** A block behind the first, of the answer that was made last. */
  #next(inner: Inner, key: Uint8Array): Inner {
    const held = this.#last;
    if (held === undefined) return bare(REQUEST_ENTITY_INCOMPLETE);
    const isSame = held.method === inner.code && equalBytes(held.key, key);
    if (!isSame) return bare(REQUEST_ENTITY_INCOMPLETE); // check: secure-held-same
    return this.#emit(held, inner.options);
  }

  #emit(held: Held, asked: readonly Option[]): Inner & { options: Option[] } {
    const { code, format, payload, location = [] } = held.response;
    const answer = bare(code);
    for (const segment of location) addOption(answer.options, LOCATION_PATH, utf8(segment));
    if (format !== undefined) addUint(answer.options, CONTENT_FORMAT, format);
    if (payload === undefined || payload.length === 0) return answer;
    const sliced = codeClass(code) === 2 ? slice(asked, payload, this.#limits.szxMax) : undefined;
    if (sliced === undefined) return { ...answer, payload };
    if (!sliced.ok) return bare(BAD_REQUEST);
    for (const { number, value } of sliced.value.options) addOption(answer.options, number, value);
    this.#keep(isEnd(answer.options) ? undefined : held);
    return { ...answer, payload: sliced.value.payload };
  }

  #keep(held: Held | undefined): void {
    if (this.#last === held) return;
    this.#held.clear();
    this.#last = held;
    if (held !== undefined) this.#held.add(this.#clock.micros() + EXCHANGE_LIFETIME_MICROS, held);
  }
}

function bare(code: number): Inner & { options: Option[] } {
  return { code, options: [], payload: undefined };
}

/** Whether it asks for a block behind an answer's first. */
function isLaterBlock({ options }: Inner): boolean {
  const block = findBlock(options, BLOCK2);
  return block?.ok === true && block.value.number > 0;
}

function isEnd(options: readonly Option[]): boolean {
  const block = findBlock(options, BLOCK2);
  return block?.ok === true && !block.value.more;
}

/** Undefined where a segment is no text. */
function requestOf(from: Asker, inner: Inner): SecureRequest | undefined {
  const { code: method, options, payload = new Uint8Array(0) } = inner;
  const path = findTexts(options, URI_PATH);
  const query = findTexts(options, URI_QUERY);
  if (path === undefined || query === undefined) return undefined;
  const format = findUint(options, CONTENT_FORMAT);
  const accept = findUint(options, ACCEPT);
  const common = { from, method, path, query, format, payload };
  return accept === undefined ? common : { ...common, accept };
}
