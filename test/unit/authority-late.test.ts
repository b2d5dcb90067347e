/**
 * Members that come late to a key: what was said under it before they had it is no command to them,
 * and lamps that lose power every day do not make a place renew its keys for ever.
 */
import { RECEIVER, type Scope, SENDER } from "../../modules/access/scope.js";
import { confirm, join, renew } from "../../modules/authority/distribution.js";
import { noteGiven } from "../../modules/authority/heard.js";
import {
  BURST,
  isLate,
  mayRenewFor,
  renewForLate,
  renewForPresent,
} from "../../modules/authority/late.js";
import { sendingFor } from "../../modules/authority/pushing.js";
import { inGroup, members, newcomer } from "../../modules/authority/records.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { equal, test } from "../harness.js";
import { APPLICATION, GROUP } from "../support/authority.js";
import { joins, keysOf, REQUESTER, RESPONDER, UNBROKEN } from "../support/comers.js";
import { Kdc, mapIn, outcome, pairwise } from "../support/kdc.js";
import { Late, Listened, ROWS } from "../support/listened.js";
import { SeededRandom } from "../support/random.js";

const HOUR = 3600;
const DAY = 24 * HOUR;
const MINUTES = 1440;
const RECEIVES: Scope = [{ appGroup: APPLICATION, level: 2, roles: RECEIVER }];

/** A lamp with the first key is off while the next is made, and its switch speaks under that. */
function missed(row: string): { hall: Listened; late: Late } {
  const hall = new Listened(row);
  hall.look();
  hall.sender(1);
  const late = new Late(hall, 3, [1]);
  late.join();
  hall.kdc.now += HOUR;
  renewed(hall.kdc);
  hall.look();
  sendTo(hall.kdc, 1);
  for (const number of [5, 7]) hall.listener.hear(hall.said(1, number));
  hall.kdc.now += HOUR;
  return { hall, late };
}

function renewed(kdc: Kdc): void {
  kdc.run((rows) => renew(rows, kdc.center, GROUP, { isBroken: false, now: kdc.now }));
}

/** What a member is pushed now. */
function sendTo(kdc: Kdc, at: number) {
  const to = { clientId: uintBytes(at), pairwise: pairwise(), now: kdc.now };
  return kdc.run((rows) => sendingFor(rows, kdc.center, to));
}

for (const row of ROWS) {
  test(`${row}: a lamp that was off while a key was renewed obeys nothing said under it`, () => {
    const { hall, late } = missed(row);
    const epoch = hall.epoch;
    hall.kdc.set({ numbers: "renewed" });
    const recorded = hall.said(1, 7);
    late.ask();
    equal([hall.epoch, late.hears(recorded) === "ok"], [epoch + 1, false], "another key");
  });

  test(`${row}: where all was heard, it is told how far senders are`, () => {
    const { hall, late } = missed(row);
    const epoch = hall.epoch;
    equal([late.ask(), hall.epoch], [[[1, 8]], epoch]);
    equal(
      [5, 7, 8].map((number) => late.hears(hall.said(1, number))),
      [...["replayed", "replayed"], "ok"],
    );
  });
}

test("after a break in listening one renewal serves all who come late", () => {
  const { hall, late } = missed("lowlatency");
  const other = new Late(hall, 4, [1]);
  const epoch = hall.epoch;
  hall.listener.forget();
  hall.look();
  equal([late.ask(), hall.epoch], [[], epoch + 1]);
  hall.look();
  sendTo(hall.kdc, 1);
  hall.listener.hear(hall.said(1, 9));
  hall.kdc.now += HOUR;
  equal([other.join(), hall.epoch], [[[1, 10]], epoch + 1]);
});

/** A group of `renewed` with lamps 1 and 2 and switch 3, which had its keys but for the newest. */
function settled(profile = "lowlatency"): Kdc {
  const kdc = new Kdc({ profile });
  joins(kdc, 1, RESPONDER);
  joins(kdc, 2, RESPONDER);
  joins(kdc, 3, REQUESTER);
  kdc.now += HOUR;
  renewed(kdc);
  return kdc;
}

test("who gets a key in its first minute is not late", () => {
  const kdc = settled();
  sendTo(kdc, 3);
  kdc.now += 59;
  equal([outcome(keysOf(kdc, 1, kdc.token(1, RECEIVES))), kdc.group.epoch], ["2.05", 2]);
  equal(sendTo(kdc, 2)?.epochs.length, 1);
  kdc.now += 2;
  equal([outcome(keysOf(kdc, 1, kdc.token(1, RECEIVES))), kdc.group.epoch], ["2.05", 2], "again");
  equal([outcome(keysOf(kdc, 2, kdc.token(2, RECEIVES))), kdc.group.epoch], ["2.05", 3]);
  equal([outcome(keysOf(kdc, 1, kdc.token(1, RECEIVES))), kdc.group.epoch], ["2.05", 3]);
});

