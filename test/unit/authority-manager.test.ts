/** The Group Manager: joining with proof of possession, and what members and verifiers may ask. */
import { RECEIVER, type Scope, SENDER } from "../../modules/access/scope.js";
import { expel } from "../../modules/authority/distribution.js";
import { popInput } from "../../modules/authority/groupcomm.js";
import { noteHeard } from "../../modules/authority/heard.js";
import { accesses, inGroup, keys, members, newcomer } from "../../modules/authority/records.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { uintBytes } from "../../modules/bytes/uint.js";
import { type Cbor, decode } from "../../modules/cbor/decode.js";
import { encode } from "../../modules/cbor/encode.js";
import { equal, test } from "../harness.js";
import { claimsSetOf, GROUP, parties } from "../support/authority.js";
import { UNBROKEN } from "../support/comers.js";
import { ALL, cborMap, Kdc, mapIn, memberSigner, NOW, outcome } from "../support/kdc.js";

const h = fromHex;
const REQUESTER = 2;
const RESPONDER = 4;
const MONITOR = 8;
const NONCE = h("25a8991cd700ac01");
const { crypto, signer: manager } = parties();
const RECEIVES: Scope = [{ appGroup: 1, level: 2, roles: RECEIVER }];
const SENDS: Scope = [{ appGroup: 1, level: 2, roles: SENDER }];

const credentialOf = (at: number) => claimsSetOf(memberSigner(at).publicKey);
const scopeOf = (tasks: number) => encode(["9", tasks]);

interface Changes {
  tasks?: number;
  /** Whose key signs. */
  by?: number;
  credential?: Uint8Array;
  challenge?: Uint8Array;
  more?: [number, Cbor][];
}

/** A group of RFC 10021. */
class Hall extends Kdc {
  readonly challenges = new Map<number, Uint8Array>();

  constructor(terms: Partial<ConstructorParameters<typeof Kdc>[0]> = {}) {
    super({ profile: "group-oscore", ...terms }, { listening: UNBROKEN });
  }

  override admit(...args: Parameters<Kdc["admit"]>): Uint8Array {
    const challenge = super.admit(...args);
    this.challenges.set(args[0], challenge);
    return challenge;
  }

  ask(at: number, changes: Changes = {}) {
    const { tasks = REQUESTER, by = at, more = [] } = changes;
    const scope = scopeOf(tasks);
    const challenge = changes.challenge ?? this.challenges.get(at) ?? h("");
    const signature = memberSigner(by).sign(popInput(scope, challenge, NONCE));
    const map = new Map<Cbor, Cbor>([
      [3, scope],
      [5, changes.credential ?? credentialOf(at)],
      [6, NONCE],
      [24, signature],
      ...more,
    ]);
    for (const [label, value] of more) if (value === undefined) map.delete(label);
    return this.say(at, "ace-group/9", { payload: encode(map) });
  }

  /** Token and join, whole. */
  join(at: number, changes: Changes = {}): Map<Cbor, Cbor> {
    this.admit(at);
    const reply = this.ask(at, changes);
    if (reply.refused !== undefined) throw new Error(outcome(reply));
    return mapIn(reply.response.payload) ?? new Map<Cbor, Cbor>();
  }

  member(at: number) {
    return this.run((rows) => members.need(rows, inGroup(GROUP, uintBytes(at))));
  }
}

test("what is signed is RFC 9594's example (§4.3.1)", () => {
  const scope = h("826667726f7570316673656e646572");
  const [challenge, nonce] = [h("018a278f7faab55a"), h("25a8991cd700ac01")];
  equal(
    toHex(popInput(scope, challenge, nonce)),
    "4f826667726f7570316673656e64657248018a278f7faab55a4825a8991cd700ac01",
  );
  const own = h("cef04b2aa791bc6d");
  equal(toHex(popInput(nonce, own)), "4825a8991cd700ac0148cef04b2aa791bc6d");
});

