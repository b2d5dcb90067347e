/** Who reads on, who reads what was before, and whose token is over. */
import {
  emitQuestion,
  type KeyDelivery,
  parseDelivery,
  parseQuestion,
} from "../../modules/access/delivery.js";
import { RECEIVER, type Scope } from "../../modules/access/scope.js";
import { claimsOf, issueToken } from "../../modules/access/token.js";
import { termsFor } from "../../modules/authority/deliveries.js";
import { envelopeAad, expel, leave, renew } from "../../modules/authority/distribution.js";
import { awaiting, sendingFor } from "../../modules/authority/pushing.js";
import { inGroup, keys, members } from "../../modules/authority/records.js";
import { emitRevocation } from "../../modules/authority/revocation.js";
import { fromHex, toHex } from "../../modules/bytes/hex.js";
import { encode } from "../../modules/cbor/encode.js";
import { openEnvelope } from "../../modules/cose/envelope.js";
import { AES_CCM_16_64_128 } from "../../modules/ports/crypto.js";
import { equal, test } from "../harness.js";
import { claimsSetOf, GROUP, parties } from "../support/authority.js";
import { ALL, cborMap, Kdc, memberSigner, NOW, outcome, pairwise } from "../support/kdc.js";

const h = fromHex;
const INCARNATION = h("0102030405060708");
const { crypto, as } = parties();
const RECEIVES: Scope = [{ appGroup: 1, level: 2, roles: RECEIVER }];

function askKeys(
  kdc: Kdc,
  at: number,
  token: Uint8Array,
  { credential = h(""), incarnation = INCARNATION } = {},
) {
  const payload = emitQuestion({ token, wanted: [1], credential, incarnation });
  return kdc.say(at, "keys", { format: 60, payload });
}

function keysOf(kdc: Kdc, at: number, token: Uint8Array): KeyDelivery {
  const reply = askKeys(kdc, at, token);
  const delivery = parseDelivery(reply.response.payload ?? h(""));
  if (delivery === undefined) throw new Error(outcome(reply));
  return delivery;
}

const pushTo = (kdc: Kdc, client: string) =>
  kdc.run((rows) => {
    const to = { clientId: h(client), pairwise: pairwise(), now: kdc.now };
    return sendingFor(rows, kdc.center, to);
  });

/** The key in a token that is shown, for who has this sealing key. */
function opened(token: Uint8Array, [sealing]: KeyDelivery["sealings"]): string {
  const { envelope, securityGroup = h(""), subject } = claimsOf(token) ?? { subject: h("") };
  const key = crypto.aeadKey(AES_CCM_16_64_128, sealing.key.slice());
  const externalAad = envelopeAad(securityGroup, subject);
  return toHex(openEnvelope(envelope, { key, externalAad }) ?? h(""));
}

const rawOf = (kdc: Kdc, epoch: number) =>
  kdc.run((rows) => toHex(keys.need(rows, inGroup(GROUP, epoch)).raw));

test("a token that is shown opens for nobody who left before, nor for who comes after", () => {
  const kdc = new Kdc({ renewsOnLeave: true, renewsOnJoin: true });
  const gone = keysOf(kdc, 1, kdc.token(1, RECEIVES));
  const before = keysOf(kdc, 2, kdc.token(2)).tokens[1];
  kdc.run((rows) => leave(rows, kdc.center, GROUP, h("01")));
  const { epoch } = kdc.group;
  const shown = parseDelivery(pushTo(kdc, "02")?.payload ?? h(""))?.tokens[1] ?? h("");
  equal(opened(shown, gone.sealings), "", "who left");
  const late = keysOf(kdc, 3, kdc.token(3, RECEIVES));
  equal(opened(before, late.sealings), "", "who came");
  const receiver = parseDelivery(pushTo(kdc, "02")?.payload ?? h(""));
  const [, own = h("")] = receiver?.tokens ?? [];
  const isRead = opened(own, late.sealings).includes(rawOf(kdc, epoch + 1));
  equal(isRead, true, "who is a member has the one for it");
});

