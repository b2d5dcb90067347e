/**
 * Brings new keys to members who are connected: several at a time, as many as the network bears.
 *
 * Problem: a hundred pushes of five frames each, all at once, are more than a channel of 250 kbit/s
 * and the queues before it hold; one after the other they take half a minute, most of it spent
 * waiting for a device that verifies a signature. Rejected: a fixed number (right for one network),
 * and a pause after each (slow everywhere). Choice: a window as TCP has it (RFC 5681 §3.1), which
 * grows with every answer and is halved when one does not come within the time of a first
 * transmission (RFC 7252 §4.8.1: more than NSTART needs congestion control).
 *
 *   pushes (a row each, durable) -> order -> window -> ask -> confirmed, or again later
 *
 * Order: who only listens comes first and who sends last, so that whatever is said in between is
 * said under the key that all have; the old one is accepted for its grace. After a loss there is no
 * grace, and senders come first: what they say again (lighting/repeater.ts) reaches each lamp as
 * soon as it has the new key, and nothing is said any more that the lost device can read.
 */
import { toHex } from "../bytes/hex.js";
import { CBOR, CHANGED, POST } from "../coap/options.js";
import type { EnvelopeKey } from "../cose/envelope.js";
import type { Clock, Timer } from "../ports/clock.js";
import type { Ask, Told } from "../secure/request.js";
import type { Center } from "./center.js";
import type { Rows } from "./ledger.js";
import { type Awaiting, awaiting, confirmAll, sendingFor } from "./pushing.js";

/** A member's open channel. */
export interface Reach {
  readonly pairwise: EnvelopeKey;
  /** False, and not told, when too many questions wait already. */
  ask(ask: Ask, done: Told): boolean;
}

/** What became of one attempt: `done`, why there was no answer, or its code. */
export type Delivered = string;

export interface CourierParts {
  readonly clock: Clock;
  readonly center: Center;
  /** Of the ledger, at once. */
  readonly run: <T>(decide: (rows: Rows) => T) => T;
  /** Unix seconds, as far as is known. */
  readonly now: () => number;
  /** Undefined: he is not connected. */
  readonly reach: (clientId: Uint8Array) => Reach | undefined;
  readonly told?: (clientId: Uint8Array, delivered: Delivered, attempts: number) => void;
}

export interface Window {
  readonly first: number;
  readonly most: number;
  /** An answer that takes longer was sent for more than once, or waited for the channel. */
  readonly slowMicros: number;
  /** At least, from one push to the next: others need the channel, too. */
  readonly spacingMicros: number;
}

/** ACK_TIMEOUT: an answer that came later may be the second transmission's. */
export const WINDOW: Window = Object.freeze({
  first: 4,
  most: 16,
  slowMicros: 2_000_000,
  spacingMicros: 0,
});

const SECOND = 1_000_000;
/** After a first failure; doubled with each. */
const PAUSE_MICROS = 2 * SECOND;
const PAUSE_MAX_MICROS = 600 * SECOND;
/** Senders do not wait longer for listeners that do not answer: the old key's grace goes on. */
const SENDERS_WAIT_MICROS = 30 * SECOND;

interface Tried {
  attempts: number;
  dueMicros: number;
}

export class Courier {
  readonly #parts: CourierParts;
  readonly #window: Window;
  #size: number;
  #shrunkMicros = 0;
  #nextMicros = 0;
  /** By client id in hex. */
  readonly #underWay = new Set<string>();
  readonly #tried = new Map<string, Tried>();
  /** Since when senders wait for listeners. */
  #heldMicros: number | undefined = undefined;
  #timer: Timer | undefined = undefined;

  constructor(parts: CourierParts, window: Window = WINDOW) {
    this.#parts = parts;
    this.#window = window;
    this.#size = window.first;
  }

