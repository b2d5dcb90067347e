/**
 * The world around a device whose power is cut: what it acknowledged, used and accepted, kept
 * outside of it, and what must hold of a device that comes up again. For test/powercut and its
 * slice among the unit suites.
 */
import { Id64 } from "../../modules/bytes/id64.js";
import { Recipients } from "../../modules/oscore/recipients.js";
import { Sequence } from "../../modules/oscore/sequence.js";
import type { Clock } from "../../modules/ports/clock.js";
import type { Flash } from "../../modules/ports/flash.js";
import { KIND, key } from "../../modules/store/keys.js";
import { Store } from "../../modules/store/store.js";
import { Uptime } from "../../modules/store/uptime.js";
import { TestClock } from "./clock.js";
import type { SeededRandom } from "./random.js";

/** What of a device is looked at; the mutants put broken parts in here. */
export interface Subject {
  readonly store: Pick<Store, "get" | "put" | "delete" | "keys" | "has" | "needsTidy" | "tidy">;
  readonly sequence: Pick<Sequence, "next">;
  readonly recipients: Pick<
    Recipients,
    "find" | "hasRoom" | "isFresh" | "admit" | "mark" | "idle" | "forget"
  >;
  readonly uptime: Pick<Uptime, "seconds">;
  readonly clock: TestClock;
}

/** Starts the device on this flash; throws when it refuses to start. */
export type Boot = (flash: Flash) => Subject;

export const SENDERS = 50;
/** Rows for replay windows: a rekeying needs some more than there are senders. */
export const ROWS = 60;
/** Settings the workload puts and deletes. */
const SETTINGS = 24;
/** The most numbers of one sender a cut may cost, the one under way included. */
export const LOST_MAX = 32;

export function bootStore(flash: Flash): Store {
  const opened = Store.open({ flash });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.store;
}

export function bootDevice(flash: Flash): Subject {
  const store = bootStore(flash);
  return withStore(store, new Sequence(store), new Recipients({ store, capacity: ROWS }));
}

export function withStore(
  store: Subject["store"],
  sequence: Subject["sequence"],
  recipients: Subject["recipients"],
): Subject {
  const clock = new TestClock();
  const uptime = new Uptime(store, clock as Clock);
  return { store, sequence, recipients, uptime, clock };
}

interface Sender {
  readonly id: Uint8Array;
  association: number;
  /** Numbers the device acted on under the present association. */
  accepted: number[];
  highest: number;
  /** Numbers up to here were lost to earlier cuts. */
  lostTo: number;
  /** The next number this sender will use. */
  next: number;
}

/** A message the device has but did not act on yet. */
interface InFlight {
  readonly sender: Sender;
  readonly number: number;
}

interface PendingPut {
  readonly key: number;
  readonly value: Uint8Array | undefined;
}

export class World {
  readonly senders: Sender[] = [];
  readonly settings = new Map<number, Uint8Array>();
  lastUsed = -1;
  uptimeSeconds = 0;
  /** idle() has run and no datagram has come since. */
  isQuiet = false;
  inFlight: InFlight | undefined;
  pending: PendingPut | undefined;
  /** Its rows are being deleted, or were. */
  forgotten = -1;
  /** Refused puts and messages. */
  refusals = 0;

  static create(random: SeededRandom): World {
    const world = new World();
    const starts = [0, 1, 2 ** 31 - 9, 2 ** 32 - 9, 2 ** 39, 2 ** 40 - 3000];
    for (let i = 0; i < SENDERS; i++) {
      // Ids of 1 to 8 bytes, an EUI-64 for most.
      const id = new Uint8Array(i % 4 === 0 ? 1 + (i % 8) : 8);
      random.fill(id);
      id[0] = i + 1;
      const next = starts[random.below(starts.length)];
      world.senders.push({ id, association: i % 3, accepted: [], highest: -1, lostTo: -1, next });
    }
    return world;
  }

