/**
 * Brings new keys to members who are connected, where the ledger answers at once: in whose turn it
 * is (turns.ts).
 *
 *   pushes (a row each, durable) -> order -> window -> ask -> confirmed, or again later
 */
import { toHex } from "../bytes/hex.js";
import { CBOR, CHANGED, codeText, POST } from "../coap/options.js";
import type { EnvelopeKey } from "../cose/envelope.js";
import type { Clock, Timer } from "../ports/clock.js";
import type { Ask, Told } from "../secure/request.js";
import type { Center } from "./center.js";
import { renewForPresent } from "./late.js";
import type { Rows } from "./ledger.js";
import { awaiting, confirmAll, sendingFor } from "./pushing.js";
import { type Delivered, Turns, type Window } from "./turns.js";

/** A member's open channel. */
export interface Reach {
  readonly pairwise: EnvelopeKey;
  /** False, and not told, when too many questions wait already. */
  ask(ask: Ask, done: Told): boolean;
}

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

const SECOND = 1_000_000;
/** Until the group may be given another key. */
const HELD = "another key follows";

export class Courier {
  readonly #parts: CourierParts;
  readonly #turns: Turns;
  #timer: Timer | undefined = undefined;

  constructor(parts: CourierParts, window?: Window) {
    this.#parts = parts;
    this.#turns = new Turns(parts.clock, window);
  }

  /** Pushes under way. */
  get underWay(): number {
    return this.#turns.window.underWay;
  }

  /** Somebody waits for a key, or is connected who was not. */
  look(): void {
    const { clock, run, reach } = this.#parts;
    if (this.#timer !== undefined) clock.cancel(this.#timer);
    this.#timer = undefined;
    const waiting = run(awaiting);
    if (waiting.length === 0) {
      this.#turns.over();
      return;
    }
    const { window } = this.#turns;
    const there = ({ clientId }: { clientId: Uint8Array }) =>
      reach(clientId) === undefined ? "no" : "now";
    let pauseMicros = 0;
    for (const { clientId } of this.#turns.inOrder(waiting, there)) {
      pauseMicros = window.pauseMicros;
      if (pauseMicros > 0) break;
      this.#push(clientId);
    }
    this.#timer = clock.after(pauseMicros > 0 ? pauseMicros : SECOND, () => this.look());
  }

  /** A member is there again: what was tried before he was counts no more. */
  returned(clientId: Uint8Array): void {
    this.#turns.forget(toHex(clientId));
    this.look();
  }

  #push(clientId: Uint8Array): void {
    const { run, center, now, reach, told } = this.#parts;
    const channel = reach(clientId);
    if (channel === undefined) return;
    const { pairwise } = channel;
    const to = { clientId, pairwise, now: now() };
    const sending = run((rows) => sendingFor(rows, center, to));
    if (sending === undefined) return;
    const { payload, late } = sending;
    const client = toHex(clientId);
    if (sending.isHeld) {
      const attempts = this.#turns.note(client, HELD);
      told?.(clientId, HELD, attempts);
      return;
    }
    const ask: Ask = { method: POST, path: ["keys", "push"], format: CBOR, payload };
    const isAsked = channel.ask(ask, (answered) => {
      const code = answered.ok ? answered.response.code : undefined;
      const isDone = code === CHANGED;
      if (isDone) {
        run((rows) => {
          confirmAll(rows, clientId, sending);
          renewForPresent(rows, center, { clientId, groups: late, now: now() });
        });
      }
      const why = answered.ok ? codeText(answered.response.code) : answered.why;
      const delivered = isDone ? "done" : why;
      const attempts = this.#turns.end(client, delivered);
      told?.(clientId, delivered, attempts);
      this.look();
    });
    if (isAsked) {
      this.#turns.window.begin(client);
      return;
    }
    const attempts = this.#turns.note(client, "busy");
    told?.(clientId, "busy", attempts);
  }
}
