/**
 * Observing resources, the server's side (RFC 7641).
 *
 * The problem: a lamp that is dimmed by a whole group must not spend an instruction on observers
 * that it nearly never has, and must not be made to send more than the air bears by one that went
 * away.
 *
 * Rejected: a hook where the state changes (every command would ask it whether somebody listens); a
 * sequence number for each observation (it would have to outlive the observation, or a client that
 * comes back takes the new state for an old one).
 *
 * Choice: while there are observers, their representations are made anew four times a second and
 * compared; with none there is no timer and no table. RFC 7641 §1.3 promises no more: what is shown
 * is the state in the end, not every state. Sequence numbers are milliseconds since boot. A NON may
 * be lost and its receiver gone, so every few notifications, and in time before the last state's
 * Max-Age is over, one is a CON; who does not acknowledge it observes no more.
 *
 * A whole group that was registered with by one request sees the same command in the same instant.
 * Each of its members therefore tells at a time of its own within the leisure (RFC 7252 §8.2), the
 * first answer included, and makes what it tells then: what changed while it waited is in it.
 */
import { equalBytes } from "../bytes/equal.js";
import type { Clock, Timer } from "../ports/clock.js";
import type { Endpoint as Address } from "../ports/datagram.js";
import type { Random } from "../ports/random.js";
import { Agenda } from "./agenda.js";
import { upTo } from "./chance.js";
import type { Endpoint } from "./endpoint.js";
import type { Inner, Option } from "./message.js";
import { addUint, CONTENT_FORMAT, codeClass, MAX_AGE, OBSERVE } from "./options.js";

/** RFC 7641 §3.1: the values of the Observe option in a request. */
export const REGISTER = 0;
export const DEREGISTER = 1;

const POLL_MICROS = 250_000;
/** How long a state may be believed without a word from us (RFC 7641 §4.3). */
export const MAX_AGE_SECONDS = 600;
/** A notification without news, early enough for its retransmissions: MAX_TRANSMIT_SPAN is 45 s. */
const HEARTBEAT_MICROS = 540_000_000;
/** One of so many notifications is a CON (RFC 7641 §4.5 asks for one a day). */
const CONFIRM_EVERY = 8;
/**
 * RFC 7641 §4.5.1: one NON in 3 s on average, where nobody knows the round trip; and a few at once.
 */
const GAP_MICROS = 3_000_000;
const BURST = 4;
/** NONs whose Reset is understood. */
const MIDS_KEPT = 4;
const SEQUENCE_END = 0x100_0000;

/** What a resource says to a GET now. */
export interface Representation {
  readonly code: number;
  readonly format?: number;
  readonly payload?: Uint8Array;
  /** Further options, in the order of their numbers. */
  readonly options?: readonly Option[];
}

/** What is observed, by whom, as the layers above know it. */
export interface Observed {
  /** As in a URI, without the first slash. */
  readonly path: string;
  /** Undefined: it is not to be told any more (a right was taken away). */
  read(): Representation | undefined;
  /** Others tell the same at the same time: spread over so long. Told at once without it. */
  readonly leisureMicros?: (() => number) | undefined;
  /** The datagram, protected as the request was; undefined when that cannot be done any more. */
  make(header: { type: number; mid: number; token: Uint8Array }, inner: Inner): Made;
}

type Made = Uint8Array | undefined;

/** Who asked, as his message's protection shows it: an id counts within its context. */
export interface Party {
  readonly context: object;
  readonly id: Uint8Array;
}

/** What an observation is known by; `party` is undefined in the clear. */
export interface Observation {
  readonly from: Address;
  readonly token: Uint8Array;
  readonly party?: Party | undefined;
}

interface Row {
  readonly to: Address;
  readonly token: Uint8Array;
  readonly party: Party | undefined;
  readonly observed: Observed;
  /** What was last told; undefined before the first answer that waits for its time. */
  last: Representation | undefined;
  sequence: number;
  /** When, and how many more may go at once. */
  lastMicros: number;
  credit: number;
  /** NONs since the last CON. */
  unconfirmed: number;
  /** A CON is under way. */
  waits: boolean;
  /** What is to be told waits for its time, and is to be confirmed then. */
  isLate: boolean;
  confirms: boolean;
  readonly mids: number[];
}