test("joining: the key of the group, an id, and the manager's credential with its proof", () => {
  const hall = new Hall({ graceSeconds: 60 });
  hall.admit(1);
  const reply = hall.ask(1);
  equal(outcome(reply), "2.01");
  equal(reply.response.location, ["ace-group", "9", "nodes", "01"]);
  const answer = mapIn(reply.response.payload);
  equal([answer?.get(7), answer?.get(9), answer?.get(10)], [1, 1, 1]);
  equal(answer?.get(12), 0xffffffff, "no end");
  equal(
    answer?.get(16),
    new Map([
      [0, 0],
      [1, 3600],
      [2, 60],
    ]),
  );
  equal(answer?.get(20), 0, "point to point");
  const key = answer?.get(8) as Map<Cbor, Cbor>;
  const { keyId, raw } = hall.run((rows) => keys.need(rows, inGroup(GROUP, 1)));
  const material = mapIn(raw);
  equal([key.get(2), key.get(5), key.get(6)], [material?.get(1), material?.get(2), keyId]);
  equal(toHex(key.get(7) as Uint8Array), "01", "the sender id");
  equal([key.get(3), key.get(4), key.get(8), key.get(9), key.get(10)], [5, 10, 14, 30, -8]);
  equal([key.get(11), key.get(12), key.get(13)], [[[1], [1, 6]], -27, [[1], [1, 4]]]);
  equal(answer?.get(17), claimsSetOf(manager.publicKey));
  const data = popInput(NONCE, answer?.get(18) as Uint8Array);
  const signature = answer?.get(19) as Uint8Array;
  equal(crypto.signatures?.verify({ data, signature, publicKey: manager.publicKey }), true);
  equal([hall.member(1).isProven, hall.member(1).tasks], [true, REQUESTER]);
  equal(hall.member(1).credential, credentialOf(1));
});

test("joining: every role and combination that a token grants, and no more", () => {
  const joined = (scope: Scope, tasks: number) => {
    const hall = new Hall();
    hall.admit(1, scope);
    return outcome(hall.ask(1, { tasks }));
  };
  equal(joined(ALL, REQUESTER | RESPONDER), "2.01");
  equal(joined(RECEIVES, RESPONDER), "2.01");
  equal(joined(RECEIVES, MONITOR), "2.01");
  equal(joined(RECEIVES, REQUESTER), "4.03 scope");
  equal(joined(SENDS, RESPONDER), "4.03 scope");
  equal(joined(SENDS, REQUESTER | MONITOR), "4.00 roles");
  equal(joined(ALL, 16), "4.00 roles", "a verifier joins nothing");
});

test("a client that is a silent server as well is a member of the first drafts' groups", () => {
  const hall = new Hall({ profile: "group-oscore-02" });
  hall.admit(1);
  const credential = memberSigner(1).publicKey;
  equal(outcome(hall.ask(1, { tasks: REQUESTER | MONITOR, credential })), "2.01");
  equal(hall.member(1).roles, 3);
});

test("joining: a silent server has no id and no credential", () => {
  const hall = new Hall();
  const answer = hall.join(1, { tasks: MONITOR });
  equal((answer.get(8) as Map<Cbor, Cbor>).has(7), false);
  equal(hall.member(1).credential.length, 0);
});

test("joining: who shows nothing hears what is asked for", () => {
  const hall = new Hall();
  equal(outcome(hall.say(1, "ace-group/9", { payload: h("") })), "4.01 token");
  const before = hall.admit(1);
  const { response, refused } = hall.say(1, "ace-group/9", { payload: h("") });
  equal([response.code, response.format, refused], [0x80, 261, "malformed"]);
  const answer = mapIn(response.payload);
  equal(answer?.get(29), [["9", -8, [1], [1, 6], 14]]);
  const challenge = answer?.get(30) as Uint8Array;
  equal(toHex(challenge) === toHex(before), false);
  equal(outcome(hall.ask(1)), "4.00 proof error 3", "the challenge before");
  equal(outcome(hall.ask(1, { challenge })), "2.01");
});