test("a key that is nearly used up: the next one, for who asks again, and once a minute", () => {
  const kdc = new Kdc({ messages: 256 });
  const token = kdc.token(1);
  keysOf(kdc, 1, token);
  keysOf(kdc, 2, kdc.token(2));
  const say = (epoch: number) => {
    const keyId = kdc.run((rows) => keys.need(rows, inGroup(GROUP, epoch)).keyId);
    const spent = [{ appGroup: 1, keyId }];
    const question = { token, wanted: [1], spent };
    const payload = emitQuestion({ ...question, credential: h(""), incarnation: INCARNATION });
    return outcome(kdc.say(1, "keys", { format: 60, payload }));
  };
  // The second to come got the group another one.
  equal([say(2), kdc.group.epoch], ["2.05", 2], "it was made just now");
  kdc.now += 60;
  equal([say(2), kdc.group.epoch], ["5.03 later", 3]);
  kdc.now += 60;
  equal([say(2), kdc.group.epoch], ["2.05", 3], "of the one before");
  equal([say(3), kdc.group.epoch], ["5.03 later", 4]);
  const endless = new Kdc();
  const own = endless.token(1);
  keysOf(endless, 1, own);
  endless.now += 60;
  const keyId = endless.run((rows) => keys.need(rows, inGroup(GROUP, 1)).keyId);
  const question = { token: own, wanted: [1], spent: [{ appGroup: 1, keyId }] };
  const payload = emitQuestion({ ...question, credential: h(""), incarnation: INCARNATION });
  endless.say(1, "keys", { format: 60, payload });
  equal(endless.group.epoch, 1, "a key without a budget is never used up");
});

test("whose token is over is told of no key, whoever asks for one, or is put out", () => {
  const kdc = new Kdc();
  keysOf(kdc, 1, kdc.token(1, ALL, 60));
  keysOf(kdc, 2, kdc.token(2));
  keysOf(kdc, 3, kdc.token(3));
  kdc.now += 59;
  equal(pushTo(kdc, "01")?.epochs, [{ group: GROUP, epoch: kdc.group.epoch, attempt: 1 }]);
  kdc.now += 1;
  equal(pushTo(kdc, "01"), undefined);
  const isMember = () =>
    kdc.run((rows) => members.get(rows, inGroup(GROUP, h("01")))) !== undefined;
  equal(isMember(), false);
  keysOf(kdc, 1, kdc.token(1, ALL, 60));
  kdc.now += 60;
  kdc.run((rows) => renew(rows, kdc.center, GROUP, { isBroken: false, now: kdc.now }));
  equal(isMember(), false);
  keysOf(kdc, 1, kdc.token(1, ALL, 60));
  kdc.now += 60;
  kdc.run((rows) => expel(rows, kdc.center, h("02"), kdc.now));
  equal(isMember(), false);
  equal(
    kdc.run(awaiting).map(({ clientId }) => toHex(clientId)),
    ["03"],
  );
});

test("/revoke: a clock that was set back revokes what was issued before", () => {
  const kdc = new Kdc();
  kdc.now = NOW + 600;
  const shown = keysOf(kdc, 1, kdc.token(1)).tokens[1];
  keysOf(kdc, 2, kdc.token(2, RECEIVES));
  kdc.now = NOW;
  const payload = emitRevocation(as, { clientId: h("01"), audience: "kdc", issuedAt: NOW });
  equal(outcome(kdc.say(2, "revoke", { payload })), "2.04");
  const asked = { clientId: h("02"), groups: [GROUP], now: kdc.now };
  const [{ upTo }] = kdc.run((rows) => termsFor(rows, asked)).revoked;
  equal(upTo >= (claimsOf(shown)?.issuedAt ?? 0), true);
});

test("/ace-group: a clock that was set back lets no token live that is over", () => {
  const kdc = new Kdc();
  keysOf(kdc, 1, kdc.token(1, ALL, 60));
  kdc.admit(1, ALL, 60);
  kdc.now += 3600;
  equal(outcome(kdc.get(1, "ace-group/9")), "4.01 expired");
  kdc.now = NOW;
  equal(outcome(kdc.get(1, "ace-group/9")), "4.01 expired");
});

test("/keys: another's public key makes nobody its owner, there or at the Group Manager", () => {
  const kdc = new Kdc({ profile: "group-oscore" });
  const victim = claimsSetOf(memberSigner(77).publicKey);
  equal(outcome(askKeys(kdc, 1, kdc.token(1), { credential: victim })), "4.01 holder");
  equal(outcome(askKeys(kdc, 2, kdc.token(2), { credential: h("deadbeef") })), "4.01 holder");
  equal(
    outcome(askKeys(kdc, 3, kdc.token(3, RECEIVES), { credential: victim })),
    "2.05",
    "needs none",
  );
  kdc.run((rows) => {
    const key = inGroup(GROUP, h("03"));
    members.put(rows, key, { ...members.need(rows, key), credential: victim });
  });
  kdc.now += 60;
  kdc.admit(3);
  const payload = cborMap([3, encode(["9", 2])], [6, h("0102")]);
  equal(outcome(kdc.say(3, "ace-group/9", { payload })), "4.00 credential");
});

