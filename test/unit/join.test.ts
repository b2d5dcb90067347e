import { ACE_CBOR, emitTokenAnswer, parseTokenAsk } from "../../modules/access/ace.js";
import { EMPTY_DELIVERY, emitDelivery, parseQuestion } from "../../modules/access/delivery.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { utf8 } from "../../modules/bytes/utf8.js";
import { CBOR, CONTENT, CREATED, UNAUTHORIZED } from "../../modules/coap/options.js";
import {
  EVENTS,
  type Event,
  type Facts,
  Joining,
  STATES,
  step,
} from "../../modules/groups/join.js";
import type { Ask, SecureResponse } from "../../modules/secure/request.js";
import { equal, test } from "../harness.js";
import { APPLICATION, GROUP, Holder, Kdc, KID, OWN, ROLES, sealing } from "../support/grants.js";
import { SeededRandom } from "../support/random.js";

const NOTHING: Facts = {
  hasKeys: false,
  hasToken: false,
  hasServer: false,
  isFresh: false,
  isRested: false,
};

/** What each event leads to in each state, as `state` or `state!act`. */
function table(facts: Partial<Facts>): Record<string, string[]> {
  const rows: Record<string, string[]> = {};
  for (const state of STATES) {
    rows[state] = EVENTS.map((event: Event) => {
      const next = step(state, event, { ...NOTHING, ...facts });
      const act = next.act === "none" ? "" : `!${next.act}`;
      return `${next.state}${act}${next.discards === true ? "-" : ""}`;
    });
  }
  return rows;
}

// need, due, granted, denied, keyed, refused, pushed, unanswered
test("every state and event: keys are there", () => {
  const [R, A, K, W] = STATES;
  equal(table({ hasKeys: true, hasToken: true, hasServer: true, isRested: true }), {
    resting: [R, R, R, R, R, R, R, R],
    applying: [A, A, `${K}!ask`, `${W}!pause`, A, A, R, `${W}!pause`],
    asking: [K, K, K, K, R, `${A}!apply-`, R, `${W}!pause`],
    waiting: [R, R, W, W, W, W, R, W],
  });
});

test("every state and event: no key, but a token", () => {
  const [R, A, K, W] = STATES;
  equal(table({ hasToken: true }), {
    resting: [`${K}!ask`, `${K}!ask`, R, R, R, R, R, R],
    applying: [A, A, `${K}!ask`, `${W}!pause`, A, A, A, `${W}!pause`],
    asking: [K, K, K, K, `${W}!pause`, `${W}!pause`, K, `${W}!pause`],
    waiting: [W, `${K}!ask`, W, W, W, W, W, W],
  });
});

test("every state and event: neither key nor token, an authorization server", () => {
  const [R, A, K, W] = STATES;
  equal(table({ hasServer: true, isRested: true }), {
    resting: [`${A}!apply`, `${A}!apply`, R, R, R, R, R, R],
    applying: [A, A, `${K}!ask`, `${W}!pause`, A, A, A, `${W}!pause`],
    asking: [K, K, K, K, `${W}!pause`, `${A}!apply-`, K, `${W}!pause`],
    waiting: [`${A}!apply`, `${A}!apply`, W, W, W, W, W, W],
  });
});

test("every state and event: a token of this run that is refused, and nobody at all", () => {
  const [R, A, K, W] = STATES;
  equal(table({ hasServer: true, hasToken: true, isFresh: true }).asking[5], `${W}!pause`);
  equal(table({}), {
    resting: [`${W}!pause`, `${W}!pause`, R, R, R, R, R, R],
    applying: [A, A, `${K}!ask`, `${W}!pause`, A, A, A, `${W}!pause`],
    asking: [K, K, K, K, `${W}!pause`, `${W}!pause`, K, `${W}!pause`],
    waiting: [W, `${W}!pause`, W, W, W, W, W, W],
  });
});

test("every state and event: keys are there, and perhaps newer ones", () => {
  const [R, A, K, W] = STATES;
  equal(table({ hasKeys: true, hasToken: true, isInDoubt: true, isRested: true }), {
    resting: [`${K}!ask`, `${K}!ask`, R, R, R, R, R, R],
    applying: [A, A, `${K}!ask`, `${W}!pause`, A, A, R, `${W}!pause`],
    asking: [K, K, K, K, R, `${W}!pause`, R, `${W}!pause`],
    waiting: [`${K}!ask`, `${K}!ask`, W, W, W, W, R, W],
  });
  equal(table({ hasKeys: true, isInDoubt: true, isRested: true }).resting[0], R, "without a token");
});