export class Observers {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #endpoint: Pick<Endpoint, "send">;
  readonly #observersMax: number;
  readonly #onEmpty: (() => void) | undefined;
  readonly #onChange: (() => void) | undefined;
  readonly #rows: Row[] = [];
  /** Made when first needed; a row at most once. */
  #late: Agenda<Row> | undefined = undefined;
  #timer: Timer | undefined = undefined;
  readonly #poll = () => this.#lookAround();

  constructor(parts: {
    clock: Clock;
    random: Random;
    endpoint: Pick<Endpoint, "send">;
    limits: { observersMax: number };
    /** The last observer has gone. */
    onEmpty?: () => void;
    /** There is one more, or one less. */
    onChange?: () => void;
  }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#endpoint = parts.endpoint;
    this.#observersMax = parts.limits.observersMax;
    this.#onEmpty = parts.onEmpty;
    this.#onChange = parts.onChange;
  }

  get size(): number {
    return this.#rows.length;
  }

  /** What is observed, and by whom. */
  all(): readonly { readonly path: string; readonly party: Party | undefined }[] {
    return this.#rows.map(({ observed, party }) => ({ path: observed.path, party }));
  }

  /**
   * Enters an observation, in place of one with the same client and token, and returns the Observe
   * option's value for the answer, which carries `first`. Undefined when the table is full: then
   * the answer is one to a plain GET (RFC 7641 §4.1). Where there is a leisure, the answer is given
   * here, within it.
   */
  add(
    asked: Observation & {
      readonly observed: Observed;
      readonly first: Representation;
    },
  ): number | undefined {
    const { from, token, party, observed, first } = asked;
    this.remove(asked);
    if (this.#rows.length >= this.#observersMax) return undefined; // check: observers-max
    const nowMicros = this.#clock.micros();
    const row: Row = {
      to: { address: from.address.slice(), port: from.port },
      token: token.slice(),
      party: party && { context: party.context, id: party.id.slice() },
      observed,
      last: first,
      sequence: sequenceAt(nowMicros),
      lastMicros: nowMicros,
      credit: BURST,
      unconfirmed: 0,
      waits: false,
      isLate: false,
      confirms: false,
      mids: [],
    };
    this.#rows.push(row);
    this.#arm();
    if (observed.leisureMicros !== undefined) {
      row.last = undefined;
      this.#tellInTime(row, false);
    }
    this.#onChange?.();
    return row.sequence;
  }

  /**
   * The client's GET with Observe 1, or another registration with that token: his alone, whoever
   * else can send from his address.
   */
  remove({ from, token, party }: Observation): void {
    for (const row of this.#rows.slice()) {
      if (!isTo(row, from) || !equalBytes(row.token, token)) continue;
      if (!isSameParty(row.party, party)) continue; // check: observer-party
      this.#end(row);
    }
  }

  /** A Reset: the client knows nothing of the notification with that id (RFC 7641 §3.6). */
  reset(from: Address, mid: number): void {
    const row = this.#rows.find((one) => isTo(one, from) && one.mids.includes(mid));
    if (row !== undefined) this.#end(row);
  }

  /** Forgets everybody. */
  stop(): void {
    for (const row of this.#rows.slice()) this.#end(row);
  }

  #end(row: Row): void {
    const at = this.#rows.indexOf(row);
    if (at < 0) return;
    this.#rows.splice(at, 1);
    this.#late?.remove(row);
    if (this.#rows.length === 0) {
      if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
      this.#timer = undefined;
      this.#onEmpty?.();
    }
    this.#onChange?.();
  }

  #arm(): void {
    if (this.#rows.length === 0 || this.#timer !== undefined) return;
    this.#timer = this.#clock.after(POLL_MICROS, this.#poll);
  }

  #lookAround(): void {
    this.#timer = undefined;
    for (const row of this.#rows.slice()) this.#look(row);
    this.#arm();
  }

  #look(row: Row): void {
    if (row.waits) return;
    const nowMicros = this.#clock.micros();
    const silentMicros = nowMicros - row.lastMicros;
    const { leisureMicros } = row.observed;
    const heartbeat = silentMicros >= HEARTBEAT_MICROS - (leisureMicros?.() ?? 0);
    const now = row.observed.read();
    if (now === undefined) {
      this.#end(row);
      return;
    }
    if (row.isLate) return; // check: observe-one-waits
    const isTold = row.last !== undefined && isSame(now, row.last);
    if (!heartbeat && isTold) return;
    row.credit = Math.min(BURST, row.credit + silentMicros / GAP_MICROS);
    row.lastMicros = nowMicros;
    if (row.credit < 1) return; // check: observe-rate
    row.credit--;
    const confirmable = heartbeat || row.unconfirmed + 1 >= CONFIRM_EVERY;
    this.#tellInTime(row, confirmable);
  }

