/**
 * Who is brought a new key now, who waits, and who is tried again later.
 *
 * Problem: a hundred pushes of five frames each, all at once, are more than a channel of 250 kbit/s
 * and the queues before it hold; one after the other they take half a minute, most of it spent
 * waiting for a device that verifies a signature. Rejected: a fixed number (right for one network),
 * and a pause after each (slow everywhere). Choice: a window as TCP has it (RFC 5681 §3.1), which
 * grows with every answer and is halved when one does not come within the time of a first
 * transmission (RFC 7252 §4.8.1: more than NSTART needs congestion control).
 *
 * Order: who only listens comes first and who sends last, so that whatever is said in between is
 * said under the key that all have; the old one is accepted for its grace. After a loss there is no
 * grace, and senders come first: what they say again (lighting/repeater.ts) reaches each lamp as
 * soon as it has the new key, and nothing is said any more that the lost device can read.
 *
 * Nothing here asks a ledger or a network: the courier does both at once, a program of a computer
 * waits for either (hosts/authority/pusher.ts).
 */
import { toHex } from "../bytes/hex.js";
import type { Clock } from "../ports/clock.js";
import type { Awaiting } from "./pushing.js";

export interface Window {
  readonly first: number;
  readonly most: number;
  /** An answer that takes longer was sent for more than once, or waited for the channel. */
  readonly slowMicros: number;
  /** At least, from one to the next: others need the channel, too. */
  readonly spacingMicros: number;
}

/** ACK_TIMEOUT: an answer that came later may be the second transmission's. */
export const WINDOW: Window = Object.freeze({
  first: 4,
  most: 16,
  slowMicros: 2_000_000,
  spacingMicros: 0,
});

/** What became of one attempt: `done`, why there was no answer, or its code. */
export type Delivered = string;

/** Whether a member can be asked now, or is about to be. */
export type There = "now" | "soon" | "no";

type Waits = Pick<Awaiting, "clientId" | "sends" | "isBroken">;
type Micros = Pick<Clock, "micros">;

export interface Tried {
  readonly attempts: number;
  readonly dueMicros: number;
  readonly delivered: Delivered;
}

const SECOND = 1_000_000;
/** After a first failure; doubled with each. */
const PAUSE_MICROS = 2 * SECOND;
const PAUSE_MAX_MICROS = 600 * SECOND;
/** Senders do not wait longer for listeners that do not answer: the old key's grace goes on. */
export const SENDERS_WAIT_MICROS = 30 * SECOND;
/** Sent three times (RFC 7252 §4.8: at 0, 3 and 9 s at the latest): whoever is off is not waited
 * for by others any more. */
const SILENT_MICROS = 10 * SECOND;

/** Whoever is to be first in front. */
export function ranked<T extends Waits>(all: readonly T[]): T[] {
  const rank = ({ sends, isBroken }: T) => (sends === isBroken ? 0 : 1);
  return [...all].sort((a, b) => rank(a) - rank(b));
}

/** How many are asked at a time. */
export class CongestionWindow {
  readonly #clock: Micros;
  readonly #window: Window;
  #size: number;
  #shrunkMicros = 0;
  #nextMicros = 0;
  /** Since when. */
  readonly #underWay = new Map<string, number>();

  constructor(clock: Micros, window: Window = WINDOW) {
    this.#clock = clock;
    this.#window = window;
    this.#size = window.first;
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  /** Since when it is under way. */
  since(client: string): number | undefined {
    return this.#underWay.get(client);
  }

  /** Until another may begin; a second where somebody has to answer first. */
  get pauseMicros(): number {
    const now = this.#clock.micros();
    const awaited = [...this.#underWay.values()].filter((since) => now - since < SILENT_MICROS);
    return awaited.length >= this.#size ? SECOND : Math.max(0, this.#nextMicros - now);
  }

  begin(client: string): void {
    const now = this.#clock.micros();
    this.#nextMicros = now + this.#window.spacingMicros;
    this.#underWay.set(client, now);
  }

  /** One more with every answer in time; half as many, once for all that were under way then. */
  end(client: string, isDone: boolean): void {
    const { most, slowMicros } = this.#window;
    const now = this.#clock.micros();
    const since = this.#underWay.get(client) ?? now;
    this.#underWay.delete(client);
    if (isDone && now - since < slowMicros) {
      this.#size = Math.min(most, this.#size + 1);
    } else if (since >= this.#shrunkMicros) {
      this.#size = Math.max(1, Math.floor(this.#size / 2));
      this.#shrunkMicros = now;
    }
  }
}

/** Clients are named by their ids in hex. */
export class Turns {
  readonly window: CongestionWindow;
  readonly #clock: Micros;
  readonly #tried = new Map<string, Tried>();
  /** Since when senders wait for listeners. */
  #heldMicros: number | undefined = undefined;

  constructor(clock: Micros, window?: Window) {
    this.#clock = clock;
    this.window = new CongestionWindow(clock, window);
  }

  /** Who can be asked now and is not yet, in this order. */
  inOrder<T extends Waits>(waiting: readonly T[], there: (one: T) => There): T[] {
    const isHeldBack = this.#isHeldBack(waiting, there);
    const free = waiting
      .filter(({ clientId }) => this.isDue(toHex(clientId)))
      .filter((one) => !(one.sends && !one.isBroken && isHeldBack))
      .filter((one) => there(one) === "now");
    return ranked(free);
  }

  isDue(client: string): boolean {
    const isTimeOver = (this.#tried.get(client)?.dueMicros ?? 0) <= this.#clock.micros();
    return isTimeOver && this.window.since(client) === undefined;
  }

  /** What became of the last attempt, where it was none that succeeded. */
  tried(client: string): Tried | undefined {
    return this.#tried.get(client);
  }

  /** What became of one that `window` was told of; how many there were. */
  end(client: string, delivered: Delivered): number {
    this.window.end(client, delivered === "done");
    return this.note(client, delivered);
  }

  /** What became of one that never was on its way. */
  note(client: string, delivered: Delivered): number {
    const attempts = (this.#tried.get(client)?.attempts ?? 0) + 1;
    if (delivered === "done") this.#tried.delete(client);
    else {
      const pause = Math.min(PAUSE_MAX_MICROS, PAUSE_MICROS * 2 ** (attempts - 1));
      const dueMicros = this.#clock.micros() + pause;
      this.#tried.set(client, { attempts, dueMicros, delivered });
    }
    return attempts;
  }

  /** It is there again: what was tried before it was counts no more. */
  forget(client: string): void {
    this.#tried.delete(client);
  }

  /** Nobody waits any more. */
  over(): void {
    this.#tried.clear();
    this.#heldMicros = undefined;
  }

  /** Whether listeners that can be reached were not tried yet, and senders have time. */
  #isHeldBack<T extends Waits>(waiting: readonly T[], there: (one: T) => There): boolean {
    const now = this.#clock.micros();
    const isLacking = waiting.some((one) => {
      const isTried = this.#tried.get(toHex(one.clientId)) !== undefined;
      return !one.sends && !isTried && there(one) !== "no";
    });
    this.#heldMicros = isLacking ? (this.#heldMicros ?? now) : undefined;
    return this.#heldMicros !== undefined && now - this.#heldMicros < SENDERS_WAIT_MICROS;
  }
}
