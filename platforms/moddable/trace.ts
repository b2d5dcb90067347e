import { DROPS } from "../../modules/bytes/outcome.js";
import type { Trace, TraceEvent } from "../../modules/ports/trace.js";

/** Counters, and the last reason why a datagram had no effect; each is a line for xsbug too. */
export class SdkTrace implements Trace {
  readonly #counts = new Map<TraceEvent, number>();
  #lastDrop: TraceEvent | undefined = undefined;

  count(event: TraceEvent): void {
    this.#counts.set(event, this.counted(event) + 1);
    if ((DROPS as readonly string[]).includes(event)) this.#lastDrop = event;
    trace(`${event}\n`);
  }

  counted(event: TraceEvent): number {
    return this.#counts.get(event) ?? 0;
  }

  get lastDrop(): TraceEvent | undefined {
    return this.#lastDrop;
  }
}
