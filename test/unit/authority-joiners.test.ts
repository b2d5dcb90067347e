/** Devices on their way in: pending with a credential of their own, then members, or forgotten. */
import { emitTokenAsk } from "../../modules/access/ace.js";
import { RECEIVER, type Scope } from "../../modules/access/scope.js";
import { answerAs } from "../../modules/authority/as-face.js";
import { renew } from "../../modules/authority/distribution.js";
import {
  admitJoiner,
  askWord,
  expectJoiner,
  forgetJoiners,
  type JoinerProof,
  joinersIn,
  managerId,
  PENDING_SECONDS,
  pinKey,
  pinOf,
  silentIn,
} from "../../modules/authority/joiners.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { MemoryLedger } from "../../modules/authority/memory.js";
import { devices, members, pushes } from "../../modules/authority/records.js";
import { deviceBy, grantToken, reportLost } from "../../modules/authority/server.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { equal, test } from "../harness.js";
import { ask, centerOf, crowd, furnish, GROUP, parties } from "../support/authority.js";
import { SeededRandom } from "../support/random.js";

const EUI = "02000000000000a1";
const OTHER = "02000000000000a2";
const NOW = 1000;
const HALL: Scope = [{ appGroup: 1, level: 2, roles: RECEIVER }];

class Desk {
  readonly ledger = new MemoryLedger();
  readonly random = new SeededRandom(5);

  run<T>(decide: (rows: Rows) => T): T {
    return this.ledger.run(decide);
  }

  expect(
    more: {
      eui?: string;
      name?: string;
      scope?: Scope;
      proof?: JoinerProof;
      clientId?: Uint8Array;
    } = {},
    now = NOW,
  ) {
    const { eui = EUI, name = "lamp-1", scope = HALL, proof = "label", clientId } = more;
    const own = { eui64: fromHex(eui), name, role: 1, scope, proof, by: "operator" };
    const wanted = { ...own, ...(clientId && { clientId }) };
    return this.run((rows) => expectJoiner(rows, wanted, { random: this.random, now }));
  }

  admit(identity: Uint8Array) {
    return this.run((rows) => admitJoiner(rows, identity));
  }

  get pending(): string[] {
    return this.run((rows) => joinersIn(rows).map(({ name }) => name));
  }

  secretOf(identity: Uint8Array): string | undefined {
    const secret = this.run((rows) => rows.get("factory", toHex(identity)));
    return secret && toHex(secret);
  }

  /** What grants it a token, or does not. */
  token(identity: Uint8Array) {
    const request = { credential: identity, audience: "hall/kdc", now: NOW };
    return this.run((rows) => grantToken(rows, parties().as, request));
  }
}

