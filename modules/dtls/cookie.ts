/**
 * Cookies without state (RFC 6347 §4.2.1): before a client showed that it gets what is sent to its
 * address, a server keeps nothing of it and computes one HMAC.
 *
 * A cookie covers what the first fragment of any ClientHello holds (address, port, version, random,
 * session id), so a hello in fragments needs no state either. The suites are not covered: what a
 * client changes there it changes to its own disadvantage, and Finished covers them.
 */
import { concat } from "../bytes/concat.js";
import { equalConstantTime } from "../bytes/equal.js";
import { writeUint } from "../bytes/uint.js";
import type { Clock } from "../ports/clock.js";
import type { Crypto } from "../ports/crypto.js";
import type { Endpoint } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import type { HelloFront } from "./messages.js";

/** A HelloVerifyRequest stays shorter than any ClientHello: nothing is amplified. */
export const COOKIE_BYTES = 16;
const SECRET_BYTES = 32;
/** How long a secret makes cookies; they are good for once to twice that time. */
export const COOKIE_SECRET_MICROS = 60_000_000;

export interface CookieParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Pick<Crypto, "hmac">;
}

export class Cookies {
  readonly #parts: CookieParts;
  #current: Uint8Array;
  #previous: Uint8Array;
  #sinceMicros: number;

  constructor(parts: CookieParts) {
    this.#parts = parts;
    this.#current = this.#secret();
    this.#previous = this.#secret();
    this.#sinceMicros = parts.clock.micros();
  }

  /** 16 bytes. */
  make(from: Endpoint, front: HelloFront): Uint8Array {
    this.#rotate();
    return this.#mac(this.#current, from, front);
  }

  isGood(from: Endpoint, front: HelloFront): boolean {
    this.#rotate();
    const { cookie } = front;
    if (equalConstantTime(cookie, this.#mac(this.#current, from, front))) return true;
    return equalConstantTime(cookie, this.#mac(this.#previous, from, front));
  }

  /** When it is asked for, not by a timer: a server at rest has none. */
  #rotate(): void {
    const now = this.#parts.clock.micros();
    const periods = Math.floor((now - this.#sinceMicros) / COOKIE_SECRET_MICROS);
    if (periods < 1) return;
    this.#previous = periods === 1 ? this.#current : this.#secret();
    this.#current = this.#secret(); // check: cookie-rotation
    this.#sinceMicros += periods * COOKIE_SECRET_MICROS;
  }

  #secret(): Uint8Array {
    const secret = new Uint8Array(SECRET_BYTES);
    this.#parts.random.fill(secret);
    return secret;
  }

  #mac(key: Uint8Array, from: Endpoint, front: HelloFront): Uint8Array {
    const { version, random, sessionId } = front;
    const head = new Uint8Array(6);
    head[0] = from.address.length;
    writeUint(head, 1, 2, from.port);
    writeUint(head, 3, 2, version);
    head[5] = sessionId.length;
    const data = concat(head, from.address, random, sessionId);
    return this.#parts.crypto.hmac({ key, data }).slice(0, COOKIE_BYTES);
  }
}
