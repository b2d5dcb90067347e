/**
 * A device that is nobody's yet: it waits for a press, lets itself be found and joined while its
 * window is open (window.ts), and is silent otherwise.
 *
 *   press          window opens
 *   5683, plain    GET /.well-known/core?rt=lumicast.fresh: here I am, and which label is next
 *   5684, DTLS     the label's secret (label.ts), or a press alone where the factory allows that
 *     GET /join    who it is
 *     PUT /idn     blink for so many seconds: is this the one?
 *     POST /join   the blob it is to live by (joined.ts); 2.04 once it is in flash, then it
 *                  starts anew as that device
 *
 * Rejected: to answer failures. Whoever guesses learns nothing but that the window went, and who
 * comes while it is closed cannot tell this device from an empty socket.
 */

import type { Level } from "../access/level.js";
import { equalBytes } from "../bytes/equal.js";
import { toHex } from "../bytes/hex.js";
import { fromUtf8, utf8 } from "../bytes/utf8.js";
import { type Cbor, encode } from "../cbor/encode.js";
import { isMulticast } from "../coap/addresses.js";
import { Endpoint as Messaging } from "../coap/endpoint.js";
import { linkFormat } from "../coap/linkformat.js";
import { emitMessage, type Option, parseMessage } from "../coap/message.js";
import {
  addUint,
  BAD_REQUEST,
  CBOR,
  CHANGED,
  CONFLICT,
  CONTENT,
  CONTENT_FORMAT,
  findTexts,
  GET,
  LINK_FORMAT,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  POST,
  PUT,
  SERVICE_UNAVAILABLE,
  TEXT_PLAIN,
  URI_PATH,
  URI_QUERY,
} from "../coap/options.js";
import type { Board } from "../ports/board.js";
import type { Datagram, DatagramPort, Endpoint } from "../ports/datagram.js";
import { ROLE_NAMES } from "../ports/role.js";
import type { TraceEvent } from "../ports/trace.js";
import { DtlsChannels, nameOf } from "../secure/dtls.js";
import type { SecureRequest, SecureResponse } from "../secure/request.js";
import type { Store } from "../store/store.js";
import type { Factory } from "./factory.js";
import type { Gesture } from "./gestures.js";
import { TABLE } from "./gestures.js";
import { type JoinProof, keepJoined, levelBy } from "./joined.js";
import { joinKey } from "./label.js";
import type { PatternName } from "./patterns.js";
import { type Closing, Window } from "./window.js";

/** RFC 7252 §6.1, §6.2. */
const PLAIN_PORT = 5683;
const SECURE_PORT = 5684;
/** RFC 7252 §12.8: All CoAP Nodes, link-local. */
const ALL_COAP_NODES = Object.freeze([0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfd]);
/** Those with an open window are few. */
const LEISURE_MICROS = 2_000_000;
/** Anybody can ask in the clear, in another's name: so often in a window. */
const ANSWERS_MAX = 60;
/** The answer, and one repetition of it, go out before. */
const RESTART_MICROS = 1_000_000;
const IDENTIFY_SECONDS_MAX = 3600;
const MICROS = 1_000_000;

const MESSAGING_LIMITS = Object.freeze({
  peersMax: 1,
  outstandingMax: 1,
  remembersMax: 4,
  replyBytesMax: 256,
  repliesMax: 4,
});
/** The joiner, the one who comes between, and one that is closing. */
const DTLS_LIMITS = Object.freeze({
  connections: 3,
  handshakes: 2,
  messageBytes: 1024,
  transcriptBytes: 2048,
});
/** RFC 7925 §11, as of a device that was joined. */
const FLIGHT_TIMES = Object.freeze({
  firstMicros: 3_000_000,
  longestMicros: 30_000_000,
  retransmissions: 4,
  spreadMicros: 1_000_000,
});
/** While a person looks which lamp blinks. */
const IDLE_MICROS = 60_000_000;

export interface FreshParts extends Pick<Board, "clock" | "random" | "crypto" | "trace" | "log"> {
  readonly net: DatagramPort;
  readonly store: Store;
  readonly factory: Factory;
  /** For a person. */
  readonly firmware: string;
  /** Why this device cannot live by a blob, or must not; undefined: it can. */
  readonly faultIn: (blob: Uint8Array, levelMax: Level) => string | undefined;
  readonly show: (pattern: PatternName) => void;
  readonly restart: (why: string) => void;
  /** Makes this switch the authority of a room; undefined, or why not. */
  readonly found?: () => string | undefined;
}

/** What there is of it while the window is open. */
interface Opening {
  readonly messaging: Messaging;
  readonly dtls: DtlsChannels;
  answersLeft: number;
}

export class Fresh {
  readonly window: Window;
  readonly #parts: FreshParts;
  readonly #link: string;
  #opening: Opening | undefined = undefined;
  /** Who has shown a proof in this window. */
  #joiner: Endpoint | undefined = undefined;
  #isJoined = false;

