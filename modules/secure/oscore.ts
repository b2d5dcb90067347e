/**
 * Secure channels under contexts of two (RFC 8613), all those of one UDP port: the CoAP message
 * itself is outside, what it says inside.
 *
 *   const channels = new OscoreChannels(parts, { store, recipients });
 *   channels.add({ context, index: 0, at });
 *   port.onDatagram = (datagram) => channels.receive(datagram);
 *
 * A context's own number and its window lie in the store under `index`. Without the record of the
 * number nothing is sent (oscore/sequence.ts); `install` makes it, once in the life of a context.
 * The peer is where his newest genuine request came from.
 */
import { concat } from "../bytes/concat.js";
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import { Id64 } from "../bytes/id64.js";
import { type Drop, drop, type Outcome, ok } from "../bytes/outcome.js";
import { uintBytes } from "../bytes/uint.js";
import { utf8 } from "../bytes/utf8.js";
import type { Request } from "../coap/endpoint.js";
import type { Inner } from "../coap/message.js";
import { isRequest, isResponse } from "../coap/options.js";
import { Workspace } from "../oscore/aad.js";
import { OscoreOption } from "../oscore/option.js";
import { Outer } from "../oscore/outer.js";
import type { PairContext } from "../oscore/pair-context.js";
import type { Recipients } from "../oscore/recipients.js";
import { Sequence, type SequenceStore } from "../oscore/sequence.js";
import type { Clock } from "../ports/clock.js";
import type { Crypto } from "../ports/crypto.js";
import type { Datagram, Endpoint } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import { oscore } from "../profiles/oscore.js";
import type { Arrival, RequestBinding } from "../profiles/profile.js";
import {
  type Content,
  Conversation,
  type ConversationLimits,
  type Header,
} from "./conversation.js";
import type { Ask, SecureHandler, Told } from "./request.js";

export interface OscoreChannelParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Pick<Crypto, "sha256">;
  readonly send: (to: Endpoint, datagram: Uint8Array) => boolean;
  readonly handler: SecureHandler | undefined;
  readonly store: SequenceStore;
  readonly recipients: Recipients;
  readonly limits?: ConversationLimits;
}

export interface OscorePeer {
  readonly context: PairContext;
  /** Names number and window in the store, in place of a group key's. */
  readonly index: number;
  /** Undefined: he has to ask first. */
  readonly at?: Endpoint;
}

interface Line {
  readonly context: PairContext;
  readonly index: number;
  readonly sequence: Sequence;
  readonly conversation: Conversation<RequestBinding>;
  at: Endpoint | undefined;
}

/** One member, no group. */
const NO_GROUP = Object.freeze({ id: 0 });
const PIV_WINDOW = oscore.window;

export class OscoreChannels {
  readonly #parts: OscoreChannelParts;
  readonly #lines: Line[] = [];
  readonly #outer = new Outer();
  readonly #option = new OscoreOption();
  readonly #work = new Workspace();

  constructor(parts: OscoreChannelParts) {
    this.#parts = parts;
  }

  /** The record of a new context's own number; false when there is one, or flash refuses. */
  static install(store: SequenceStore, index: number): boolean {
    return Sequence.create(store, 0, index + 1);
  }