test("/keys: who has another flash, or does not say, never has the key that he had", () => {
  const kdc = new Kdc();
  const token = kdc.token(1);
  const asked = (incarnation?: string) => {
    const said = incarnation === undefined ? {} : { incarnation: h(incarnation) };
    return [outcome(askKeys(kdc, 1, token, said)), kdc.group.epoch];
  };
  const [first, second] = ["0000000000000001", "0000000000000002"];
  equal(asked(first), ["2.05", 1]);
  equal(asked(first), ["2.05", 1], "the answer was lost");
  equal(asked(second), ["5.03 later", 1], "not more often than once a minute");
  kdc.now += 60;
  equal(asked(second), ["2.05", 2]);
  equal(asked(second), ["2.05", 2]);
  kdc.now += 60;
  equal(asked(""), ["2.05", 3]);
  equal(asked(""), ["5.03 later", 3]);
  kdc.now += 60;
  equal(asked(""), ["2.05", 4]);
  kdc.run((rows) => renew(rows, kdc.center, GROUP, { isBroken: false, now: kdc.now }));
  equal(asked(first), ["2.05", 5], "that one was nobody's yet");
  kdc.run((rows) => renew(rows, kdc.center, GROUP, { isBroken: false, now: kdc.now }));
  pushTo(kdc, "01");
  kdc.now += 60;
  equal(asked(second), ["2.05", 7], "that one was on its way to him");
});

test("who leaves and asks for keys all the time renews a key once a minute", () => {
  const kdc = new Kdc({ renewsOnLeave: true, renewsOnJoin: true });
  keysOf(kdc, 1, kdc.token(1));
  kdc.admit(2);
  const token = kdc.token(2);
  equal(outcome(askKeys(kdc, 2, token)), "2.05");
  const { epoch } = kdc.group;
  const gone = () => outcome(kdc.say(2, "ace-group/9/nodes/02", { method: 4 }));
  equal(gone(), "2.02");
  for (let i = 0; i < 3; i++) equal(outcome(askKeys(kdc, 2, token)), "5.03 later");
  equal([gone(), kdc.group.epoch], ["4.03 membersOnly error 0", epoch + 1]);
  kdc.now += 60;
  equal(outcome(askKeys(kdc, 2, token)), "2.05");
});

test("one client id is one device's: another needs a newer token, and then has newer keys", () => {
  const kdc = new Kdc();
  const claims = { issuer: "as", subject: h("01"), audience: "kdc", scope: ALL, id: h("77") };
  const tokenFor = (issuedAt: number, kid?: string) => {
    const bound = kid === undefined ? {} : { confirmation: { kid: h(kid) } };
    return issueToken(crypto, { ...as, claims: { ...claims, ...bound, issuedAt } });
  };
  const asked = (at: number, token: Uint8Array) => [
    outcome(askKeys(kdc, at, token)),
    kdc.group.epoch,
  ];
  equal(asked(1, tokenFor(NOW, "c1")), ["2.05", 1]);
  equal(asked(2, tokenFor(NOW, "c2")), ["4.01 taken", 1]);
  equal(asked(2, tokenFor(NOW + 1)), ["4.01 taken", 1], "what anybody may bear");
  equal(asked(2, tokenFor(NOW + 2, "c2")), ["2.05", 2]);
  equal(asked(1, tokenFor(NOW, "c1")), ["4.01 older", 2]);
  equal(asked(1, tokenFor(NOW + 2, "c1")), ["4.01 taken", 2]);
});

test("/keys: a question names each group once, and no more than its answer has room for", () => {
  const parsed = (wanted: number[]) => {
    const question = { token: h("00"), wanted, credential: h(""), incarnation: INCARNATION };
    return parseQuestion(emitQuestion(question));
  };
  const many = (count: number) => Array.from({ length: count }, (_, at) => at);
  equal(parsed(many(16))?.wanted.length, 16);
  equal(parsed(many(16))?.incarnation, INCARNATION);
  equal(parsed(many(17)), undefined);
  equal(parsed([1, 2, 1]), undefined);
  equal(parseQuestion(h("a3014100028101044100")), undefined, "8 bytes");
});