  constructor(parts: FreshParts) {
    const { clock, net, factory } = parts;
    this.#parts = parts;
    const role = ROLE_NAMES[factory.role - 1];
    const place = `ep="${toHex(factory.eui64)}";n="${factory.n}";role="${role}"`;
    this.#link = `rt="lumicast.fresh";${place}`;
    this.window = new Window(clock);
    this.window.onChange = (why) => this.#changed(why);
    net.join(Uint8Array.from(ALL_COAP_NODES));
    net.onDatagram = (datagram) => this.receive(datagram);
    parts.show("fresh");
  }

  /** What a hand says; other gestures than the window's are none of ours. */
  gesture(gesture: Gesture | "released"): void {
    if (gesture === "released" || this.#isJoined) return;
    const { role } = this.#parts.factory;
    const state = !this.window.isOpen ? "fresh" : this.#joiner === undefined ? "open" : "joining";
    const action = TABLE[ROLE_NAMES[role - 1]][state][gesture];
    if (action === "openWindow" || action === "closeWindow") this.window.press();
    else if (action === "standalone") this.#begins();
  }

  /** A room of its own, from the next start on. */
  #begins(): void {
    const { found, log, clock, restart, show } = this.#parts;
    const why = found === undefined ? "this build has no such thing" : found();
    log(why === undefined ? "room: founded; hold 5 s, press a lamp" : `room: not founded: ${why}`);
    if (why !== undefined) return;
    this.#isJoined = true;
    show("joining");
    clock.after(RESTART_MICROS, () => restart("founded"));
  }

  receive({ from, to, bytes }: Datagram): void {
    const { trace } = this.#parts;
    const isSecure = to.port === SECURE_PORT;
    // Whoever has joined it may ask again for the answer that got lost.
    const isOver = this.#isJoined && isSecure && this.#isJoiner(from);
    const isHeard = this.window.isOpen || isOver;
    if (!isHeard) trace.count("windowClosed");
    if (!isHeard) return; // check: fresh-closed
    const opening = this.#opening;
    if (opening === undefined) return;
    if (!isSecure) trace.count(this.#discover(opening, { from, to, bytes }));
    else if (isMulticast(to.address)) trace.count("notForUs");
    else opening.dtls.receive(from, bytes);
  }

  #isJoiner({ address, port }: Endpoint): boolean {
    const joiner = this.#joiner;
    return joiner?.port === port && equalBytes(joiner.address, address);
  }

