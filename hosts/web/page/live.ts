/** The stream of events: what the site is now, and whether the server is still heard. */
import { type Change, merged, NOTHING, type Site } from "../site.js";

/** The server has a pulse every 2 s. */
const SILENT_MS = 6000;

export class Live {
  #site: Site = NOTHING;
  /** The server's clock less ours. */
  #aheadMs = 0;
  #heardAt = -SILENT_MS;
  #source: EventSource | undefined;
  readonly #changed: () => void;
  readonly #refused: () => void;

  /** `refused`: nobody looks any longer without logging in, or the server is not there. */
  constructor(changed: () => void, refused: () => void) {
    this.#changed = changed;
    this.#refused = refused;
  }

  get site(): Site {
    return this.#site;
  }

  /** By the server's clock. */
  get now(): number {
    return performance.now() + this.#aheadMs;
  }

  /** Since its last word. */
  get silentMs(): number {
    return performance.now() - this.#heardAt;
  }

  get isHeard(): boolean {
    return this.silentMs < SILENT_MS;
  }

  open(): void {
    this.close();
    const source = new EventSource("/api/events");
    this.#source = source;
    this.#on<{ site: Site }>("site", ({ site }) => {
      this.#site = site;
    });
    this.#on<{ change: Change }>("change", ({ change }) => {
      this.#site = merged(this.#site, change);
    });
    this.#on("pulse", () => {});
    source.onerror = () => {
      // Otherwise the browser tries again by itself.
      if (source.readyState === EventSource.CLOSED) this.#refused();
    };
  }

  close(): void {
    this.#source?.close();
    this.#source = undefined;
    this.#site = NOTHING;
  }

  #on<T extends object>(name: string, take: (data: T) => void): void {
    this.#source?.addEventListener(name, (event) => {
      const data = JSON.parse((event as MessageEvent<string>).data) as T & { now: number };
      this.#heardAt = performance.now();
      this.#aheadMs = data.now - this.#heardAt;
      take(data);
      this.#changed();
    });
  }
}
