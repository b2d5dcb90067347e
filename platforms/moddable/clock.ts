import Timer from "timer";
import type { Clock, Timer as Handle } from "../../modules/ports/clock.js";
import { micros } from "./bound.js";
import { guarded } from "./restart.js";

/** The SDK's timers take 31 bits of milliseconds: 24 days. */
const DELAY_MS_MAX = 0x7fffffff;

/** Time of the board, timers of the SDK: milliseconds fine, never early. */
export class SdkClock implements Clock {
  micros(): number {
    return micros();
  }

  after(delayMicros: number, fire: () => void): Handle {
    const delayMs = Math.ceil(delayMicros / 1000);
    if (!(delayMs >= 0 && delayMs <= DELAY_MS_MAX)) throw new RangeError("after: delay is no time");
    return Timer.set(guarded(fire), delayMs) as Handle;
  }

  cancel(timer: Handle): void {
    Timer.clear(timer as object);
  }
}
