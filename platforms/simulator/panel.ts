/** The app's end of the wire to device/lumicast.js: what it shows, and what a person does to it. */
import type { Button } from "../../modules/ports/button.js";
import type { Clock } from "../../modules/ports/clock.js";
import type { PatternName } from "../../modules/ports/indicator.js";
import type { LightOutput } from "../../modules/ports/light.js";
import type { DeviceStatus } from "../../modules/ports/status.js";
import type { TraceEvent } from "../../modules/ports/trace.js";

/** mcsim's. */
declare const screen: {
  postMessage(message: string): void;
  onMessage: ((message: string) => void) | undefined;
};

/** What changed; the device keeps the rest as it was. */
export interface Shown {
  readonly lamp?: LightOutput;
  readonly event?: TraceEvent;
  readonly drop?: TraceEvent | undefined;
  readonly status?: DeviceStatus;
  readonly pattern?: PatternName;
  readonly fatal?: string;
}

/** Edges of a gesture: whether the contact closes, and how long it stays. */
const GESTURES: Readonly<Record<string, readonly (readonly [boolean, number])[]>> = Object.freeze({
  press: [
    [true, 120_000],
    [false, 0],
  ],
  hold: [
    [true, 1_500_000],
    [false, 0],
  ],
  hold5: [
    [true, 5_500_000],
    [false, 0],
  ],
  hold10: [
    [true, 10_500_000],
    [false, 0],
  ],
  double: [
    [true, 80_000],
    [false, 80_000],
    [true, 80_000],
    [false, 0],
  ],
});

export class Panel {
  readonly #clock: Clock;
  readonly #button: Button;

  constructor(clock: Clock, button: Button) {
    this.#clock = clock;
    this.#button = button;
    screen.onMessage = (message) => this.#hear(message);
  }

  show(shown: Shown): void {
    screen.postMessage(JSON.stringify(shown));
  }

  /** { "button": true } and false as a person holds it, { "gesture": "hold" } for a whole one. */
  #hear(message: string): void {
    const said = JSON.parse(message) as { button?: boolean; gesture?: string };
    if (said.button !== undefined) this.#edge(said.button);
    if (said.gesture !== undefined) this.#play(GESTURES[said.gesture] ?? [], 0);
  }

  #play(edges: readonly (readonly [boolean, number])[], next: number): void {
    if (next === edges.length) return;
    const [down, staysMicros] = edges[next];
    this.#edge(down);
    this.#clock.after(staysMicros, () => this.#play(edges, next + 1));
  }

  #edge(down: boolean): void {
    this.#button.onEdge?.(down, this.#clock.micros());
  }
}