  clone(): World {
    const other = new World();
    for (const sender of this.senders) {
      other.senders.push({ ...sender, accepted: sender.accepted.slice() });
    }
    for (const [at, value] of this.settings) other.settings.set(at, value);
    other.lastUsed = this.lastUsed;
    other.uptimeSeconds = this.uptimeSeconds;
    other.isQuiet = this.isQuiet;
    other.pending = this.pending;
    other.forgotten = this.forgotten;
    const { inFlight } = this;
    if (inFlight !== undefined) {
      const sender = other.senders[this.senders.indexOf(inFlight.sender)];
      other.inFlight = { sender, number: inFlight.number };
    }
    return other;
  }

  send(subject: Subject): void {
    const number = subject.sequence.next();
    if (number === undefined) this.refusals++;
    else if (number <= this.lastUsed) throw new Error(`number ${number} was used before`);
    else this.lastUsed = number;
  }

  /** One message of `sender`, treated as groups/open treats it. */
  receive(subject: Subject, sender: Sender, number: number): void {
    this.isQuiet = false;
    this.inFlight = { sender, number };
    const { recipients } = subject;
    const { id, association } = sender;
    const row = recipients.find(association, new Id64().read(id, 0, id.length));
    let isTaken = false;
    if (row >= 0) isTaken = recipients.isFresh(row, number) && recipients.mark(row, number);
    else if (recipients.hasRoom()) {
      const newcomer = { bytes: id, start: 0, length: id.length, sequence: number };
      isTaken = recipients.admit(association, newcomer) >= 0;
    }
    this.inFlight = undefined;
    if (!isTaken) {
      this.refusals++;
      return;
    }
    sender.accepted.push(number);
    sender.highest = Math.max(sender.highest, number);
  }

  /** The next message of `sender`, which uses `step` numbers for it. */
  receiveNext(subject: Subject, sender: Sender, step = 1): void {
    sender.next += step;
    this.receive(subject, sender, sender.next);
  }

  put(subject: Subject, index: number, value: Uint8Array | undefined): void {
    const at = key(KIND.SETTING, index);
    this.pending = { key: at, value };
    const isDone = value === undefined ? subject.store.delete(at) : subject.store.put(at, value);
    this.pending = undefined;
    if (!isDone) this.refusals++;
    else if (value === undefined) this.settings.delete(at);
    else this.settings.set(at, value);
  }

  /** Two seconds without a datagram. */
  idle(subject: Subject): void {
    subject.recipients.idle();
    this.isQuiet = true;
  }

  /** A key ends and another one takes its place: the rows of the old one go. */
  rekey(subject: Subject, association: number, successor: number): void {
    this.forgotten = association;
    for (const sender of this.senders) {
      if (sender.association !== association) continue;
      sender.association = successor;
      sender.accepted = [];
      sender.highest = -1;
      sender.lostTo = -1;
    }
    if (!subject.recipients.forget(association)) this.refusals++;
  }

  tick(subject: Subject, micros: number): void {
    subject.clock.advance(micros);
    this.#checkUptime(subject);
  }

  /** What must hold of a device that has just started. Returns the most numbers any sender lost. */
  check(subject: Subject): number {
    this.#checkSettings(subject);
    this.#checkUptime(subject);
    let most = 0;
    for (const sender of this.senders) most = Math.max(most, this.#checkSender(subject, sender));
    this.send(subject);
    return most;
  }

  #checkUptime(subject: Subject): void {
    const now = subject.uptime.seconds();
    if (now < this.uptimeSeconds) throw new Error(`uptime went back to ${now}`);
    this.uptimeSeconds = now;
  }

