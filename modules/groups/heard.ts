/**
 * Which answers to one request of ours were accepted.
 *
 * In the schemes after RFC 8613 §7.4 an answer is bound to its request, and most have no number of
 * their own: a sender's replay window says nothing about them. One without a number is taken once
 * from each server, and each number once (RFC 10021: a second answer has its own number); of
 * notifications the last 32 numbers below the highest are told apart. A server counts under each
 * key anew, so numbers are those of one key (RFC 10021, Replay Protection of Responses).
 */
import { equalBytes } from "../bytes/equal.js";

/** Servers that are told apart; an answer of one more is refused. */
const SERVERS_MAX = 100;
const WINDOW_BITS = 32;

interface Server {
  readonly id: Uint8Array;
  /** An answer without a number was accepted. */
  plain: boolean;
  /** By key, the latest ones. */
  numbers: Numbers[];
}

interface Numbers {
  readonly key: object;
  highest: number;
  /** Bit k: highest - k was accepted. */
  seen: number;
}

const ONE_KEY = Object.freeze({});
/** An old key and a new one, side by side; and one more, for who rekeys often. */
const KEYS_MAX = 3;

export class Heard {
  readonly #servers: Server[] = [];

  /** `sequence` is -1 for an answer without a number. Changes nothing. */
  isFresh(id: Uint8Array, sequence: number, key: object = ONE_KEY): boolean {
    const server = this.find(id);
    if (server === undefined) {
      if (this.#servers.length === SERVERS_MAX) return false; // check: heard-servers
      return true;
    }
    if (sequence < 0) {
      if (server.plain) return false; // check: heard-plain
      return true;
    }
    const numbers = server.numbers.find((one) => one.key === key);
    if (numbers === undefined) return true;
    const age = numbers.highest - sequence;
    if (age < 0) return true;
    if (age >= WINDOW_BITS) return false; // check: heard-old
    if (((numbers.seen >>> age) & 1) !== 0) return false; // check: heard-number
    return true;
  }

  /** A fresh answer was verified. */
  mark(id: Uint8Array, sequence: number, key: object = ONE_KEY): void {
    let server = this.find(id);
    if (server === undefined) {
      server = { id: id.slice(), plain: false, numbers: [] };
      this.#servers.push(server);
    }
    if (sequence < 0) {
      server.plain = true;
      return;
    }
    let numbers = server.numbers.find((one) => one.key === key);
    if (numbers === undefined) {
      numbers = { key, highest: -1, seen: 0 };
      if (server.numbers.push(numbers) > KEYS_MAX) server.numbers.shift();
    }
    const ahead = sequence - numbers.highest;
    if (ahead > 0) {
      numbers.seen = ahead < WINDOW_BITS ? (numbers.seen << ahead) | 1 : 1;
      numbers.highest = sequence;
    } else {
      numbers.seen |= 1 << -ahead;
    }
  }

  private find(id: Uint8Array): Server | undefined {
    return this.#servers.find((server) => equalBytes(server.id, id));
  }
}
