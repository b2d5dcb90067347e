/**
 * To which groups somebody on the mesh listens (RFC 3810, the router's part, without sources: RFC
 * 5790). Asks everybody from time to time; whoever is not heard of again is forgotten.
 */
import { toHex } from "../bytes/hex.js";
import type { Clock } from "../ports/clock.js";
import type { GroupRecord } from "./mld.js";
import { mayCross, type Query, RECORD, ROBUSTNESS } from "./mld.js";

/** RFC 3810 §9.2. */
export const QUERY_SECONDS = 125;
/** §9.3 has 10 s; a mesh of 100 lamps has said all in two, and a restart is over sooner. */
const RESPONSE_MICROS = 2_000_000;
/** §9.8: the time within which somebody else has to say that he still listens. */
const LAST_RESPONSE_MICROS = 1_000_000;
/** On its way through the mesh a query waits up to 64 ms a router, and the answer for the air. */
const MESH_MICROS = 1_000_000;
/** How often the table is gone through. */
const SWEEP_MICROS = 500_000;

interface Row {
  readonly group: Uint8Array;
  untilMicros: number;
}

export interface ListenersConfig {
  readonly clock: Clock;
  /** Puts a query on the air. */
  readonly ask: (query: Query) => void;
  /** The first listener of a group came, or the last is gone. */
  readonly onChange: (group: Uint8Array, listened: boolean) => void;
  /** Groups at once; one more is not listened to. */
  readonly most: number;
  /** Default 125. */
  readonly querySeconds?: number;
}

export class Listeners {
  readonly #config: ListenersConfig;
  readonly #rows = new Map<string, Row>();
  readonly #intervalMicros: number;
  /** Groups somebody wanted and there was no room for. */
  refused = 0;

  constructor(config: ListenersConfig) {
    this.#config = config;
    this.#intervalMicros = 1_000_000 * (config.querySeconds ?? QUERY_SECONDS);
  }

  get groups(): Uint8Array[] {
    return [...this.#rows.values()].map(({ group }) => group);
  }

  /** §9.6, §9.7: at once, again after a quarter of the interval, then one every interval. */
  start(): void {
    this.askAll();
    const { clock } = this.#config;
    for (let i = 1; i < ROBUSTNESS; i++) {
      clock.after(Math.floor((i * this.#intervalMicros) / 4), () => this.askAll());
    }
    this.repeat(this.#intervalMicros, () => this.askAll());
    this.repeat(SWEEP_MICROS, () => this.sweep());
  }

  take(records: readonly GroupRecord[]): void {
    for (const { type, group, sources } of records) {
      // What does not cross the border needs no row.
      if (!mayCross(group)) continue; // check: listener-scope
      if (listens(type, sources)) this.heard(group);
      else if (type === RECORD.TO_INCLUDE) this.left(group);
    }
  }

  private heard(group: Uint8Array): void {
    // §9.4.
    const lifeMicros = ROBUSTNESS * this.#intervalMicros + RESPONSE_MICROS + MESH_MICROS;
    const untilMicros = this.#config.clock.micros() + lifeMicros;
    const name = toHex(group);
    const row = this.#rows.get(name);
    if (row !== undefined) {
      row.untilMicros = untilMicros;
      return;
    }
    if (this.#rows.size >= this.#config.most) {
      this.refused += 1;
      return; // check: listeners-bounded
    }
    this.#rows.set(name, { group, untilMicros });
    this.#config.onChange(group, true);
  }

  /** §7.6.3: one is gone; are there others? */
  private left(group: Uint8Array): void {
    const row = this.#rows.get(toHex(group));
    if (row === undefined) return;
    const { clock, ask } = this.#config;
    const lastMicros = ROBUSTNESS * LAST_RESPONSE_MICROS + MESH_MICROS;
    row.untilMicros = Math.min(row.untilMicros, clock.micros() + lastMicros);
    const query = { group, responseMicros: LAST_RESPONSE_MICROS };
    ask(query);
    for (let i = 1; i < ROBUSTNESS; i++) {
      clock.after(i * LAST_RESPONSE_MICROS, () => ask(query));
    }
  }

  private askAll(): void {
    this.#config.ask({ group: undefined, responseMicros: RESPONSE_MICROS });
  }

  private sweep(): void {
    const now = this.#config.clock.micros();
    for (const [name, { group, untilMicros }] of this.#rows) {
      if (untilMicros > now) continue;
      this.#rows.delete(name);
      this.#config.onChange(group, false);
    }
  }

  private repeat(micros: number, act: () => void): void {
    this.#config.clock.after(micros, () => {
      act();
      this.repeat(micros, act);
    });
  }
}

/** Some sources or all of them: to us it is the same. */
function listens(type: number, sources: number): boolean {
  if (type === RECORD.IS_EXCLUDE || type === RECORD.TO_EXCLUDE) return true;
  return (
    sources > 0 &&
    (type === RECORD.IS_INCLUDE || type === RECORD.TO_INCLUDE || type === RECORD.ALLOW)
  );
}