const kdc = new Kdc();

/** A member, and an authority that answers as it is told. */
class Case {
  readonly holder = new Holder(kdc);
  readonly asked: string[] = [];
  readonly asks: Ask[] = [];
  readonly pairwise = sealing(kdc.crypto, 0x70);
  server: SecureResponse | undefined = granted();
  center: SecureResponse | undefined;
  readonly joining: Joining;
  delayMicros = 1000;

  /** When its own token ends, seconds on the clock. */
  endsAt = Number.POSITIVE_INFINITY;

  constructor(hasServer = true) {
    const { holder } = this;
    this.center = this.keyed(1);
    const answer = (who: "server" | "center") => (ask: Ask, done: (told: never) => void) => {
      this.asked.push(`${who}@${holder.clock.micros() / 1_000_000}`);
      this.asks.push(ask);
      const response = this[who];
      const told = response ? { ok: true, response } : { ok: false, why: "timeout" };
      const asker = { by: "dtls", id: "00", pairwise: this.pairwise };
      const tell = done as unknown as (answered: unknown, asker: unknown) => void;
      holder.clock.after(this.delayMicros, () => tell(told, asker));
    };
    this.joining = new Joining({
      clock: holder.clock,
      random: new SeededRandom(3),
      store: holder.store,
      groups: holder.groups,
      wanted: () => [APPLICATION],
      credential: new Uint8Array(0),
      incarnation: new Uint8Array(8),
      audience: () => "kdc",
      askKdc: answer("center"),
      tokenLasts: () => this.endsAt - holder.clock.micros() / 1_000_000,
      ...(hasServer ? { askServer: answer("server") } : {}),
      deliver: (delivery, pairwise) =>
        holder.tokens.deliver(delivery, pairwise).every((verdict) => verdict === undefined),
    });
  }

  keyed(keyId: number, validitySeconds?: number): SecureResponse {
    const token = kdc.token({ subject: OWN, under: this.pairwise, keyId });
    const terms = { securityGroup: uintBytes(GROUP), validitySeconds, messages: undefined };
    const payload = emitDelivery({ ...EMPTY_DELIVERY, tokens: [token], terms: [terms] });
    return { code: CONTENT, format: CBOR, payload };
  }

  pass(seconds: number): void {
    this.holder.clock.advance(seconds * 1_000_000);
  }

  /** Whom it asked, without when. */
  get course(): string {
    return this.asked.map((one) => one[0]).join("");
  }
}

function granted(): SecureResponse {
  const answer = { token: utf8("AT-KDC"), scope: ROLES, keyName: KID };
  const payload = emitTokenAnswer({ ...answer, expiresIn: undefined, aceProfile: undefined });
  return { code: CREATED, format: ACE_CBOR, payload };
}

test("from nothing to a key: the server for a token, the KDC for the key, then rest", () => {
  const one = new Case();
  one.joining.need();
  one.pass(10);
  equal([one.course, one.joining.state, one.holder.keyIds], ["sc", "resting", [1]]);
  const [apply, ask] = one.asks;
  equal([apply.path, apply.format, ask.path, ask.format], [["token"], 19, ["keys"], 60]);
  const wanted = parseTokenAsk(apply.payload ?? new Uint8Array(0));
  equal(typeof wanted === "object" && wanted.audience, "kdc");
  const question = parseQuestion(ask.payload ?? new Uint8Array(0));
  equal([question?.token, question?.wanted], [utf8("AT-KDC"), [APPLICATION]]);
  one.joining.need();
  equal([one.course, one.holder.clock.pending], ["sc", 0], "at rest there is no timer");
});

test("the token is kept: after a restart the KDC is asked at once", () => {
  const first = new Case();
  first.center = undefined;
  first.joining.need();
  first.pass(5);
  const again = new Case(false);
  again.holder.store.put(0x14000000, first.holder.store.get(0x14000000) as Uint8Array);
  again.joining.need();
  again.pass(5);
  equal([again.course, again.holder.keyIds], ["c", [1]]);
});