test("joining: what is no join request is refused by name", () => {
  const hall = new Hall();
  hall.admit(1);
  const more = (label: number, value: Cbor) => outcome(hall.ask(1, { more: [[label, value]] }));
  equal(more(3, undefined), "4.00 malformed");
  equal(more(3, encode(["8", REQUESTER])), "4.00 malformed", "another group's scope");
  equal(more(3, encode(["9", "all"])), "4.00 malformed");
  equal(more(6, undefined), "4.00 malformed");
  equal(more(6, h("")), "4.00 malformed");
  equal(more(4, 7), "4.00 malformed");
  equal(more(5, 7), "4.00 malformed");
  equal(more(24, 7), "4.00 malformed");
  equal(outcome(hall.say(1, "ace-group/9", { payload: h("ff") })), "4.00 malformed");
  equal(outcome(hall.say(1, "ace-group/9", { payload: cborMap(), format: 60 })), "4.00 malformed");
});

test("proof of possession: another's key proves nothing, and nobody tries for ever", () => {
  const hall = new Hall();
  hall.admit(1);
  const wrong = { by: 2 };
  for (let i = 0; i < 3; i++) equal(outcome(hall.ask(1, wrong)), "4.00 proof error 3", `${i}`);
  equal(outcome(hall.ask(1)), "4.03 proofs", "too late, with the right one too");
  hall.admit(1);
  equal(outcome(hall.ask(1)), "4.03 proofs", "the same second's token");
  hall.now += 1;
  hall.admit(1);
  equal(outcome(hall.ask(1)), "2.01", "a newer token is a new start");
});

test("proof of possession: what was proven counts from then on", () => {
  const hall = new Hall();
  hall.admit(1);
  equal(outcome(hall.ask(1, wrongThen)), "4.00 proof error 3");
  equal(outcome(hall.ask(1)), "2.01");
  equal(
    hall.run((rows) => accesses.need(rows, "dtls/c1").failures),
    0,
  );
});

const wrongThen: Changes = { by: 3 };

test("joining: a credential that fits the group, or error 2", () => {
  const hall = new Hall();
  hall.admit(1);
  equal(outcome(hall.ask(1, { credential: h("00") })), "4.00 credential error 2");
  const raw = memberSigner(1).publicKey;
  equal(outcome(hall.ask(1, { credential: raw })), "4.00 credential error 2", "the drafts' form");
  const weak = claimsSetOf(h(`01${"00".repeat(31)}`));
  equal(outcome(hall.ask(1, { credential: weak })), "4.00 credential error 2", "of small order");
  equal(outcome(hall.ask(1, { more: [[24, undefined]] })), "4.00 credential", "no proof at all");
});

test("joining: an empty proof is enough for a credential that was proven, by oneself", () => {
  const hall = new Hall();
  hall.join(1);
  hall.join(2);
  hall.now += 60;
  const empty = (at: number, of: number) =>
    outcome(hall.ask(at, { credential: credentialOf(of), more: [[24, h("")]] }));
  equal(empty(1, 2), "4.00 proof error 3", "somebody else proved that one");
  equal(empty(1, 1), "2.04");
  hall.now += 60;
  const same = [
    [5, h("")],
    [24, undefined],
  ] as [number, Cbor][];
  equal(outcome(hall.ask(1, { more: same })), "2.04", "the one it has");
});

test("joining again: not the same numbers under the same key, and not all the time", () => {
  const hall = new Hall();
  hall.join(1);
  equal(hall.group.epoch, 1);
  equal(outcome(hall.ask(1)), "5.03 noIds error 4");
  hall.now += 59;
  equal(outcome(hall.ask(1)), "5.03 noIds error 4");
  hall.now += 1;
  const reply = hall.ask(1);
  equal(outcome(reply), "2.04");
  equal(mapIn(reply.response.payload)?.get(9), 2, "a new key");
});

test("joining: a full group says what to do", () => {
  const hall = new Hall();
  hall.run((rows) => {
    for (let at = 100; at < 200; at++) {
      members.put(rows, inGroup(GROUP, uintBytes(at)), { ...newcomer(), roles: RECEIVER });
    }
  });
  hall.admit(1);
  const reply = hall.ask(1);
  equal(outcome(reply), "5.03 noIds error 4");
  equal(mapIn(reply.response.payload)?.get(-2), "group 9 has 100 members: split it");
});

