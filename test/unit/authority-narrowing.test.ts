/** Who may do less than before: the newest token counts, and those who listen hear of it. */
import { emitQuestion, type KeyDelivery, parseDelivery } from "../../modules/access/delivery.js";
import type { Level } from "../../modules/access/level.js";
import { RECEIVER, type Scope, SENDER } from "../../modules/access/scope.js";
import { claimsOf } from "../../modules/access/token.js";
import { expel, leave, narrow } from "../../modules/authority/distribution.js";
import { AHEAD_SECONDS } from "../../modules/authority/narrowing.js";
import { awaiting, confirmAll, sendingFor } from "../../modules/authority/pushing.js";
import {
  applications,
  inGroup,
  members,
  NONE,
  numberKey,
} from "../../modules/authority/records.js";
import { enrol, grantToken } from "../../modules/authority/server.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { equal, test } from "../harness.js";
import { GROUP, parties } from "../support/authority.js";
import { ALL, Kdc, outcome, pairwise } from "../support/kdc.js";

const h = fromHex;
const INCARNATION = h("0102030405060708");
const SENDER_ID = h("01");
const LISTENER = "02";

function entry(appGroup: number, level: Level, roles = SENDER): Scope[number] {
  return { appGroup, level, roles };
}

function ask(kdc: Kdc, at: number, token: Uint8Array, wanted: readonly number[] = [1]) {
  const question = { token, wanted, credential: h(""), incarnation: INCARNATION };
  return kdc.say(at, "keys", { format: 60, payload: emitQuestion(question) });
}

/** What it presents to receivers, by application group: level and time. */
function shown(kdc: Kdc, at: number, token: Uint8Array, wanted: readonly number[] = [1]) {
  const { tokens } = delivered(ask(kdc, at, token, wanted).response.payload);
  const claims = tokens.flatMap((one, index) => (index % 2 === 1 ? (claimsOf(one) ?? []) : []));
  return claims.map(({ scope, issuedAt }) => ({ level: scope[0].level, issuedAt }));
}

function delivered(payload: Uint8Array | undefined): KeyDelivery {
  const delivery = parseDelivery(payload ?? h(""));
  if (delivery === undefined) throw new Error("no delivery");
  return delivery;
}

function sending(kdc: Kdc, client = LISTENER) {
  return kdc.run((rows) => {
    const to = { clientId: h(client), pairwise: pairwise(), now: kdc.now };
    return sendingFor(rows, kdc.center, to);
  });
}

/** What the listener is told of others' tokens, once; he confirms it. */
function told(kdc: Kdc) {
  const sent = sending(kdc);
  if (sent === undefined) return undefined;
  kdc.run((rows) => confirmAll(rows, h(LISTENER), sent));
  return delivered(sent.payload).revoked;
}

/** A sender in two application groups of one security group, and one who listens in both. */
function hall(seconds = NONE) {
  const kdc = new Kdc();
  kdc.run((rows) => {
    const place = { name: "desk", group: GROUP, address: new Uint8Array(16), port: 5683 };
    applications.put(rows, numberKey(2), place);
  });
  const [first] = shown(kdc, 1, kdc.token(1, [entry(1, 2), entry(2, 2)], seconds), [1, 2]);
  const listens = [entry(1, 2, RECEIVER), entry(2, 2, RECEIVER)];
  ask(kdc, 2, kdc.token(2, listens), [1, 2]);
  while (told(kdc) !== undefined);
  return { kdc, first };
}

const memberOf = (kdc: Kdc) => kdc.run((rows) => members.get(rows, inGroup(GROUP, SENDER_ID)));

test("AT-Rs of one second: after a change they are newer, and only then", () => {
  const { kdc, first } = hall();
  const both = [entry(1, 2), entry(2, 2)];
  equal(shown(kdc, 1, kdc.token(1, both), [1, 2]), [first, first], "nothing changed");
  equal(told(kdc), undefined);
  const [lower] = shown(kdc, 1, kdc.token(1, [entry(1, 1), entry(2, 2)]));
  equal([lower.level, lower.issuedAt > first.issuedAt], [1, true]);
  const upTo = lower.issuedAt - 1;
  equal(told(kdc), [{ clientId: SENDER_ID, upTo, appGroup: 1 }]);
  const [higher] = shown(kdc, 1, kdc.token(1, both));
  equal([higher.level, higher.issuedAt > lower.issuedAt], [2, true]);
  equal(told(kdc), undefined, "more is no reason");
});