  /** Pushes under way. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /** Somebody waits for a key, or is connected who was not. */
  look(): void {
    const { clock, run } = this.#parts;
    if (this.#timer !== undefined) clock.cancel(this.#timer);
    this.#timer = undefined;
    const waiting = run(awaiting);
    if (waiting.length === 0) {
      this.#tried.clear();
      this.#heldMicros = undefined;
      return;
    }
    let pauseMicros = SECOND;
    for (const one of this.#inOrder(waiting)) {
      if (this.#underWay.size >= this.#size) break;
      pauseMicros = this.#nextMicros - clock.micros();
      if (pauseMicros > 0) break;
      pauseMicros = SECOND;
      this.#push(one.clientId);
    }
    this.#timer = clock.after(pauseMicros, () => this.look());
  }

  /** A member is there again: what was tried before he was counts no more. */
  returned(clientId: Uint8Array): void {
    this.#tried.delete(toHex(clientId));
    this.look();
  }

  /** Whose turn it is. */
  #inOrder(waiting: readonly Awaiting[]): Awaiting[] {
    const { clock, reach } = this.#parts;
    const now = clock.micros();
    const free = waiting.filter(({ clientId }) => {
      const client = toHex(clientId);
      const isDue = (this.#tried.get(client)?.dueMicros ?? 0) <= now;
      return isDue && !this.#underWay.has(client);
    });
    const rank = ({ sends, isBroken }: Awaiting) => (sends === isBroken ? 0 : 1);
    const isHeldBack = this.#isHeldBack(waiting, now);
    return free
      .filter((one) => !(one.sends && !one.isBroken && isHeldBack))
      .filter(({ clientId }) => reach(clientId) !== undefined)
      .sort((a, b) => rank(a) - rank(b));
  }

  /** Whether listeners that can be reached were not tried yet, and senders have time. */
  #isHeldBack(waiting: readonly Awaiting[], now: number): boolean {
    const isLacking = waiting.some(({ sends, clientId }) => {
      const isThere = this.#parts.reach(clientId) !== undefined;
      return !sends && isThere && this.#tried.get(toHex(clientId)) === undefined;
    });
    this.#heldMicros = isLacking ? (this.#heldMicros ?? now) : undefined;
    return this.#heldMicros !== undefined && now - this.#heldMicros < SENDERS_WAIT_MICROS;
  }

  #push(clientId: Uint8Array): void {
    const { run, center, now, clock, reach } = this.#parts;
    const channel = reach(clientId);
    if (channel === undefined) return;
    const { pairwise } = channel;
    const to = { clientId, pairwise, now: now() };
    const sending = run((rows) => sendingFor(rows, center, to));
    if (sending === undefined) return;
    const { payload } = sending;
    const client = toHex(clientId);
    const ask: Ask = { method: POST, path: ["keys", "push"], format: CBOR, payload };
    const askedMicros = clock.micros();
    this.#nextMicros = askedMicros + this.#window.spacingMicros;
    const isAsked = channel.ask(ask, (answered) => {
      this.#underWay.delete(client);
      const code = answered.ok ? answered.response.code : undefined;
      const isDone = code === CHANGED;
      if (isDone) run((rows) => confirmAll(rows, clientId, sending));
      this.#adapt(isDone && clock.micros() - askedMicros < this.#window.slowMicros, askedMicros);
      const why = answered.ok ? codeText(answered.response.code) : answered.why;
      this.#note(clientId, isDone ? "done" : why);
      this.look();
    });
    if (isAsked) this.#underWay.add(client);
    else this.#note(clientId, "busy");
  }

  #note(clientId: Uint8Array, delivered: Delivered): void {
    const { clock, told } = this.#parts;
    const client = toHex(clientId);
    const attempts = (this.#tried.get(client)?.attempts ?? 0) + 1;
    if (delivered === "done") this.#tried.delete(client);
    else {
      const pause = Math.min(PAUSE_MAX_MICROS, PAUSE_MICROS * 2 ** (attempts - 1));
      this.#tried.set(client, { attempts, dueMicros: clock.micros() + pause });
    }
    told?.(clientId, delivered, attempts);
  }

  /** One more with every answer in time; half as many, once for all that were under way then. */
  #adapt(isQuick: boolean, askedMicros: number): void {
    const { most } = this.#window;
    if (isQuick) {
      this.#size = Math.min(most, this.#size + 1);
    } else if (askedMicros >= this.#shrunkMicros) {
      this.#size = Math.max(1, Math.floor(this.#size / 2));
      this.#shrunkMicros = this.#parts.clock.micros();
    }
  }
}

/** RFC 7252 §3: 4.03. */
function codeText(code: number): string {
  return `${code >> 5}.${`${code & 31}`.padStart(2, "0")}`;
}