test("joining: a group that rests takes nobody, and says so to its members", () => {
  const hall = new Hall();
  hall.join(2);
  hall.set({ isActive: false });
  hall.admit(1);
  equal(outcome(hall.ask(1)), "5.03 inactive error 9");
  const { response } = hall.get(2, "ace-group/9/active");
  equal([response.format, toHex(response.payload ?? h(""))], [60, "f4"]);
});

test("backward security: a newcomer gets a key that nothing was said under", () => {
  const hall = new Hall({ renewsOnJoin: true });
  equal(hall.join(1).get(9), 1);
  equal(hall.join(2).get(9), 2);
});

test("late joiners hear every sender's number where the authority listens", () => {
  const hall = new Hall();
  hall.set({ numbers: "heard" });
  hall.join(1);
  hall.run((rows) => noteHeard(rows, GROUP, { clientId: h("01"), epoch: 1, number: 41 }));
  const answer = hall.join(2, { tasks: RESPONDER });
  equal([answer.get(9), answer.get(-70010)], [1, [[h("01"), 42]]]);
});

test("get_creds: those that concern the newcomer, with their roles and ids", () => {
  const hall = new Hall();
  const all: Changes = { more: [[4, null]] };
  equal(hall.join(1, all).get(13), []);
  hall.join(2, { tasks: RESPONDER });
  hall.join(3, { tasks: MONITOR });
  const answer = hall.join(4, { tasks: REQUESTER | RESPONDER, more: [[4, null]] });
  equal(answer.get(15), [h("01"), h("02")], "not itself, and no monitor");
});

const idsOf = (hall: Hall, at: number, filter: Cbor) => {
  const payload = encode(new Map<Cbor, Cbor>([[4, filter]]));
  const reply = hall.say(at, "ace-group/9/creds", { method: 5, payload });
  const ids = mapIn(reply.response.payload)?.get(15);
  return Array.isArray(ids) ? ids.map((id) => toHex(id as Uint8Array)).join() : outcome(reply);
};

test("/creds: all members', or those of some roles and ids (RFC 9594 §4.4)", () => {
  const hall = new Hall();
  hall.join(1);
  hall.join(2, { tasks: RESPONDER });
  hall.join(3, { tasks: REQUESTER | RESPONDER });
  hall.join(4, { tasks: MONITOR });
  const all = mapIn(hall.get(1, "ace-group/9/creds").response.payload);
  equal(all?.get(15), [h("01"), h("02"), h("03")]);
  equal(all?.get(13), [credentialOf(1), credentialOf(2), credentialOf(3)]);
  equal(all?.get(14), [REQUESTER, RESPONDER, REQUESTER | RESPONDER]);
  equal(idsOf(hall, 1, [true, [], [h("02"), h("77")]]), "02", "nobody's id is passed over");
  equal(idsOf(hall, 1, [false, [], [h("02")]]), "01,03");
  equal(idsOf(hall, 1, [true, [REQUESTER], []]), "01,03");
  equal(idsOf(hall, 1, [true, [REQUESTER | RESPONDER], []]), "03");
  equal(idsOf(hall, 1, [true, [RESPONDER], [h("01")]]), "01,02,03");
  equal(idsOf(hall, 1, [false, [REQUESTER], [h("01")]]), "03");
  equal(idsOf(hall, 1, [true, [], []]), "4.00 malformed");
  equal(idsOf(hall, 1, null), "4.00 malformed");
  equal(idsOf(hall, 1, [true, [], [7]]), "4.00 malformed");
  equal(idsOf(hall, 1, [true, new Array(129).fill(2), []]), "4.00 malformed");
  const nobody = hall.say(1, "ace-group/9/creds", {
    method: 5,
    payload: cborMap([4, [true, [], [h("77")]]]),
  });
  equal(toHex(nobody.response.payload ?? h("")), "40", "a byte string of no length");
});

