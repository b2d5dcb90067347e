/**
 * Says new keys of key trees to their groups' addresses, on the medium: as hosts/authority does on
 * a computer's network (announcer.ts), without a socket.
 */
import { messagesOf } from "../../modules/authority/keytree.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { applications, numberKey } from "../../modules/authority/records.js";
import { emitSaying, SAID_MICROS, sayings } from "../../modules/authority/saying.js";
import type { Clock } from "../../modules/ports/clock.js";
import type { Endpoint } from "../../modules/ports/datagram.js";

export interface SayingParts {
  readonly run: <T>(decide: (rows: Rows) => T) => T;
  readonly clock: Clock;
  readonly send: (to: Endpoint, bytes: Uint8Array) => void;
}

export class Saying {
  readonly #parts: SayingParts;
  #untilMicros = 0;
  #mid = 0;

  constructor(parts: SayingParts) {
    this.#parts = parts;
  }

  /** What is brought to each alone waits: most of them will have it. */
  get isUnderWay(): boolean {
    return this.#parts.clock.micros() < this.#untilMicros;
  }

  /** The newest renewal's messages; how many. */
  begin(group: number): number {
    const { run, clock, send } = this.#parts;
    const messages = run((rows) => messagesOf(rows, group));
    // Its members are in the application group of its number.
    const { address, port } = run((rows) => applications.need(rows, numberKey(group)));
    for (const { afterMicros, payload } of sayings(messages)) {
      clock.after(afterMicros, () => send({ address, port }, emitSaying(++this.#mid, payload)));
    }
    this.#untilMicros = clock.micros() + SAID_MICROS;
    return messages.length;
  }
}
