/**
 * Observing a resource of everybody in a group, or of one (RFC 7641; draft-ietf-core-groupcomm-bis,
 * "Observing Resources").
 *
 * PROBLEM. One request, one token; a hundred members, each of whom tells on as long as it lives.
 * Each one's notifications have an order of their own, and a registration that was lost, or whose
 * lamp was without power since, has to be made again without losing the others.
 *
 * REJECTED. A token for each registration: whoever has both tells everything twice. To ask the
 * whole group whenever somebody is silent: a hundred answers for one lamp that was unplugged.
 *
 * CHOICE. A row for each member, kept in order by what cannot be forged: the registration it
 * belongs to, the key, the number (RFC 8613 §4.1.3.5.2, RFC 10021 "Response Number"). Who is silent
 * beyond his Max-Age is asked alone, under the same token; who does not acknowledge that is gone.
 * The group is asked again twice an hour, for those who came later. As one registration takes the
 * place of another at each member in its own time, answers may belong to several: they are held
 * against those that this member may have heard.
 */
import { equalBytes } from "../bytes/equal.js";
import type { Exchange } from "../coap/exchange.js";
import { type Inner, NON, type Option } from "../coap/message.js";
import { DEREGISTER, REGISTER } from "../coap/observe.js";
import { addOption, addPath, addUint, find, GET, OBSERVE } from "../coap/options.js";
import { Watch } from "../coap/watch.js";
import type { Association } from "../groups/directory.js";
import { compareKeyIds } from "../groups/directory.js";
import type { Timer } from "../ports/clock.js";
import type { Endpoint } from "../ports/datagram.js";
import { sealRequest } from "./asking.js";
import { LIMITS } from "./limits.js";
import type { Answer, Asked, Bound, Parts, Watching, Wish } from "./parts.js";

/** For those who were not there, or did not hear it. */
const AGAIN_MICROS = 1_800_000_000;
/** The same where the first request of a sender may be no more than a reference. */
const SOON_MICROS = 10_000_000;
/** Asked so often, acknowledged and not answered: he does not tell any more. */
const ASKS_MAX = 3;

/** A registration: the later, the higher its number. */
interface Registration extends Bound {
  readonly number: number;
}

/** One member, from his first answer on. */
interface Row {
  readonly id: Uint8Array;
  at: Endpoint;
  /** While he tells. */
  watch: Watch | undefined;
  /** Answers that were taken. */
  taken: number;
  /** Place of the latest that was heard of him. */
  place: readonly number[] | undefined;
  /** Undefined while he tells nothing. */
  state: Inner | undefined;
  /** What he alone was asked last. */
  own: Registration | undefined;
  asks: number;
}

/** Observes; undefined where there is no key, number or room for it. */
export function watch(device: Parts, wish: Wish): Watching | undefined {
  const { watches = [] } = device;
  if (watches.length >= LIMITS.watchesMax) return undefined; // check: watches-max
  const one = new Observation(device, wish);
  return one.begin() ? one : undefined;
}

class Observation implements Watching {
  readonly #device: Parts;
  readonly wish: Wish;
  readonly #rows: Row[] = [];
  readonly #asked: Asked;
  #exchange: Exchange<Asked> | undefined = undefined;
  /** Those made of the whole group: the latest, and the one before. */
  #current: Registration | undefined = undefined;
  #before: Registration | undefined = undefined;
  #made = 0;
  /** Keys that answers came under, the newest last. */
  readonly #keys: Association[] = [];
  #timer: Timer | undefined = undefined;