  /**
   * Takes up a context. Throws RangeError where another is with a peer of the same id, whatever
   * their ID Contexts: who asks would be two.
   */
  add({ context, index, at }: OscorePeer): void {
    const { peerId } = context;
    const isTaken = this.#lines.some((line) => equalBytes(line.context.peerId, peerId));
    if (isTaken) throw new RangeError(`two contexts with ${toHex(peerId)}`); // check: oscore-peer
    const sequence = new Sequence(this.#parts.store, index + 1);
    const asker = { by: "oscore", id: oscoreId(this.#parts.crypto, peerId) } as const;
    const conversation = new Conversation<RequestBinding>(this.#parts, asker, {
      request: (header, inner) => this.#sealRequest(line, header, inner),
      response: (header, inner, bound) => this.#seal(line, header, inner, bound, undefined),
      send: (bytes) => line.at !== undefined && this.#parts.send(line.at, bytes),
    });
    const line: Line = { context, index, sequence, conversation, at: at && copyOf(at) };
    this.#lines.push(line);
  }

  /** Asks the peer of a context, by `oscoreId`; false where it is none, or too much waits. */
  ask(id: string, ask: Ask, done: Told): boolean {
    const line = this.#lines.find(({ conversation }) => conversation.asker.id === id);
    return line?.at !== undefined && line.conversation.ask(ask, done);
  }

  /** Takes a datagram of the port, whatever it is; why it had no effect. */
  receive({ from, to, bytes }: Pick<Datagram, "from" | "to" | "bytes">): Outcome<true> {
    const outer = this.#outer;
    if (!outer.scan(bytes)) return drop("malformed");
    const { type, code, mid, tokenLength } = outer;
    const token = bytes.slice(4, 4 + tokenLength);
    const header = { type, code, mid, token };
    if (code === 0) return this.#heardEmpty(from, header);
    const option = this.#option;
    const arrival: Arrival = { outer, option, to };
    const isAnswer = isResponse(code);
    if (!oscore.identify(arrival, isAnswer ? "response" : "request")) return drop("malformed");
    const line = isAnswer ? this.#lineAsked(from, token) : this.#lineNamed(bytes);
    if (line === undefined) return drop(isAnswer ? "unsolicited" : "unknownKey");
    return line.conversation.heard({
      header,
      open: (asked) =>
        isAnswer ? this.#openAnswer(line, arrival, asked) : this.#open(line, arrival, from),
    });
  }

  /** Two seconds went by without a datagram: bounds in flash are made exact. */
  idle(): void {
    this.#parts.recipients.idle();
  }

  stop(): void {
    for (const { conversation } of this.#lines.splice(0)) conversation.stop();
  }

  /** Acknowledgements and Resets of nobody in particular: in the clear, for anybody to forge. */
  #heardEmpty(from: Endpoint, header: Request): Outcome<true> {
    const content: Outcome<Content<RequestBinding>> = drop("malformed");
    for (const { at, conversation } of this.#lines) {
      if (at !== undefined && isSame(at, from)) {
        conversation.heard({ header, open: () => content });
      }
    }
    return ok(true);
  }

  #lineAsked(from: Endpoint, token: Uint8Array): Line | undefined {
    return this.#lines.find(({ at, conversation }) => {
      return at !== undefined && isSame(at, from) && conversation.awaits(token);
    });
  }

  #lineNamed(bytes: Uint8Array): Line | undefined {
    const { kidStart, kidLength, contextStart, contextLength } = this.#option;
    const kid = bytes.subarray(kidStart, kidStart + kidLength);
    return this.#lineOf(kid, bytes.subarray(contextStart, contextStart + contextLength));
  }

  /** RFC 8613 §5.2: an ID Context may be left out of requests. */
  #lineOf(peerId: Uint8Array, keyId: Uint8Array): Line | undefined {
    return this.#lines.find(({ context }) => {
      if (!equalBytes(context.peerId, peerId)) return false;
      return keyId.length === 0 || equalBytes(context.keyId, keyId);
    });
  }

  /** Check, open, mark (ARCHITECTURE.md decision 4). */
  #open(line: Line, arrival: Arrival, from: Endpoint): Outcome<Content<RequestBinding>> {
    const { context, index } = line;
    const { recipients } = this.#parts;
    const { outer, option } = arrival;
    const { sequence, kidStart, kidLength, pivStart, pivLength } = option;
    const id = new Id64().read(outer.bytes, kidStart, kidLength);
    const row = recipients.find(index, id);
    const reason = row < 0 ? undefined : whyNot(recipients, row, sequence);
    if (reason !== undefined) return drop(reason);
    const opened = this.#openInner(context, arrival, undefined);
    if (!opened.ok) return opened;
    if (!isRequest(opened.value.code)) return drop("malformed");
    const kid = outer.bytes.slice(kidStart, kidStart + kidLength);
    const piv = outer.bytes.slice(pivStart, pivStart + pivLength);
    const newcomer = { bytes: kid, start: 0, length: kidLength, sequence };
    const isMarked =
      row < 0 ? recipients.admit(index, newcomer) >= 0 : recipients.mark(row, sequence);
    if (!isMarked) return drop("storeFailed"); // check: oscore-line-durable
    line.at = copyOf(from);
    return ok({ inner: opened.value, bound: { kid, piv } });
  }

  #openAnswer(
    { context }: Line,
    arrival: Arrival,
    asked: RequestBinding | undefined,
  ): Outcome<Content<RequestBinding>> {
    if (asked === undefined) return drop("unsolicited");
    const opened = this.#openInner(context, arrival, asked);
    if (!opened.ok) return opened;
    if (!isResponse(opened.value.code)) return drop("malformed");
    return ok({ inner: opened.value, bound: asked });
  }

  #openInner(
    context: PairContext,
    arrival: Arrival,
    request: RequestBinding | undefined,
  ): Outcome<Inner> {
    return oscore.open(context, arrival, { appGroup: NO_GROUP, request, work: this.#work });
  }

  #sealRequest(line: Line, header: Header, inner: Inner) {
    const number = line.sequence.next();
    if (number === undefined) return undefined;
    const piv = uintBytes(number);
    const bytes = this.#seal(line, header, inner, undefined, piv);
    return bytes && { bytes, bound: { kid: line.context.own.id, piv } };
  }

  /** The one answer to a request uses its number (RFC 8613 §5.2). */
  #seal(
    { context, at }: Line,
    header: Header,
    inner: Inner,
    request: RequestBinding | undefined,
    piv: Uint8Array | undefined,
  ): Uint8Array | undefined {
    if (at === undefined) return undefined;
    const common = { header, inner, clear: [], appGroup: NO_GROUP, to: at };
    return oscore.seal(context, { ...common, sender: context.own.id, piv, request }, this.#work);
  }
}

/**
 * As whom an OSCORE peer asks: never as one of DTLS, whose identities are bytes of any kind, nor by
 * chance, as ids of contexts are short.
 */
export function oscoreId(crypto: Pick<Crypto, "sha256">, peerId: Uint8Array): string {
  return toHex(crypto.sha256(concat(utf8("oscore peer "), peerId)));
}

function whyNot(recipients: Recipients, row: number, sequence: number): Drop | undefined {
  const below = recipients.highest(row) - sequence;
  if (below >= PIV_WINDOW) return "replayed"; // check: oscore-line-window
  if (!recipients.isFresh(row, sequence)) return "replayed"; // check: oscore-line-fresh
  return undefined;
}

function copyOf({ address, port }: Endpoint): Endpoint {
  return { address: address.slice(), port };
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && equalBytes(a.address, b.address);
}
