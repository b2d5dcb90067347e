import { Luminaire } from "../../modules/lighting/luminaire.js";
import { Settings } from "../../modules/lighting/settings.js";
import { WearBudget } from "../../modules/lighting/wear.js";
import type { Light, LightOutput } from "../../modules/ports/light.js";
import { TestClock } from "./clock.js";
import { copyOf } from "./output.js";
import { MemoryRecords } from "./records.js";

export interface Shown extends LightOutput {
  readonly atMicros: number;
}

/** A luminaire with a light that remembers what it was told, and records that outlive it. */
export class Lamp {
  readonly clock: TestClock;
  readonly records: MemoryRecords;
  readonly shown: Shown[] = [];
  readonly light: { failed: boolean } & Light;
  readonly budget: WearBudget;
  readonly settings: Settings;
  readonly luminaire: Luminaire;

  /** `settings` are the installation's (number -> value); fade 0 unless it says otherwise. */
  constructor(
    wish: {
      clock?: TestClock;
      records?: MemoryRecords;
      settings?: readonly (readonly [number, number])[];
    } = {},
  ) {
    this.clock = wish.clock ?? new TestClock(1_000_000);
    this.records = wish.records ?? new MemoryRecords();
    const { clock, records, shown } = this;
    this.light = {
      failed: false,
      show: (output) => void shown.push({ ...copyOf(output), atMicros: clock.micros() }),
    };
    this.budget = new WearBudget(clock);
    const initial = new Map([[0, 0], ...(wish.settings ?? [])]);
    this.settings = new Settings({ records, budget: this.budget, initial });
    this.luminaire = new Luminaire({ ...this, records, light: this.light });
  }

  /** The same flash after a power cut. */
  restarted(settings: readonly (readonly [number, number])[] = []): Lamp {
    return new Lamp({ records: this.records, settings });
  }

  /** What the light shows now. */
  get now(): Shown {
    return this.shown[this.shown.length - 1];
  }

  get level(): number {
    return this.now.level;
  }
}
