import type { Clock, Timer } from "../../modules/ports/clock.js";

/** The host's clock: real stand-alone, granted by the medium otherwise. */
export class HostClock implements Clock {
  micros(): number {
    return lumicastHost.micros();
  }

  after(delayMicros: number, fire: () => void): Timer {
    return lumicastHost.after(delayMicros, fire);
  }

  cancel(timer: Timer): void {
    lumicastHost.cancel(timer as number);
  }
}
