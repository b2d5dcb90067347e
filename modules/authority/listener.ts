/**
 * Who listens to the groups of an authority, so that whoever comes late can be told how far their
 * senders are (draft-tiloca-core-multicast-oscoap-00 §7.2: "the GC can provide them").
 *
 * PROBLEM. What is told must never be below what was said, or what lies between can be said again.
 * So it does not do to have heard something: it has to be all of it, since before anybody could
 * speak under the key in question. And keys, members and their credentials change, made by this
 * program or by another one on the same database, while datagrams arrive.
 *
 * REJECTED. Writing each number down as it comes: a press is then a write, and after a restart
 * nobody knows what was said meanwhile anyway. Being told of each change as it is made: of what
 * another program decides, one is told too late.
 *
 * CHOICE. Nothing here is durable: whoever begins to listen knows of those keys alone that nobody
 * who speaks had by then (`hearsFrom`), and the rest is renewed for the next newcomer (heard.ts).
 * What is not understood when it comes waits until the ledger was read after its arrival; then it
 * is understood, or nobody's. While something waits nobody is told anything.
 */
import { SENDER } from "../access/scope.js";
import { equalBytes } from "../bytes/equal.js";
import { type Drop, drop } from "../bytes/outcome.js";
import type { Datagram, Endpoint } from "../ports/datagram.js";
import { Ear, type EarParts, type Place } from "./ear.js";
import { type Hearing, hearsFrom, type Listening } from "./heard.js";
import type { Rows } from "./ledger.js";
import {
  applications,
  groups,
  inGroup,
  keys,
  membersOf,
  numberKey,
  numberOf,
  policyOf,
} from "./records.js";

/** Datagrams that wait, of a group: they are read again within a second. */
const WAITING_MAX = 512;
/** What is no message of the group's, whatever the ledger says, or was heard already. */
const SETTLED: readonly Drop[] = Object.freeze([
  "malformed",
  "replayed",
  "unknownGroup",
  "unsolicited",
]);

/** It may be a sender's, and there is no place left to keep how far he is. */
const UNKEPT: readonly Drop[] = Object.freeze(["tableFull", "storeFailed"]);

/** A group that is to be listened to. */
export interface Wanted {
  readonly group: number;
  readonly places: readonly Place[];
}

interface Waiting {
  /** In the order of arrival. */
  readonly number: number;
  readonly datagram: Datagram;
}

interface Heard {
  readonly places: readonly Place[];
  readonly since: number;
  epoch: number;
  ear: Ear | undefined;
  waiting: Waiting[];
}

/** Groups whose policy says that they are listened to, and where. */
export function wantedIn(rows: Rows): Wanted[] {
  const all = groups.keys(rows).map(numberOf);
  return all
    .filter((group) => policyOf(rows, group).numbers === "heard")
    .map((group) => ({ group, places: placesOf(rows, group) }))
    .filter(({ places }) => places.length > 0);
}

function placesOf(rows: Rows, group: number): Place[] {
  return applications.keys(rows).flatMap((key) => {
    const { group: of, address, port } = applications.need(rows, key);
    return of === group ? [{ appGroup: numberOf(key), address, port }] : [];
  });
}

export class Listener implements Listening {
  readonly #parts: EarParts;
  readonly #heard = new Map<number, Heard>();
  #count = 0;

  constructor(parts: EarParts) {
    this.#parts = parts;
  }

  of(group: number): Hearing | undefined {
    const heard = this.#heard.get(group);
    if (heard === undefined) return undefined;
    const { since, epoch, ear, waiting } = heard;
    return { since, epoch, numbers: ear?.numbers() ?? [], waits: waiting.length > 0 };
  }

  /** How many datagrams came: what is read from the ledger from now on, `look` judges those by. */
  get count(): number {
    return this.#count;
  }

