/**
 * Says new keys of key trees to their groups' addresses, on the medium: as hosts/authority does on
 * a computer's network (announcer.ts), without a socket.
 */
import { messagesOf } from "../../modules/authority/keytree.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { applications, numberKey } from "../../modules/authority/records.js";
import { emitMessage, NON, type Option } from "../../modules/coap/message.js";
import { addPath, POST } from "../../modules/coap/options.js";
import type { Clock } from "../../modules/ports/clock.js";
import type { Endpoint } from "../../modules/ports/datagram.js";

const SECOND = 1_000_000;
/** Routers repeat each message within that, every one of them twice (lowpan/relay.ts). */
const SPACING_MICROS = 100_000;
/** Nobody confirms a multicast. */
const ROUNDS_MICROS = [0, 3 * SECOND, 8 * SECOND];
/** By then who missed some of it asked for the rest. */
const HEARD_MICROS = 15 * SECOND;
const MID_COUNT = 0x10000;

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
    const { run, clock } = this.#parts;
    const messages = run((rows) => messagesOf(rows, group));
    // Its members are in the application group of its number.
    const { address, port } = run((rows) => applications.need(rows, numberKey(group)));
    // The last has the group's key: until it comes all have the old one, and whoever lacks one of
    // the others then is without light. What collided is lost to half of them at once.
    const before = messages.slice(0, -1);
    const last = messages.slice(-1);
    const round = [...before, ...before, ...last, ...last, ...last];
    for (const startMicros of ROUNDS_MICROS) {
      round.forEach((payload, at) => {
        const afterMicros = startMicros + at * SPACING_MICROS;
        clock.after(afterMicros, () => this.#send({ address, port }, payload));
      });
    }
    this.#untilMicros = clock.micros() + HEARD_MICROS;
    return messages.length;
  }

  #send(to: Endpoint, payload: Uint8Array): void {
    const options: Option[] = [];
    addPath(options, "/keys/tree");
    this.#mid = (this.#mid + 1) % MID_COUNT;
    const head = { type: NON, code: POST, mid: this.#mid, token: new Uint8Array(0) } as const;
    this.#parts.send(to, emitMessage({ ...head, options, payload }));
  }
}
