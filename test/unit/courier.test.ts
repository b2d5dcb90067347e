/** New keys to a hundred members: in which order, how many at a time, and who is tried again. */
import { RECEIVER, SENDER } from "../../modules/access/scope.js";
import { Courier, type CourierParts } from "../../modules/authority/courier.js";
import { expel, renew } from "../../modules/authority/distribution.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import { inGroup, members, newcomer, pushes } from "../../modules/authority/records.js";
import { WINDOW, type Window } from "../../modules/authority/turns.js";
import { toHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { CHANGED, FORBIDDEN } from "../../modules/coap/options.js";
import type { Answered, Ask, Told } from "../../modules/secure/request.js";
import { equal, test } from "../harness.js";
import { APPLICATION, centerOf, furnish, GROUP } from "../support/authority.js";
import { TestClock } from "../support/clock.js";
import { sealing } from "../support/grants.js";

const SECOND = 1_000_000;
const DONE: Answered = { ok: true, response: { code: CHANGED } };

/** Listeners 1 to `listeners`, then senders; a network that answers as it is told. */
class Crowd {
  readonly clock = new TestClock();
  readonly center = centerOf();
  readonly ledger = new MemoryLedger();
  readonly courier: Courier;
  /** In the order they were asked. */
  readonly asked: number[] = [];
  readonly told: string[] = [];
  readonly away = new Set<number>();
  /** Client -> what it says instead of 2.04. */
  readonly answers = new Map<number, Answered>();
  /** Client -> how long its answer takes. */
  readonly delays = new Map<number, number>();
  underWay = 0;
  most = 0;
  delayMicros = SECOND / 10;

  constructor(listeners: number, senders: number, window: Partial<Window> = {}) {
    const { center, clock, ledger } = this;
    ledger.run((rows) => {
      furnish(rows, center);
      for (let at = 1; at <= listeners + senders; at++) {
        const roles = at <= listeners ? RECEIVER : SENDER;
        const scope = [{ appGroup: APPLICATION, level: 2, roles }] as const;
        const member = { ...newcomer(), roles, scope, confirmed: 1 };
        members.put(rows, inGroup(GROUP, uintBytes(at)), member);
      }
    });
    const pairwise = sealing(center.crypto, 0x70);
    const parts: CourierParts = {
      ...{ clock, center, now: () => 1 },
      run: (decide) => ledger.run(decide),
      reach: ([client]) => {
        if (this.away.has(client)) return undefined;
        return { pairwise, ask: (ask, done) => this.#ask(client, ask, done) };
      },
      told: (clientId, delivered) => this.told.push(`${toHex(clientId)} ${delivered}`),
    };
    this.courier = new Courier(parts, { ...WINDOW, ...window });
  }

  renew(): void {
    this.ledger.run((rows) => renew(rows, this.center, GROUP, { isBroken: false, now: 1 }));
    this.courier.look();
  }

  lose(client: number): void {
    this.ledger.run((rows) => expel(rows, this.center, uintBytes(client), 1));
    this.courier.look();
  }

  get waiting(): number {
    return this.ledger.run((rows) => pushes.keys(rows)).length;
  }

  #ask(client: number, ask: Ask, done: Told): boolean {
    equal(ask.path, ["keys", "push"]);
    this.asked.push(client);
    this.underWay++;
    this.most = Math.max(this.most, this.underWay);
    this.clock.after(this.delays.get(client) ?? this.delayMicros, () => {
      this.underWay--;
      done(this.answers.get(client) ?? DONE);
    });
    return true;
  }
}

test("in peace whoever sends is last: what is said meanwhile all can read", () => {
  const crowd = new Crowd(20, 3);
  crowd.renew();
  crowd.clock.advance(10 * SECOND);
  equal([crowd.waiting, crowd.asked.length], [0, 23]);
  equal(crowd.asked.slice(20), [21, 22, 23]);
  equal(crowd.clock.pending, 0, "nothing to do, no timer");
});

test("after a loss whoever sends is first: the old key is nobody's any more", () => {
  const crowd = new Crowd(20, 3);
  crowd.renew();
  crowd.clock.advance(10 * SECOND);
  crowd.asked.length = 0;
  crowd.lose(22);
  crowd.clock.advance(10 * SECOND);
  equal(crowd.asked.slice(0, 2), [21, 23]);
  equal([crowd.waiting, crowd.asked.length], [0, 22]);
});

test("more and more at a time, and half as many when answers are late", () => {
  const crowd = new Crowd(80, 0);
  crowd.renew();
  equal(crowd.underWay, 4);
  crowd.clock.advance(SECOND / 10);
  equal(crowd.underWay, 8);
  crowd.clock.advance(SECOND);
  equal([crowd.most, crowd.waiting], [16, 0]);
  crowd.delayMicros = 3 * SECOND;
  crowd.renew();
  equal(crowd.underWay, 16);
  crowd.clock.advance(3 * SECOND);
  // Once for all sixteen that were late together.
  equal(crowd.underWay, 8);
  crowd.clock.advance(3 * SECOND);
  equal(crowd.underWay, 4);
});

test("on a channel that others need, too: not closer together than it is told", () => {
  const crowd = new Crowd(40, 2, { spacingMicros: 60_000 });
  crowd.renew();
  equal(crowd.underWay, 1);
  crowd.clock.advance(SECOND);
  equal(crowd.asked.length, 17);
  crowd.clock.advance(2 * SECOND);
  equal([crowd.waiting, crowd.asked.length], [0, 42]);
});

test("who does not take it is tried again later and later, and at once when it comes back", () => {
  const crowd = new Crowd(1, 1);
  crowd.answers.set(1, { ok: true, response: { code: FORBIDDEN } });
  crowd.away.add(2);
  crowd.renew();
  crowd.clock.advance(16 * SECOND);
  // After 2, 4 and 8 seconds.
  equal(crowd.asked, [1, 1, 1, 1]);
  equal([...new Set(crowd.told)], ["01 4.03"]);
  crowd.answers.delete(1);
  crowd.away.delete(2);
  crowd.courier.returned(uintBytes(1));
  crowd.courier.returned(uintBytes(2));
  crowd.clock.advance(SECOND);
  equal([crowd.waiting, crowd.told.slice(-2)], [0, ["01 done", "02 done"]]);
});

test("a silent listener keeps a sender from its key for half a minute, no longer", () => {
  const crowd = new Crowd(1, 1);
  crowd.delayMicros = 90 * SECOND;
  crowd.renew();
  crowd.clock.advance(29 * SECOND);
  equal(crowd.asked, [1]);
  crowd.clock.advance(2 * SECOND);
  equal(crowd.asked, [1, 2]);
});

test("members that are off hold up the others for seconds, not until they are given up", () => {
  const crowd = new Crowd(40, 0);
  for (let client = 1; client <= 20; client++) crowd.delays.set(client, 90 * SECOND);
  crowd.renew();
  // Four at a time, ten seconds for each of them.
  crowd.clock.advance(52 * SECOND);
  equal([crowd.waiting, crowd.asked.length], [20, 40], "whoever is there has it");
});
