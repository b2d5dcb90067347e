/**
 * How many datagrams a second may pass, in all and of one source: a mesh carries some hundred
 * frames a second, a network outside sends a thousand times that. Who sends too much is held back;
 * the others still have their share.
 */
import type { Clock } from "../ports/clock.js";

export interface GateLimits {
  /** So many at once, and then so many a second. */
  readonly burst: number;
  readonly perSecond: number;
}

interface Bucket {
  left: number;
  atMicros: number;
}

/** Sources known by themselves; those beyond share one bucket. */
const SOURCES_MAX = 64;
const OTHERS = "";

export class Gate {
  readonly #clock: Clock;
  readonly #all: GateLimits;
  readonly #each: GateLimits;
  readonly #total: Bucket;
  readonly #sources = new Map<string, Bucket>();
  /** Datagrams held back. */
  refused = 0;

  constructor(clock: Clock, all: GateLimits, each: GateLimits) {
    this.#clock = clock;
    this.#all = all;
    this.#each = each;
    this.#total = { left: all.burst, atMicros: clock.micros() };
  }

  /** Whether one more of `source` may pass now. */
  take(source: string): boolean {
    const own = this.bucket(source);
    this.refill(own, this.#each);
    this.refill(this.#total, this.#all);
    if (own.left < 1 || this.#total.left < 1) {
      this.refused += 1;
      return false;
    }
    own.left -= 1;
    this.#total.left -= 1;
    return true;
  }

  private bucket(source: string): Bucket {
    const found = this.#sources.get(source);
    if (found !== undefined) return found;
    if (this.#sources.size >= SOURCES_MAX) this.forgetFull();
    let name = source;
    if (this.#sources.size >= SOURCES_MAX) name = OTHERS; // check: gate-sources-bounded
    const bucket = this.#sources.get(name) ?? {
      left: this.#each.burst,
      atMicros: this.#clock.micros(),
    };
    this.#sources.set(name, bucket);
    return bucket;
  }

  /** A full bucket is as good as a new one. */
  private forgetFull(): void {
    for (const [source, bucket] of this.#sources) {
      this.refill(bucket, this.#each);
      if (bucket.left === this.#each.burst) this.#sources.delete(source);
    }
  }

  private refill(bucket: Bucket, { burst, perSecond }: GateLimits): void {
    const now = this.#clock.micros();
    const more = ((now - bucket.atMicros) * perSecond) / 1_000_000;
    bucket.left = Math.min(burst, bucket.left + more);
    bucket.atMicros = now;
  }
}
