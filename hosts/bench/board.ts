/** A board that does nothing but what is measured: time stands still unless the bench moves it. */

import type { Board } from "../../modules/ports/board.js";
import type { Button, Sensor } from "../../modules/ports/button.js";
import type { Clock, Timer } from "../../modules/ports/clock.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import type { DatagramPort, Endpoint } from "../../modules/ports/datagram.js";
import type { Flash } from "../../modules/ports/flash.js";
import type { Intake } from "../../modules/ports/intake.js";
import type { Light, LightOutput } from "../../modules/ports/light.js";
import type { TraceEvent } from "../../modules/ports/trace.js";
import type { Engine } from "./engine.js";

/** Timers are taken and forgotten: what runs later is not part of the path. */
export class StillClock implements Clock {
  now = 1_000_000;
  #last = 0;

  micros(): number {
    return this.now;
  }

  after(_delayMicros: number, _fire: () => void): Timer {
    return ++this.#last;
  }

  cancel(_timer: Timer): void {}
}

class Sink implements DatagramPort {
  readonly address = new Uint8Array(16).fill(0xfd);
  onDatagram: DatagramPort["onDatagram"] = undefined;
  sent = 0;
  /** What was sent last, and where. */
  last: { readonly to: Endpoint; readonly bytes: Uint8Array } = {
    to: { address: this.address, port: 0 },
    bytes: new Uint8Array(0),
  };

  join(): boolean {
    return true;
  }

  leave(): void {}

  send({ to, bytes }: { to: Endpoint; bytes: Uint8Array }): boolean {
    this.sent++;
    this.last = { to, bytes };
    return true;
  }
}

export class BenchBoard implements Board {
  readonly clock = new StillClock();
  readonly crypto: Crypto;
  readonly flash: Flash;
  readonly intake?: Intake;
  readonly net = new Sink();
  readonly datagram = this.net;
  readonly button: Button = { onEdge: undefined };
  readonly sensor: Sensor = { onMotion: undefined, onLux: undefined };
  readonly light: Light & { level: number };
  readonly random = { fill: (bytes: Uint8Array) => void bytes.fill(0x5a) };
  readonly trace: { count(event: TraceEvent): void };
  /** What the last message came to. */
  last: TraceEvent | "" = "";
  readonly #blob: Uint8Array;

  constructor(engine: Engine, blob: Uint8Array) {
    this.crypto = engine.crypto;
    this.flash = engine.flash();
    if (engine.intake !== undefined) this.intake = engine.intake;
    this.#blob = blob;
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
