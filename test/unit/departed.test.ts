/**
 * Members that left: a lamp has places for a hundred, so those of who is gone are free again, and
 * nothing that they said counts any more.
 */
import { EMPTY_DELIVERY } from "../../modules/access/delivery.js";
import { RECEIVER, SENDER } from "../../modules/access/scope.js";
import {
  accessToken,
  expel,
  join,
  leave,
  renew,
  sealingOf,
} from "../../modules/authority/distribution.js";
import { staleSets } from "../../modules/authority/stale.js";
import { toHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { equal, test, throws } from "../harness.js";
import { APPLICATION, GROUP } from "../support/authority.js";
import { Late, Listened } from "../support/listened.js";

const LAMP = 255;
const SUCCESSIVE = 250;
/** One that knows members by their id alone, and one that knows their keys. */
const KINDS = ["dtls-record", "group-oscore"];

/** A group with one lamp, that has its key. */
function withLamp(row: string): { hall: Listened; lamp: Late } {
  const hall = new Listened(row);
  hall.kdc.set({ numbers: "own" });
  comes(hall, LAMP, RECEIVER);
  renewed(hall);
  const lamp = new Late(hall, LAMP, []);
  lamp.told();
  return { hall, lamp };
}

function comes(hall: Listened, at: number, roles: number): void {
  const { kdc } = hall;
  const entry = { appGroup: APPLICATION, level: 2, roles } as const;
  const claims = { subject: uintBytes(at) };
  const { credential } = hall.member(at);
  kdc.run((rows) => join(rows, kdc.center, { group: GROUP, claims, entry, credential }));
}

function goes({ kdc }: Listened, at: number): void {
  kdc.run((rows) => leave(rows, kdc.center, GROUP, uintBytes(at)));
}

/** His rights, as he shows them to lamps. */
function shownBy({ kdc }: Listened, at: number): Uint8Array {
  const { center, now } = kdc;
  const claims = { subject: uintBytes(at) };
  const scope = [{ appGroup: APPLICATION, level: 2, roles: SENDER }] as const;
  return kdc.run((rows) => {
    const shown = { pairwise: sealingOf(rows, center, GROUP), isShown: true };
    return accessToken(rows, center, { group: GROUP, claims, scope, now, ...shown });
  });
}

function renewed({ kdc }: Listened): void {
  kdc.run((rows) => renew(rows, kdc.center, GROUP, { isBroken: false, now: kdc.now }));
}

for (const row of KINDS) {
  test(`${row}: of 250 that come and go the last is understood, and no other any more`, () => {
    const { hall, lamp } = withLamp(row);
    const first = 1;
    let said = hall.said(first, 1);
    for (let at = first; at <= SUCCESSIVE; at++) {
      comes(hall, at, SENDER);
      equal(lamp.meet(at), "ok", `${at}`);
      if (at === first) said = hall.said(at, 1);
      if (at === first) equal(lamp.hears(said), "ok");
      if (at === SUCCESSIVE) break;
      goes(hall, at);
      // It is not there each time somebody leaves.
      if (at % 50 === 0) lamp.told();
    }
    equal(lamp.hears(hall.said(SUCCESSIVE, 1)), "ok");
    equal([lamp.knows(first), lamp.hears(said) === "ok"], [false, false], "what was said");
    equal(lamp.hears(hall.said(first, 2)) === "ok", false, "what it would say");
  });
}

test("who was reported lost has no place, and what he says is opened no more", () => {
  for (const row of KINDS) {
    const { hall, lamp } = withLamp(row);
    comes(hall, 1, SENDER);
    lamp.meet(1);
    equal(lamp.hears(hall.said(1, 1)), "ok");
    const epoch = hall.epoch;
    hall.kdc.run((rows) => expel(rows, hall.kdc.center, uintBytes(1), hall.kdc.now));
    lamp.told();
    equal([lamp.knows(1), lamp.hears(hall.said(1, 2, { epoch })) === "ok"], [false, false], row);
  }
});

test("whoever is back is not named among those who left", () => {
  const { hall, lamp } = withLamp("dtls-record");
  const left = () => hall.kdc.run((rows) => staleSets(rows, GROUP, 1).map(toHex));
  comes(hall, 1, SENDER);
  goes(hall, 1);
  comes(hall, 1, SENDER);
  lamp.meet(1);
  equal(left(), ["01"]);
  lamp.told();
  equal([lamp.knows(1), lamp.hears(hall.said(1, 1))], [true, "ok"]);
});

test("who may do nothing any more in the last of a group's places has none", () => {
  const { hall, lamp } = withLamp("group-oscore");
  comes(hall, 1, SENDER);
  lamp.meet(1);
  const token = shownBy(hall, 1);
  equal(lamp.present(token), undefined);
  goes(hall, 1);
  lamp.told((delivery) => ({ ...delivery, gone: [] }));
  equal(lamp.knows(1), false, "by what is said of his tokens alone");
});

test("where flash refuses to free a place, nothing is reported as done", () => {
  const { hall, lamp } = withLamp("group-oscore");
  comes(hall, 1, SENDER);
  hall.kdc.run((rows) => expel(rows, hall.kdc.center, uintBytes(1), hall.kdc.now));
  lamp.told();
  lamp.meet(1);
  lamp.flashFails();
  throws(() => lamp.told((delivery) => ({ ...EMPTY_DELIVERY, revoked: delivery.revoked })));
  equal(lamp.knows(1), true, "it is told again");
});