test("entries of before count no more when a newer token does not name them", () => {
  const { kdc, first } = hall();
  kdc.now += 5;
  const [lower] = shown(kdc, 1, kdc.token(1, [entry(2, 1)]), [2]);
  equal([lower.level, lower.issuedAt], [1, kdc.now]);
  equal(memberOf(kdc)?.scope, [entry(2, 1)]);
  const said = { clientId: SENDER_ID, upTo: first.issuedAt };
  equal(told(kdc), [
    { ...said, appGroup: 1 },
    { ...said, appGroup: 2 },
  ]);
  const own = delivered(sending(kdc, "01")?.payload).tokens;
  equal(
    own.map((one) => claimsOf(one)?.scope[0].appGroup),
    [2, 2],
    "and is pushed what is left",
  );
  kdc.now += 5;
  kdc.run((rows) => applications.put(rows, numberKey(3), { ...APART, group: 10 }));
  equal(outcome(ask(kdc, 1, kdc.token(1, [entry(3, 2)]), [1])), "4.03 scope");
  equal(memberOf(kdc), undefined, "nothing is left here");
  equal(told(kdc)?.find(({ appGroup }) => appGroup === 2)?.upTo, lower.issuedAt);
});

const APART = { name: "apart", address: new Uint8Array(16), port: 5683 };

test("who may no longer send is no sender, and who may no longer listen is told no more", () => {
  const { kdc } = hall();
  const take = (id: Uint8Array, scope: Scope) =>
    kdc.run((rows) => narrow(rows, kdc.center, id, scope));
  shown(kdc, 1, kdc.token(1, ALL));
  take(SENDER_ID, [entry(1, 2, RECEIVER)]);
  const { roles = 0, tasks = 0, scope } = memberOf(kdc) ?? {};
  equal([roles, tasks, scope], [RECEIVER, 4, [entry(1, 2, RECEIVER)]]);
  equal(told(kdc)?.length, 2);
  take(h(LISTENER), [entry(2, 2, RECEIVER)]);
  take(h(LISTENER), [entry(2, 2, RECEIVER)]);
  equal(told(kdc)?.length, 2, "he is in the group yet");
  take(h(LISTENER), []);
  equal(sending(kdc), undefined);
});

test("who leaves in peace takes his rights with him, at receivers too", () => {
  const { kdc, first } = hall();
  const { epoch } = kdc.group;
  kdc.run((rows) => leave(rows, kdc.center, GROUP, SENDER_ID));
  equal(kdc.group.epoch, epoch, "the group's policy: no new key");
  const said = { clientId: SENDER_ID, upTo: first.issuedAt };
  equal(told(kdc), [
    { ...said, appGroup: 1 },
    { ...said, appGroup: 2 },
  ]);
  kdc.now += 61;
  const [again] = shown(kdc, 1, kdc.token(1, [entry(1, 2)]));
  equal(again.issuedAt > first.issuedAt, true);
});

test("a token that is over says so itself: nobody is told", () => {
  const { kdc } = hall(60);
  kdc.now += 60;
  equal(sending(kdc, "01"), undefined);
  kdc.run((rows) => leave(rows, kdc.center, GROUP, SENDER_ID));
  equal([memberOf(kdc), told(kdc)], [undefined, undefined]);
});

test("an end that comes sooner is one for what he was given before, too", () => {
  const { kdc, first } = hall();
  const both = [entry(1, 2), entry(2, 2)];
  const [ends] = shown(kdc, 1, kdc.token(1, both, 600), [1, 2]);
  equal(ends.issuedAt > first.issuedAt, true);
  equal(
    told(kdc)?.map(({ appGroup }) => appGroup),
    [1, 2],
  );
  kdc.now += 5;
  const [later] = shown(kdc, 1, kdc.token(1, both, 600), [1, 2]);
  equal([later.issuedAt, told(kdc)], [kdc.now, undefined], "a later one is none");
});

