/** What boards that only measure have in common: a lamp, and no more than it takes to be one. */
import type { Button, Sensor } from "../../modules/ports/button.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import type { Flash } from "../../modules/ports/flash.js";
import type { Intake } from "../../modules/ports/intake.js";
import type { Light, LightOutput } from "../../modules/ports/light.js";
import type { TraceEvent } from "../../modules/ports/trace.js";

export interface BareParts {
  readonly blob: Uint8Array;
  readonly crypto: Crypto;
  readonly flash: Flash;
  /** Native help on the receive path. */
  readonly intake?: Intake;
}

/** A board but for its clock, its net and its chance. */
export class BareBoard {
  readonly crypto: Crypto;
  readonly flash: Flash;
  readonly intake?: Intake;
  readonly button: Button = { onEdge: undefined };
  readonly sensor: Sensor = { onMotion: undefined, onLux: undefined };
  readonly light: Light & { level: number };
  readonly trace: { count(event: TraceEvent): void };
  /** What a datagram came to last. */
  last: TraceEvent | "" = "";
  readonly #blob: Uint8Array;

  constructor({ blob, crypto, flash, intake }: BareParts) {
    this.#blob = blob;
    this.crypto = crypto;
    this.flash = flash;
    if (intake !== undefined) this.intake = intake;
    this.trace = {
      count: (event) => {
        this.last = event;
      },
    };
    const light = {
      failed: false,
      level: 0,
      show: (output: LightOutput) => {
        light.level = output.level;
      },
    };
    this.light = light;
  }

  provisioning(): Uint8Array {
    return this.#blob;
  }

  log(_line: string): void {}

  fatal(line: string): never {
    throw new Error(line);
  }
}
