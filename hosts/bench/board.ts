/** A board that does nothing but what is measured: time stands still unless the bench moves it. */
import type { Board } from "../../modules/ports/board.js";
import type { Clock, Timer } from "../../modules/ports/clock.js";
import type { DatagramPort, Endpoint } from "../../modules/ports/datagram.js";
import { BareBoard } from "./bare.js";
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

export class BenchBoard extends BareBoard implements Board {
  readonly clock = new StillClock();
  readonly net = new Sink();
  readonly datagram = this.net;
  readonly random = { fill: (bytes: Uint8Array) => void bytes.fill(0x5a) };

  constructor(engine: Engine, blob: Uint8Array) {
    const { crypto, intake } = engine;
    super({ blob, crypto, flash: engine.flash(), ...(intake && { intake }) });
  }
}
