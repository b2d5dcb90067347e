/**
 * New keys on their way: pushed to each member until he has them, pulled by who slept, never a
 * grace after a loss; cut anywhere, it goes on from the rows. And the same with a key tree.
 */
import { emitQuestion, parseDelivery } from "../../modules/access/delivery.js";
import { RECEIVER, type Scope } from "../../modules/access/scope.js";
import { TreeMember, treeKeyOf } from "../../modules/access/tree.js";
import { expel, isOver, renew } from "../../modules/authority/distribution.js";
import { messagesOf } from "../../modules/authority/keytree.js";
import type { Rows } from "../../modules/authority/ledger.js";
import { awaiting, confirmAll, sendingFor } from "../../modules/authority/pushing.js";
import {
  groups,
  inGroup,
  keys,
  members,
  newcomer,
  numberKey,
  pushes,
} from "../../modules/authority/records.js";
import { reportLost } from "../../modules/authority/server.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { equal, test } from "../harness.js";
import { GROUP, parties } from "../support/authority.js";
import { cborMap, Kdc, mapIn, NOW, outcome, pairwise } from "../support/kdc.js";

const h = fromHex;
const INCARNATION = h("0102030405060708");
const { signer } = parties();
const RECEIVES: Scope = [{ appGroup: 1, level: 2, roles: RECEIVER }];

/** A place whose members have joined, and say that a key is durable when they are asked. */
class Place extends Kdc {
  readonly tokens = new Map<number, Uint8Array>();
  readonly heard: string[] = [];

  constructor(members: number, terms: ConstructorParameters<typeof Kdc>[0] = {}) {
    super(terms);
    for (let at = 1; at <= members; at++) {
      this.tokens.set(at, this.token(at, RECEIVES));
      this.keys(at);
    }
    this.run((rows) => {
      for (const key of pushes.keys(rows)) pushes.delete(rows, key);
      for (let at = 1; at <= members; at++) this.confirmed(rows, at);
    });
  }

  confirmed(rows: Rows, at: number): void {
    const key = inGroup(GROUP, uintBytes(at));
    const { epoch: confirmed } = groups.need(rows, numberKey(GROUP));
    members.put(rows, key, { ...members.need(rows, key), confirmed });
  }

  keys(at: number) {
    const token = this.tokens.get(at) ?? h("");
    const payload = emitQuestion({
      token,
      wanted: [1],
      credential: h(""),
      incarnation: INCARNATION,
    });
    return this.say(at, "keys", { format: 60, payload });
  }

  renew(isBroken = false): number {
    return this.run((rows) => renew(rows, this.center, GROUP, { isBroken, now: this.now }));
  }

  waiting(): string {
    return this.run((rows) => awaiting(rows).map(({ clientId }) => toHex(clientId))).join();
  }

  /** One push; undefined: it does not answer. */
  push(at: number, answers = true) {
    const clientId = uintBytes(at);
    const to = { clientId, pairwise: pairwise(), now: this.now };
    const sending = this.run((rows) => sendingFor(rows, this.center, to));
    if (sending !== undefined && answers) {
      this.run((rows) => confirmAll(rows, clientId, sending));
    }
    return sending && parseDelivery(sending.payload);
  }

  attempts(at: number): number | undefined {
    return this.run((rows) => pushes.get(rows, inGroup(GROUP, uintBytes(at)))?.attempts);
  }
}

test("a new key is pushed to every member until he says that he has it", () => {
  const place = new Place(3);
  equal(place.waiting(), "");
  place.renew();
  equal(place.waiting(), "01,02,03");
  equal(place.push(1)?.tokens.length, 1);
  equal(place.waiting(), "02,03");
  for (let i = 0; i < 3; i++) place.push(2, false);
  equal([place.attempts(2), place.attempts(1)], [3, undefined]);
  equal(place.waiting(), "02,03", "asleep");
  equal(outcome(place.keys(2)), "2.05", "it pulls when it is awake");
  place.push(2);
  place.push(3);
  equal(place.waiting(), "");
  equal(place.push(3), undefined, "nothing is left for him");
});

test("a renewal that overtakes another: the newest is what is sent, and what counts", () => {
  const place = new Place(2);
  place.renew();
  const clientId = uintBytes(1);
  const to = { clientId, pairwise: pairwise(), now: NOW };
  const first = place.run((rows) => sendingFor(rows, place.center, to));
  place.renew();
  if (first !== undefined) place.run((rows) => confirmAll(rows, clientId, first));
  equal(place.waiting(), "01,02", "the older one confirms nothing of the newer");
  place.push(1);
  equal(place.waiting(), "02");
});

