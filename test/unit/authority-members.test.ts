/** Who is in a group, who was, and what those who come later have to know. */
import type { Claims } from "../../modules/access/claims.js";
import { RECEIVER, type ScopeEntry, SENDER } from "../../modules/access/scope.js";
import {
  type Center,
  confirm,
  endMemberships,
  expel,
  type Joining,
  join,
  leave,
  present,
  renew,
} from "../../modules/authority/distribution.js";
import { noteHeard, numbersOf } from "../../modules/authority/heard.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import {
  groups,
  inGroup,
  members,
  numberKey,
  policies,
  USUAL,
} from "../../modules/authority/records.js";
import { STALE_SETS_MAX, staleSince } from "../../modules/authority/stale.js";
import {
  isCombination,
  isSilent,
  MONITOR,
  REQUESTER,
  RESPONDER,
  rolesFor,
  tasksOf,
  VERIFIER,
} from "../../modules/authority/tasks.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { equal, test } from "../harness.js";
import { centerOf, furnish, GROUP, SCOPE, TERMS } from "../support/authority.js";
import { UNBROKEN } from "../support/comers.js";

const h = fromHex;
const NOW = 1_790_000_000;

/** One group; members come by their numbers. */
class Hall {
  readonly ledger = new MemoryLedger();
  readonly center: Center = { ...centerOf(), listening: UNBROKEN };

  constructor(terms = TERMS) {
    this.run((rows) => furnish(rows, this.center, terms));
  }

  run<T>(decide: (rows: Rows) => T): T {
    return this.ledger.run(decide);
  }

  join(at: number, roles: number, more: Partial<Joining> = {}): number {
    const entry: ScopeEntry = { appGroup: 1, level: 2, roles };
    const claims = { subject: uintBytes(at) };
    const joining = { group: GROUP, claims, entry, credential: h(""), ...more };
    this.run((rows) => join(rows, this.center, joining));
    return this.epoch;
  }

  get epoch(): number {
    return this.run((rows) => groups.need(rows, numberKey(GROUP)).epoch);
  }

  stale(since: number): string[] | undefined {
    const versions = { since, newest: this.epoch };
    return this.run((rows) => staleSince(rows, GROUP, versions)?.map(toHex));
  }
}

test("tasks are the Group Manager's names for roles, alone or together", () => {
  equal(tasksOf(SENDER), REQUESTER);
  equal(tasksOf(RECEIVER), RESPONDER);
  equal(tasksOf(SENDER | RECEIVER), REQUESTER | RESPONDER);
  equal(rolesFor(REQUESTER), SENDER);
  equal(rolesFor(MONITOR), RECEIVER);
  equal(rolesFor(REQUESTER | MONITOR), SENDER | RECEIVER);
  equal(rolesFor(VERIFIER), RECEIVER);
  for (const tasks of [REQUESTER, RESPONDER, MONITOR, REQUESTER | RESPONDER]) {
    equal(isCombination(tasks, "group-oscore"), true, `${tasks}`);
  }
  for (const tasks of [0, 1, VERIFIER, REQUESTER | VERIFIER, 32]) {
    equal(isCombination(tasks, "group-oscore-02"), false, `${tasks}`);
  }
  equal(isCombination(RESPONDER | MONITOR, "group-oscore-02"), false);
  equal(isCombination(REQUESTER | MONITOR, "group-oscore-02"), true, "client and silent server");
  equal(isCombination(REQUESTER | MONITOR, "group-oscore"), false, "not in RFC 10021");
  equal(
    [isSilent(MONITOR), isSilent(REQUESTER | MONITOR), isSilent(RESPONDER)],
    [true, false, false],
  );
});

test("a hundred lamps are put up, then a switch: one key; the lamp after it gets a new one", () => {
  const hall = new Hall();
  for (let at = 1; at < 20; at++) equal(hall.join(at, RECEIVER), 1);
  equal(hall.join(50, SENDER), 1);
  equal(hall.join(51, SENDER), 1, "who only sends needs no numbers");
  equal(hall.join(21, RECEIVER), 2, "the switch may have spoken");
  equal(hall.join(22, RECEIVER), 2, "nobody has the new one to send with");
  equal(hall.join(22, RECEIVER), 2, "known already");
  equal(hall.join(50, SENDER), 2, "now it has");
  equal(hall.join(23, RECEIVER), 3);
});

test("a group that is listened to, or that looks after itself, keeps its key", () => {
  for (const numbers of ["heard", "own"]) {
    const hall = new Hall();
    hall.run((rows) => policies.put(rows, numberKey(GROUP), { ...USUAL, numbers }));
    hall.join(50, SENDER);
    equal(hall.join(1, RECEIVER), 1, numbers);
  }
});

test("numbers rise, and are those of the newest key", () => {
  const hall = new Hall();
  hall.join(50, SENDER);
  const hear = (number: number, epoch = 1) =>
    hall.run((rows) => noteHeard(rows, GROUP, { clientId: uintBytes(50), epoch, number }));
  hear(7);
  equal(
    hall.run((rows) => numbersOf(rows, GROUP)),
    [],
    "nobody listens",
  );
  hall.run((rows) => policies.put(rows, numberKey(GROUP), { ...USUAL, numbers: "heard" }));
  const next = () => hall.run((rows) => numbersOf(rows, GROUP).map((one) => one.next));
  equal(next(), [8]);
  hear(3);
  equal(next(), [8], "an older one came late");
  hall.run((rows) => renew(rows, hall.center, GROUP, { isBroken: false, now: NOW }));
  equal(next(), [], "nothing was said under the new key");
  hear(2, 2);
  equal(next(), [3]);
  hear(9, 1);
  equal(next(), [3]);
  hall.run((rows) => leave(rows, hall.center, GROUP, uintBytes(50)));
  equal(next(), []);
});