  #changed(why: Closing | undefined): void {
    const { log, show } = this.#parts;
    log(why === undefined ? "fresh: may be joined" : `fresh: may not be joined (${why})`);
    this.#joiner = why === "joined" ? this.#joiner : undefined;
    if (why === "joined") return;
    show(why === undefined ? "open" : "fresh");
    this.#close();
    if (why === undefined) this.#opening = this.#open();
  }

  /** Nothing of one window is left for the next: cookies, handshakes, answers that wait. */
  #close(): void {
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening === undefined) return;
    opening.messaging.stop();
    opening.dtls.leave(() => true);
  }

  #open(): Opening {
    const { clock, random, crypto, net, factory } = this.#parts;
    const { rawKey, trustOnPress } = factory;
    const own =
      trustOnPress && rawKey !== undefined ? crypto.p256?.keyPair(rawKey.slice()) : undefined;
    const messaging = new Messaging({
      ...{ clock, random, net, port: PLAIN_PORT },
      ...{ limits: MESSAGING_LIMITS, leisureMicros: LEISURE_MICROS },
    });
    const dtls: DtlsChannels = new DtlsChannels(
      {
        ...{ clock, random, crypto },
        send: (to, bytes) => void net.send({ to, fromPort: SECURE_PORT, bytes }),
        handler: (request) => this.#handle(request),
        dropped: (_from, reason) => {
          if (reason === "forged") this.#guessed(dtls);
        },
        opened: (_asker, at) => this.#opened(at),
        closed: (_asker, at) => this.#left(at),
      },
      {
        server: {
          psk: (identity) => this.#pskOf(identity),
          ...(own && { own: { key: own, chain: [] }, trust: { rawKey: () => true } }),
        },
        ...{ dtls: DTLS_LIMITS, times: FLIGHT_TIMES, idleMicros: IDLE_MICROS },
      },
    );
    return { messaging, dtls, answersLeft: ANSWERS_MAX };
  }

  /** A handshake is one guess: whoever made it has to begin another. */
  #guessed(dtls: DtlsChannels): void {
    this.#parts.trace.count("forged");
    this.window.failed();
    dtls.leave(() => false); // check: fresh-one-guess
  }

  /** Of the label that is next, and of no other. */
  #pskOf(identity: Uint8Array): Uint8Array | undefined {
    const { crypto, factory } = this.#parts;
    const { eui64, label, n } = factory;
    if (label === undefined) return undefined;
    const ours = joinKey(crypto, { eui64, label, n });
    return equalBytes(identity, ours.identity) ? ours.key : undefined;
  }

  #opened(at: Endpoint): void {
    if (!this.window.admits(toHex(nameOf(at)))) return; // check: fresh-race
    this.#joiner = { address: at.address.slice(), port: at.port };
    this.#parts.log("fresh: is being joined");
    this.#parts.show("joining");
  }

  /** Its window stays its own: somebody else in it would still be a race. */
  #left(at: Endpoint): void {
    if (this.#isJoined || !this.window.isOpen || !this.#isJoiner(at)) return;
    this.#joiner = undefined;
    this.#parts.log("fresh: whoever joined it left before the end");
    this.#parts.show("open");
  }

  #discover(opening: Opening, { from, to, bytes }: Omit<Datagram, "atMicros">): TraceEvent {
    const parsed = parseMessage(bytes);
    if (!parsed.ok) return parsed.drop;
    const request = parsed.value;
    const isMany = isMulticast(to.address);
    const { messaging } = opening;
    if (!isMany && messaging.check(request, from) !== "new") return "duplicate";
    const path = findTexts(request.options, URI_PATH)?.join("/");
    const queries = findTexts(request.options, URI_QUERY);
    const isAsked = request.code === GET && path === ".well-known/core" && queries !== undefined;
    if (!isAsked || queries.length > 1) return "unsupported";
    const link = { path: "join", attributes: this.#link };
    const links = linkFormat([link], queries[0]);
    // RFC 7252 §8.2: to a group nothing is not worth an answer.
    if (links === "" && isMany) return "unsupported";
    const payload = links === "" ? undefined : utf8(links);
    opening.answersLeft--;
    if (opening.answersLeft < 0) return "overflow"; // check: fresh-answers
    const options: Option[] = [];
    addUint(options, CONTENT_FORMAT, LINK_FORMAT);
    const inner = { code: CONTENT, options, payload };
    const make = (header: { type: number; mid: number; token: Uint8Array }) =>
      emitMessage({ ...header, type: header.type as 0 | 1 | 2, ...inner });
    if (isMany) messaging.replyLater({ to: from, token: request.token, make });
    else messaging.reply({ request, from, make });
    return "plain";
  }

  /** A request of whoever has shown a proof. */
  #handle(request: SecureRequest): SecureResponse {
    const { method, path, payload, from } = request;
    if (this.#isJoined) return { code: CONFLICT }; // check: fresh-joined-once
    const place = path.join("/");
    if (place === "idn") return method === PUT ? this.#identify(payload) : NO_METHOD;
    if (place !== "join") return { code: NOT_FOUND };
    if (method === GET) return { code: CONTENT, format: CBOR, payload: this.#facts() };
    if (method !== POST) return NO_METHOD;
    return this.#join(payload, from.key === undefined ? "label" : "press");
  }

  #facts(): Uint8Array {
    const { factory, firmware } = this.#parts;
    return encode(
      new Map<Cbor, Cbor>([
        [1, factory.eui64],
        [2, factory.role],
        [4, factory.n],
        [7, firmware],
      ]),
    );
  }

  #join(blob: Uint8Array, proof: JoinProof): SecureResponse {
    const { crypto, store, factory, faultIn, log, clock, restart } = this.#parts;
    const fault = faultIn(blob, levelBy(proof));
    if (fault !== undefined) return refused(fault); // check: join-fault
    const isKept = keepJoined(store, crypto, { blob, proof, n: factory.n });
    if (!isKept) return { code: SERVICE_UNAVAILABLE }; // check: join-durable
    this.#isJoined = true;
    this.window.joined();
    log(`joined: by ${proof === "label" ? "its label" : "a press"}`);
    clock.after(RESTART_MICROS, () => restart("joined"));
    return { code: CHANGED };
  }

  #identify(payload: Uint8Array): SecureResponse {
    const text = fromUtf8(payload) ?? "";
    const seconds = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
    const isRight = seconds <= IDENTIFY_SECONDS_MAX;
    if (!isRight) return refused(`0 to ${IDENTIFY_SECONDS_MAX} seconds expected`);
    const { clock, show } = this.#parts;
    show(seconds === 0 ? "joining" : "identify");
    clock.after(seconds * MICROS, () => {
      if (this.#joiner !== undefined && !this.#isJoined) show("joining");
    });
    return { code: CHANGED };
  }
}

const NO_METHOD: SecureResponse = Object.freeze({ code: METHOD_NOT_ALLOWED });

/** RFC 7252 §5.5.2: a diagnostic payload, for a person. */
function refused(why: string): SecureResponse {
  return { code: BAD_REQUEST, format: TEXT_PLAIN, payload: utf8(why) };
}