function thrown(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

test("pending gives no right; a member by its own word, with what was wanted", () => {
  const desk = new Desk();
  const { identity, secret, clientId } = desk.expect();
  equal([identity.length, secret.length], [16, 16]);
  equal(desk.secretOf(identity), toHex(secret), "its channel can be opened");
  equal(desk.pending, ["lamp-1"]);
  equal(
    desk.run((rows) => devices.keys(rows).length),
    0,
  );
  equal(desk.token(identity), { ok: false, fault: "holder" });
  const device = desk.admit(identity);
  equal([device?.name, device?.scope, device?.clientId], ["lamp-1", HALL, clientId]);
  equal(desk.pending, []);
  equal(desk.token(identity).ok, true);
  equal(desk.admit(identity), undefined, "once");
});

test("a member by showing its credential, where its answer got lost", () => {
  const desk = new Desk();
  const { identity } = desk.expect();
  const { as: issuer } = parties();
  const parts = { issuer, random: desk.random, audiences: [{ name: "hall/kdc" }], now: () => NOW };
  const question = ask({ from: toHex(identity), payload: emitTokenAsk({ audience: "hall/kdc" }) });
  const { response } = desk.run((rows) => answerAs(rows, parts, question));
  equal(response.code, 0x41);
  equal(desk.pending, []);
  const shown = desk.run((rows) => deviceBy(rows, identity)?.name);
  equal(shown, "lamp-1");
});

test("the same join again goes on where it was; with other wishes, those", () => {
  const desk = new Desk();
  const first = desk.expect();
  const again = desk.expect({ name: "lamp-x", scope: [] });
  equal(
    [again.identity, again.secret, again.clientId],
    [first.identity, first.secret, first.clientId],
  );
  equal(desk.pending, ["lamp-x"]);
  equal(desk.admit(first.identity)?.scope, []);
});

test("a device that is joined anew has another credential, and the old one opens nothing", () => {
  const desk = new Desk();
  const first = desk.expect();
  desk.admit(first.identity);
  const more: Scope = [{ appGroup: 2, level: 1, roles: RECEIVER }];
  const second = desk.expect({ scope: more });
  equal(toHex(second.identity) === toHex(first.identity), false);
  equal(second.clientId, first.clientId);
  equal(second.scope, [...HALL, ...more]);
  equal(desk.token(first.identity).ok, true, "nothing changes before the new one is shown");
  equal(desk.admit(second.identity)?.scope, [...HALL, ...more]);
  equal(desk.secretOf(first.identity), undefined);
  equal(desk.token(first.identity), { ok: false, fault: "holder" });
});

test("who is named by a plan is called so, and nobody else is", () => {
  const desk = new Desk();
  const clientId = Uint8Array.of(0x4c);
  const { identity, clientId: given } = desk.expect({ clientId });
  equal(toHex(given), "4c");
  const taken = thrown(() => desk.expect({ eui: OTHER, name: "lamp-2", clientId }));
  equal(taken, "client 4c is another device");
  equal(desk.pending, ["lamp-1"]);
  desk.admit(identity);
  equal(
    desk.run((rows) => toHex(devices.need(rows, EUI).clientId)),
    "4c",
  );
});

test("a press does not go on where a label was, and gives level 2", () => {
  const desk = new Desk();
  const { identity } = desk.expect();
  const other = desk.expect({ proof: "press" });
  equal(toHex(other.identity) === toHex(identity), false);
  equal(desk.secretOf(identity), undefined);
  equal(desk.pending.length, 1);
  const high: Scope = [{ appGroup: 1, level: 3, roles: RECEIVER }];
  equal(
    thrown(() => desk.expect({ proof: "press", scope: high })),
    "a press alone gives level 2",
  );
});

test("a name is one device's, also while that is pending", () => {
  const desk = new Desk();
  const { identity } = desk.expect();
  const taken = "lamp-1 is another device's name; give another --name";
  equal(
    thrown(() => desk.expect({ eui: OTHER })),
    taken,
  );
  desk.admit(identity);
  equal(
    thrown(() => desk.expect({ eui: OTHER })),
    taken,
  );
  equal(desk.expect({ eui: OTHER, name: "lamp-2" }).clientId.length, 1);
});

test("who is lost stays lost, before and after it was pending", () => {
  const desk = new Desk();
  desk.admit(desk.expect().identity);
  const { identity } = desk.expect();
  desk.run((rows) => reportLost(rows, fromHex(EUI)));
  equal(desk.admit(identity), undefined);
  equal(desk.secretOf(identity), undefined);
  equal(
    thrown(() => desk.expect()),
    `lamp-1 (${EUI}) was reported lost, which is for good`,
  );
});

test("who was never seen is forgotten after a month, and its client id is nobody else's", () => {
  const desk = new Desk();
  const first = desk.expect();
  desk.run((rows) => forgetJoiners(rows, NOW + PENDING_SECONDS - 1));
  equal(desk.pending, ["lamp-1"]);
  desk.run((rows) => forgetJoiners(rows, NOW + PENDING_SECONDS));
  equal(desk.pending, []);
  equal(desk.secretOf(first.identity), undefined);
  equal(desk.admit(first.identity), undefined);
  equal(toHex(desk.expect({ eui: OTHER }).clientId) === toHex(first.clientId), false);
});

test("the authority commands as one client, whom nobody else is", () => {
  const desk = new Desk();
  const { clientId } = desk.expect();
  const manager = desk.run(managerId);
  equal(desk.run(managerId), manager, "for good");
  const other = desk.expect({ eui: OTHER, name: "lamp-2" }).clientId;
  equal(new Set([clientId, manager, other].map(toHex)).size, 3);
});

test("the factory key of a first join is this device's for good", () => {
  const desk = new Desk();
  const [first, second] = [1, 2].map((fill) => new Uint8Array(32).fill(fill));
  equal(
    desk.run((rows) => pinOf(rows, EUI)),
    undefined,
  );
  desk.run((rows) => pinKey(rows, fromHex(EUI), first));
  desk.run((rows) => pinKey(rows, fromHex(EUI), first));
  const other = thrown(() => desk.run((rows) => pinKey(rows, fromHex(EUI), second)));
  equal(other.includes("another factory key"), true);
  equal(
    desk.run((rows) => pinOf(rows, EUI)),
    first,
  );
  desk.run((rows) => pinKey(rows, fromHex(OTHER), second));
});

test("who was given a key when it asked is sent it once more, to say that it has it", () => {
  const ledger = new MemoryLedger();
  ledger.run((rows) => {
    const center = centerOf();
    furnish(rows, center);
    crowd(rows, 2);
    const epoch = renew(rows, center, GROUP, { isBroken: false, now: NOW });
    const [one, other] = members.keys(rows);
    for (const key of pushes.keys(rows)) pushes.delete(rows, key);
    members.put(rows, other, { ...members.need(rows, other), confirmed: epoch });
    const client = fromHex(one.slice(one.indexOf("/") + 1));
    equal(silentIn(rows, client), [one]);
    askWord(rows, client);
    equal(pushes.keys(rows), [one]);
    equal(silentIn(rows, client), [], "it is under way");
  });
});