test("who is no member gets no keys; who may listen checks signatures", () => {
  const hall = new Hall();
  hall.join(1);
  hall.admit(2, RECEIVES);
  hall.admit(3, SENDS);
  for (const path of ["", "/active", "/num", "/policies", "/kdc-cred", "/nodes/02"]) {
    equal(outcome(hall.get(2, `ace-group/9${path}`)), "4.03 membersOnly error 0", path);
  }
  const stale = { method: 5, format: 60, payload: encode(0) };
  equal(outcome(hall.say(2, "ace-group/9/stale-sids", stale)), "4.03 membersOnly error 0");
  const verifier = hall.get(2, "ace-group/9/verif-data");
  equal(outcome(verifier), "2.05");
  const data = mapIn(verifier.response.payload);
  const signatureKey = data?.get(33);
  equal(signatureKey instanceof Uint8Array && signatureKey.length, 16);
  const key = data?.get(8) as Map<Cbor, Cbor>;
  equal([key.has(2), key.has(5), key.get(12)], [false, false, -27], "no secret");
  equal(outcome(hall.get(2, "ace-group/9/creds")), "2.05");
  const ask = { method: 5, payload: cborMap([6, NONCE]) };
  equal(outcome(hall.say(2, "ace-group/9/kdc-cred", ask)), "2.05");
  equal(outcome(hall.get(1, "ace-group/9/verif-data")), "4.03 verifiersOnly error 8");
  equal(outcome(hall.say(1, "ace-group/9/kdc-cred", ask)), "4.03 verifiersOnly error 8");
  equal(outcome(hall.get(3, "ace-group/9/verif-data")), "4.03 verifiersOnly error 8");
  equal(outcome(hall.get(3, "ace-group/9/creds")), "4.03 membersOnly error 0");
});

test("a group without RFC 10021's signatures has nothing to verify them with", () => {
  const hall = new Hall({ profile: "lowlatency" });
  hall.admit(2, RECEIVES);
  equal(outcome(hall.get(2, "ace-group/9/verif-data")), "4.00 noSignatures error 7");
});

test("members ask for the key, its number, policies and the manager's credential", () => {
  const hall = new Hall();
  hall.join(1);
  const value = (path: string) => {
    const decoded = decode(hall.get(1, `ace-group/9${path}`).response.payload ?? h(""));
    return decoded.ok ? decoded.value : undefined;
  };
  equal(value("/num"), 1);
  equal((value("/policies") as Map<Cbor, Cbor>).get(16) instanceof Map, true);
  const common = value("") as Map<Cbor, Cbor>;
  equal((common.get(8) as Map<Cbor, Cbor>).has(7), false, "nobody's id");
  const own = value("/nodes/01") as Map<Cbor, Cbor>;
  equal((own.get(8) as Map<Cbor, Cbor>).get(7), h("01"));
  const cred = value("/kdc-cred") as Map<Cbor, Cbor>;
  const data = popInput(NONCE, cred.get(18) as Uint8Array);
  const signature = cred.get(19) as Uint8Array;
  equal(crypto.signatures?.verify({ data, signature, publicKey: manager.publicKey }), true);
  equal(outcome(hall.get(1, "ace-group/9/nodes/02")), "4.03 node", "another's");
  equal(outcome(hall.get(1, "ace-group/9/nodes")), "4.04");
  equal(outcome(hall.get(1, "ace-group/9/nothing")), "4.04");
  equal(outcome(hall.get(1, "ace-group/9/num/x")), "4.04");
  equal(outcome(hall.get(1, "ace-group/9/nodes/01/x")), "4.04");
  equal(outcome(hall.say(1, "ace-group/9/num", { method: 4 })), "4.05");
  equal(outcome(hall.get(1, "ace-group/10")), "4.04");
  equal(outcome(hall.get(1, "ace-group/hall")), "4.04");
});

test("/ace-group: names of groups by the ids of their newest keys", () => {
  const hall = new Hall();
  hall.join(1);
  const { keyId } = hall.run((rows) => keys.need(rows, inGroup(GROUP, 1)));
  const named = (...gids: Cbor[]) =>
    hall.say(1, "ace-group", { method: 5, payload: cborMap([0, gids]) });
  const answer = mapIn(named(h("00"), keyId).response.payload);
  equal([answer?.get(0), answer?.get(1), answer?.get(2)], [[keyId], ["9"], ["/ace-group/9"]]);
  equal(toHex(named(h("00")).response.payload ?? h("")), "40");
  equal(outcome(named()), "4.00 malformed");
  equal(outcome(hall.get(1, "ace-group")), "4.05");
});