test("who makes his tokens change all the time does not make receivers' clocks go fast", () => {
  const { kdc } = hall();
  const both = [kdc.token(1, [entry(1, 1), entry(2, 2)]), kdc.token(1, [entry(1, 2)])];
  const outcomes = new Map<string, number>();
  for (let turn = 0; turn < 2 * AHEAD_SECONDS; turn++) {
    const what = outcome(ask(kdc, 1, both[turn % 2]));
    outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
  }
  const given = outcomes.get("2.05") ?? 0;
  equal([given >= AHEAD_SECONDS && given < AHEAD_SECONDS + 5, outcomes.size], [true, 2]);
  kdc.now += AHEAD_SECONDS + 5;
  const [late] = shown(kdc, 1, both[0]);
  equal(late.issuedAt - kdc.now <= 5, true);
  kdc.now -= AHEAD_SECONDS;
  kdc.run((rows) => expel(rows, kdc.center, SENDER_ID, kdc.now));
  const upTo = told(kdc)?.find(({ appGroup }) => appGroup === undefined)?.upTo ?? 0;
  equal(upTo >= late.issuedAt, true, "a loss is one of whatever was given");
});

test("what is told while a push is under way is not lost with its confirmation", () => {
  const { kdc } = hall();
  shown(kdc, 1, kdc.token(1, [entry(1, 1), entry(2, 2)]));
  const before = sending(kdc);
  if (before === undefined) throw new Error("nothing to tell");
  shown(kdc, 1, kdc.token(1, [entry(1, 1), entry(2, 1)]), [2]);
  kdc.run((rows) => confirmAll(rows, h(LISTENER), before));
  const waits = () => kdc.run(awaiting).some(({ clientId }) => toHex(clientId) === LISTENER);
  equal(waits(), true);
  equal(
    told(kdc)
      ?.map(({ appGroup }) => appGroup)
      .sort(),
    [1, 2],
  );
  equal([told(kdc), waits()], [undefined, false]);
});

test("/keys: what is granted of what is asked for; without any of it, nothing", () => {
  const { kdc } = hall();
  kdc.now += 5;
  const token = kdc.token(1, [entry(2, 2)]);
  const { tokens, terms } = delivered(ask(kdc, 1, token, [1, 2, 77]).response.payload);
  equal([tokens.length, terms.length], [2, 1]);
  equal(claimsOf(tokens[0])?.scope, [entry(2, 2)]);
  for (const wanted of [[1], [77], []]) equal(outcome(ask(kdc, 1, token, wanted)), "4.03 scope");
});

test("a credential that was replaced: its tokens over its channel count no more", () => {
  const kdc = new Kdc();
  const old = kdc.token(1);
  equal(outcome(ask(kdc, 1, old)), "2.05");
  equal(outcome(ask(kdc, 1, kdc.token(1))), "2.05", "entered again with the same one");
  // Device 1, as its number in hex says, shows what only device 7 would.
  const eui64 = h("1001");
  const device = { name: "device 1", credential: h("c7"), scope: ALL, tokenSeconds: NONE };
  kdc.run((rows) => enrol(rows, eui64, device));
  equal(outcome(ask(kdc, 1, old)), "4.01 older");
  const { as } = parties();
  const asked = { credential: h("c7"), audience: "kdc", now: kdc.now };
  const granted = kdc.run((rows) => grantToken(rows, as, asked));
  equal(
    [granted.ok && outcome(ask(kdc, 7, granted.value)), outcome(ask(kdc, 1, old))],
    ["2.05", "4.01 older"],
  );
});

test("a client id that another authority gave stays, and is nobody else's", () => {
  const kdc = new Kdc();
  const enter = (eui64: string, id: string | undefined) => {
    const device = { name: "lamp", credential: h(eui64), scope: ALL, tokenSeconds: NONE };
    const named = id === undefined ? device : { ...device, clientId: h(id) };
    try {
      return toHex(kdc.run((rows) => enrol(rows, h(eui64), named)).clientId);
    } catch (error) {
      return (error as Error).message;
    }
  };
  equal([enter("2001", "77"), enter("2001", "77"), enter("2001", undefined)], ["77", "77", "77"]);
  const other = "which it is not here; enter it at another authority";
  equal(enter("2002", "77"), `lamp has to be client 77, ${other}`);
  equal(enter("2001", "78"), `lamp has to be client 78, ${other}`);
});