test("under a key that nobody who speaks has nothing was said", () => {
  const kdc = settled();
  kdc.now += HOUR;
  equal([outcome(keysOf(kdc, 1, kdc.token(1, RECEIVES))), kdc.group.epoch], ["2.05", 2]);
});

test("a push does not bring a key that may be used; who answers gets the next one", () => {
  const kdc = settled();
  sendTo(kdc, 3);
  kdc.now += HOUR;
  const clientId = uintBytes(1);
  const sending = sendTo(kdc, 1);
  equal([sending?.epochs, sending?.late, sending?.isHeld], [[], [GROUP], false]);
  equal(kdc.group.epoch, 2, "it may be off");
  const present = { clientId, groups: sending?.late ?? [], now: kdc.now };
  kdc.run((rows) => renewForPresent(rows, kdc.center, present));
  equal([kdc.group.epoch, sendTo(kdc, 1)?.epochs[0]?.epoch], [3, 3]);
  kdc.run((rows) => renewForPresent(rows, kdc.center, present));
  equal(kdc.group.epoch, 3, "once");
});

test("the Group Manager gives no key that may be used either", () => {
  for (const path of ["ace-group/9", "ace-group/9/nodes/01"]) {
    const kdc = settled("group-oscore");
    sendTo(kdc, 3);
    kdc.now += HOUR;
    equal(mapIn(kdc.get(1, path).response.payload)?.get(9), 3, path);
  }
});

test("a sender that becomes a lamp has heard nothing: another key", () => {
  const kdc = new Kdc();
  const places = (at: number, roles: number) => {
    const entry = { appGroup: APPLICATION, level: 2, roles } as const;
    const joining = { group: GROUP, claims: { subject: uintBytes(at) }, entry };
    kdc.run((rows) => join(rows, kdc.center, { ...joining, credential: new Uint8Array(0) }));
    return kdc.group.epoch;
  };
  equal([places(1, SENDER), places(2, SENDER)], [1, 1]);
  equal([places(2, SENDER | RECEIVER), places(2, SENDER | RECEIVER)], [2, 2]);
});

test("where the reserve is used up, who is late waits, and is given nothing", () => {
  const kdc = settled();
  for (let count = 0; count < BURST; count++) {
    kdc.run((rows) => {
      equal(mayRenewFor(rows, GROUP, kdc.now), true);
      renewForLate(rows, kdc.center, GROUP, kdc.now);
    });
  }
  sendTo(kdc, 3);
  kdc.now += 61;
  const { epoch } = kdc.group;
  const asks = () => outcome(keysOf(kdc, 1, kdc.token(1, RECEIVES)));
  equal([asks(), kdc.group.epoch], ["5.03 later", epoch]);
  equal([sendTo(kdc, 1)?.isHeld, sendTo(kdc, 1)?.late], [true, []]);
  kdc.now += HOUR;
  equal([asks(), kdc.group.epoch], ["2.05", epoch + 1], "the next hour");
});

const LAMPS = 20;
const SWITCH = 100;

/**
 * A hall of twenty lamps behind wall switches. Who has power is brought each new key when it is
 * made, lamps before the switch; who has it again asks.
 */
class Hall {
  readonly kdc: Kdc;
  readonly #off = new Set<number>();
  readonly #waits = new Set<number>();
  renewals = 0;
  longestWait = 0;
  readonly #since = new Map<number, number>();

  constructor(profile: string, listening?: typeof UNBROKEN) {
    this.kdc = new Kdc({ profile }, listening === undefined ? {} : { listening });
    if (listening !== undefined) this.kdc.set({ numbers: "heard" });
    const { kdc } = this;
    kdc.run((rows) => {
      for (let at = 1; at <= LAMPS; at++) put(at, RECEIVER);
      put(SWITCH, SENDER);
      renew(rows, kdc.center, GROUP, { isBroken: false, now: kdc.now });
      function put(at: number, roles: number): void {
        members.put(rows, inGroup(GROUP, uintBytes(at)), { ...newcomer(), roles });
      }
    });
    this.#bring();
  }