test("old and new key side by side; after a loss no old one, whoever was away for how long", () => {
  const place = new Place(3);
  place.renew();
  equal(place.push(1)?.broken, []);
  equal(
    place.run((rows) => expel(rows, place.center, h("03"), NOW)),
    [GROUP],
  );
  equal(place.push(1)?.broken.map(toHex), ["09"]);
  equal(place.waiting(), "02", "who is out is sent nothing");
  place.renew();
  equal(place.push(1)?.broken, [], "he has nothing from before the loss");
  const late = place.push(2);
  equal(late?.broken.map(toHex), ["09"], "he has");
  equal(late?.revoked, [{ clientId: h("03"), upTo: NOW }]);
});

test("draft-somaraju §5.5: three steps and the SHOULD, in one go where AS and KDC are one", () => {
  const place = new Place(3);
  const before = place.group;
  const eui64 = uintBytes(0x1001);
  place.run((rows) => {
    // 1: the AT-KDC is invalid, 3: new keys for its groups; the ledger has both or neither.
    reportLost(rows, eui64);
    expel(rows, place.center, h("01"), NOW);
  });
  equal(outcome(place.keys(1)), "4.01 revoked", "2: no new key for the invalid token");
  equal(place.group.epoch, before.epoch + 1);
  equal(toHex(place.group.kek) === toHex(before.kek), false);
  equal(place.waiting(), "02,03", "SHOULD: everybody else is told");
});

test("cut at every transaction of a renewal for all, it goes on from the rows", () => {
  const count = 4;
  for (let cutAt = 0; cutAt <= 2 * count; cutAt++) {
    const place = new Place(count);
    let left = cutAt;
    /** What is not done when the power goes, is not done at all. */
    const step = <T>(decide: (rows: Rows) => T): T => {
      if (left-- === 0) throw new Error("cut");
      return place.run(decide);
    };
    try {
      step((rows) => renew(rows, place.center, GROUP, { isBroken: false, now: NOW }));
      for (let at = 1; at <= count; at++) {
        const clientId = uintBytes(at);
        const to = { clientId, pairwise: pairwise(), now: NOW };
        const sending = step((rows) => sendingFor(rows, place.center, to));
        if (sending !== undefined) step((rows) => confirmAll(rows, clientId, sending));
      }
    } catch (error) {
      equal((error as Error).message, "cut");
    }
    // A new program on the same rows.
    const epochs = place.run((rows) => keys.keys(rows, `${numberKey(GROUP)}/`).length);
    equal(place.group.epoch, epochs, `${cutAt}: no key id twice, none without its key`);
    for (let at = 1; at <= count; at++) place.push(at);
    equal(place.waiting(), "", `${cutAt}`);
    const all = place.run((rows) =>
      members.keys(rows).map((key) => members.need(rows, key).confirmed),
    );
    equal(
      all.every((confirmed) => confirmed === place.group.epoch),
      true,
      `${cutAt}`,
    );
  }
});

test("a key's time is over: what is pushed has the whole of the new one's", () => {
  const place = new Place(1, { validitySeconds: 100 });
  place.now += 100;
  equal(
    place.run((rows) => isOver(rows, GROUP, place.now)),
    true,
  );
  place.renew();
  place.now += 40;
  equal(place.push(1)?.terms[0].validitySeconds, 60, "less what passed on the way");
});

/** A member's keys out of what it was given when it joined. */
function treeMember(answer: Map<Cbor, Cbor>, epoch: number): TreeMember {
  const decoded = decode(answer.get(27) as Uint8Array);
  const items = decoded.ok ? (decoded.value as Cbor[]) : [];
  const path = items.map((item) => {
    const key = treeKeyOf(item);
    if (key === undefined) throw new Error("no key of a tree");
    return key;
  });
  const anchor = { alg: -8, publicKey: signer.publicKey } as const;
  const given = { securityGroup: uintBytes(GROUP), anchor, path, epoch };
  return new TreeMember(parties().crypto, given);
}

class Grove extends Kdc {
  constructor() {
    super();
    this.set({ hasTree: true });
  }

