/**
 * The time, for a device without a clock: the Authorization Server signs it with a nonce of ours
 * (WIRE.md, `/time`), once a day. So tokens that end do, also where no newer ones come by; between
 * two answers, and where nobody answers, what was seen last goes on (trust.ts). It never goes back.
 */
import { ACE_CBOR, emitTimeAsk } from "../access/ace.js";
import { equalBytes } from "../bytes/equal.js";
import { decodeMap } from "../cbor/containers.js";
import { decode } from "../cbor/decode.js";
import { upTo } from "../coap/chance.js";
import { CONTENT, POST } from "../coap/options.js";
import { isVouched, vouchedOf } from "../cose/vouched.js";
import type { Clock } from "../ports/clock.js";
import { type Crypto, EDDSA } from "../ports/crypto.js";
import type { Random } from "../ports/random.js";
import type { Ask, Told } from "../secure/request.js";
import type { Trust } from "./trust.js";

const NONCE_BYTES = 8;
const SECOND = 1_000_000;
/** Not all of a room at one moment. */
const SPREAD_MICROS = 60 * SECOND;
const DAY_MICROS = 24 * 3600 * SECOND;
const PAUSE_MICROS = 600 * SECOND;
// Labels of what is signed.
const SECONDS = 1;
const NONCE = 2;
const LIMITS = { depthMax: 4, itemsMax: 16 };

export interface TimesParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly trust: Pick<Trust, "see">;
  /** Of the server's signatures. */
  readonly publicKey: Uint8Array;
  readonly ask: (ask: Ask, done: Told) => void;
}

export class Times {
  readonly #parts: TimesParts;
  #pauseMicros = PAUSE_MICROS;

  constructor(parts: TimesParts) {
    this.#parts = parts;
  }

  /** Asks soon, and from then on once a day. */
  begin(): void {
    this.#later(SPREAD_MICROS / 2);
  }

  #later(delayMicros: number): void {
    const { clock, random } = this.#parts;
    clock.after(delayMicros + upTo(random, SPREAD_MICROS / 2), () => this.#ask());
  }

  #ask(): void {
    const { random, ask } = this.#parts;
    const nonce = new Uint8Array(NONCE_BYTES);
    random.fill(nonce);
    const payload = emitTimeAsk(nonce);
    ask({ method: POST, path: ["time"], format: ACE_CBOR, payload }, (answered) => {
      const { code, payload: said } = answered.ok ? answered.response : { code: 0 };
      const isTold = code === CONTENT && said !== undefined && this.#take(said, nonce);
      this.#pauseMicros = isTold ? PAUSE_MICROS : Math.min(2 * this.#pauseMicros, DAY_MICROS);
      this.#later(isTold ? DAY_MICROS : this.#pauseMicros);
    });
  }

  #take(bytes: Uint8Array, nonce: Uint8Array): boolean {
    const { crypto, publicKey, trust } = this.#parts;
    const decoded = decode(bytes, LIMITS);
    const vouched = decoded.ok ? vouchedOf(decoded.value) : undefined;
    if (vouched === undefined) return false;
    const isSigned = isVouched(crypto, vouched, { alg: EDDSA, publicKey });
    if (!isSigned) return false; // check: time-signed
    const map = decodeMap(vouched.object.content, LIMITS);
    const [seconds, said] = [map?.get(SECONDS), map?.get(NONCE)];
    const isOurs = said instanceof Uint8Array && equalBytes(said, nonce);
    if (!isOurs) return false; // check: time-nonce
    const isTime = typeof seconds === "number" && Number.isInteger(seconds) && seconds > 0;
    return isTime && trust.see(seconds, true);
  }
}
