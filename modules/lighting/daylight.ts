/**
 * A daylight sensor: the group goes on when it gets dark outside and off when it is bright enough.
 *
 * On below the setting `low`, off above `high`, nothing in between: a single threshold would make
 * the light flicker at dusk. A reading has to stay beyond its threshold for DWELL_MICROS, so that
 * neither a cloud nor a torch counts. `high` - `low` must be more than the lamps themselves add at
 * the sensor.
 *
 * Only a crossing sends a command. What a person does at a switch stands until the next one.
 */
import type { Clock, Timer } from "../ports/clock.js";
import { acts, type Command } from "./command.js";
import { Repeater, sentAt } from "./repeater.js";
import * as setting from "./settings.js";

const DWELL_MICROS = 10_000_000;
/** Direct sun is about 100,000 lux; more than this is a broken sensor. */
const LUX_MAX = 200_000;

type Side = "dark" | "bright";

export class DaylightSensor {
  readonly #clock: Clock;
  readonly #settings: setting.Settings;
  readonly #repeater: Repeater;
  #lux: number | undefined = undefined;
  /** The side last acted on; undefined after power-up. */
  #side: Side | undefined = undefined;
  /** The side that readings have been on while `#timer` runs. */
  #pending: Side | undefined = undefined;
  #timer: Timer | undefined = undefined;
  readonly #wake = () => this.#cross();

  constructor(ports: {
    clock: Clock;
    settings: setting.Settings;
    send: (command: Command) => void;
  }) {
    this.#clock = ports.clock;
    this.#settings = ports.settings;
    this.#repeater = new Repeater(ports);
  }

  /** The last sound reading; undefined before the first. */
  get lux(): number | undefined {
    return this.#lux;
  }

  /** A reading; one that no daylight can cause is ignored. */
  onLux(lux: number): void {
    if (!(lux >= 0 && lux <= LUX_MAX)) return; // check: lux-bounds
    this.#lux = lux;
    const side = this.#sideOf(lux);
    if (side === this.#pending) return;
    this.#pending = undefined;
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    this.#timer = undefined;
    if (side === undefined || side === this.#side) return;
    this.#pending = side;
    this.#timer = this.#clock.after(DWELL_MICROS, this.#wake);
  }

  /** A genuine command of another sender to this sensor's group; `prevails` as for a switch. */
  heard(command: Command, prevails: boolean): void {
    if (!acts(command)) return;
    const sent = sentAt(command, this.#clock.micros());
    if (this.#repeater.yieldsTo(sent, prevails)) this.#repeater.cancel();
  }

  #sideOf(lux: number): Side | undefined {
    const low = this.#settings.get(setting.LUX_LOW);
    if (lux < low) return "dark";
    // Thresholds set the wrong way round leave a band of one lux, not none.
    return lux > Math.max(low, this.#settings.get(setting.LUX_HIGH)) ? "bright" : undefined;
  }

  #cross(): void {
    this.#timer = undefined;
    this.#side = this.#pending;
    this.#pending = undefined;
    if (this.#side === "bright") {
      this.#repeater.start({ on: false });
      return;
    }
    const level = this.#settings.get(setting.SENSOR_LEVEL);
    this.#repeater.start(level === 0 ? { on: true } : { on: true, level });
  }
}