  join(at: number): TreeMember {
    this.admit(at);
    const payload = encode(
      new Map<Cbor, Cbor>([
        [3, encode(["9", 4])],
        [6, h("0102030405060708")],
      ]),
    );
    const { response } = this.say(at, "ace-group/9", { payload });
    const answer = mapIn(response.payload) ?? new Map<Cbor, Cbor>();
    equal(answer.get(20), -70001, "the scheme of rekeying");
    return treeMember(answer, this.group.epoch);
  }

  messages(): Uint8Array[] {
    return this.run((rows) => messagesOf(rows, GROUP));
  }

  /** What a member has after the newest renewal was said. */
  hears(member: TreeMember): string {
    const last = this.messages()
      .map((message) => member.accept(message))
      .at(-1);
    if (last?.what !== "renewed") return last?.what ?? "nothing";
    const key = mapIn(last.key)?.get(-1);
    const { raw } = this.run((rows) => keys.need(rows, inGroup(GROUP, this.group.epoch)));
    return key instanceof Uint8Array && toHex(key) === toHex(raw) ? "the key" : "another key";
  }
}

test("a group with a key tree: joining, leaving and being put out are said to all at once", () => {
  const grove = new Grove();
  const one = grove.join(1);
  const two = grove.join(2);
  equal(grove.hears(one), "the key");
  const three = grove.join(3);
  equal([grove.hears(one), grove.hears(two)], ["the key", "the key"]);
  grove.run((rows) => expel(rows, grove.center, h("02"), NOW));
  equal(
    [grove.hears(one), grove.hears(three), grove.hears(two)],
    ["the key", "the key", "waiting"],
  );
  equal(outcome(grove.say(3, "ace-group/9/nodes/03", { method: 4 })), "2.02");
  equal([grove.hears(one), grove.hears(three)], ["the key", "waiting"]);
  equal(grove.group.epoch, 5, "each of them a key");
});

test("who missed a renewal in a tree asks for his path, and hears the next one", () => {
  const grove = new Grove();
  grove.join(1);
  grove.join(2);
  grove.join(3);
  const answer = mapIn(grove.get(1, "ace-group/9/nodes/01").response.payload);
  const again = treeMember(answer ?? new Map<Cbor, Cbor>(), grove.group.epoch);
  grove.run((rows) => renew(rows, grove.center, GROUP, { isBroken: false, now: NOW }));
  equal(grove.messages().length, 1, "nobody came or went: the group's key under the root's");
  equal(grove.hears(again), "the key");
});

test("who leaves and joins all the time renews a key once a minute", () => {
  const grove = new Grove();
  grove.join(1);
  grove.join(2);
  const leave = () => outcome(grove.say(2, "ace-group/9/nodes/02", { method: 4 }));
  const join = () => {
    const payload = cborMap([3, encode(["9", 4])], [6, h("0102030405060708")]);
    return outcome(grove.say(2, "ace-group/9", { payload }));
  };
  equal([leave(), join()], ["2.02", "5.03 noIds error 4"]);
  grove.now += 60;
  equal(join(), "2.01");
});

test("a token that was followed by a newer one opens no group any more", () => {
  const grove = new Grove();
  grove.join(1);
  grove.now += 60;
  const newer = grove.token(1, RECEIVES);
  equal(outcome(grove.get(1, "ace-group/9/num")), "2.05");
  const payload = emitQuestion({
    token: newer,
    wanted: [1],
    credential: h(""),
    incarnation: INCARNATION,
  });
  equal(outcome(grove.say(1, "keys", { format: 60, payload })), "2.05");
  equal(outcome(grove.get(1, "ace-group/9/num")), "4.01 older");
});

test("a credential that nobody proved is given to nobody", () => {
  const kdc = new Kdc({ profile: "group-oscore-02" });
  const token = kdc.token(1);
  const credential = new Uint8Array(32).fill(7);
  const payload = emitQuestion({ token, wanted: [1], credential, incarnation: INCARNATION });
  equal(outcome(kdc.say(1, "keys", { format: 60, payload })), "4.01 holder");
  kdc.run((rows) => {
    const member = { ...newcomer(), roles: 3, tasks: 2, credential };
    members.put(rows, inGroup(GROUP, uintBytes(1)), member);
    renew(rows, kdc.center, GROUP, { isBroken: false, now: NOW });
  });
  kdc.admit(1);
  const { response } = kdc.get(1, "ace-group/9/creds");
  equal(toHex(response.payload ?? h("")), "40");
});