  #tellInTime(row: Row, confirmable: boolean): void {
    const { leisureMicros } = row.observed;
    let delayMicros = 0;
    if (leisureMicros) delayMicros = upTo(this.#random, leisureMicros()); // check: observe-spread
    if (delayMicros === 0) {
      this.#tell(row, confirmable);
      return;
    }
    this.#late ??= new Agenda(this.#clock, (one) => {
      one.isLate = false;
      this.#tell(one, one.confirms);
    });
    row.isLate = true;
    row.confirms = confirmable;
    this.#late.add(this.#clock.micros() + delayMicros, row);
  }

  /** A CON may wait for its turn: what it says is made when it goes. */
  #tell(row: Row, confirmable: boolean): void {
    const { last } = row;
    row.waits = confirmable;
    const mid = this.#endpoint.send({
      to: row.to,
      confirmable,
      make: (header) => this.#make(row, header),
      onAcked: () => {
        row.waits = false;
      },
      onFailed: () => this.#end(row), // check: observe-timeout
    });
    if (mid === undefined) {
      // Not taken by the network: to be told the next time.
      row.last = last;
      row.waits = false;
      return;
    }
    row.unconfirmed = confirmable ? 0 : row.unconfirmed + 1;
    row.mids.push(mid);
    if (row.mids.length > MIDS_KEPT) row.mids.shift();
  }

  #make(row: Row, header: { type: number; mid: number }): Made {
    const now = row.observed.read();
    if (now === undefined) return undefined;
    row.last = now;
    row.sequence = nextSequence(row.sequence, this.#clock.micros());
    const inner = notification(now, row.sequence);
    const made = row.observed.make({ ...header, token: row.token }, inner);
    // RFC 7641 §4.2: an error is the last thing that is told.
    if (made === undefined || codeClass(now.code) !== 2) this.#end(row);
    return made;
  }
}

/** A representation as the answer to a registration, or as a notification. */
export function notification(state: Representation, sequence: number): Inner {
  const { code, format, payload } = state;
  const options = state.options?.slice() ?? [];
  if (format !== undefined) addUint(options, CONTENT_FORMAT, format);
  if (codeClass(code) === 2) {
    addUint(options, OBSERVE, sequence);
    addUint(options, MAX_AGE, MAX_AGE_SECONDS);
  }
  return { code, options, payload };
}

function isSameParty(a: Party | undefined, b: Party | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.context === b.context && equalBytes(a.id, b.id);
}

function isTo({ to }: Row, from: Address): boolean {
  return to.port === from.port && equalBytes(to.address, from.address);
}

function isSame(a: Representation, b: Representation): boolean {
  if (a.code !== b.code || a.format !== b.format) return false;
  if (a.payload === undefined || b.payload === undefined) return a.payload === b.payload;
  return equalBytes(a.payload, b.payload);
}

/**
 * 24 bits of milliseconds: less than 2^23 pass in 256 s, as RFC 7641 §4.4 demands, and a client
 * that comes back after its observation was forgotten finds larger numbers.
 */
function sequenceAt(micros: number): number {
  return Math.floor(micros / 1000) % SEQUENCE_END;
}

function nextSequence(last: number, micros: number): number {
  const now = sequenceAt(micros);
  const ahead = (now - last + SEQUENCE_END) % SEQUENCE_END;
  return ahead > 0 && ahead < SEQUENCE_END / 2 ? now : (last + 1) % SEQUENCE_END;
}