  /** Whether something waits to be looked at. */
  get waits(): boolean {
    return [...this.#heard.values()].some(({ waiting }) => waiting.length > 0);
  }

  /** Nobody knows what was missed. */
  forget(): void {
    this.#heard.clear();
  }

  /**
   * Takes over what the ledger says. `isJoined`: where datagrams came from all the time, since
   * before these rows were read; `count`: of how many datagrams these rows say the last word.
   */
  look(rows: Rows, seen: { isJoined: (place: Endpoint) => boolean; count: number }): void {
    const wanted = wantedIn(rows);
    for (const group of this.#heard.keys()) {
      if (!wanted.some((one) => one.group === group)) this.#heard.delete(group);
    }
    for (const one of wanted) this.#lookAt(rows, one, seen);
  }

  /** A datagram that was said to many. */
  hear(datagram: Datagram): void {
    const number = ++this.#count;
    for (const [group, heard] of this.#heard) {
      if (!heard.places.some((place) => isAt(place, datagram.to))) continue;
      const { waiting } = heard;
      const fate = fateOf(heard, datagram);
      if (fate === "lost") this.#heard.delete(group); // check: listener-unkept
      if (fate !== "open") continue;
      const { from, to, bytes, atMicros } = datagram;
      waiting.push({ number, datagram: { from, to, bytes: bytes.slice(), atMicros } });
      if (waiting.length > WAITING_MAX) this.#heard.delete(group); // check: listener-full
    }
  }

  #lookAt(
    rows: Rows,
    { group, places }: Wanted,
    { isJoined, count }: { isJoined: (place: Endpoint) => boolean; count: number },
  ): void {
    if (!places.every(isJoined)) {
      this.#heard.delete(group);
      return;
    }
    let heard = this.#heard.get(group);
    if (heard === undefined || !isSame(heard.places, places)) {
      this.#heard.delete(group);
      // It came while these rows were read, and went by: perhaps under a key that they call unused.
      if (this.#count > count) return; // check: listener-missed
      const since = hearsFrom(rows, group);
      heard = { places, since, epoch: 0, ear: undefined, waiting: [] };
      this.#heard.set(group, heard);
    }
    const knowsAll = this.#learn(rows, group, heard);
    if (!knowsAll) {
      this.#heard.delete(group);
      return;
    }
    const { waiting } = heard;
    heard.waiting = [];
    for (const one of waiting) {
      const fate = fateOf(heard, one.datagram);
      // It came after these rows were read: the next ones may know whose it is.
      if (fate === "open" && one.number > count) heard.waiting.push(one); // check: listener-later
      if (fate === "lost") this.#heard.delete(group); // check: listener-unkept-later
    }
  }

  /** Key and members; false where one of them cannot be understood here. */
  #learn(rows: Rows, group: number, heard: Heard): boolean {
    const { epoch, profile } = groups.need(rows, numberKey(group));
    if (epoch === 0) return true;
    if (heard.epoch !== epoch) {
      const { keyId, raw } = keys.need(rows, inGroup(group, epoch));
      const { places } = heard;
      heard.ear = Ear.of(this.#parts, { profile, keyId, raw, places });
      heard.epoch = epoch;
    }
    const { ear } = heard;
    if (ear === undefined) return false;
    const senders = membersOf(rows, group).filter(({ member }) => (member.roles & SENDER) !== 0);
    const knows = senders.every(({ clientId: id, member: { credential } }) =>
      ear.enter({ id, credential }),
    );
    if (!knows) return false; // check: listener-knows
    return true;
  }
}

/** `open`: it was not understood, and may be yet; `lost`: its number is known to nobody now. */
function fateOf({ ear }: Heard, datagram: Datagram): "settled" | "open" | "lost" {
  const outcome = ear?.hear(datagram) ?? drop("unknownKey");
  if (outcome.ok || SETTLED.includes(outcome.drop)) return "settled";
  return UNKEPT.includes(outcome.drop) ? "lost" : "open";
}

function isAt(place: Endpoint, to: Endpoint): boolean {
  return place.port === to.port && equalBytes(place.address, to.address);
}

function isSame(one: readonly Place[], other: readonly Place[]): boolean {
  if (one.length !== other.length) return false;
  return one.every((place, at) => {
    return place.appGroup === other[at].appGroup && isAt(place, other[at]);
  });
}
