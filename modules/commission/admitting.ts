/**
 * How a switch that is its own authority takes luminaires in, with nothing but buttons: who holds
 * it for five seconds opens its window; a press at a lamp lets that be found; the switch makes it
 * blink; and a press at the switch says that the lamp which blinks is the one that was meant.
 *
 *   found -> proven (its factory key) -> blinks -> confirmed -> written down -> handed over -> in
 *
 * The problem: nobody here knows the lamp's key beforehand, so whoever answers might be anybody.
 * What speaks for a lamp is a person who sees it blink, and that it is the only one: who else
 * answers while one waits ends it for both, and the window. No key leaves before the press was
 * written down with the key that the lamp showed.
 */
import { equalBytes } from "../bytes/equal.js";
import { fromHex, toHex } from "../bytes/hex.js";
import { fromUtf8, utf8 } from "../bytes/utf8.js";
import { decodeMap } from "../cbor/containers.js";
import { emitMessage, NON, type Option, parseMessage } from "../coap/message.js";
import {
  addOption,
  addPath,
  CBOR,
  CHANGED,
  CONTENT,
  codeText,
  GET,
  POST,
  PUT,
  TEXT_PLAIN,
  URI_QUERY,
} from "../coap/options.js";
import type { ClientCredentials, OwnKey } from "../dtls/credentials.js";
import type { Clock, Timer } from "../ports/clock.js";
import type { Datagram, Endpoint } from "../ports/datagram.js";
import type { PatternName } from "../ports/indicator.js";
import type { Random } from "../ports/random.js";
import type { Answered, Ask, Asker, Told } from "../secure/request.js";
import { SECURE_PORT } from "./home.js";
import { Window } from "./window.js";

const PLAIN_PORT = 5683;
/** RFC 7252 §12.8: All CoAP Nodes, link-local. */
const ALL_COAP_NODES = Object.freeze([0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfd]);
const SECOND = 1_000_000;
/** A fresh lamp answers sixty times in its window. */
const LOOK_MICROS = 4 * SECOND;
/** It is told again while it waits for the press: it would leave after a minute of silence. */
const BLINK_SECONDS = 20;
const BLINK_MICROS = 15 * SECOND;
/** Answers of before the join that come late. */
const RECENT_MICROS = 10 * SECOND;
const TOKEN_BYTES = 4;
const LUMINAIRE = 1;

/** One that may be joined, and what was proven of it. */
interface Candidate {
  readonly eui64: string;
  readonly at: Endpoint;
  /** Of its factory; undefined: it has shown none yet. */
  asker: Asker | undefined;
  isHandedOver: boolean;
}

/** What is handed over to one that a person has confirmed. */
export interface Place {
  readonly blob: Uint8Array;
  /** It has it in flash. */
  readonly admitted: () => void;
}

export interface AdmittingParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly sha256: (data: Uint8Array) => Uint8Array;
  readonly own: OwnKey;
  readonly send: (to: Endpoint, fromPort: number, bytes: Uint8Array) => unknown;
  readonly ask: (to: Endpoint, ask: Ask, done: Told) => void;
  readonly close: (asker: Asker) => void;
  readonly show: (pattern: PatternName) => void;
  readonly log: (line: string) => void;
  /** It is nobody's, and proved it with this key: whatever it was here is over. */
  readonly isFresh: (eui64: Uint8Array, keySum: Uint8Array) => void;
  /** Writes down who is about to be joined; throws an Error that says why it is not to be. */
  readonly expect: (eui64: Uint8Array, keySum: Uint8Array) => Place;
}

export class Admitting {
  readonly window: Window;
  readonly #parts: AdmittingParts;
  readonly #token = new Uint8Array(TOKEN_BYTES);
  #mid = 0;
  #candidate: Candidate | undefined = undefined;
  #looking: Timer | undefined = undefined;
  #blinking: Timer | undefined = undefined;
  /** Joined just now, and until when they are not looked at. */
  readonly #recent = new Map<string, number>();

  constructor(parts: AdmittingParts) {
    this.#parts = parts;
    this.window = new Window(parts.clock);
    this.window.onChange = (why) => {
      parts.log(why === undefined ? "room: open for lamps" : `room: closed (${why})`);
      parts.show(why === undefined ? "open" : "off");
      if (why === undefined) this.#begin();
      else this.#end();
    };
  }

  /** Whether a lamp blinks and waits for a press here. */
  get isAsking(): boolean {
    return this.#candidate?.asker !== undefined && !this.#candidate.isHandedOver;
  }

  /** What is shown to one that is being joined; undefined for everybody else. */
  credentialsFor(to: Endpoint): ClientCredentials | undefined {
    const candidate = this.#candidate;
    const isIt = candidate !== undefined && isSame(candidate.at, to);
    if (!isIt) return undefined;
    const { own } = this.#parts;
    // What it has shown once it has to show again.
    const rawKey = (key: Uint8Array) => {
      const pinned = candidate.asker?.key;
      const isOther = pinned !== undefined && !equalBytes(pinned, key);
      if (isOther) return false; // check: alone-same-key
      return true;
    };
    return { own, trust: { rawKey } };
  }