  constructor(device: Parts, wish: Wish) {
    this.#device = device;
    this.wish = wish;
    this.#asked = {
      appGroup: wish.appGroup,
      request: undefined,
      observes: true,
      others: (from) => this.#others(from),
    };
  }

  begin(): boolean {
    const { exchanges } = this.#device;
    const { member, appGroup } = this.wish;
    this.#exchange = exchanges.open({
      binding: this.#asked,
      ...(member === undefined ? {} : { peer: member.at }),
      many: true,
      repeated: true,
      onAnswer: (answer, from) => this.#heard(answer, from),
      onDone: () => {},
    });
    if (this.#exchange === undefined) return false;
    const isSent = member === undefined ? this.#askAll() : this.#askFirst(member);
    if (!isSent) {
      this.#close();
      return false;
    }
    this.#device.watches = [...(this.#device.watches ?? []), this];
    this.#device.onObservation?.();
    const way = appGroup.security.policy?.synchronisation ?? "bestEffort";
    if (member === undefined) this.#askAgain(way === "bestEffort" ? AGAIN_MICROS : SOON_MICROS);
    return true;
  }

  states(): readonly { readonly member: Uint8Array; readonly inner: Inner }[] {
    const told: { member: Uint8Array; inner: Inner }[] = [];
    for (const { id, state } of this.#rows) {
      if (state !== undefined) told.push({ member: id, inner: state });
    }
    return told;
  }

  stop(): void {
    if (this.#exchange === undefined) return;
    const { member, appGroup } = this.wish;
    const { endpoint, net } = this.#device;
    const head = { type: NON, mid: endpoint.nextMid() };
    const made = this.#request(head, { to: member?.at ?? appGroup, id: member?.id }, DEREGISTER);
    if (made !== undefined) {
      net.send({ to: member?.at ?? appGroup, fromPort: appGroup.port, bytes: made.bytes });
    }
    this.#close();
    const others = this.#device.watches?.filter((one) => one !== this) ?? [];
    this.#device.watches = others.length === 0 ? undefined : others;
    this.#device.onObservation?.();
  }

  #close(): void {
    const { clock, exchanges } = this.#device;
    for (const { watch } of this.#rows) watch?.stop();
    if (this.#timer !== undefined) clock.cancel(this.#timer);
    this.#timer = undefined;
    if (this.#exchange !== undefined) exchanges.close(this.#exchange);
    this.#exchange = undefined;
  }

  #askAgain(delayMicros: number): void {
    this.#timer = this.#device.clock.after(delayMicros, () => {
      this.#askAll();
      this.#askAgain(AGAIN_MICROS);
    });
  }

  /** Registers with the whole group. */
  #askAll(): boolean {
    const { appGroup } = this.wish;
    const { net, endpoint, trace } = this.#device;
    const head = { type: NON, mid: endpoint.nextMid() };
    const made = this.#request(head, { to: appGroup, id: undefined }, REGISTER);
    const isSent =
      made !== undefined && net.send({ to: appGroup, fromPort: appGroup.port, bytes: made.bytes });
    trace.count(isSent ? "sent" : "sendRefused");
    if (made === undefined) return false;
    this.#before = this.#current;
    this.#isNow(made.registration);
    return isSent;
  }

  #isNow(registration: Registration): void {
    this.#current = registration;
    this.#asked.request = registration.request;
    this.#asked.awaited = registration.awaited;
  }

  #askFirst({ id, at }: { id: Uint8Array; at: Endpoint }): boolean {
    return this.#ask(this.#row(id, at));
  }

  /** Registers with one member alone; he is gone if he does not acknowledge it. */
  #ask(row: Row): boolean {
    const { endpoint } = this.#device;
    const mid = endpoint.send({
      to: row.at,
      confirmable: true,
      make: (head) => this.#askOne(row, head),
      onFailed: () => this.#gone(row), // check: watch-gone
    });
    return mid !== undefined;
  }

  #askOne(
    row: Row,
    head: { readonly type: number; readonly mid: number },
    echo?: Option,
  ): Uint8Array | undefined {
    if (this.#exchange === undefined) return undefined;
    const made = this.#request(head, { to: row.at, id: row.id }, REGISTER, echo);
    this.#device.trace.count(made === undefined ? "sendRefused" : "sent");
    if (made === undefined) return undefined;
    row.own = made.registration;
    if (this.#current === undefined || this.wish.member !== undefined) {
      this.#isNow(made.registration);
    }
    return made.bytes;
  }

  /** The GET, under the token of all of them. */
  #request(
    head: { readonly type: number; readonly mid: number },
    { to, id }: { readonly to: Endpoint; readonly id: Uint8Array | undefined },
    observe: number,
    echo?: Option,
  ): { readonly bytes: Uint8Array; readonly registration: Registration } | undefined {
    const { groups } = this.#device;
    const { appGroup, path } = this.wish;
    const { token } = this.#exchange as Exchange<Asked>;
    const options: Option[] = [];
    addUint(options, OBSERVE, observe);
    addPath(options, `/${path}`);
    if (echo !== undefined) addOption(options, echo.number, echo.value);
    const { security } = appGroup;
    const key = groups.keyring.current(security);
    const isPaired = key !== undefined && security.profile.pairs?.(key) === true;
    const peer = isPaired ? id : key?.peerId;
    const header = { ...head, token };
    const inner = { code: GET, options, payload: undefined };
    const sealed = sealRequest(groups, { header, inner, appGroup, to, peer });
    if (sealed === undefined) return undefined;
    const { bytes, bound } = sealed;
    return { bytes, registration: { ...bound, number: ++this.#made } };
  }

  /** What whoever sends from there may have been asked, besides what all were asked last. */
  #others(from: Endpoint): readonly Bound[] {
    const found: Bound[] = [];
    for (const { at, own } of this.#rows) {
      if (own !== undefined && isSame(at, from)) found.push(own);
    }
    if (this.#before !== undefined) found.push(this.#before);
    return found;
  }

  #heard(answer: Answer, from: Endpoint): void {
    const { member, inner } = answer;
    const row = this.#row(member, from);
    const echo = this.#challengeIn(inner);
    if (echo !== undefined) {
      this.#prove(row, from, echo);
      return;
    }
    const place = this.#placeOf();
    if (row.place !== undefined && !isLater(place, row.place)) return; // check: watch-place
    row.place = place;
    row.at = { address: from.address.slice(), port: from.port };
    row.asks = 0;
    row.watch ??= this.#watchOf(row);
    const news = row.watch.heard(inner, ++row.taken);
    if (news === "ended") row.watch = undefined;
    this.#tells(row, news === "ended" ? undefined : inner);
    this.wish.onNews({ member: row.id, what: news === "ended" ? "ended" : "state", inner });
  }

  /** He wants to know whether the registration was made just now (RFC 10021 §9). */
  #challengeIn({ code, options }: Inner): Option | undefined {
    const { challenge } = this.wish.appGroup.security.profile;
    if (challenge === undefined || code !== challenge.code) return undefined;
    const value = find(options, challenge.option);
    const isEcho = value !== undefined && value.length >= 1 && value.length <= 40;
    return isEcho ? { number: challenge.option, value } : undefined;
  }

  #prove(row: Row, from: Endpoint, echo: Option): void {
    const { net, endpoint } = this.#device;
    const { port } = this.wish.appGroup;
    row.at = { address: from.address.slice(), port: from.port };
    const head = { type: NON, mid: endpoint.nextMid() };
    const bytes = this.#askOne(row, head, echo);
    if (bytes !== undefined) net.send({ to: row.at, fromPort: port, bytes });
  }

  /**
   * Where the answer at hand belongs: registration, key, number. One without a number is the oldest
   * of its registration.
   */
  #placeOf(): readonly number[] {
    const { arriving, schemes } = this.#device.groups;
    const { association, option } = arriving;
    const isTold = association.security.profile.namesGroup !== true;
    const answered = isTold ? schemes?.answered : undefined;
    const all = [this.#current, this.#before, ...this.#rows.map(({ own }) => own)];
    const registration = all.find((one) => one !== undefined && one.awaited === answered);
    const number = answered === undefined ? 0 : (registration?.number ?? 0);
    return [number, this.#keyOf(association), option.sequence];
  }

  #keyOf(association: Association): number {
    const keys = this.#keys;
    const known = keys.indexOf(association);
    if (known >= 0) return known;
    const newest = keys.at(-1);
    if (newest !== undefined && compareKeyIds(association.keyId, newest.keyId) < 0) return -1;
    return keys.push(association) - 1;
  }

  /** No more than answersMax: so many may answer one exchange. */
  #row(id: Uint8Array, from: Endpoint): Row {
    const known = this.#rows.find((one) => equalBytes(one.id, id));
    if (known !== undefined) return known;
    const row: Row = {
      id: id.slice(),
      at: { address: from.address.slice(), port: from.port },
      watch: undefined,
      taken: 0,
      place: undefined,
      state: undefined,
      own: undefined,
      asks: 0,
    };
    this.#rows.push(row);
    return row;
  }

  #watchOf(row: Row): Watch {
    const { clock, exchanges } = this.#device;
    return new Watch({ clock, random: exchanges.random, ask: () => this.#silent(row) });
  }

  /** His Max-Age is over. */
  #silent(row: Row): void {
    row.asks++;
    if (row.asks > ASKS_MAX) this.#gone(row);
    else this.#ask(row);
  }

  /** The row stays: what comes of him late is no newer than it was. */
  #gone(row: Row): void {
    if (this.#exchange === undefined) return;
    row.watch?.stop();
    row.watch = undefined;
    row.asks = 0;
    row.own = undefined;
    if (row.state === undefined && this.wish.member === undefined) return;
    this.#tells(row, undefined);
    this.wish.onNews({ member: row.id, what: "gone" });
  }

  #tells(row: Row, state: Inner | undefined): void {
    const isOther = (row.state === undefined) !== (state === undefined);
    row.state = state;
    if (isOther) this.#device.onObservation?.();
  }
}

/** Whether the first of two places comes after the other. */
function isLater(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((part, index) => part !== b[index]);
  return at >= 0 && a[at] > b[at];
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && equalBytes(a.address, b.address);
}