  #checkSettings(subject: Subject): void {
    for (let index = 0; index < SETTINGS; index++) {
      const at = key(KIND.SETTING, index);
      const value = subject.store.get(at);
      if (isSame(value, this.settings.get(at))) continue;
      const { pending } = this;
      if (pending !== undefined && pending.key === at && isSame(value, pending.value)) {
        // What was not acknowledged may be there, and then it stays.
        if (value === undefined) this.settings.delete(at);
        else this.settings.set(at, value);
        continue;
      }
      throw new Error(`setting ${index} is not what was acknowledged`);
    }
    this.pending = undefined;
  }

  /** Replays all that was accepted, and counts the fresh numbers lost. */
  #checkSender(subject: Subject, sender: Sender): number {
    const { recipients } = subject;
    const { id, association, accepted } = sender;
    const highest = Math.max(sender.highest, sender.lostTo);
    const inFlight = this.inFlight?.sender === sender ? this.inFlight.number : -1;
    const row = recipients.find(association, new Id64().read(id, 0, id.length));
    if (row < 0) {
      if (accepted.length > 0) throw new Error("a sender was forgotten: all of his is replayable");
      return 0;
    }
    for (const number of accepted) {
      if (recipients.isFresh(row, number)) throw new Error(`message ${number} is accepted again`);
    }
    // The message under way may count as seen; the numbers its sender skipped before it are no
    // loss.
    const isSeen = inFlight > highest && !recipients.isFresh(row, inFlight);
    let next = isSeen ? inFlight : highest + 1;
    let lost = 0;
    for (; lost <= LOST_MAX && !recipients.isFresh(row, next); next++) lost++;
    if (lost > 0) sender.lostTo = next - 1;
    const limit = this.isQuiet ? 0 : LOST_MAX;
    if (lost > limit) {
      const when = this.isQuiet ? "a cut while idle" : "a cut";
      throw new Error(`${when} cost a sender ${lost} numbers or more, not ${limit}`);
    }
    return lost;
  }
}

/** One turn of the mixed workload; returns how many operations it was. */
export function turn(world: World, subject: Subject, random: SeededRandom): number {
  const what = random.below(100);
  world.tick(subject, random.below(240_000_000));
  if (what < 30) {
    world.send(subject);
    return 1;
  }
  if (what < 62) return sparse(world, subject, random);
  if (what < 72) return burst(world, subject, random);
  if (what < 92) {
    const value = new Uint8Array(random.below(random.chance(0.1) ? 900 : 24));
    random.fill(value);
    world.put(subject, random.below(SETTINGS), random.chance(0.2) ? undefined : value);
    return 1;
  }
  if (what < 99) return rest(world, subject, 3);
  return change(world, subject);
}

/** Single messages with pauses, some late. */
function sparse(world: World, subject: Subject, random: SeededRandom): number {
  const sender = world.senders[random.below(SENDERS)];
  world.receiveNext(subject, sender, random.chance(0.1) ? 1 + random.below(5000) : 1);
  if (random.chance(0.7)) return 1 + rest(world, subject, 1);
  return 1;
}

/** A few senders at once, without a pause; numbers arrive out of order and more than once. */
function burst(world: World, subject: Subject, random: SeededRandom): number {
  const length = 4 + random.below(60);
  const first = random.below(SENDERS);
  for (let i = 0; i < length; i++) {
    const sender = world.senders[(first + random.below(3)) % SENDERS];
    const late = sender.highest - 1 - random.below(80);
    const isLate = random.chance(0.15) && late > 0 && !sender.accepted.includes(late);
    if (isLate) world.receive(subject, sender, late);
    else world.receiveNext(subject, sender, random.chance(0.2) ? 3 : 1);
  }
  return length;
}

/** A pause, used for some steps of tidying. */
export function rest(world: World, subject: Subject, steps: number): number {
  world.idle(subject);
  for (let i = 0; i < steps && subject.store.needsTidy; i++) subject.store.tidy();
  return 1;
}

function change(world: World, subject: Subject): number {
  const association = world.senders[0].association;
  world.rekey(subject, association, association + 3);
  return 1;
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
