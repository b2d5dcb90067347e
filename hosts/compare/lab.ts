/**
 * A board in a laboratory: its time stands still until it is told to go on, what it sends is kept,
 * and its flash can be put into another one, as after a power cut. Runs on Node and on XS.
 */
import type { Board } from "../../modules/ports/board.js";
import type { Button, Sensor } from "../../modules/ports/button.js";
import type { Clock, Timer } from "../../modules/ports/clock.js";
import type { Crypto } from "../../modules/ports/crypto.js";
import type { DatagramPort, Endpoint } from "../../modules/ports/datagram.js";
import type { Flash } from "../../modules/ports/flash.js";
import type { Intake } from "../../modules/ports/intake.js";
import type { Light, LightOutput } from "../../modules/ports/light.js";
import type { TraceEvent } from "../../modules/ports/trace.js";

interface Pending {
  readonly timer: number;
  readonly atMicros: number;
  readonly fire: () => void;
}

export class LabClock implements Clock {
  #now = 1_000_000;
  #last = 0;
  #pending: Pending[] = [];

  micros(): number {
    return this.#now;
  }

  after(delayMicros: number, fire: () => void): Timer {
    const timer = ++this.#last;
    this.#pending.push({ timer, atMicros: this.#now + delayMicros, fire });
    return timer;
  }

  cancel(timer: Timer): void {
    this.#pending = this.#pending.filter((one) => one.timer !== timer);
  }

  /** Lets time pass; what is due happens in its order. */
  advance(micros: number): void {
    const end = this.#now + micros;
    for (;;) {
      const due = this.#pending.filter(({ atMicros }) => atMicros <= end);
      if (due.length === 0) break;
      const next = due.reduce((first, one) => (one.atMicros < first.atMicros ? one : first));
      this.cancel(next.timer);
      this.#now = Math.max(this.#now, next.atMicros);
      next.fire();
    }
    this.#now = end;
  }
}

export interface Sent {
  readonly to: Endpoint;
  readonly fromPort: number;
  readonly bytes: Uint8Array;
}

export class LabNet implements DatagramPort {
  readonly address: Uint8Array;
  onDatagram: DatagramPort["onDatagram"] = undefined;
  /** Not yet taken by anybody. */
  outbox: Sent[] = [];

  constructor(address: Uint8Array) {
    this.address = address;
  }

  join(): boolean {
    return true;
  }

  leave(): void {}

  send({ to, fromPort, bytes }: Sent): boolean {
    const copy = { address: to.address.slice(), port: to.port };
    this.outbox.push({ to: copy, fromPort, bytes: bytes.slice() });
    return true;
  }

  take(): Sent[] {
    const sent = this.outbox;
    this.outbox = [];
    return sent;
  }
}

export interface LabParts {
  readonly blob: Uint8Array;
  readonly address: Uint8Array;
  readonly crypto: Crypto;
  readonly flash: Flash;
  readonly intake?: Intake;
}

export class LabBoard implements Board {
  readonly clock = new LabClock();
  readonly net: LabNet;
  readonly datagram: LabNet;
  readonly crypto: Crypto;
  readonly flash: Flash;
  readonly intake?: Intake;
  readonly button: Button = { onEdge: undefined };
  readonly sensor: Sensor = { onMotion: undefined, onLux: undefined };
  readonly light: Light & { level: number };
  readonly random: { fill(bytes: Uint8Array): void };
  readonly trace: { count(event: TraceEvent): void };
  /** What a datagram came to last. */
  last: TraceEvent | "" = "";
  readonly #blob: Uint8Array;
  #drawn = 0;

  constructor({ blob, address, crypto, flash, intake }: LabParts) {
    this.#blob = blob;
    this.net = new LabNet(address);
    this.datagram = this.net;
    this.crypto = crypto;
    this.flash = flash;
    if (intake !== undefined) this.intake = intake;
    // Nobody guesses here, but two draws have to differ.
    this.random = { fill: (bytes) => void bytes.fill(++this.#drawn) };
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
    return this.#blob.slice();
  }

  log(_line: string): void {}

  fatal(line: string): never {
    throw new Error(line);
  }
}
