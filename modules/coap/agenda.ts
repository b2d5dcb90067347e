import type { Clock, Timer } from "../ports/clock.js";

/**
 * Items with a time, on one timer: set while there is an item, at the earliest time, and not at all
 * at rest. The lists are short (the callers are bounded), so insertion is linear.
 */
export class Agenda<Item> {
  readonly #clock: Clock;
  readonly #fire: (item: Item) => void;
  /** Both sorted by time, then by age. */
  readonly #items: Item[] = [];
  readonly #duesMicros: number[] = [];
  #timer: Timer | undefined = undefined;
  #timerMicros = 0;
  readonly #wake = () => this.#fireDue();

  /** `fire` gets each item once, at its time or as soon after it as the clock wakes. */
  constructor(clock: Clock, fire: (item: Item) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  get size(): number {
    return this.#items.length;
  }

  add(dueMicros: number, item: Item): void {
    let at = this.#items.length;
    while (at > 0 && this.#duesMicros[at - 1] > dueMicros) at--;
    this.#items.splice(at, 0, item);
    this.#duesMicros.splice(at, 0, dueMicros);
    this.#arm();
  }

  /** No effect on an item that is not there. */
  remove(item: Item): void {
    const at = this.#items.indexOf(item);
    if (at < 0) return;
    this.#items.splice(at, 1);
    this.#duesMicros.splice(at, 1);
    this.#arm();
  }

  clear(): void {
    this.#items.length = 0;
    this.#duesMicros.length = 0;
    this.#arm();
  }

  #arm(): void {
    const due = this.#duesMicros[0];
    if (this.#timer !== undefined) {
      if (this.#timerMicros === due) return;
      this.#clock.cancel(this.#timer);
      this.#timer = undefined;
    }
    if (due === undefined) return;
    this.#timerMicros = due;
    this.#timer = this.#clock.after(Math.max(0, due - this.#clock.micros()), this.#wake);
  }

  #fireDue(): void {
    this.#timer = undefined;
    while (this.#items.length > 0 && this.#duesMicros[0] <= this.#clock.micros()) {
      this.#duesMicros.shift();
      this.#fire(this.#items.shift() as Item);
    }
    this.#arm();
  }
}
