/**
 * A board in a laboratory: its time stands still until it is told to go on, what it sends is kept,
 * and its flash can be put into another one, as after a power cut. Runs on Node and on XS.
 */
import type { Board } from "../../modules/ports/board.js";
import type { Clock, Timer } from "../../modules/ports/clock.js";
import type { DatagramPort, Endpoint } from "../../modules/ports/datagram.js";
import { BareBoard, type BareParts } from "../bench/bare.js";

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

export interface LabParts extends BareParts {
  readonly address: Uint8Array;
}

export class LabBoard extends BareBoard implements Board {
  readonly clock = new LabClock();
  readonly net: LabNet;
  readonly datagram: LabNet;
  readonly random: { fill(bytes: Uint8Array): void };
  #drawn = 0;

  constructor({ address, ...parts }: LabParts) {
    super(parts);
    this.net = new LabNet(address);
    this.datagram = this.net;
    // Nobody guesses here, but two draws have to differ.
    this.random = { fill: (bytes) => void bytes.fill(++this.#drawn) };
  }

  /** Anew at each start. */
  override provisioning(): Uint8Array {
    return super.provisioning().slice();
  }
}