test("a switch that says that it has the new key may have spoken under it", () => {
  const hall = new Hall();
  hall.join(50, SENDER);
  hall.run((rows) => renew(rows, hall.center, GROUP, { isBroken: false, now: NOW }));
  equal(hall.join(1, RECEIVER), 2, "it has the old one");
  hall.run((rows) => confirm(rows, GROUP, uintBytes(1), 2));
  equal(hall.join(2, RECEIVER), 2, "lamps say nothing");
  hall.run((rows) => confirm(rows, GROUP, uintBytes(50), 2));
  equal(hall.join(3, RECEIVER), 3);
});

test("who left and comes back gets another key: he may not know his numbers any more", () => {
  const hall = new Hall();
  hall.join(1, SENDER);
  hall.join(2, SENDER);
  hall.run((rows) => leave(rows, hall.center, GROUP, h("01")));
  equal(hall.epoch, 1, "leaving alone is no reason here");
  equal(hall.join(3, SENDER), 1);
  equal(hall.join(1, SENDER), 2);
  equal(hall.join(1, SENDER), 2);
});

test("who shows no credential keeps the one that he proved", () => {
  const hall = new Hall();
  hall.join(1, SENDER, { credential: h("ed"), isProven: true });
  hall.join(1, RECEIVER, { credential: h("") });
  const member = hall.run((rows) => members.need(rows, inGroup(GROUP, h("01"))));
  equal([toHex(member.credential), member.isProven], ["ed", true]);
});

test("whose token is over is a member no more, and hears nothing of the next key", () => {
  const hall = new Hall({ ...TERMS, renewsOnLeave: true });
  hall.join(1, SENDER, { claims: { subject: h("01"), expiresAt: NOW + 10 } });
  hall.join(2, SENDER);
  const end = (now: number) => hall.run((rows) => endMemberships(rows, hall.center, now));
  equal([end(NOW + 9), hall.epoch], [0, 1]);
  equal([end(NOW + 10), hall.epoch], [1, 2]);
  equal(hall.stale(1), ["01"]);
  equal(end(NOW + 99), 0);
});

test("who is gone is stale for those who missed it", () => {
  const hall = new Hall({ ...TERMS, renewsOnLeave: true });
  for (const at of [1, 2, 3, 4]) hall.join(at, SENDER);
  equal(hall.stale(1), []);
  hall.run((rows) => leave(rows, hall.center, GROUP, h("01")));
  equal(hall.epoch, 2);
  equal(hall.stale(1), ["01"]);
  equal(hall.stale(2), []);
  hall.run((rows) => expel(rows, hall.center, h("02"), NOW));
  equal(hall.stale(1), ["01", "02"]);
  equal(hall.stale(2), ["02"]);
  hall.join(1, SENDER);
  hall.run((rows) => leave(rows, hall.center, GROUP, h("01")));
  equal(hall.stale(1), ["01", "02"], "each once");
  equal(hall.stale(0), undefined, "there was no key yet");
});

test("stale sets are bounded: who was away for longer forgets everybody", () => {
  const hall = new Hall();
  hall.join(1, SENDER);
  for (let i = 0; i < 20; i++) {
    hall.run((rows) => renew(rows, hall.center, GROUP, { isBroken: false, now: NOW }));
  }
  const { epoch } = hall;
  equal(hall.stale(epoch - STALE_SETS_MAX + 1), []);
  equal(hall.stale(epoch - STALE_SETS_MAX), undefined);
  equal(
    hall.run((rows) => rows.keys("stale", "").length),
    STALE_SETS_MAX,
  );
});

test("a member keeps what it may in each application group, and proof of its key", () => {
  const hall = new Hall();
  hall.join(1, SENDER, { credential: h("ed"), isProven: true });
  hall.join(1, RECEIVER, { credential: h("ed") });
  const member = () => hall.run((rows) => members.need(rows, inGroup(GROUP, h("01"))));
  equal([member().roles, member().tasks, member().isProven], [RECEIVER, RESPONDER, true]);
  equal(member().scope, [{ appGroup: 1, level: 2, roles: RECEIVER }]);
  hall.join(1, SENDER, { credential: h("ee") });
  equal([toHex(member().credential), member().isProven], ["ed", true], "what was only said");
});

test("what an AS said of a token by reference is judged as the token would be", () => {
  const hall = new Hall();
  const claims: Claims = {
    issuer: "as",
    subject: h("01"),
    audience: "kdc",
    issuedAt: NOW,
    expiresAt: NOW + 10,
    id: h("01"),
    scope: SCOPE,
    confirmation: { kid: h("c1") },
  };
  const verdict = (changed: Partial<Claims>, now = NOW) => {
    const resolved = { ...claims, ...changed };
    const request = { token: h("40"), holder: h("c1"), now, resolved };
    const said = hall.run((rows) => present(rows, hall.center, request));
    return said.ok ? "ok" : said.fault;
  };
  equal(verdict({}), "ok");
  equal(verdict({ issuer: "nobody" }), "untrusted");
  equal(verdict({ audience: "other" }), "audience");
  equal(verdict({ confirmation: { kid: h("c2") } }), "holder");
  equal(verdict({}, NOW + 10), "expired");
});