test("new numbers: a member that ran out of them makes the group get a new key", () => {
  const hall = new Hall();
  hall.join(1);
  hall.join(2, { tasks: MONITOR });
  const renewed = (at: number, method: number) =>
    hall.say(at, `ace-group/9/nodes/0${at}`, { method });
  equal(outcome(renewed(1, 3)), "5.03 noIds error 4", "a moment after it was made");
  hall.now += 60;
  equal(outcome(renewed(2, 3)), "4.00 roles error 1", "a monitor has none");
  const before = hall.group.epoch;
  const reply = renewed(1, 3);
  equal(mapIn(reply.response.payload)?.get(9), before + 1);
  hall.now += 60;
  equal(mapIn(renewed(1, 2).response.payload)?.get(9), before + 2, "POST in the OSCORE profile");
});

test("forward security: who leaves cannot read on, and is stale for those who missed it", () => {
  const hall = new Hall({ renewsOnLeave: true });
  hall.join(1);
  hall.join(2);
  const { epoch } = hall.group;
  equal(outcome(hall.say(2, "ace-group/9/nodes/02", { method: 4 })), "2.02");
  equal(hall.group.epoch, epoch + 1);
  equal(outcome(hall.get(2, "ace-group/9")), "4.03 membersOnly error 0");
  const stale = (since: Cbor) =>
    hall.say(1, "ace-group/9/stale-sids", { method: 5, format: 60, payload: encode(since) });
  equal(toHex(stale(epoch).response.payload ?? h("")), "814102");
  equal(outcome(stale(epoch + 1)), "4.00 malformed", "that is the newest");
  equal(outcome(stale("1")), "4.00 malformed");
  const long = stale(0);
  equal([long.response.code, long.response.payload], [0x45, undefined], "too long ago to know");
});

test("who is put out has no say any more, with whatever token", () => {
  const hall = new Hall();
  hall.join(1);
  hall.run((rows) => expel(rows, hall.center, h("01"), NOW));
  equal(outcome(hall.get(1, "ace-group/9")), "4.01 revoked");
  const short = new Hall();
  short.admit(1, ALL, 60);
  equal(outcome(short.ask(1)), "2.01");
  short.now += 60;
  equal(outcome(short.get(1, "ace-group/9")), "4.01 expired");
});

test("a token speaks of its groups only", () => {
  const hall = new Hall();
  hall.admit(1, [{ appGroup: 2, level: 2, roles: SENDER }]);
  equal(outcome(hall.get(1, "ace-group/9")), "4.03 scope");
  hall.admit(2, [{ appGroup: null, level: 4, roles: SENDER }]);
  equal(outcome(hall.ask(2)), "4.03 scope");
});

test("another public key: proven like the first, and the old one is stale", () => {
  const hall = new Hall();
  hall.join(1);
  const upload = (by: number, credential: Uint8Array) => {
    const challenge = hall.challenges.get(1) ?? h("");
    const signature = memberSigner(by).sign(popInput(scopeOf(REQUESTER), challenge, NONCE));
    const payload = cborMap([5, credential], [6, NONCE], [24, signature]);
    return outcome(hall.say(1, "ace-group/9/nodes/01/cred", { payload }));
  };
  equal(upload(1, credentialOf(5)), "4.00 proof error 3");
  equal(upload(5, h("00")), "4.00 credential error 2");
  equal(upload(5, credentialOf(5)), "2.04");
  equal(hall.member(1).credential, credentialOf(5));
  equal(
    outcome(hall.say(1, "ace-group/9/nodes/01/cred", { payload: cborMap() })),
    "4.00 malformed",
  );
  for (const _ of [1, 2]) equal(upload(1, credentialOf(6)), "4.00 proof error 3");
  equal(upload(6, credentialOf(6)), "4.03 proofs");
  const monitor = new Hall();
  monitor.join(1, { tasks: MONITOR });
  equal(
    outcome(monitor.say(1, "ace-group/9/nodes/01/cred", { payload: cborMap() })),
    "4.00 roles error 1",
  );
});
