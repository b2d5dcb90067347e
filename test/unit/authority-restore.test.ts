/** What an authority does for members that do not ask, and after a backup was restored. */
import { parseDelivery } from "../../modules/access/delivery.js";
import { SENDER } from "../../modules/access/scope.js";
import { createGroup, renew } from "../../modules/authority/distribution.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import { awaiting, confirmAll, sendingFor } from "../../modules/authority/pushing.js";
import {
  groups,
  inGroup,
  keys,
  latestOf,
  members,
  newcomer,
  nextOf,
  numberKey,
  pushes,
} from "../../modules/authority/records.js";
import { skipUsed } from "../../modules/authority/restore.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { compareKeyIds } from "../../modules/groups/directory.js";
import { AES_CCM_16_64_128 } from "../../modules/ports/crypto.js";
import { equal, test } from "../harness.js";
import { APPLICATION, centerOf, furnish, GROUP, parties, TERMS } from "../support/authority.js";

const NOW = 1_790_000_000;
const { crypto } = parties();
const client = fromHex("01");

/** A group with one sender in it, and its first key. */
class Place {
  readonly ledger = new MemoryLedger();
  readonly center = centerOf();

  constructor(profile = "lowlatency") {
    this.run((rows) => {
      furnish(rows, this.center, { ...TERMS, profile });
      const scope = [{ appGroup: APPLICATION, level: 2, roles: SENDER }] as const;
      members.put(rows, inGroup(GROUP, client), { ...newcomer(), roles: SENDER, scope });
      renew(rows, this.center, GROUP, { isBroken: false, now: NOW });
    });
  }

  run<T>(decide: (rows: Rows) => T): T {
    return this.ledger.run(decide);
  }

  send() {
    const key = crypto.aeadKey(AES_CCM_16_64_128, new Uint8Array(16));
    const pairwise = { kid: fromHex("01"), key };
    const to = { clientId: client, pairwise, now: NOW };
    return this.run((rows) => sendingFor(rows, this.center, to));
  }

  keyId(): Uint8Array {
    return this.run((rows) => {
      const { epoch } = groups.need(rows, numberKey(GROUP));
      return keys.need(rows, inGroup(GROUP, epoch)).keyId;
    });
  }
}

test("push: a member is sent its own token and the one it shows, until it has them", () => {
  const place = new Place();
  equal(place.run(awaiting), [
    { clientId: client, groups: [GROUP], attempts: 0, sends: true, isBroken: false },
  ]);
  const sending = place.send();
  if (sending === undefined) throw new Error("nothing to send");
  const delivery = parseDelivery(sending.payload);
  equal(delivery?.tokens.length, 2);
  equal(sending.epochs, [{ group: GROUP, epoch: 1, attempt: 1 }]);
  equal(place.run(awaiting)[0].attempts, 1);
  place.run((rows) => confirmAll(rows, client, sending));
  equal(place.run(awaiting), []);
  equal(place.send(), undefined);
  const member = place.run((rows) => members.need(rows, inGroup(GROUP, client)));
  equal([member.given, member.confirmed], [1, 1]);
});

test("push: who confirms a key that was followed by another is sent that one", () => {
  const place = new Place();
  const first = place.send();
  place.run((rows) => renew(rows, place.center, GROUP, { isBroken: true, now: NOW }));
  if (first !== undefined) place.run((rows) => confirmAll(rows, client, first));
  equal(place.run(awaiting).length, 1);
  equal(place.send()?.epochs, [{ group: GROUP, epoch: 2, attempt: 1 }]);
});

test("push: whoever is no member any more is sent nothing", () => {
  const place = new Place();
  place.run((rows) => members.delete(rows, inGroup(GROUP, client)));
  equal(place.send(), undefined);
});

test("restore: every counter skips, dates do not go back, every key in use is followed", () => {
  for (const profile of ["lowlatency", "group-oscore", "dtls-record"]) {
    const place = new Place(profile);
    const before = place.keyId();
    const counters = ["token", "client", "prefix", "kek", "application"];
    const next = () => place.run((rows) => counters.map((name) => nextOf(rows, name)));
    const used = next();
    place.run((rows) => {
      createGroup(rows, place.center, 10, { ...TERMS, profile });
      for (const key of pushes.keys(rows)) pushes.delete(rows, key);
    });
    const { groups: renewed } = place.run((rows) => skipUsed(rows, place.center, NOW + 5));
    equal(
      renewed.map(({ members: all }) => all),
      [["01"]],
      "the other has no key yet",
    );
    equal(compareKeyIds(place.keyId(), before) > 0, true, profile);
    next().forEach((value, at) => {
      equal(value - used[at] >= 0x100, true, counters[at]);
    });
    equal(
      place.run((rows) => latestOf(rows, "issued", 0)),
      NOW + 5,
    );
    const [waiting, ...more] = place.run(awaiting);
    equal([toHex(waiting.clientId), more.length], ["01", 0], "he hears of it");
    equal(waiting.isBroken, true, "who was put out since then has no grace");
  }
});
