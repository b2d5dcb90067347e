/**
 * Who may do things: sessions after a right password or code. Guesses are rationed, for each
 * address they come from and for all together, so that a password falls to nobody who tries.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Secret } from "./password.js";

export const SESSION_SECONDS = 12 * 3600;
const SESSIONS_MAX = 64;
const TOKEN_BYTES = 32;
/** Wrong guesses of one address that cost nothing; each one more doubles the wait. */
const FREE = 4;
const WAIT_MS = 1000;
const WAIT_MS_MAX = 900_000;
const ADDRESSES_MAX = 1024;
/** Of all addresses together, in one minute. */
const MINUTE_MS = 60_000;
const GUESSES_MAX = 60;
/** Each one under way has its memory. */
const AT_ONCE_MAX = 4;
const GUESS_CHARS_MAX = 200;

export type Entry =
  | { readonly ok: true; readonly token: string }
  | { readonly ok: false; readonly waitMs: number };

interface Failed {
  count: number;
  until: number;
}

export class Guard {
  readonly #secret: Secret;
  readonly #now: () => number;
  /** SHA-256 of tokens -> when they end. */
  readonly #sessions = new Map<string, number>();
  readonly #failed = new Map<string, Failed>();
  #minute = { from: 0, guesses: 0 };
  #underWay = 0;

  constructor(secret: Secret, now: () => number = Date.now) {
    this.#secret = secret;
    this.#now = now;
  }

  get asks(): Secret["asks"] {
    return this.#secret.asks;
  }

  async enter(guess: string, address: string): Promise<Entry> {
    const waitMs = this.#waitOf(address);
    if (waitMs > 0) return { ok: false, waitMs };
    const failed = this.#begin(address);
    this.#underWay++;
    try {
      const isTooLong = guess.length > GUESS_CHARS_MAX;
      const isRight = !isTooLong && (await this.#secret.isRight(guess));
      if (!isRight) return { ok: false, waitMs: Math.max(0, failed.until - this.#now()) };
    } finally {
      this.#underWay--;
    }
    this.#failed.delete(address);
    return { ok: true, token: this.#open() };
  }

  /** Whether whoever shows this is in. */
  isIn(token: string | undefined): boolean {
    if (token === undefined) return false;
    const until = this.#sessions.get(nameOf(token));
    if (until === undefined) return false;
    if (until <= this.#now()) return false;
    return true;
  }

  leave(token: string): void {
    this.#sessions.delete(nameOf(token));
  }

  /** Counts as wrong until it was right: whoever guesses at once gets no more of them. */
  #begin(address: string): Failed {
    const now = this.#now();
    this.#minute.guesses++;
    const count = (this.#failed.get(address)?.count ?? 0) + 1;
    const wait = count <= FREE ? 0 : Math.min(WAIT_MS_MAX, WAIT_MS * 2 ** (count - FREE));
    const failed = { count, until: now + wait };
    this.#failed.delete(address);
    this.#failed.set(address, failed);
    if (this.#failed.size > ADDRESSES_MAX) {
      for (const [oldest] of this.#failed) {
        this.#failed.delete(oldest);
        break;
      }
    }
    return failed;
  }

  #waitOf(address: string): number {
    const now = this.#now();
    if (now - this.#minute.from >= MINUTE_MS) this.#minute = { from: now, guesses: 0 };
    if (this.#underWay >= AT_ONCE_MAX) return WAIT_MS;
    const minuteLeft = this.#minute.from + MINUTE_MS - now;
    if (this.#minute.guesses >= GUESSES_MAX) return minuteLeft;
    return Math.max(0, (this.#failed.get(address)?.until ?? 0) - now);
  }

  #open(): string {
    const now = this.#now();
    for (const [name, until] of this.#sessions) if (until <= now) this.#sessions.delete(name);
    for (const [oldest] of this.#sessions) {
      if (this.#sessions.size < SESSIONS_MAX) break;
      this.#sessions.delete(oldest);
    }
    const token = randomBytes(TOKEN_BYTES).toString("base64url");
    this.#sessions.set(nameOf(token), now + SESSION_SECONDS * 1000);
    return token;
  }
}

function nameOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