test("nobody answers: pauses double up to an hour, and presses do not make them short", () => {
  const one = new Case();
  one.server = undefined;
  one.joining.need();
  for (let second = 0; second < 6 * 3600; second += 30) {
    one.pass(30);
    equal(one.joining.state, "waiting");
  }
  const times = one.asked.map((text) => Number(text.slice(text.indexOf("@") + 1)));
  const pauses = times.slice(1).map((time, at) => time - times[at]);
  equal(
    pauses.slice(0, 4).every((pause, at) => pause >= 10 * 2 ** at && pause <= 15.1 * 2 ** at),
    true,
  );
  equal(
    pauses.every((pause) => pause <= 5401),
    true,
  );
  equal(one.asked.length < 16, true, `${one.asked.length} attempts in six hours`);
  const before = one.asked.length;
  for (let press = 0; press < 100; press++) {
    one.joining.need();
    one.pass(0.1);
  }
  equal(one.asked.length - before <= 2, true, "ten seconds of pressing");
});

test("a token that is refused is applied for anew, once in a run", () => {
  const one = new Case();
  one.center = { code: UNAUTHORIZED };
  one.joining.need();
  one.pass(5);
  equal([one.course, one.joining.state], ["sc", "waiting"]);
  one.pass(20);
  equal(one.course, "sccsc");
  one.center = one.keyed(1);
  one.pass(100);
  equal([one.joining.state, one.holder.keyIds], ["resting", [1]]);
});

test("without a server a refused token is kept: it is the only one", () => {
  const one = new Case(false);
  one.holder.store.put(0x14000000, utf8("AT-KDC"));
  one.center = { code: UNAUTHORIZED };
  one.joining.need();
  one.pass(5);
  equal([one.course, one.holder.store.has(0x14000000)], ["c", true]);
});

test("a key that ends is renewed by asking, before it ends", () => {
  const one = new Case();
  one.center = one.keyed(1, 10 * 3600);
  one.joining.need();
  one.pass(5);
  one.center = one.keyed(2);
  one.pass(8 * 3600);
  equal(one.course, "sc", "not yet");
  one.pass(3600);
  equal([one.course, one.holder.keyIds], ["scc", [1, 2]]);
  one.pass(3600);
  equal([one.course, one.joining.state], ["scc", "resting"]);
});

test("our own token is renewed while it counts, one of minutes not an hour before", () => {
  const one = new Case();
  one.endsAt = 900;
  one.joining.need();
  one.pass(400);
  equal([one.course, one.joining.state], ["sc", "resting"]);
  one.pass(468);
  one.joining.need();
  equal(one.course, "sc", "not yet");
  one.pass(5);
  equal(one.course, "scc");
  one.endsAt = Number.POSITIVE_INFINITY;
  one.pass(100);
  equal([one.course, one.joining.state], ["scc", "resting"]);
});

test("in doubt whether its key is the newest: it asks for all, a few times at most", () => {
  const one = new Case();
  one.joining.need();
  one.pass(5);
  one.center = one.keyed(2);
  one.joining.doubt();
  one.pass(5);
  equal([one.course, one.joining.state, one.holder.keyIds], ["scc", "resting", [1, 2]]);
  equal(parseQuestion(one.asks[2].payload ?? new Uint8Array(0))?.wanted, [APPLICATION]);
  one.center = undefined;
  one.joining.doubt();
  one.pass(24 * 3600);
  equal([one.course, one.joining.state], ["scc" + "ccc", "resting"], "the KDC may have left");
  equal(one.holder.clock.pending, 0);
});

test("what is pushed while nobody answers ends the waiting; a late answer changes nothing", () => {
  const one = new Case();
  one.delayMicros = 60_000_000;
  one.joining.need();
  one.pass(1);
  const token = kdc.token({ subject: OWN, under: one.pairwise, keyId: 1 });
  one.holder.deliver({ tokens: [token] }, one.pairwise);
  one.joining.pushed();
  equal(one.joining.state, "resting");
  one.pass(200);
  equal([one.course, one.joining.state, one.holder.keyIds], ["s", "resting", [1]]);
});

test("stopped, it is silent", () => {
  const one = new Case();
  one.joining.need();
  one.joining.stop();
  one.pass(5);
  equal([one.course, one.holder.clock.pending], ["s", 0]);
});