  /** Takes an answer to our question who is there. */
  heard({ from, bytes }: Datagram): boolean {
    const parsed = parseMessage(bytes);
    if (!parsed.ok || !equalBytes(parsed.value.token, this.#token)) return false;
    const { code, payload = new Uint8Array(0) } = parsed.value;
    const said = fromUtf8(payload) ?? "";
    const eui64 = /ep="([0-9a-f]{16})"/.exec(said)?.[1];
    const isMeant = this.window.isOpen && code === CONTENT && eui64 !== undefined;
    if (isMeant && said.includes('rt="lumicast.fresh"')) this.#found(eui64, from.address);
    return true;
  }

  /** The press that says: this one. */
  confirm(): void {
    const candidate = this.#candidate;
    const { log, expect, show, ask, sha256 } = this.#parts;
    const key = candidate?.asker?.key;
    if (candidate === undefined || key === undefined || candidate.isHandedOver) return;
    let place: Place;
    try {
      place = expect(fromHex(candidate.eui64), sha256(key));
    } catch (error) {
      log(`room: ${candidate.eui64} is not joined: ${(error as Error).message}`);
      this.#drop();
      return;
    }
    candidate.isHandedOver = true;
    show("joining");
    const payload = place.blob;
    ask(candidate.at, { method: POST, path: ["join"], format: CBOR, payload }, (answered) => {
      const isIn = answered.ok && answered.response.code === CHANGED;
      if (isIn) place.admitted();
      log(`room: ${candidate.eui64} ${isIn ? "has joined" : whyNot(answered)}`);
      if (this.#candidate !== candidate) return;
      this.#recent.set(candidate.eui64, this.#parts.clock.micros() + RECENT_MICROS);
      this.#drop();
      // A join that was done begins the time anew; a failure never does.
      if (isIn) this.#again();
    });
  }

  #again(): void {
    if (!this.window.isOpen) return;
    const { onChange } = this.window;
    this.window.onChange = undefined;
    this.window.press();
    this.window.press();
    this.window.onChange = onChange;
  }

  #begin(): void {
    this.#parts.random.fill(this.#token);
    this.#look();
  }

  #end(): void {
    const { clock } = this.#parts;
    if (this.#looking !== undefined) clock.cancel(this.#looking);
    this.#looking = undefined;
    this.#drop();
  }

  #look(): void {
    const { clock, send } = this.#parts;
    const options: Option[] = [];
    addPath(options, "/.well-known/core");
    addOption(options, URI_QUERY, utf8("rt=lumicast.fresh"));
    this.#mid = (this.#mid + 1) % 0x10000;
    const head = { type: NON, code: GET, mid: this.#mid, token: this.#token } as const;
    const bytes = emitMessage({ ...head, options, payload: undefined });
    send({ address: Uint8Array.from(ALL_COAP_NODES), port: PLAIN_PORT }, PLAIN_PORT, bytes);
    this.#looking = clock.after(LOOK_MICROS, () => this.#look());
  }

  #found(eui64: string, address: Uint8Array): void {
    const { clock, log } = this.#parts;
    if ((this.#recent.get(eui64) ?? 0) > clock.micros()) return;
    const before = this.#candidate;
    if (before === undefined) {
      const at = { address: address.slice(), port: SECURE_PORT };
      this.#candidate = { eui64, at, asker: undefined, isHandedOver: false };
      this.#prove(this.#candidate);
      return;
    }
    const isSameOne = before.eui64 === eui64 && equalBytes(before.at.address, address);
    if (isSameOne) return;
    log(`room: ${eui64} is open besides ${before.eui64}; let one at a time be joined`);
    this.window.end("two joiners"); // check: alone-one-lamp
  }

  #prove(candidate: Candidate): void {
    const { ask, log, sha256, isFresh } = this.#parts;
    ask(candidate.at, { method: GET, path: ["join"] }, (answered, asker) => {
      if (this.#candidate !== candidate) return;
      const fault = faultIn(answered, asker, candidate.eui64);
      if (fault !== undefined) {
        log(`room: ${candidate.eui64} ${fault}`);
        this.#drop();
        return;
      }
      candidate.asker = asker;
      isFresh(fromHex(candidate.eui64), sha256(asker?.key as Uint8Array));
      log(`room: ${candidate.eui64} blinks; press this switch if it is the one`);
      this.#blink(candidate);
    });
  }

  #blink(candidate: Candidate): void {
    const { ask, clock, show } = this.#parts;
    if (this.#candidate !== candidate || candidate.isHandedOver) return;
    show("identify");
    const payload = utf8(`${BLINK_SECONDS}`);
    ask(candidate.at, { method: PUT, path: ["idn"], format: TEXT_PLAIN, payload }, (answered) => {
      const isGone = this.#candidate === candidate && !answered.ok && !candidate.isHandedOver;
      // Its window is over, or it was another's.
      if (isGone) this.#drop();
    });
    this.#blinking = clock.after(BLINK_MICROS, () => this.#blink(candidate));
  }

  #drop(): void {
    const { clock, close, show } = this.#parts;
    if (this.#blinking !== undefined) clock.cancel(this.#blinking);
    this.#blinking = undefined;
    const candidate = this.#candidate;
    this.#candidate = undefined;
    if (candidate?.asker !== undefined) close(candidate.asker);
    if (candidate !== undefined && this.window.isOpen) show("open");
  }
}

function faultIn(answered: Answered, asker: Asker | undefined, eui64: string): string | undefined {
  if (!answered.ok || answered.response.code !== CONTENT) return whyNot(answered);
  if (asker?.key === undefined) return "shows no key of its own";
  const facts = decodeMap(answered.response.payload ?? new Uint8Array(0));
  const said = facts?.get(1);
  const isIt = said instanceof Uint8Array && toHex(said) === eui64;
  if (!isIt) return "is not who it says";
  return facts?.get(2) === LUMINAIRE ? undefined : "is no luminaire";
}

function whyNot(answered: Answered): string {
  return answered.ok ? `refuses with ${codeText(answered.response.code)}` : `is ${answered.why}`;
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && equalBytes(a.address, b.address);
}
