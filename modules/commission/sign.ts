/** A lamp without an LED shows patterns by its light (patterns.ts). */
import type { Clock, Timer } from "../ports/clock.js";
import type { Light } from "../ports/light.js";
import { isLit, type PatternName, SLOT_MICROS } from "./patterns.js";

const LIT = 200;
/** A breath, and not the dark of a lamp that somebody switched off. */
const DIM = 20;
const MIRED = 250;
/** No level. */
const NONE = -1;

export class LampSign {
  readonly #clock: Clock;
  readonly #light: Light;
  #name: PatternName = "off";
  #level = 0;
  #startMicros = 0;
  #timer: Timer | undefined = undefined;

  constructor(clock: Clock, light: Light) {
    this.#clock = clock;
    this.#light = light;
  }

  /** From now on, and from its beginning. */
  show(name: PatternName): void {
    this.leave();
    // The light may be anything by now.
    if (name !== "off") this.#level = NONE;
    this.#name = name;
    this.#startMicros = this.#clock.micros();
    this.#turn();
  }

  /** Leaves the light to whoever shows it next. */
  leave(): void {
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    this.#timer = undefined;
  }

  #turn(): void {
    const sinceMicros = this.#clock.micros() - this.#startMicros;
    const isOff = this.#name === "off";
    const level = isOff ? 0 : isLit(this.#name, sinceMicros) ? LIT : DIM;
    if (level !== this.#level) this.#light.show({ level, mired: MIRED });
    this.#level = level;
    this.#timer = isOff
      ? undefined
      : this.#clock.after(this.#nextMicros(sinceMicros), () => this.#turn());
  }

  /** Until the slot in which it looks different: a light at rest wakes nobody. */
  #nextMicros(sinceMicros: number): number {
    const now = isLit(this.#name, sinceMicros);
    const slot = Math.floor(sinceMicros / SLOT_MICROS);
    let next = slot + 1;
    while (next < slot + 16 && isLit(this.#name, next * SLOT_MICROS) === now) next++;
    return next * SLOT_MICROS - sinceMicros;
  }
}