  #bring(): void {
    const { kdc } = this;
    kdc.run((rows) => {
      const { epoch } = kdc.group;
      for (let at = 1; at <= LAMPS; at++) {
        if (!this.#off.has(at)) confirm(rows, GROUP, uintBytes(at), epoch);
      }
      confirm(rows, GROUP, uintBytes(SWITCH), epoch);
    });
    for (const at of [...this.#waits]) if (!this.#off.has(at)) this.#has(at);
  }

  #has(at: number): void {
    this.#waits.delete(at);
    this.longestWait = Math.max(this.longestWait, this.kdc.now - (this.#since.get(at) ?? 0));
  }

  renew(): void {
    renewed(this.kdc);
    this.#bring();
  }

  off(at: number): void {
    this.#off.add(at);
    this.#waits.delete(at);
  }

  on(at: number): void {
    if (!this.#off.delete(at)) return;
    this.#since.set(at, this.kdc.now);
    this.#asks(at);
  }

  #asks(at: number): void {
    const { kdc } = this;
    const { now } = kdc;
    const comer = { group: GROUP, clientId: uintBytes(at), now };
    const answer = kdc.run((rows) => {
      if (!isLate(rows, comer, kdc.center.listening)) return "given";
      if (!mayRenewFor(rows, GROUP, now)) return "later";
      renewForLate(rows, kdc.center, GROUP, now);
      return "renewed";
    });
    if (answer === "later") {
      this.#waits.add(at);
      return;
    }
    if (answer === "renewed") this.renewals++;
    if (answer === "renewed") this.#bring();
    kdc.run((rows) => noteGiven(rows, GROUP, uintBytes(at)));
    this.#has(at);
  }

  /** Who waits asks again. */
  pass(seconds: number): void {
    this.kdc.now += seconds;
    for (const at of [...this.#waits]) if (this.#waits.has(at)) this.#asks(at);
  }
}

/**
 * Each lamp is off for two to six hours of every day, at hours of its own, so that somebody is off
 * at every moment: who comes back is late, and the key that he makes makes others late.
 */
function ownHours(hall: Hall, days: number, each: () => void = () => {}): void {
  const random = new SeededRandom(20);
  const upTo = (most: number) => {
    const drawn = new Uint8Array(1);
    random.fill(drawn);
    return Math.floor((drawn[0] / 256) * most);
  };
  const events: [number, () => void][] = [];
  for (let at = 1; at <= LAMPS; at++) {
    for (let day = 0; day < days; day++) {
      const start = day * MINUTES + at * (MINUTES / LAMPS) + upTo(60);
      events.push([start, () => hall.off(at)], [start + 120 + upTo(240), () => hall.on(at)]);
    }
  }
  events.sort(([one], [other]) => one - other);
  let minute = 0;
  for (const [due, event] of events) {
    for (; minute < due; minute += 5) hall.pass(300);
    event();
    each();
  }
}

test("twenty lamps that lose power daily, together: one renewal when a key was missed", () => {
  const hall = new Hall("lowlatency");
  for (let day = 0; day < 30; day++) {
    for (let at = 1; at <= LAMPS; at++) hall.off(at);
    // A phone comes and goes: every week a key is renewed at night.
    if (day % 7 === 0) hall.renew();
    hall.pass(DAY / 2);
    for (let at = 1; at <= LAMPS; at++) {
      hall.on(at);
      hall.kdc.now += 2;
    }
    hall.pass(DAY / 2);
  }
  equal([hall.renewals, hall.longestWait], [5, 0], "of thirty days, on each of which all were off");
});

test("twenty lamps that lose power daily, each by itself: no more renewals than returns", () => {
  const days = 30;
  const hall = new Hall("lowlatency");
  hall.off(1);
  hall.renew();
  ownHours(hall, days);
  const daily = hall.renewals / days;
  equal([daily > 10, daily <= LAMPS, hall.longestWait], [true, true, 0], `${daily} a day`);
});

test("key ids of two bytes: with twenty such lamps they last for twenty years", () => {
  const days = 60;
  const hall = new Hall("dtls-record");
  hall.off(1);
  hall.renew();
  ownHours(hall, days);
  const inTwentyYears = ((hall.renewals - BURST) / days) * 365.25 * 20;
  equal(inTwentyYears + BURST <= 0xffff, true, `${inTwentyYears}`);
  equal(hall.longestWait <= 3 * HOUR, true, `${hall.longestWait} s`);
});

test("where the authority listens there is no renewal for lamps that lose power", () => {
  const hall = new Hall("lowlatency", UNBROKEN);
  hall.off(1);
  hall.renew();
  ownHours(hall, 30);
  equal([hall.renewals, hall.longestWait], [0, 0]);
});

/** After a renewal, with lamps off: it knows nothing of the key that is used then. */
test("where it is restarted every day, there is one renewal for it", () => {
  const days = 30;
  let since = 0;
  const hears = { of: () => ({ since, epoch: 0, numbers: [], waits: false }) };
  const hall = new Hall("lowlatency", hears);
  let before = Math.floor(hall.kdc.now / DAY);
  ownHours(hall, days, () => {
    const today = Math.floor(hall.kdc.now / DAY);
    if (today === before) return;
    before = today;
    hall.renew();
    since = hall.kdc.group.epoch + 1;
  });
  equal(hall.renewals, days);
});
